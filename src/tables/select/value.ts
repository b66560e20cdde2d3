import { canonical } from '../stored-row.js'

// The order and the equality of values, everywhere the same: null < booleans < numbers < text < arrays and objects.

/** Place of a value's kind in the order. Absent is null. */
export function rank(value: unknown): number {
  if (value === null || value === undefined) return 0
  if (typeof value === 'boolean') return 1
  if (typeof value === 'number') return 2
  return typeof value === 'string' ? 3 : 4
}

/** True for the values that an index holds: booleans, numbers and text. */
export function isScalar(value: unknown): value is string | number | boolean {
  const kind = rank(value)
  return kind >= 1 && kind <= 3
}

/** Order of two texts by code point, as the index has it; JavaScript's own `<` compares UTF-16 units. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return codePointOrder(a, i) - codePointOrder(b, i)
  }
  return a.length - b.length
}

/** A pair of surrogates stands for a code point above all others; a lone one for itself. */
function codePointOrder(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  if (unit < 0xd800 || unit > 0xdfff) return unit
  const isPaired = unit < 0xdc00 ? isLow(text.charCodeAt(at + 1)) : isHigh(text.charCodeAt(at - 1))
  return isPaired ? unit + 0x10000 : unit
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

/** Order of two values: negative, zero or positive. */
export function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  const kind = rank(a)
  const difference = kind - rank(b)
  if (difference !== 0 || kind === 0) return difference
  if (kind === 1) return Number(a) - Number(b)
  return compareText(canonical(a), canonical(b))
}

/** True when both are the same value; objects are equal whatever the order of their members. Null equals null. */
export function equalValues(a: unknown, b: unknown): boolean {
  if (a === b) return true
  const kind = rank(a)
  if (kind !== rank(b)) return false
  return kind === 0 || (kind === 4 && canonical(a) === canonical(b))
}

/** A key for a Map or Set that is the same for equal values and differs for others. */
export function identity(value: unknown): unknown {
  if (typeof value === 'string') return value.charCodeAt(0) === 0 ? `\0t${value}` : value
  if (typeof value === 'object' && value !== null) return `\0j${canonical(value)}`
  return value === undefined ? null : value
}

/** Bytes that a value takes in memory, roughly: what the limit of a query's memory counts. */
export function weight(value: unknown): number {
  if (typeof value === 'string') return 24 + value.length
  if (typeof value !== 'object' || value === null) return 8
  let bytes = 32
  for (const member of Object.values(value)) bytes += 8 + weight(member)
  return bytes
}
