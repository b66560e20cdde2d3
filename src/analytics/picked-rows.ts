import type { PickedRows, RowBits } from '../pyql/index.js'
import type { ColumnValues, Scalars, SetValues } from './codec.js'

/** What was made of a block, kept by a name for as long as there is memory for it. */
export type Remember = <T extends ColumnValues>(name: string, make: () => T) => T

const asked = new WeakSet<RowBits>()

/** Whether the rows of a condition were asked for before: for one question nothing is made of them. */
export function isAskedAgain(bits: RowBits): boolean {
  if (asked.has(bits)) return true
  asked.add(bits)
  return false
}

/** Rows of a block that was written, which stay as they are: copies of columns are made once. */
export class StoredPick implements PickedRows {
  readonly from: Uint32Array
  readonly to: Uint32Array
  readonly rows: Uint32Array
  readonly #columnOf: (slot: number) => { name: string; values: Scalars }
  readonly #remember: Remember

  constructor(
    bits: RowBits,
    rowStart: Uint32Array,
    columnOf: (slot: number) => { name: string; values: Scalars },
    remember: Remember,
  ) {
    const { offsets, values } = remember('rows', () => rowsOf(bits, rowStart))
    this.from = offsets
    this.to = offsets.subarray(1)
    this.rows = values as Uint32Array
    this.#columnOf = columnOf
    this.#remember = remember
  }

  column(slot: number): Scalars {
    const { name, values } = this.#columnOf(slot)
    return this.#remember(`${name} ${values.constructor.name}`, () => {
      const picked = new (values.constructor as new (length: number) => Scalars)(this.rows.length)
      copyPicked(picked, values, this.rows, 0, this.rows.length)
      return picked
    })
  }
}

/** By person the places of the rows that have their bits, and those rows. */
function rowsOf(bits: RowBits, rowStart: Uint32Array): SetValues {
  const people = rowStart.length - 1
  const rows: number[] = []
  const offsets = new Uint32Array(people + 1)
  for (let person = 0; person < people; person++) {
    offsets[person] = rows.length
    for (let row = rowStart[person]!; row < rowStart[person + 1]!; row++) if (hasBit(bits, row)) rows.push(row)
  }
  offsets[people] = rows.length
  return { offsets, values: Uint32Array.from(rows) }
}

export function hasBit(bits: RowBits, row: number): boolean {
  return (bits[row >>> 5]! & (1 << (row & 31))) !== 0
}

type Copy = (into: Scalars, all: Scalars, rows: Uint32Array, from: number, to: number) => void

/** Each maker call gives a function with type feedback of its own, so that every one of them sees one width only. */
const makeCopy = (): Copy => (into, all, rows, from, to) => {
  for (let at = from; at < to; at++) into[at] = all[rows[at]!]!
}
const [copyBytes, copyShorts, copyWords, copyDoubles] = Array.from({ length: 4 }, makeCopy) as [Copy, Copy, Copy, Copy]

/** Copies what a column holds of rows, from one place among them up to another. */
export function copyPicked(into: Scalars, all: Scalars, rows: Uint32Array, from: number, to: number): void {
  const copy =
    into instanceof Float64Array
      ? copyDoubles
      : into.BYTES_PER_ELEMENT === 1
        ? copyBytes
        : into.BYTES_PER_ELEMENT === 2
          ? copyShorts
          : copyWords
  copy(into, all, rows, from, to)
}
