import type { ColumnData } from '../block.js'

/** What a condition asks of one column: that it equals a constant, does not, is None, is not. */
export type RowTest = 'is' | 'is_not'

/** Rows as bits: row r is bit r % 32 of word r / 32. */
export type RowBits = Uint32Array

/** Where more than half of the rows pass, each is looked at: no bits. */
export const mostRows: RowBits = new Uint32Array(0)

/** The rows in which a column that is no set equals a value (as it is held: a code, or a number with NaN for None), or does not. */
export function rowsWhere(column: ColumnData, test: RowTest, value: number, rows: number): RowBits | undefined {
  if (column.kind === 'text') return bitsOf(codesOf(column.codes, value, rows), test, rows)
  if (column.kind === 'number') return bitsOf(numbersOf(column.values, value, rows), test, rows)
  return undefined
}

function bitsOf(equal: RowBits, test: RowTest, rows: number): RowBits {
  if (test === 'is_not') {
    for (let word = 0; word < equal.length; word++) equal[word] = ~equal[word]!
    if (rows & 31) equal[equal.length - 1]! &= 2 ** (rows & 31) - 1
  }
  return count(equal) * 2 > rows ? mostRows : equal
}

function count(bits: RowBits): number {
  let sum = 0
  for (let at = 0; at < bits.length; at++) {
    for (let word = bits[at]!; word !== 0; word &= word - 1) sum++
  }
  return sum
}

/** Each maker call gives a function with type feedback of its own, so that every one of them sees one width only. */
const makeEqual = () => (codes: ArrayLike<number>, code: number, bits: RowBits, rows: number) => {
  for (let row = 0; row < rows; row++) {
    // 1 where they are equal: no branch that the processor would guess wrong.
    bits[row >>> 5]! |= (((codes[row]! ^ code) - 1) >>> 31) << (row & 31)
  }
}
const equalBytes = makeEqual()
const equalShorts = makeEqual()
const equalWords = makeEqual()

function codesOf(codes: Uint8Array | Uint16Array | Uint32Array, code: number, rows: number): RowBits {
  const bits = new Uint32Array((rows + 31) >>> 5)
  if (code < 0) return bits
  const equal = codes.BYTES_PER_ELEMENT === 1 ? equalBytes : codes.BYTES_PER_ELEMENT === 2 ? equalShorts : equalWords
  equal(codes, code, bits, rows)
  return bits
}

function numbersOf(values: Float64Array, value: number, rows: number): RowBits {
  const bits = new Uint32Array((rows + 31) >>> 5)
  const isNone = Number.isNaN(value)
  for (let row = 0; row < rows; row++) {
    const own = values[row]!
    if (isNone ? Number.isNaN(own) : own === value) bits[row >>> 5]! |= 1 << (row & 31)
  }
  return bits
}
