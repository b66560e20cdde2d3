import { assert } from '../lib/index.js'
import type { PartialResult, Program, ScanOptions } from '../pyql/index.js'
import { mayHold } from './block-stats.js'
import { ColumnCount } from './column-count.js'
import type { HeldPartitions } from './held-partitions.js'
import type { Partition, Snapshot } from './partition.js'
import { type PersonRow, rowsOfPerson } from './person-rows.js'
import { combine, countBits, everyone, wordsFor } from './populations.js'
import type { ColumnPart, ColumnRequest, Keep, ScanRequest, SegmentUse, StoreSettings } from './protocol.js'
import { hasFreshRows, scanBlock, type Unit, unitsOf } from './scan-reader.js'
import { columnOf, type EventColumn, type PersonId } from './schema.js'
import { SLICE_MS, type Visits } from './visits.js'

const JOIN = {
  population: (word: number) => word,
  union: (word: number, other: number) => word | other,
  intersection: (word: number, other: number) => word & other,
  difference: (word: number, other: number) => word & ~other,
}

type Limits = Pick<StoreSettings, 'resultCharactersMax'>

/** Answers what is asked of the events of a table. */
export class Questions {
  readonly #held: HeldPartitions
  readonly #visits: Visits
  readonly #limits: Limits

  constructor(held: HeldPartitions, visits: Visits, limits: Limits) {
    this.#held = held
    this.#visits = visits
    this.#limits = limits
  }

  async scan(request: ScanRequest): Promise<{ partials: PartialResult[]; people: number }> {
    const table = this.#held.table(request.table)
    const { program, segments, flags } = request
    const options: ScanOptions = { ...request.options, cancel: flags, sliceMs: SLICE_MS }
    const scans = (segments.length === 0 ? [undefined] : segments).map(() => this.#visits.makeScan(program, options))
    const columns = program.columns.map((column) => columnOf(table, column.name))
    const isSegment = program.mode === 'segment'
    let people = 0
    const uses = { segments, keep: request.keep, options: request.options }
    await this.#visits.each(table, flags, uses, async ({ held, snapshot, populations: given, pause }) => {
      const populations = await given()
      if (!canMatch(held.partition, program, columns)) {
        if (isSegment) this.#visits.keep(held, snapshot, request.keep, new Uint32Array(0))
        return
      }
      const members = isSegment ? new Uint32Array(wordsFor(snapshot.people)) : undefined
      for (const unit of unitsOf(snapshot)) {
        if (!blockCanMatch(snapshot, unit, program, columns)) {
          Atomics.add(flags, 1, unit.people)
          continue
        }
        const read = () => scanBlock(snapshot, unit, columns, this.#visits.scratch)
        let block = read()
        for (const [at, scan] of scans.entries()) {
          for (let from = 0; ; ) {
            const before = from
            from = scan.run(block, populations[at], members, from)
            if (at === 0) Atomics.add(flags, 1, from - before)
            if (from >= unit.people) break
            await pause()
            block = read() // Who came in between has used the scratch that the block lies in.
          }
        }
        await pause()
      }
      if (!members) return
      people += countBits(members)
      this.#visits.keep(held, snapshot, request.keep, members)
    })
    return { partials: scans.map((scan) => scan.partial()), people }
  }

  async column(request: ColumnRequest): Promise<ColumnPart> {
    const table = this.#held.table(request.table)
    const column = columnOf(table, request.column)
    assert(column !== undefined, 'the column was looked up before')
    const { segments } = request
    const count = new ColumnCount(column, Math.max(1, segments.length), request)
    await this.#visits.each(table, request.flags, { segments }, async ({ snapshot, populations: given, pause }) => {
      const populations = await given()
      for (const unit of unitsOf(snapshot)) {
        count.count(snapshot, unit, populations, this.#visits.scratch)
        Atomics.add(request.flags, 1, unit.people)
        await pause()
      }
      count.endPartition()
    })
    return count.finish()
  }

  person(tableId: number, person: PersonId, columns: readonly string[], number: number): PersonRow[] | undefined {
    const table = this.#held.table(tableId)
    const shown = columns.map((name) => columnOf(table, name)).filter((column) => column !== undefined)
    return rowsOfPerson(this.#held.hold(table, number).partition, person, shown, this.#visits.scratch, this.#limits)
  }

  /** Computes a population from others. */
  async combine(tableId: number, program: Program, names: readonly SegmentUse[], keep: Keep): Promise<number> {
    const table = this.#held.table(tableId)
    const { setMath } = program
    assert(setMath !== null, 'the program is set math')
    let people = 0
    await this.#visits.each(table, new Int32Array(2), { segments: names }, async ({ held, snapshot, populations }) => {
      const all = everyone(snapshot.people)
      const operands = (await populations()).map((population) => population ?? all)
      const members =
        setMath.op === 'complement'
          ? combine([all, ...operands], snapshot.people, (word, other) => word & ~other)
          : combine(operands, snapshot.people, JOIN[setMath.op])
      people += countBits(members)
      this.#visits.keep(held, snapshot, keep, members)
    })
    return people
  }

  /** Decides anew about people who have changed, in populations that are kept up. */
  async bringUp(tableId: number, uses: readonly SegmentUse[]): Promise<void> {
    await this.#visits.each(
      this.#held.table(tableId),
      new Int32Array(2),
      { segments: uses },
      async ({ populations }) => {
        await populations()
      },
    )
  }
}

/** Whether any row of a partition can fulfil what the program needs: its texts know one of the values. */
function canMatch(partition: Partition, program: Program, columns: readonly (EventColumn | undefined)[]): boolean {
  if (program.needs.length === 0) return true
  return program.needs.some(({ slot, values }) => {
    const column = columns[slot]
    if (column?.type !== 'text') return column !== undefined
    const texts = partition.texts(column.id)
    return values.some((value) => typeof value !== 'string' || texts.codeOf(value) > 0)
  })
}

/** Whether a unit can fulfil what the program needs: it has fresh rows, or its block holds one of the values. */
function blockCanMatch(
  snapshot: Snapshot,
  { block }: Unit,
  { needs }: Program,
  columns: readonly (EventColumn | undefined)[],
): boolean {
  const { partition } = snapshot
  if (needs.length === 0 || !block || hasFreshRows(snapshot, block)) return true
  const stats = partition.stored.statsOf(block)
  if (!stats) return true
  return needs.some(({ slot, values }) => {
    const column = columns[slot]
    return (
      column !== undefined && values.some((value) => mayHold(stats, column.id, elementOf(partition, column, value)))
    )
  })
}

/** A value as a column stores it. */
function elementOf(partition: Partition, column: EventColumn, value: string | number | boolean): number {
  if (typeof value === 'string') return partition.texts(column.id).codeOf(value)
  return typeof value === 'boolean' ? (value ? 2 : 1) : value
}
