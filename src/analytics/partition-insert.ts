import { type Batch, Fate } from './batch.js'
import { blockOf } from './block-entry.js'
import type { ColumnValues, Scalars } from './codec.js'
import type { Part, PartColumn } from './part.js'
import type { Partition } from './partition.js'
import type { People } from './people.js'
import { hashesOf, hashOfEvent, sameCell } from './row-hash.js'
import { ACTION, STAMP } from './schema.js'

/** The rows of a batch that belong to a partition. */
export interface Inserted {
  readonly batch: Batch
  /** Places in the batch; the rows of an event stand together. */
  readonly rows: Uint32Array
  /** The same rows, in the codes of the partition. */
  readonly part: Part
  readonly rowsPerPersonMax: number
}

/** One insert into a partition: adds the rows that are no repeats to the delta, without the values of their columns. */
export class PartitionInsert {
  readonly #partition: Pick<Partition, 'delta' | 'blocks' | 'stored' | 'schema'>
  readonly #people: People
  readonly #inserted: Inserted
  readonly #hashes: Uint32Array
  readonly #columns: ReadonlyMap<number, PartColumn['values']>
  /** The first row of this insert in the delta. */
  readonly #base: number
  /** Rows of the part that were added, in their order. */
  readonly #accepted: number[] = []

  constructor(
    partition: Pick<Partition, 'delta' | 'blocks' | 'stored' | 'schema'>,
    people: People,
    inserted: Inserted,
  ) {
    this.#partition = partition
    this.#people = people
    this.#inserted = inserted
    this.#hashes = hashesOf(inserted.part)
    this.#columns = new Map(inserted.part.columns.map(({ id, values }) => [id, values]))
    this.#base = partition.delta.rows
  }

  /** Answers the rows of the part that were added. */
  run(fate: (event: number, fate: number) => void): readonly number[] {
    const { batch, part, rows } = this.#inserted
    for (let from = 0; from < part.rows; ) {
      let to = from + 1
      const event = batch.event[rows[from]!]!
      while (to < part.rows && batch.event[rows[to]!] === event) to++
      fate(event, this.#insertEvent(from, to))
      from = to
    }
    return this.#accepted
  }

  /** One event's rows: all of them, those that are no repeats, or none. */
  #insertEvent(from: number, to: number): number {
    const { batch, part, rows, rowsPerPersonMax } = this.#inserted
    const id = batch.people[batch.person[rows[from]!]!]!
    if (to - from > rowsPerPersonMax) return Fate.tooManyRows
    const person = this.#people.numberOf(id) ?? this.#people.add(id)
    const stamp = part.stamp[from]!
    const inOrder = stamp > this.#people.lastStamp[person]!
    const atStart = this.#accepted.length
    for (let row = from; row < to; row++) {
      const hash = (this.#hashes[row]! + hashOfEvent(person, stamp, part.action[row]!)) >>> 0
      if ((row > from || !inOrder) && this.#isRepeat(row, person, hash)) continue
      if (this.#people.rowCount[person]! + this.#accepted.length - atStart + 1 > rowsPerPersonMax) {
        this.#takeBack(atStart)
        return Fate.tooManyRows
      }
      this.#partition.delta.append(person, stamp, part.action[row]!, hash)
      this.#accepted.push(row)
    }
    const fresh = this.#accepted.length - atStart
    if (fresh === 0) return Fate.duplicate
    this.#people.rowCount[person]! += fresh
    if (inOrder) this.#people.lastStamp[person] = stamp
    return Fate.inserted
  }

  /** Leaves so many rows accepted. */
  #takeBack(length: number): void {
    this.#partition.delta.removeLast(this.#accepted.length - length)
    this.#accepted.length = length
  }

  #isRepeat(row: number, person: number, hash: number): boolean {
    const { delta } = this.#partition
    const { part } = this.#inserted
    const stamp = part.stamp[row]!
    const action = part.action[row]!
    const inDelta = delta.find(hash, (other) => {
      if (delta.person[other] !== person || delta.stamp[other] !== stamp || delta.action[other] !== action) return false
      return other >= this.#base
        ? part.columns.every(({ values }) => sameCell(values, row, values, this.#accepted[other - this.#base]!))
        : this.#sameCells(row, (id) => delta.columns.get(id)?.values(this.#base), other)
    })
    return inDelta || this.#isInBlock(row, person)
  }

  #isInBlock(row: number, person: number): boolean {
    const { blocks, stored } = this.#partition
    const { part } = this.#inserted
    const block = blockOf(blocks, person)
    if (!block) return false
    const { rowStart, lastStamp } = stored.rowsOf(block)
    const stamp = part.stamp[row]!
    const index = person - block.first
    if (stamp > lastStamp[index]!) return false
    const stamps = stored.column(block, STAMP) as Float64Array
    const end = rowStart[index + 1]!
    for (let at = firstAtLeast(stamps, stamp, rowStart[index]!, end); at < end && stamps[at] === stamp; at++) {
      const actions = stored.column(block, ACTION) as Scalars
      if (actions[at] === part.action[row] && this.#sameCells(row, (id) => stored.column(block, id), at)) return true
    }
    return false
  }

  #sameCells(row: number, other: (id: number) => ColumnValues | undefined, otherRow: number): boolean {
    return this.#partition.schema.columns.every(({ id }) => sameCell(this.#columns.get(id), row, other(id), otherRow))
  }
}

/** The first place in [from, to) of sorted stamps whose stamp is not before the given one. */
function firstAtLeast(stamps: Float64Array, stamp: number, from: number, to: number): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    if (stamps[middle]! < stamp) low = middle + 1
    else high = middle
  }
  return low
}
