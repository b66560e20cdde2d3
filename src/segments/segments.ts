import type { EventStore, EventTable, Keep, QueryControl, SegmentUse } from '../analytics/index.js'
import { Problem, Turns } from '../lib/index.js'
import type { Program } from '../pyql/index.js'
import type { Compile } from './compile.js'
import { type ScriptLog, writeLog } from './script-log.js'
import { readDuration, readSwitch, type Section } from './sections.js'
import { Upkeep } from './upkeep.js'

/** What is written down about a stored segment. */
export interface SegmentDefinition {
  readonly name: string
  readonly script: string
  /** When it was computed, in milliseconds since 1970, and how long that took. */
  readonly computedAt: number
  readonly costMs: number
  /** Milliseconds; null lives for ever. */
  readonly ttlMs: number | null
  readonly refreshMs: number | null
  readonly onInsert: boolean
  /** Computed from other segments, without looking at events. */
  readonly fromSegments: boolean
  /** Names of the columns that the script may know, where its author did not see all. */
  readonly columns?: readonly string[]
  /** Names of the columns that decide who is in, also by way of other segments. */
  readonly reads?: readonly string[]
  /** The numbers of these columns, 0 for what every event has: a column that is made anew under a name has another. */
  readonly readIds?: readonly number[]
  /** Who made it: a user in one of its lives. */
  readonly maker?: Omit<Maker, 'mayBuild'>
}

/** Who makes, changes or drops segments. */
export interface Maker {
  readonly username: string
  /** When the user was made: a later one of the same name is somebody else. */
  readonly since: number
  /** Whether they may change the table, and with it the segments of others. */
  readonly mayBuild: boolean
}

export interface SegmentsOptions {
  /** Stored segments of one table. */
  readonly segmentsMax: number
  /** An expired segment that nobody has used for so long is removed. */
  readonly expiredKeepMs: number
  /** Told what the background could not do. */
  readonly onError: (error: unknown) => void
}

/** Who asks; the node itself may all. */
export interface Asker {
  /** Names of the columns that they may know; undefined: all. */
  readonly columns?: readonly string[] | undefined
  readonly maker?: Maker | undefined
}

/** Stops the work, and hears what the script says. */
export interface SegmentControl extends QueryControl, Asker {
  readonly log?: ScriptLog
}

/** A change that may be asked for again when its answer was lost. */
export interface Begun {
  /** Notes that it begins. */
  readonly begin?: (() => Promise<void>) | undefined
  /** Whether that was noted before: some or all of it may be done. */
  readonly isBegun?: boolean
}

/** Segments that a request has defined without a ttl: they live as long as it, under names of their own. */
export type RequestSegments = Map<string, { readonly name: string; readonly reads: readonly string[] }>

type Script = Pick<SegmentDefinition, 'script' | 'columns'>
type Wanted = Script & Pick<SegmentDefinition, 'name' | 'ttlMs' | 'refreshMs' | 'onInsert' | 'maker'>

interface TableSegments {
  table: EventTable
  readonly segments: Map<string, SegmentDefinition>
  /** When a segment was used last, since the start. */
  readonly usedAt: Map<string, number>
}

const CHECK_MS = 1_000
export const EVERYONE = '*'
let temporaries = 0

/** The named populations of event tables: computed, kept, refreshed in the background, used by name. */
export class Segments implements AsyncDisposable {
  readonly #store: EventStore
  readonly #compile: Compile
  readonly #options: SegmentsOptions
  readonly #tables = new Map<number, TableSegments>()
  readonly #startedAt = Date.now()
  readonly #upkeep: Upkeep
  /** One at a time computes a segment: what several workers keep of it is of one script. */
  readonly #turns = new Turns()
  readonly #timer: NodeJS.Timeout
  #checking: Promise<void> | undefined
  readonly #failing = new WeakSet<SegmentDefinition>()
  /** A failed write has left them changed in some partitions only: they are computed anew before they are used. */
  readonly #torn = new WeakSet<SegmentDefinition>()
  /** When those were tried that could not be computed anew. */
  readonly #triedAt = new WeakMap<SegmentDefinition, number>()

