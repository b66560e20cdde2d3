import { type Steps, withPauses } from '../lib/index.js'
import type { Write } from '../storage/index.js'
import type { BlockEntry } from './block-entry.js'
import { type BlockStats, statsOf } from './block-stats.js'
import { type ColumnValues, encode } from './codec.js'
import { Kind, key } from './keys.js'
import { hasFresh } from './merge.js'
import type { Partition, Snapshot } from './partition.js'
import { columnOfUnit, rowsOfUnit, Scratch, stampsOfUnit, type Unit, type UnitRows } from './scan-reader.js'
import { ACTION_COLUMN, LAST, ROWS, STAMP, STATS } from './schema.js'

/** Rows at which a block is full; it is cut in two at twice as many. */
export const BLOCK_ROWS = 32_768
const BLOCK_PEOPLE_MAX = 8_192
/** Time for which columns of a block are made before inserts and queries are let in between, in milliseconds. */
const SLICE_MS = 1

/** The log and the delta up to here are being folded into blocks. */
interface Round {
  readonly log: number
  readonly snapshot: Snapshot
  /** The next person to look at. */
  next: number
}

/**
 * Folds a partition's delta into its blocks, one block in each step, with pauses between its columns, so that inserts
 * and queries never wait long. A block is written anew under a new id together with the state that names it, in one
 * transaction; only then do readers see it, and only when nobody reads the old one is it removed. When every block holds
 * the rows of the round, their log goes. A stop between any two steps loses nothing: the state says for each block up to
 * where it holds the log.
 */
export class Folding {
  readonly #partition: Partition
  readonly #scratch = new Scratch()
  readonly #store: (writes: readonly Write[]) => Promise<void>
  #round: Round | undefined
  #isAbandoned = false

  /** @param store writes behind all that was written before */
  constructor(partition: Partition, store: (writes: readonly Write[]) => Promise<void>) {
    this.#partition = partition
    this.#store = store
  }

  get isUnderWay(): boolean {
    return this.#round !== undefined
  }

  get isAbandoned(): boolean {
    return this.#isAbandoned
  }

  /** Does nothing any more: the partition is read again, and has another one. */
  abandon(): void {
    this.#isAbandoned = true
    this.#round = undefined
  }

  /** One step. False when there was nothing to do. */
  async step(): Promise<boolean> {
    const partition = this.#partition
    if (this.#isAbandoned) return false
    if (!this.#round) {
      if (partition.delta.rows === 0) return this.#sweep()
      // Released at once: a round never reads a block that it has folded, so these may go while it runs.
      this.#round = { log: partition.nextLog, snapshot: partition.snapshot(), next: 0 }
      partition.release()
    }
    const unit = this.#nextUnit(this.#round)
    if (!unit) {
      await this.#finish(this.#round)
      return true
    }
    const round = this.#round
    if (await this.#fold(round, unit)) round.next = unit.first + unit.people // else it is folded again
    return true
  }

  async #sweep(): Promise<boolean> {
    await this.#write([], [])
    return false
  }

  /** Writes, and removes what is over. What could not be removed stays to be removed with a later write. */
  async #write(writes: readonly Write[], over: readonly Write[]): Promise<void> {
    const partition = this.#partition
    const removals = [...over, ...partition.takeRetired()]
    if (writes.length + removals.length === 0) return
    try {
      // Blocks need more room than most inserts: what has none of its own does not make those fail that share its group.
      partition.environment.refuseWithoutRoom(writes)
      await this.#store([...writes, ...removals])
    } catch (error) {
      partition.takeBack(removals)
      throw error
    }
  }

