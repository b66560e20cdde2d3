import { setImmediate as turn } from 'node:timers/promises'
import { Problem } from '../lib/index.js'
import type { Population, Program, Scan, ScanOptions } from '../pyql/index.js'
import type { FoldSchedule } from './fold-schedule.js'
import type { Held, HeldPartitions } from './held-partitions.js'
import type { Snapshot } from './partition.js'
import { bitsOf, type CapturedPopulation, everyone, has, wordsFor } from './populations.js'
import { EVERYONE, type Keep, type SegmentUse } from './protocol.js'
import { Scratch, scanBlock, unitsOf } from './scan-reader.js'
import { columnOf, type EventTable } from './schema.js'

export type MakeScan = (program: Program, options: ScanOptions) => Scan

/** Whom a scan is about, and whom it will keep. */
interface Uses {
  readonly segments: readonly SegmentUse[]
  readonly keep?: Keep | undefined
  readonly options?: typeof UPKEEP
}

/** A partition as it was when a scan began. */
interface Taken {
  readonly held: Held
  readonly snapshot: Snapshot
  readonly captured: readonly (CapturedPopulation | undefined)[]
  readonly pin: number | undefined
}

/** A partition, as a scan visits it. */
export interface Place {
  readonly held: Held
  readonly snapshot: Snapshot
  readonly populations: () => Promise<(Population | undefined)[]>
  readonly pause: () => Promise<void> | undefined
}

/** Longest time that a scan keeps others waiting, in milliseconds. */
export const SLICE_MS = 8

/** How programs run of which nobody waits for the answer. */
export const UPKEEP = {
  sessionTime: 1_800_000,
  trace: false,
  limits: {
    stepsMax: 10_000_000,
    memoryMax: 10_000_000,
    nodesMax: 1,
    charactersMax: 100_000_000,
    depthMax: 64,
    traceMax: 0,
  },
}

/** Takes questions through the partitions of a table, with the populations of segments as they were at one moment. */
export class Visits {
  readonly scratch = new Scratch()
  readonly makeScan: MakeScan
  readonly #held: HeldPartitions
  readonly #folds: FoldSchedule

  constructor(held: HeldPartitions, folds: FoldSchedule, makeScan: MakeScan) {
    this.makeScan = makeScan
    this.#held = held
    this.#folds = folds
  }

  /**
   * Visits every partition in one state, in slices that let others in between. Rows, populations and who has changed
   * since are those of the moment of the call, whatever is inserted meanwhile.
   */
  async each(table: EventTable, flags: Int32Array, uses: Uses, visit: (place: Place) => Promise<void>): Promise<void> {
    const taken: Taken[] = []
    const slice = pauses()
    const pause = () => {
      if (Atomics.load(flags, 0) !== 0) throw new Problem('query_cancelled', {})
      return slice()
    }
    this.#folds.scanBegins()
    try {
      for (const held of this.#held.all(table)) taken.push(take(held, uses))
      for (const { held, snapshot, captured } of taken) {
        await pause()
        const populations = () => this.#populations(held, snapshot, captured, uses, pause)
        await visit({ held, snapshot, populations, pause })
      }
    } catch (error) {
      if (!this.#held.knows(table.id)) throw new Problem('query_cancelled', {})
      throw error
    } finally {
      this.#folds.scanEnds()
      for (const { held, pin } of taken) {
        held.partition.release()
        if (pin !== undefined) held.populations.unpin(pin)
      }
    }
  }

  /** Keeps the members of a population that a question has found in a partition in memory, until it is promoted. */
  keep(held: Held, snapshot: Snapshot, keep: Keep | undefined, bits: Population): void {
    if (!keep || !this.#held.isCurrent(held)) return
    held.populations.put(keep.name, { bits, header: undefined, rightAt: keep.watch ? snapshot.rows : undefined })
  }

  /** The members of each segment as the rows of a snapshot have it. Undefined is everyone. */
  async #populations(
    held: Held,
    snapshot: Snapshot,
    captured: readonly (CapturedPopulation | undefined)[],
    { segments, options = UPKEEP }: Uses,
    pause: () => Promise<void> | undefined,
  ): Promise<(Population | undefined)[]> {
    const populations: (Population | undefined)[] = []
    for (const [at, { name, program }] of segments.entries()) {
      const population = captured[at]
      if (!population || !program || population.changed.length === 0) populations.push(population?.kept.bits)
      else populations.push(await this.#bringUp(held, snapshot, name, population, program, options, pause))
    }
    return populations.length === 0 ? [undefined] : populations
  }

  /** Decides anew about the people of a population who have changed. */
  async #bringUp(
    held: Held,
    snapshot: Snapshot,
    name: string,
    { kept, changed: people }: CapturedPopulation,
    program: Program,
    options: typeof UPKEEP,
    pause: () => Promise<void> | undefined,
  ): Promise<Population> {
    const changed = people === 'unknown' ? everyone(snapshot.people) : bitsOf(people, snapshot.people)
    const columns = program.columns.map((column) => columnOf(held.partition.schema, column.name))
    const scan = this.makeScan(program, { ...options, now: Date.now(), cancel: new Int32Array(2), sliceMs: SLICE_MS })
    const members = new Uint32Array(wordsFor(snapshot.people))
    for (const unit of unitsOf(snapshot)) {
      if (!touches(changed, unit.first, unit.people)) continue
      for (let from = 0; from < unit.people; ) {
        from = scan.run(scanBlock(snapshot, unit, columns, this.scratch), changed, members, from)
        await pause()
      }
    }
    const bits = new Uint32Array(wordsFor(snapshot.people))
    for (let at = 0; at < bits.length; at++) {
      bits[at] = ((kept.bits[at] ?? 0) & ~changed[at]!) | ((members[at] ?? 0) & changed[at]!)
    }
    // Another one may have come further meanwhile, or the segment may be gone or another by now.
    if (held.populations.get(name) !== kept || !this.#held.isCurrent(held)) return bits
    const writes = held.populations.put(name, { ...kept, bits, rightAt: snapshot.rows })
    if (writes.length > 0) await this.#held.write(held.partition.environment, writes)
    return bits
  }
}

/** Lets others in between when a slice is over. */
export function pauses(): () => Promise<void> | undefined {
  let sliceEnd = performance.now() + SLICE_MS
  return () =>
    performance.now() < sliceEnd ? undefined : turn().then(() => void (sliceEnd = performance.now() + SLICE_MS))
}

/** Whether a population has anybody of a range of people. */
export function touches(population: Population, first: number, people: number): boolean {
  for (let person = first; person < first + people; person++) {
    if ((person & 31) === 0 && population[person >>> 5] === 0) person += 31
    else if (has(population, person)) return true
  }
  return false
}

function take(held: Held, { segments, keep }: Uses): Taken {
  const captured = segments.map(({ name }) => {
    if (name === EVERYONE) return undefined
    const population = held.populations.capture(name)
    if (!population) throw new Problem('segment_unknown', { segment: name })
    return population
  })
  const isWatched = keep?.watch === true || segments.some(({ program }) => program !== undefined)
  return {
    held,
    captured,
    pin: isWatched ? held.populations.pin() : undefined,
    snapshot: held.partition.snapshot(),
  }
}