  constructor(store: EventStore, compile: Compile, options: SegmentsOptions) {
    this.#store = store
    this.#compile = compile
    this.#options = options
    this.#upkeep = new Upkeep((table) => this.#bringUp(table), options.onError)
    this.#timer = setInterval(() => {
      this.#checking ??= this.#check().finally(() => {
        this.#checking = undefined
      })
    }, CHECK_MS)
    this.#timer.unref()
  }

  /** Reads what is stored of a table, so that it is refreshed. */
  async load(table: EventTable): Promise<Map<string, SegmentDefinition>> {
    const known = this.#tables.get(table.id)
    if (known) {
      known.table = table
      return known.segments
    }
    const segments = new Map<string, SegmentDefinition>()
    const populations = await this.#store.populations(table)
    const meanwhile = this.#tables.get(table.id)
    if (meanwhile) return meanwhile.segments
    for (const { name, header } of populations) segments.set(name, JSON.parse(header) as SegmentDefinition)
    this.#tables.set(table.id, { table, segments, usedAt: new Map() })
    for (const { name, isWhole } of populations) if (!isWhole) await this.#mend(table, segments.get(name)!)
    this.inserted(table)
    return segments
  }

  /** A stop while a segment was stored or dropped has left it in some partitions only: it is computed anew. */
  async #mend(table: EventTable, definition: SegmentDefinition): Promise<void> {
    try {
      await this.#computeAndKeep(table, definition, new Map(), {})
    } catch (error) {
      this.#options.onError(error)
      // Without space it can be neither stored nor dropped: it is tried again when it is used.
      if (error instanceof Problem && error.code === 'disk_full') this.#torn.add(definition)
      else await this.drop(table, definition.name)
    }
  }

  /** Segments that are kept up on insert are brought up soon, in the background. */
  inserted(table: EventTable): void {
    const known = this.#tables.get(table.id)
    if (known) known.table = table
    if (this.#keptUp(table.id).length > 0) this.#upkeep.due(table.id)
  }

  /** Forgets a table that was dropped. */
  forgetTable(table: number): void {
    this.#tables.delete(table)
  }

  /** Computes the segment of a section, or takes the stored one when that is asked for; the number of people in it. */
  async define(table: EventTable, section: Section, own: RequestSegments, control: SegmentControl): Promise<number> {
    const definitions = await this.load(table)
    const { ttl, useCached, refreshMs, onInsert } = flagsOf(section)
    const script: Script = { script: bare(section.script), ...(control.columns && { columns: control.columns }) }
    const stored = definitions.get(section.name)
    const isFresh = stored && this.#isFresh(stored) && !this.#isOutdated(table, stored)
    if (useCached && stored && isFresh && this.#isSame(table, stored, script)) {
      this.#used(table.id, section.name)
      return this.#count(table, stored)
    }
    const placed: Script = { ...script, script: section.script } // so that errors name the line
    if (ttl === undefined) {
      const name = temporaryName(section.name)
      const reads = this.#reads(table, placed, own)
      const people = await this.#orForget(table, name, () => this.#compute(table, placed, { name }, own, control))
      await this.#releaseOne(table, own, section.name)
      own.set(section.name, { name, reads })
      return people
    }
    if (stored && !this.#isKnown(table, stored, control.columns))
      throw new Problem('section_invalid', { line: section.line, reason: `the name '${section.name}' is taken` })
    if (!stored) await this.#makeRoom(table)
    await this.#mendTorn(table, this.#program(table, placed).setMath?.of)
    const wanted: Wanted = { ...script, name: section.name, ttlMs: ttl, refreshMs, onInsert }
    const people = await this.#turn(table, section.name, () => {
      const agreed = this.#agreed(table, definitions.get(section.name), wanted, control.maker)
      return this.#computeAndKeep(table, agreed, own, control, placed)
    })
    await this.#releaseOne(table, own, section.name)
    return people
  }

  /** What is computed where somebody wants a segment of a name that may be taken. @throws Problem forbidden */
  #agreed(table: EventTable, stored: SegmentDefinition | undefined, wanted: Wanted, by: Maker | undefined): Wanted {
    if (!stored) return by ? { ...wanted, maker: { username: by.username, since: by.since } } : wanted
    if (mayChange(stored, by)) return stored.maker ? { ...wanted, maker: stored.maker } : wanted
    // Whoever may use a segment may bring it up to date, as it is.
    if (this.#isSame(table, stored, wanted)) return stored
    throw notYours(stored)
  }

  /**
   * How scans name the populations of a list of segments. One that columns decide which who asks may not know is unknown.
   * @throws Problem segment_unknown
   */
  async uses(
    table: EventTable,
    names: readonly string[],
    own: RequestSegments,
    columns?: readonly string[],
  ): Promise<SegmentUse[]> {
    await this.load(table)
    await this.#mendTorn(
      table,
      names.filter((name) => !own.has(name)),
    )
    return this.#found(table, names, own, columns)
  }

  #found(table: EventTable, names: readonly string[], own: RequestSegments, columns?: readonly string[]): SegmentUse[] {
    const definitions = this.#tables.get(table.id)?.segments
    return names.map((name) => {
      if (name === EVERYONE) return { name }
      const inRequest = own.get(name)
      if (inRequest !== undefined) return { name: inRequest.name }
      const definition = definitions?.get(name)
      if (!definition || !this.#isKnown(table, definition, columns))
        throw new Problem('segment_unknown', { segment: name })
      this.#used(table.id, name)
      return definition.onInsert ? { name, program: this.#stored(table, definition) } : { name }
    })
  }

  /** Lets go of what lived for a request only. */
  async release(table: EventTable, own: RequestSegments): Promise<void> {
    const names = [...own.values()].map(({ name }) => name)
    if (names.length > 0) await this.#store.forget(table, names)
  }

  /** A name that the request defines anew means the new segment from then on. */
  async #releaseOne(table: EventTable, own: RequestSegments, name: string): Promise<void> {
    const before = own.get(name)
    if (before && own.delete(name)) await this.#store.forget(table, [before.name])
  }

  async list(table: EventTable, columns?: readonly string[]): Promise<(SegmentDefinition & { people: number })[]> {
    const definitions = await this.load(table)
    await this.#mendTorn(table, [...definitions.keys()]).catch(this.#options.onError)
    await this.#bringUp(table.id)
    const populations = await this.#store.populations(table)
    return populations.flatMap(({ name, people }) => {
      const definition = definitions.get(name)
      return definition && this.#isKnown(table, definition, columns) ? [{ ...definition, people }] : []
    })
  }

  /** @throws Problem segment_unknown, unless it was begun before */
  async drop(
    table: EventTable,
    name: string,
    { begin, isBegun }: Begun = {},
    { columns, maker }: Asker = {},
  ): Promise<void> {
    const definitions = await this.load(table)
    await this.#turn(table, name, async () => {
      const definition = definitions.get(name)
      const isThere = definition !== undefined && this.#isKnown(table, definition, columns)
      if (!isThere && !(isBegun && !definition)) throw new Problem('segment_unknown', { segment: name })
      if (definition && !mayChange(definition, maker)) throw notYours(definition)
      await begin?.()
      await this.#store.forget(table, [name]).catch((error) => {
        if (definition) this.#torn.add(definition)
        throw error
      })
      definitions.delete(name)
      this.#tables.get(table.id)?.usedAt.delete(name)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#checking
    await this.#upkeep[Symbol.asyncDispose]()
  }

  async #count(table: EventTable, { name, onInsert }: SegmentDefinition): Promise<number> {
    if (onInsert) await this.#store.bringUp(table, await this.uses(table, [name], new Map()))
    const populations = await this.#store.populations(table)
    return populations.find((population) => population.name === name)?.people ?? 0
  }

  async #computeAndKeep(
    table: EventTable,
    wanted: Wanted,
    own: RequestSegments,
    control: SegmentControl,
    script: Script = wanted,
  ): Promise<number> {
    const fromSegments = this.#program(table, wanted).setMath !== null
    const reads = this.#reads(table, wanted, own)
    const onInsert = wanted.onInsert && !fromSegments
    const computedAt = Date.now()
    const started = performance.now()
    const temporary = temporaryName(wanted.name)
    return this.#orForget(table, temporary, async () => {
      const people = await this.#compute(table, script, { name: temporary, watch: onInsert }, own, control)
      const costMs = Math.round((performance.now() - started) * 1000) / 1000
      const definition: SegmentDefinition = {
        ...{ ...wanted, computedAt, costMs, fromSegments, onInsert, reads },
        readIds: numbersOf(table, reads),
      }
      const definitions = await this.load(table)
      await this.#store.promote(table, temporary, wanted.name, JSON.stringify(definition)).catch((error) => {
        const before = definitions.get(wanted.name)
        if (before) this.#torn.add(before)
        throw error
      })
      definitions.set(wanted.name, definition)
      this.#used(table.id, wanted.name)
      this.inserted(table)
      return people
    })
  }

  /** What fails leaves nothing of a temporary segment. */
  async #orForget<T>(table: EventTable, temporary: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      if (this.#tables.has(table.id)) await this.#store.forget(table, [temporary])
      throw error
    }
  }

  async #compute(
    table: EventTable,
    script: Script,
    keep: Keep,
    own: RequestSegments,
    control: SegmentControl,
  ): Promise<number> {
    const program = this.#program(table, script)
    if (program.setMath) {
      const uses = this.#found(table, program.setMath.of, own, script.columns)
      return this.#store.combine(table, program, uses, keep)
    }
    const options = this.#compile.scanOptions()
    const { people, partials } = await this.#store.scan(table, { program, segments: [], ...options, keep }, control)
    writeLog(partials, options.limits.traceMax, control.log)
    return people
  }

  #keptUp(tableId: number): SegmentDefinition[] {
    return [...(this.#tables.get(tableId)?.segments.values() ?? [])].filter(({ onInsert }) => onInsert)
  }

  /** Decides about the people who have changed since. A script that fails leaves its segment as it is, and is told of once. */
  async #bringUp(tableId: number): Promise<void> {
    for (const definition of this.#keptUp(tableId)) {
      const known = this.#tables.get(tableId)
      if (!known || this.#failing.has(definition)) continue
      const { name } = definition
      try {
        await this.#store.bringUp(known.table, [{ name, program: this.#stored(known.table, definition) }])
      } catch (error) {
        // Dropped or defined anew meanwhile.
        if (known.segments.get(name) !== definition) continue
        this.#failing.add(definition)
        this.#options.onError(error)
      }
    }
  }

  /** With what they are made of. @throws Problem when they cannot be computed anew either */
  async #mendTorn(
    table: EventTable,
    names: readonly string[] = [],
    seen = new Set<SegmentDefinition>(),
  ): Promise<void> {
    for (const name of names) {
      const definition = this.#tables.get(table.id)?.segments.get(name)
      if (!definition || seen.has(definition)) continue
      if (!this.#torn.has(definition) && !this.#isOutdated(table, definition)) continue
      await this.#mendTorn(table, this.#program(table, definition).setMath?.of, seen.add(definition))
      await this.#again(table, definition)
    }
  }

  /** Computes a segment anew, unless it is gone or another one by now. */
  #again(table: EventTable, definition: SegmentDefinition): Promise<void> {
    return this.#turn(table, definition.name, async () => {
      const now = this.#tables.get(table.id)?.segments.get(definition.name)
      if (now === definition) await this.#computeAndKeep(table, definition, new Map(), {})
    })
  }

  #turn<T>(table: EventTable, name: string, run: () => Promise<T>): Promise<T> {
    return this.#turns.take(`${table.id}/${name}`, run)
  }

  #used(tableId: number, name: string): void {
    this.#tables.get(tableId)?.usedAt.set(name, Date.now())
  }

  /** @throws Problem too_many_segments */
  async #makeRoom(table: EventTable): Promise<void> {
    const { segmentsMax } = this.#options
    const definitions = await this.load(table)
    if (definitions.size < segmentsMax) return
    const oldest = [...definitions.values()].filter(isExpired).sort((a, b) => a.computedAt - b.computedAt)[0]
    if (!oldest) throw new Problem('too_many_segments', { limit: segmentsMax })
    await this.drop(table, oldest.name)
  }

  /** Stored segments of all tables. */
  get count(): number {
    return [...this.#tables.values()].reduce((sum, { segments }) => sum + segments.size, 0)
  }

  #program(table: EventTable, { script, columns }: Script): Program {
    const known = columns ? table.columns.filter(({ name }) => columns.includes(name)) : table.columns
    return this.#compile.compile(known, script, 'segment')
  }

  /** The program of a stored segment: whoever uses it by name is told whose mistake it is. */
  #stored(table: EventTable, definition: SegmentDefinition): Program {
    try {
      return this.#program(table, definition)
    } catch (error) {
      throw inSegment(definition.name, error)
    }
  }

  /** Whether columns of its were dropped and made anew: those who are in were found by values that are gone. */
  #isOutdated(table: EventTable, { onInsert, reads, readIds }: SegmentDefinition): boolean {
    if (!onInsert || !reads || !readIds) return false
    const now = numbersOf(table, reads)
    const isThere = now.every((id, at) => id !== NO_COLUMN || readIds[at] === NO_COLUMN)
    return isThere && now.some((id, at) => id !== readIds[at])
  }

  /** Whether a stored segment is of this script, and its names mean the same to both authors. */
  #isSame(table: EventTable, stored: SegmentDefinition, wanted: Script): boolean {
    if (stored.script !== wanted.script || !this.#isKnown(table, stored, wanted.columns)) return false
    const [one, other] = [stored, wanted].map((script) => this.#program(table, script).columns.map(({ name }) => name))
    return one!.join() === other!.join()
  }

  /** The columns that decide who is in, also by way of other segments. */
  #reads(table: EventTable, script: Script, own: RequestSegments): readonly string[] {
    const { setMath, columns } = this.#program(table, script)
    if (!setMath) return columns.map(({ name }) => name)
    const stored = this.#tables.get(table.id)?.segments
    const all = setMath.of.flatMap((name) => {
      const definition = stored?.get(name)
      return own.get(name)?.reads ?? (definition ? this.#readsOf(table, definition) : [])
    })
    return [...new Set(all)]
  }

  /** Segments of before that was written down are looked into as far as it goes: all columns where it does not. */
  #readsOf(table: EventTable, definition: SegmentDefinition): readonly string[] {
    if (definition.reads) return definition.reads
    const all = table.columns.map(({ name }) => name)
    if (definition.fromSegments) return all
    try {
      return this.#reads(table, definition, new Map())
    } catch {
      return all
    }
  }

  /** Whether all that decides who is in a segment is among the columns that somebody may know. */
  #isKnown(table: EventTable, definition: SegmentDefinition, columns: readonly string[] | undefined): boolean {
    if (!columns) return true
    const live = new Set(table.columns.map(({ name }) => name))
    return this.#readsOf(table, definition).every((name) => !live.has(name) || columns.includes(name))
  }

  /** What is due in the background: segments to compute anew, and those that are over. */
  async #check(): Promise<void> {
    for (const { table, segments } of [...this.#tables.values()]) {
      for (const definition of [...segments.values()]) {
        try {
          if (this.#isDue(definition)) await this.#refresh(table, definition)
          else if (this.#isOver(table, definition)) await this.drop(table, definition.name)
        } catch (error) {
          this.#options.onError(error)
        }
      }
    }
  }

  async #refresh(table: EventTable, definition: SegmentDefinition): Promise<void> {
    try {
      await this.#mendTorn(table, this.#program(table, definition).setMath?.of)
      await this.#again(table, definition)
    } catch (error) {
      // A segment whose columns were dropped stays as it is; it is tried again at its next turn.
      this.#triedAt.set(definition, Date.now())
      throw inSegment(definition.name, error)
    }
  }

  #isDue(definition: SegmentDefinition): boolean {
    const { refreshMs, computedAt } = definition
    return refreshMs !== null && Date.now() - (this.#triedAt.get(definition) ?? computedAt) >= refreshMs
  }

  #isFresh(definition: SegmentDefinition): boolean {
    return !isExpired(definition) && !this.#torn.has(definition)
  }

  /** Expired, and not used for long. */
  #isOver({ id }: EventTable, definition: SegmentDefinition): boolean {
    if (!isExpired(definition)) return false
    const usedAt = this.#tables.get(id)?.usedAt.get(definition.name) ?? this.#startedAt
    const since = Math.max(usedAt, definition.computedAt + definition.ttlMs!)
    return Date.now() - since >= this.#options.expiredKeepMs
  }
}

