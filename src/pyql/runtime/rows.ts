import type { ColumnData, RowBits } from '../block.js'

/** What a condition asks of one column: that it equals a constant, does not, is None, is not. */
export type RowTest = 'is' | 'is_not'

/** Decides about the rows from one up to another. */
export type MarkRows = (bits: RowBits, from: number, to: number) => void

/** Finds the rows in which a column that is no set equals a value (as it is held: a code, or a number with NaN for None), or does not. */
export function rowMarker(column: ColumnData, test: RowTest, value: number): MarkRows | undefined {
  const flip = test === 'is' ? 0 : 1
  if (column.kind === 'number') {
    const { values } = column
    return (bits, from, to) => markNumbers(values, value, flip, bits, from, to)
  }
  if (column.kind !== 'text') return undefined
  const { codes } = column
  const mark = codes.BYTES_PER_ELEMENT === 1 ? markBytes : codes.BYTES_PER_ELEMENT === 2 ? markShorts : markWords
  return (bits, from, to) => mark(codes, value, flip, bits, from, to)
}

const passing = new WeakMap<RowBits, number>()

/** Which part of the rows passes, found once: where it is most of them, each is better looked at. */
export function partOf(bits: RowBits, rows: number): number {
  let known = passing.get(bits)
  if (known === undefined) {
    known = count(bits) / rows
    passing.set(bits, known)
  }
  return known
}

function count(bits: RowBits): number {
  let sum = 0
  for (let at = 0; at < bits.length; at++) {
    for (let word = bits[at]!; word !== 0; word &= word - 1) sum++
  }
  return sum
}

/** Each maker call gives a function with type feedback of its own, so that every one of them sees one width only. */
const makeMark =
  () => (codes: ArrayLike<number>, code: number, flip: number, bits: RowBits, from: number, to: number) => {
    for (let row = from; row < to; row++) {
      // 1 where they are equal: no branch that the processor would guess wrong. No row has a code below 0.
      const equal = code < 0 ? 0 : ((codes[row]! ^ code) - 1) >>> 31
      bits[row >>> 5] = (bits[row >>> 5]! & ~(1 << (row & 31))) | ((equal ^ flip) << (row & 31))
    }
  }
const markBytes = makeMark()
const markShorts = makeMark()
const markWords = makeMark()

function markNumbers(values: Float64Array, value: number, flip: number, bits: RowBits, from: number, to: number): void {
  const isNone = Number.isNaN(value)
  for (let row = from; row < to; row++) {
    const own = values[row]!
    const equal = (isNone ? Number.isNaN(own) : own === value) ? 1 : 0
    bits[row >>> 5] = (bits[row >>> 5]! & ~(1 << (row & 31))) | ((equal ^ flip) << (row & 31))
  }
}
