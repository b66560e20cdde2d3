import { type ColumnValues, isSet, type SetValues } from './codec.js'
import type { Part } from './part.js'

const bits = new Float64Array(1)
const words = new Uint32Array(bits.buffer)

/** Mixes a number (murmur3's finaliser) so that every bit counts. */
function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function mixDouble(value: number): number {
  bits[0] = value
  return mix(words[0]! ^ Math.imul(words[1]!, 0x9e3779b1))
}

export function hashOfEvent(person: number, stamp: number, action: number): number {
  return mix(mix(person + 0x9e3779b9) ^ mixDouble(stamp) ^ Math.imul(action, 0x27d4eb2f))
}

/**
 * What a column adds to the hash of a row. Sums of these do not depend on the order of columns, and None adds nothing:
 * a column added later leaves hashes as they are.
 */
export function hashOfCell(id: number, values: ColumnValues, row: number): number {
  const salt = Math.imul(id, 0x165667b1)
  if (isSet(values)) return hashOfSet(salt, values, row)
  return values instanceof Float64Array ? hashOfNumber(salt, values[row]!) : hashOfCode(salt, values[row]!)
}

/** What the columns of a part add to the hash of each row. */
export function hashesOf({ rows, columns }: Pick<Part, 'rows' | 'columns'>): Uint32Array {
  const hashes = new Uint32Array(rows)
  for (const { id, values } of columns) addHashes(id, values, hashes)
  return hashes
}

/** Adds what a column adds to the hashes of the first rows. */
function addHashes(id: number, values: ColumnValues, hashes: Uint32Array): void {
  const salt = Math.imul(id, 0x165667b1)
  if (isSet(values)) {
    for (let row = 0; row < hashes.length; row++) hashes[row]! += hashOfSet(salt, values, row)
  } else if (values instanceof Float64Array) {
    for (let row = 0; row < hashes.length; row++) hashes[row]! += hashOfNumber(salt, values[row]!)
  } else {
    for (let row = 0; row < hashes.length; row++) hashes[row]! += hashOfCode(salt, values[row]!)
  }
}

function hashOfNumber(salt: number, value: number): number {
  return Number.isNaN(value) ? 0 : mix(mixDouble(value) ^ salt)
}

function hashOfCode(salt: number, code: number): number {
  return code === 0 ? 0 : mix(mixDouble(code) ^ salt)
}

function hashOfSet(salt: number, { offsets, values }: SetValues, row: number): number {
  let hash = 0
  for (let at = offsets[row]!; at < offsets[row + 1]!; at++) {
    hash = mix(Math.imul(hash, 31) + mixDouble(values[at]!) + 1)
  }
  return hash === 0 ? 0 : mix(hash ^ salt)
}

/** Whether two cells hold the same; a column that is missing holds None. */
export function sameCell(
  a: ColumnValues | undefined,
  rowA: number,
  b: ColumnValues | undefined,
  rowB: number,
): boolean {
  if (a === undefined) return b === undefined || isNone(b, rowB)
  if (b === undefined) return isNone(a, rowA)
  if (isSet(a)) return isSet(b) && sameElements(a, rowA, b, rowB)
  return !isSet(b) && Object.is(a[rowA], b[rowB])
}

function sameElements(
  a: { offsets: Uint32Array; values: ArrayLike<number> },
  rowA: number,
  b: { offsets: Uint32Array; values: ArrayLike<number> },
  rowB: number,
): boolean {
  const from = a.offsets[rowA]!
  const other = b.offsets[rowB]!
  const length = a.offsets[rowA + 1]! - from
  if (b.offsets[rowB + 1]! - other !== length) return false
  for (let at = 0; at < length; at++) if (!Object.is(a.values[from + at], b.values[other + at])) return false
  return true
}

function isNone(values: ColumnValues, row: number): boolean {
  if (isSet(values)) return values.offsets[row] === values.offsets[row + 1]
  return values instanceof Float64Array ? Number.isNaN(values[row]) : values[row] === 0
}