const NO_COLUMN = 0

function numbersOf({ columns }: EventTable, names: readonly string[]): number[] {
  return names.map((name) => columns.find((column) => column.name === name)?.id ?? NO_COLUMN)
}

function inSegment(name: string, error: unknown): unknown {
  if (!(error instanceof Problem) || typeof error.facts.reason !== 'string') return error
  return new Problem(
    error.code,
    { ...error.facts, reason: `Segment '${name}': ${error.facts.reason}` } as never,
    error.more,
  )
}

function mayChange({ maker }: SegmentDefinition, by: Maker | undefined): boolean {
  if (!by || by.mayBuild) return true
  return maker?.username === by.username && maker.since === by.since
}

function notYours({ name }: SegmentDefinition): Problem {
  const who = 'who made it, and those who may change the structure of the database'
  const reason = `Segment '${name}' is changed and dropped by ${who}`
  return new Problem('forbidden', {}, { unauthorized_access: [reason], invalid_schema_items: [] })
}

/** A name that no request can write: of what lives for a request, or until it is stored. */
function temporaryName(name: string): string {
  return `\u0001${++temporaries}/${name}`
}

/** A script without the empty lines that keep its place in the body. */
function bare(script: string): string {
  return `${script.replace(/^\n+/, '').trimEnd()}\n`
}

export function isExpired({ computedAt, ttlMs }: Pick<SegmentDefinition, 'computedAt' | 'ttlMs'>): boolean {
  return ttlMs !== null && Date.now() - computedAt >= ttlMs
}

function flagsOf({ flags, line }: Section) {
  const known = new Set(['ttl', 'use_cached', 'refresh', 'on_insert'])
  for (const flag of flags.keys()) {
    if (!known.has(flag))
      throw new Problem('section_invalid', {
        line,
        reason: `a segment has no flag '${flag}': ttl, use_cached, refresh, on_insert`,
      })
  }
  const ttl = flags.get('ttl')
  const refresh = flags.get('refresh')
  return {
    /** Undefined: lives for the request. */
    ttl: ttl === undefined ? undefined : (readDuration(ttl, line) ?? null),
    refreshMs: refresh === undefined ? null : (readDuration(refresh, line) ?? null),
    useCached: readSwitch(flags.get('use_cached'), 'use_cached', line),
    onInsert: readSwitch(flags.get('on_insert'), 'on_insert', line),
  }
}
