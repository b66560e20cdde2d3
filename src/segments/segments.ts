import {
  EVERYONE,
  type EventStore,
  type EventTable,
  type Keep,
  type QueryControl,
  type SegmentUse,
} from '../analytics/index.js'
import { Problem, Turns } from '../lib/index.js'
import type { Compile } from './compile.js'
import { type ScriptLog, writeLog } from './script-log.js'
import { segmentFlagsOf } from './section-fields.js'
import type { Section } from './sections.js'
import {
  type Asker,
  isExpired,
  type Maker,
  mayChange,
  notYours,
  type Script,
  type SegmentDefinition,
  type Wanted,
} from './segment-definition.js'
import { inSegment, numbersOf, type RequestSegments, SegmentScripts } from './segment-scripts.js'
import { Upkeep } from './upkeep.js'

export interface SegmentsOptions {
  /** Stored segments of one table. */
  readonly segmentsMax: number
  /** An expired segment that nobody has used for so long is removed. */
  readonly expiredKeepMs: number
  /** Told what the background could not do. */
  readonly onError: (error: unknown) => void
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

interface TableSegments {
  table: EventTable
  readonly segments: Map<string, SegmentDefinition>
  /** When a segment was used last, since the start. */
  readonly usedAt: Map<string, number>
}

const CHECK_MS = 1_000
let temporaries = 0

/** The named populations of event tables: computed, kept, refreshed in the background, used by name. */
export class Segments implements AsyncDisposable {
  readonly #store: EventStore
  readonly #compile: Compile
  readonly #scripts: SegmentScripts
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
    this.#scripts = new SegmentScripts(compile, (tableId) => this.#tables.get(tableId)?.segments)
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
    const { ttl, useCached, refreshMs, onInsert } = segmentFlagsOf(section)
    const script: Script = { script: bare(section.script), ...(control.columns && { columns: control.columns }) }
    const stored = definitions.get(section.name)
    const isFresh = stored && this.#isFresh(stored) && !this.#scripts.isOutdated(table, stored)
    if (useCached && stored && isFresh && this.#scripts.isSame(table, stored, script)) {
      this.#used(table.id, section.name)
      return this.#count(table, stored)
    }
    const placed: Script = { ...script, script: section.script } // so that errors name the line
    if (ttl === undefined) {
      const name = temporaryName(section.name)
      const reads = this.#scripts.reads(table, placed, own)
      const people = await this.#orForget(table, name, () => this.#compute(table, placed, { name }, own, control))
      await this.#releaseOne(table, own, section.name)
      own.set(section.name, { name, reads })
      return people
    }
    if (stored && !this.#scripts.isKnown(table, stored, control.columns))
      throw new Problem('section_invalid', { line: section.line, reason: `the name '${section.name}' is taken` })
    if (!stored) await this.#makeRoom(table)
    await this.#mendTorn(table, this.#scripts.program(table, placed).setMath?.of)
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
    if (this.#scripts.isSame(table, stored, wanted)) return stored
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
      if (!definition || !this.#scripts.isKnown(table, definition, columns))
        throw new Problem('segment_unknown', { segment: name })
      this.#used(table.id, name)
      return definition.onInsert ? { name, program: this.#scripts.programOf(table, definition) } : { name }
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
      return definition && this.#scripts.isKnown(table, definition, columns) ? [{ ...definition, people }] : []
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
      const isThere = definition !== undefined && this.#scripts.isKnown(table, definition, columns)
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
    const fromSegments = this.#scripts.program(table, wanted).setMath !== null
    const reads = this.#scripts.reads(table, wanted, own)
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
    const program = this.#scripts.program(table, script)
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
        await this.#store.bringUp(known.table, [{ name, program: this.#scripts.programOf(known.table, definition) }])
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
      if (!this.#torn.has(definition) && !this.#scripts.isOutdated(table, definition)) continue
      await this.#mendTorn(table, this.#scripts.program(table, definition).setMath?.of, seen.add(definition))
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
      await this.#mendTorn(table, this.#scripts.program(table, definition).setMath?.of)
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

/** A name that no request can write: of what lives for a request, or until it is stored. */
function temporaryName(name: string): string {
  return `\u0001${++temporaries}/${name}`
}

/** A script without the empty lines that keep its place in the body. */
function bare(script: string): string {
  return `${script.replace(/^\n+/, '').trimEnd()}\n`
}
