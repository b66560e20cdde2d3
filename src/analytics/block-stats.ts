import { type ColumnValues, isSet } from './codec.js'

/** What a column of a block holds: the least and the greatest number, or which codes, or too many to note. */
type ColumnStats = { readonly min: number; readonly max: number } | { readonly codes: string } | 'any'

/** By column. A column that is missing holds nothing but None. */
export type BlockStats = Readonly<Record<string, ColumnStats>>

/** Codes above are not noted. */
const CODES_MAX = 8_192

/** What rows `from` up to `to` of a column hold; undefined when that is nothing but None. */
export function statsOf(values: ColumnValues, from: number, to: number): ColumnStats | undefined {
  const elements = isSet(values) ? values.values : values
  const first = isSet(values) ? values.offsets[from]! : from
  const last = isSet(values) ? values.offsets[to]! : to
  let min = Infinity
  let max = -Infinity
  for (let at = first; at < last; at++) {
    const element = elements[at]!
    if (element < min) min = element
    if (element > max) max = element
  }
  if (elements instanceof Float64Array) return max === -Infinity ? undefined : { min, max }
  if (max <= 0) return undefined
  if (max > CODES_MAX) return 'any'
  const bits = new Uint8Array((max >>> 3) + 1)
  for (let at = first; at < last; at++) bits[elements[at]! >>> 3]! |= 1 << (elements[at]! & 7)
  return { codes: Buffer.from(bits).toString('base64') }
}

/** Whether a column of a block may hold a code or a number. */
export function mayHold(stats: BlockStats, column: number, element: number): boolean {
  const held = stats[column]
  if (held === undefined || held === 'any') return held === 'any'
  if ('codes' in held) {
    const bits = Buffer.from(held.codes, 'base64')
    return element > 0 && ((bits[element >>> 3] ?? 0) & (1 << (element & 7))) !== 0
  }
  return element >= held.min && element <= held.max
}
