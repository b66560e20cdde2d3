import type { EventStore, EventTable, QueryControl, SegmentUse } from '../analytics/index.js'
import { Problem } from '../lib/index.js'
import type { Program } from '../pyql/index.js'
import type { Compile } from './compile.js'
import { readDuration, type Section } from './sections.js'

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
}

export interface SegmentLimits {
  readonly scriptCharactersMax: number
  readonly segmentsMax: number
}

/** Segments that a request has defined without a ttl: they live as long as it. */
export type RequestSegments = Map<string, string>

const REFRESH_CHECK_MS = 1_000
const EVERYONE = '*'
let requests = 0

/** The named populations of event tables: computed, kept, refreshed in the background, used by name. */
export class Segments implements AsyncDisposable {
  readonly #store: EventStore
  readonly #compile: Compile
  readonly #segmentsMax: number
  readonly #log: (error: unknown) => void
  readonly #tables = new Map<number, { table: EventTable; segments: Map<string, SegmentDefinition> }>()
  readonly #timer: NodeJS.Timeout
  #refreshing: Promise<void> | undefined

  constructor(store: EventStore, compile: Compile, segmentsMax: number, log: (error: unknown) => void) {
    this.#store = store
    this.#compile = compile
    this.#segmentsMax = segmentsMax
    this.#log = log
    this.#timer = setInterval(() => {
      this.#refreshing ??= this.#refreshDue().finally(() => {
        this.#refreshing = undefined
      })
    }, REFRESH_CHECK_MS)
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
    for (const { name, header } of await this.#store.populations(table)) {
      segments.set(name, JSON.parse(header) as SegmentDefinition)
    }
    this.#tables.set(table.id, { table, segments })
    return segments
  }

  /** Forgets a table that was dropped. */
  forgetTable(table: number): void {
    this.#tables.delete(table)
  }

  /** Computes the segment of a section, or takes the stored one when that is asked for; the number of people in it. */
  async define(table: EventTable, section: Section, own: RequestSegments, control: QueryControl): Promise<number> {
    const definitions = await this.load(table)
    const { ttl, useCached, refreshMs, onInsert } = flagsOf(section)
    const stored = definitions.get(section.name)
    if (useCached && stored && isFresh(stored) && stored.script === bare(section.script))
      return this.#count(table, stored)
    if (ttl === undefined) {
      const name = `\u0001${++requests}/${section.name}`
      own.set(section.name, name)
      return (await this.#compute(table, section.script, { name }, own, control)).people
    }
    if (!stored && definitions.size >= this.#segmentsMax) {
      throw new Problem('too_many_segments', { limit: this.#segmentsMax })
    }
    const definition = {
      name: section.name,
      script: bare(section.script),
      ttlMs: ttl,
      refreshMs,
      onInsert,
    }
    own.delete(section.name)
    return this.#computeAndKeep(table, definition, own, control)
  }

  /** How scans name the populations of a list of segments. @throws Problem segment_unknown */
  async uses(table: EventTable, names: readonly string[], own: RequestSegments): Promise<SegmentUse[]> {
    const definitions = await this.load(table)
    return names.map((name) => {
      if (name === EVERYONE) return { name }
      const inRequest = own.get(name)
      if (inRequest !== undefined) return { name: inRequest }
      const definition = definitions.get(name)
      if (!definition) throw new Problem('segment_unknown', { segment: name })
      return definition.onInsert ? { name, program: this.#program(table, definition.script) } : { name }
    })
  }

  /** Lets go of what lived for a request only. */
  async release(table: EventTable, own: RequestSegments): Promise<void> {
    if (own.size > 0) await this.#store.forget(table, [...own.values()])
  }

  async list(table: EventTable): Promise<(SegmentDefinition & { people: number })[]> {
    const definitions = await this.load(table)
    const kept = [...definitions.values()].filter(({ onInsert }) => onInsert).map(({ name }) => name)
    if (kept.length > 0) await this.#store.bringUp(table, await this.uses(table, kept, new Map()))
    const populations = await this.#store.populations(table)
    return populations.flatMap(({ name, people }) => {
      const definition = definitions.get(name)
      return definition ? [{ ...definition, people }] : []
    })
  }

  /** @throws Problem segment_unknown */
  async drop(table: EventTable, name: string): Promise<void> {
    const definitions = await this.load(table)
    if (!definitions.delete(name)) throw new Problem('segment_unknown', { segment: name })
    await this.#store.forget(table, [name])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#refreshing
  }

  async #count(table: EventTable, { name }: SegmentDefinition): Promise<number> {
    const populations = await this.#store.populations(table)
    return populations.find((population) => population.name === name)?.people ?? 0
  }

  async #computeAndKeep(
    table: EventTable,
    wanted: Pick<SegmentDefinition, 'name' | 'script' | 'ttlMs' | 'refreshMs' | 'onInsert'>,
    own: RequestSegments,
    control: QueryControl,
  ): Promise<number> {
    const computedAt = Date.now()
    const fromSegments = this.#program(table, wanted.script).setMath !== null
    // What it costs is known only after it is stored; the stored figure is that of the time before.
    const before = this.#tables.get(table.id)?.segments.get(wanted.name)?.costMs ?? 0
    const definition: SegmentDefinition = {
      ...wanted,
      computedAt,
      costMs: before,
      fromSegments,
      onInsert: wanted.onInsert && !fromSegments,
    }
    const keep = { name: wanted.name, header: JSON.stringify(definition), watch: definition.onInsert }
    const started = performance.now()
    const { people } = await this.#compute(table, wanted.script, keep, own, control)
    const costMs = Math.round((performance.now() - started) * 1000) / 1000
    const definitions = await this.load(table)
    definitions.set(wanted.name, { ...definition, costMs })
    return people
  }

  async #compute(
    table: EventTable,
    script: string,
    keep: { name: string; header?: string; watch?: boolean },
    own: RequestSegments,
    control: QueryControl,
  ): Promise<{ people: number }> {
    const program = this.#program(table, script)
    if (program.setMath) {
      const uses = await this.uses(table, program.setMath.of, own)
      return { people: await this.#store.combine(table, program, uses, keep) }
    }
    const options = this.#compile.scanOptions()
    return this.#store.scan(table, { program, segments: [], ...options, keep }, control)
  }

  #program(table: EventTable, script: string): Program {
    return this.#compile.compile(table.columns, script, 'segment')
  }

  async #refreshDue(): Promise<void> {
    for (const { table, segments } of [...this.#tables.values()]) {
      for (const definition of [...segments.values()]) {
        const { refreshMs, computedAt } = definition
        if (refreshMs === null || Date.now() - computedAt < refreshMs) continue
        try {
          await this.#computeAndKeep(table, definition, new Map(), {})
        } catch (error) {
          // A segment whose columns were dropped stays as it is; it is tried again at its next turn.
          segments.set(definition.name, { ...definition, computedAt: Date.now() })
          this.#log(error)
        }
      }
    }
  }
}

/** A script without the empty lines that keep its place in the body. */
function bare(script: string): string {
  return `${script.replace(/^\n+/, '').trimEnd()}\n`
}

function isFresh({ computedAt, ttlMs }: SegmentDefinition): boolean {
  return ttlMs === null || Date.now() - computedAt < ttlMs
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
    useCached: isOn(flags.get('use_cached')),
    onInsert: isOn(flags.get('on_insert')),
  }
}

function isOn(flag: string | undefined): boolean {
  return flag !== undefined && flag.toLowerCase() !== 'false'
}
