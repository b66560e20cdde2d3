import { type ColumnValues, isSet } from './codec.js'
import { GrowingColumn } from './growing-column.js'
import type { EventColumn } from './schema.js'

/** Rows of a delta by person: those of person p are order[start[p]] up to order[start[p + 1]], in the order of rows. */
export interface DeltaOrder {
  readonly start: Uint32Array
  readonly order: Uint32Array
}

/**
 * Fresh rows of a partition in the order of arrival, in columns, with a hash table over whole rows that finds repeats.
 * Rows are only added: a scan that noted the number of rows sees the same ones for as long as it holds the delta.
 */
export class Delta {
  rows = 0
  person = new Uint32Array(16)
  stamp = new Float64Array(16)
  action = new Uint32Array(16)
  readonly columns = new Map<number, GrowingColumn>()
  #hash = new Uint32Array(16)
  /** Row + 1 by hash, open addressing; at most half full. */
  #slots = new Uint32Array(64)
  #sorted: { rows: number; people: number; order: DeltaOrder } | undefined

  append(person: number, stamp: number, action: number, hash: number): number {
    const row = this.rows
    if (row === this.person.length) this.#grow()
    this.person[row] = person
    this.stamp[row] = stamp
    this.action[row] = action
    this.#hash[row] = hash
    this.rows++
    if (this.rows * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2)
    else this.#enter(row)
    return row
  }

  /** Takes the last rows back, which have no values yet. */
  removeLast(count: number): void {
    const mask = this.#slots.length - 1
    for (let left = count; left > 0; left--) {
      const row = --this.rows
      let at = this.#hash[row]! & mask
      while (this.#slots[at] !== row + 1) at = (at + 1) & mask
      this.#slots[at] = 0
    }
  }

  column(column: Pick<EventColumn, 'id' | 'isSet'>, storage: GrowingColumn['storage']): GrowingColumn {
    let values = this.columns.get(column.id)
    if (!values) {
      values = new GrowingColumn(storage, column.isSet)
      this.columns.set(column.id, values)
    }
    return values
  }

  /** Rows that may equal a row with this hash. */
  find(hash: number, equal: (row: number) => boolean): boolean {
    const mask = this.#slots.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = this.#slots[at]!
      if (slot === 0) return false
      if (this.#hash[slot - 1] === hash && equal(slot - 1)) return true
    }
  }

  /** Hashes anew what is known: the columns that count have changed. */
  rehash(hashOf: (row: number) => number): void {
    for (let row = 0; row < this.rows; row++) this.#hash[row] = hashOf(row)
    this.#rehash(this.#slots.length)
  }

  /** The first `rows` rows by person, each person's rows by (stamp, rank of the action, arrival). */
  order(rows: number, people: number, rank: Uint32Array): DeltaOrder {
    const known = this.#sorted
    if (known && known.rows === rows && known.people === people) return known.order
    const order = sortRows(this.person, this.stamp, this.action, rows, people, rank)
    this.#sorted = { rows, people, order }
    return order
  }

  /** The rows from `from` on, as a delta of their own. */
  tail(from: number): Delta {
    const rest = new Delta()
    for (let row = from; row < this.rows; row++) {
      rest.append(this.person[row]!, this.stamp[row]!, this.action[row]!, this.#hash[row]!)
    }
    for (const [id, column] of this.columns) {
      const target = rest.column({ id, isSet: column.isSet }, column.storage)
      copyRows(column.values(this.rows), target, from, this.rows)
    }
    return rest
  }

  get bytes(): number {
    let bytes = this.person.byteLength * 6 + this.#slots.byteLength
    for (const column of this.columns.values()) bytes += column.bytes
    return bytes
  }

  #enter(row: number): void {
    const mask = this.#slots.length - 1
    let at = this.#hash[row]! & mask
    while (this.#slots[at] !== 0) at = (at + 1) & mask
    this.#slots[at] = row + 1
  }

  #rehash(slots: number): void {
    this.#slots = new Uint32Array(slots)
    for (let row = 0; row < this.rows; row++) this.#enter(row)
  }

  #grow(): void {
    const length = this.person.length * 2
    this.person = larger(this.person, new Uint32Array(length))
    this.stamp = larger(this.stamp, new Float64Array(length))
    this.action = larger(this.action, new Uint32Array(length))
    this.#hash = larger(this.#hash, new Uint32Array(length))
  }
}

/** Adds rows `from` up to `to` of one column to the rows of another that come next, from `at` on. */
export function copyRows(source: ColumnValues, target: GrowingColumn, from: number, to: number, at = 0): void {
  if (isSet(source)) {
    for (let row = from; row < to; row++) {
      for (let element = source.offsets[row]!; element < source.offsets[row + 1]!; element++) {
        target.push(at + row - from, source.values[element]!)
      }
    }
    return
  }
  for (let row = from; row < to; row++) target.put(at + row - from, source[row]!)
}

function sortRows(
  person: Uint32Array,
  stamp: Float64Array,
  action: Uint32Array,
  rows: number,
  people: number,
  rank: Uint32Array,
): DeltaOrder {
  const start = new Uint32Array(people + 1)
  for (let row = 0; row < rows; row++) start[person[row]! + 1]!++
  for (let at = 0; at < people; at++) start[at + 1]! += start[at]!
  const next = start.slice()
  const order = new Uint32Array(rows)
  const after = (a: number, b: number) =>
    stamp[a]! > stamp[b]! || (stamp[a] === stamp[b] && rank[action[a]!]! > rank[action[b]!]!)
  const unsorted = new Set<number>()
  for (let row = 0; row < rows; row++) {
    const owner = person[row]!
    const at = next[owner]!++
    order[at] = row
    if (at > start[owner]! && after(order[at - 1]!, row)) unsorted.add(owner)
  }
  for (const owner of unsorted) {
    order
      .subarray(start[owner]!, start[owner + 1]!)
      .sort((a, b) => stamp[a]! - stamp[b]! || rank[action[a]!]! - rank[action[b]!]! || a - b)
  }
  return { start, order }
}

function larger<T extends Uint32Array | Float64Array>(values: T, into: T): T {
  into.set(values)
  return into
}