  #nextUnit({ snapshot, next }: Round): Unit | undefined {
    const { blocks, order, deltaRows, people } = snapshot
    const last = blocks[blocks.length - 1]
    for (const block of blocks) {
      if (block.first < next) continue
      const takesTail = block === last && block.rows < BLOCK_ROWS / 2 && block.first + block.people < people
      if (takesTail) return this.#tail(snapshot, block.first, block)
      if (hasFresh(order, block.first, block.people, block.foldedRows, deltaRows)) {
        return { first: block.first, people: block.people, block }
      }
    }
    const first = Math.max(next, last ? last.first + last.people : 0)
    return first < people ? this.#tail(snapshot, first, undefined) : undefined
  }

  /** People without a block, up to a block full of rows, behind those of `block` if given. */
  #tail({ order, people }: Snapshot, first: number, block: BlockEntry | undefined): Unit {
    let end = first + (block?.people ?? 1)
    const rows = block?.rows ?? 0
    while (
      end < people &&
      end - first < BLOCK_PEOPLE_MAX &&
      rows + order.start[end + 1]! - order.start[first]! <= BLOCK_ROWS
    ) {
      end++
    }
    return { first, people: end - first, block }
  }

  /** False when the block was not stored, since what it was made of is out of date by now. */
  async #fold(round: Round, unit: Unit): Promise<boolean> {
    const partition = this.#partition
    const { schema } = partition
    const { snapshot } = round
    const rows = rowsOfUnit(snapshot, unit)
    const pieces = cut(rows.rowStart).map(({ from, to }) => ({
      id: partition.nextBlock++,
      first: unit.first + from,
      people: to - from,
      rows: rows.rowStart[to]! - rows.rowStart[from]!,
      folded: round.log,
      foldedRows: snapshot.deltaRows,
    }))
    const writes = await withPauses(this.#writes(snapshot, unit, rows, pieces), SLICE_MS, () => undefined)
    // In a pause a column may have been dropped, or a write has failed and the partition is read again.
    if (this.#isAbandoned || partition.schema !== schema) return false
    const blocks = [
      ...partition.blocks.filter((block) => block.first < unit.first),
      ...pieces,
      ...partition.blocks.filter((block) => block.first >= unit.first + unit.people),
    ]
    await this.#write([...writes, partition.stateWrite(blocks)], [])
    partition.blocks = blocks
    if (unit.block) partition.retire(unit.block)
    return true
  }

  *#writes(snapshot: Snapshot, unit: Unit, rows: UnitRows, pieces: readonly BlockEntry[]): Steps<Write[]> {
    const { partition } = snapshot
    const writes: Write[] = []
    const put = (id: number, values: ColumnValues, bounds: (piece: BlockEntry) => readonly [number, number]) => {
      for (const piece of pieces) {
        const bytes = encode(values, ...bounds(piece))
        if (bytes) writes.push([key(partition.table, partition.number, Kind.block, piece.id, id), bytes])
      }
    }
    const stats = pieces.map((): Record<string, BlockStats[string]> => ({}))
    const { rowStart, plan } = rows
    const stamp = stampsOfUnit(snapshot, unit, rows, this.#scratch)
    const byPerson = ({ first, people }: BlockEntry) => [first - unit.first, first - unit.first + people] as const
    const byRow = ({ first, people }: BlockEntry) =>
      [rowStart[first - unit.first]!, rowStart[first - unit.first + people]!] as const
    const counts = new Uint32Array(unit.people)
    const last = new Float64Array(unit.people)
    for (let person = 0; person < unit.people; person++) {
      counts[person] = rowStart[person + 1]! - rowStart[person]!
      last[person] = stamp[rowStart[person + 1]! - 1]!
    }
    put(ROWS, counts, byPerson)
    put(LAST, last, byPerson)
    put(STAMP, stamp, byRow)
    for (const column of [ACTION_COLUMN, ...partition.schema.columns]) {
      yield
      const values = columnOfUnit(snapshot, unit, plan, column, this.#scratch)
      if (!values) continue
      put(column.id, values, byRow)
      for (const [at, piece] of pieces.entries()) {
        const held = statsOf(values, ...byRow(piece))
        if (held) stats[at]![column.id] = held
      }
    }
    for (const [at, { id }] of pieces.entries()) {
      writes.push([
        key(partition.table, partition.number, Kind.block, id, STATS),
        Buffer.from(JSON.stringify(stats[at])),
      ])
    }
    return writes
  }

  async #finish({ log, snapshot }: Round): Promise<void> {
    const partition = this.#partition
    this.#round = undefined
    const removals = partition.forget(snapshot.deltaRows, log)
    await this.#write([partition.stateWrite()], removals)
  }
}

/** People in pieces of a block's size. A person is never cut. */
function cut(rowStart: Uint32Array): { from: number; to: number }[] {
  const people = rowStart.length - 1
  const rows = rowStart[people]!
  const pieces = Math.max(1, Math.floor(rows / BLOCK_ROWS))
  const size = rows / pieces
  const cuts: { from: number; to: number }[] = []
  let from = 0
  for (let to = 1; to <= people; to++) {
    const full = rowStart[to]! - rowStart[from]! >= size || to - from >= BLOCK_PEOPLE_MAX
    if (!full && to < people) continue
    cuts.push({ from, to })
    from = to
  }
  return cuts
}
