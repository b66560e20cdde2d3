// Which part of an index can serve a test. What is found there is checked again, so a part may be too large.
import type { Bound, IndexRange } from '../reader.js'
import type { Comparator, Condition, Leaf } from './condition.js'
import { conjuncts } from './condition.js'
import type { Ref } from './scope.js'
import { compareValues, isScalar, rank } from './value.js'

/** Indexes hold a prefix of long text: at least this many UTF-16 units of it. */
export const LONG_TEXT = 200

/** The places of an attribute's index to visit: single values, or one stretch. */
export interface Lookup {
  readonly ref: Ref
  /** The row may hold an array of which an element is found. */
  readonly elements: boolean
  /** Distinct values in their order. */
  readonly points?: readonly (string | number | boolean)[]
  readonly stretch?: Stretch
  /** Texts that begin with one of these, in their order; none is the beginning of another one. */
  readonly prefixes?: readonly string[]
  /** They are only a part of the beginning that is wanted, because it can be written in too many ways. */
  readonly partial?: boolean
  /** Beside the prefixes: numbers, of which some may be written so. */
  readonly numbers?: boolean
}

/** One stretch of an index. */
interface Stretch {
  readonly from?: Bound
  readonly to?: Bound
  readonly prefix?: string
}

/** The best lookup for each column of the base table that conditions which must all hold allow. */
export function lookupsOf(all: readonly Condition[]): Lookup[] {
  const byColumn = new Map<string, Lookup>()
  for (const condition of all) {
    if ('all' in condition || 'any' in condition) continue
    const lookup = lookupOf(condition)
    if (lookup?.ref.source !== 0 || !lookup.ref.whole) continue
    const known = byColumn.get(lookup.ref.name)
    byColumn.set(lookup.ref.name, known ? narrower(known, lookup) : lookup)
  }
  return [...byColumn.values()]
}

/** The lookups of each branch of an "or", or undefined when a branch has none. */
export function branchesOf(any: readonly Condition[]): { condition: Condition; lookups: Lookup[] }[] | undefined {
  const branches = any.map((condition) => ({ condition, lookups: lookupsOf(conjuncts(condition)) }))
  return branches.every(({ lookups }) => lookups.length > 0) ? branches : undefined
}

function lookupOf(leaf: Leaf): Lookup | undefined {
  const { ref } = leaf
  switch (leaf.test) {
    case 'compare':
      return isScalar(leaf.value) ? compared(ref, leaf.comparator, leaf.value, leaf.elements === true) : undefined
    case 'between':
      return between(ref, leaf.low, leaf.high, leaf.elements === true)
    case 'in':
      return leaf.negated || !leaf.values.every(isScalar)
        ? undefined
        : { ref, elements: false, points: distinct(leaf.values) }
    case 'text':
      if (leaf.negated || !leaf.prefix) return undefined
      return { ref, elements: leaf.elements === true, stretch: { prefix: leaf.prefix } }
    default:
      return undefined
  }
}

/**
 * Whether the entries of an index that the lookup of a condition finds are those of the rows that meet it, and no
 * others; in a column that holds no arrays and objects.
 */
export function isExact(condition: Condition): condition is Leaf {
  if (!('test' in condition) || !condition.ref.whole || condition.ref.source !== 0) return false
  const isTold = (value: unknown) => isScalar(value) && !(typeof value === 'string' && value.length >= LONG_TEXT)
  switch (condition.test) {
    case 'compare':
      return condition.comparator !== '!=' && isTold(condition.value)
    case 'between':
      return isTold(condition.low) && isTold(condition.high)
    case 'in':
      return !condition.negated && condition.values.every(isTold)
    case 'null':
      return condition.negated
    default:
      return false
  }
}

/**
 * Lookups that may find few rows or nearly all: what is not null, and texts that begin alike in any case. Columns that
 * another lookup is for are left out. One for each column, as cursors name no more than that.
 */
export function vagueLookupsOf(all: readonly Condition[]): Lookup[] {
  const byColumn = new Map<string, Lookup>()
  for (const condition of all) {
    if (!('test' in condition)) continue
    const { ref } = condition
    const known = byColumn.get(ref.name)
    if (ref.source !== 0 || !ref.whole) continue
    if (condition.test === 'null' && condition.negated && !known)
      byColumn.set(ref.name, { ref, elements: false, stretch: {} })
    if (condition.test !== 'text' || condition.negated || !condition.anyCase || known?.prefixes) continue
    const beginning = prefixesOf(condition.anyCase, ref)
    if (beginning) byColumn.set(ref.name, { ref, elements: false, ...beginning })
  }
  return [...byColumn.values()]
}

/** So many ways to write the beginning of a text are looked for. */
const PREFIXES_MAX = 64

/** Every way to write the beginning of texts that become `lower` in lower case; undefined where an index is no help. */
function prefixesOf(lower: string, { type }: Ref): Pick<Lookup, 'prefixes' | 'partial' | 'numbers'> | undefined {
  // Numbers are tested as they are written, and stand elsewhere. A column of text has a few at most, from other nodes.
  const numbers = /^[\d-]/.test(lower)
  if (numbers && type !== 'text') return undefined
  let prefixes = ['']
  let length = 0
  for (const character of lower.slice(0, LONG_TEXT)) {
    const written = writtenAs(character)
    if (!written || prefixes.length * written.length > PREFIXES_MAX) break
    prefixes = prefixes.flatMap((prefix) => written.map((one) => prefix + one))
    length++
  }
  if (length === 0) return undefined
  return { prefixes: prefixes.sort(compareValues), partial: length < lower.length, numbers }
}

/** The characters that become an ASCII character in lower case, or begin with it then; undefined for others. */
function writtenAs(lower: string): string[] | undefined {
  if (lower > '\x7f') return undefined
  const upper = lower.toUpperCase()
  if (upper === lower) return [lower]
  return [upper, lower, ...(lower === 'k' ? ['\u212a'] : []), ...(lower === 'i' ? ['\u0130'] : [])]
}

function distinct(values: readonly (string | number | boolean)[]): (string | number | boolean)[] {
  return [...new Set(values)].sort(compareValues)
}

/** Comparisons hold within one kind of value, so a stretch ends where its kind does. */
const kinds: Record<number, { from?: Bound; to?: Bound }> = {
  1: { to: { value: true, inclusive: true } },
  2: { from: { value: true, inclusive: false }, to: { value: '', inclusive: false } },
  3: { from: { value: '', inclusive: true } },
}

function compared(
  ref: Ref,
  comparator: Comparator,
  value: string | number | boolean,
  elements: boolean,
): Lookup | undefined {
  if (comparator === '!=') return undefined
  if (comparator === '=') return { ref, elements, points: [value] }
  const bound = { value, inclusive: comparator.endsWith('=') }
  const stretch = { ...kinds[rank(value)], ...(comparator.startsWith('<') ? { to: bound } : { from: bound }) }
  return { ref, elements, stretch }
}

function between(ref: Ref, low: unknown, high: unknown, elements: boolean): Lookup {
  if (rank(low) !== rank(high) || compareValues(low, high) > 0) return { ref, elements, points: [] }
  return { ref, elements, stretch: { from: { value: low, inclusive: true }, to: { value: high, inclusive: true } } }
}

/** Of two lookups on one column, which both must succeed, the smaller; two stretches become the part that they share. */
function narrower(a: Lookup, b: Lookup): Lookup {
  if (a.points || b.points) {
    if (!a.points) return b
    return b.points && b.points.length < a.points.length ? b : a
  }
  if (a.elements || b.elements || a.stretch!.prefix || b.stretch!.prefix) return a
  const from = tighter(a.stretch!.from, b.stretch!.from, 1)
  const to = tighter(a.stretch!.to, b.stretch!.to, -1)
  return { ref: a.ref, elements: false, stretch: { ...(from && { from }), ...(to && { to }) } }
}

/** The bound that lets fewer values through; `direction` is 1 for lower and -1 for upper bounds. */
function tighter(a: Bound | undefined, b: Bound | undefined, direction: 1 | -1): Bound | undefined {
  if (!a || !b) return a ?? b
  const order = compareValues(a.value, b.value) * direction
  if (order === 0) return a.inclusive ? b : a
  return order > 0 ? a : b
}

/** The ranges of an index that a lookup visits, in the order of the index or against it. */
export function rangesOf({ ref, points, stretch, prefixes, numbers }: Lookup, reverse: boolean): IndexRange[] {
  if (prefixes) {
    const ranges = prefixes.map((prefix) => rangeOf(ref.name, { prefix }, reverse))
    if (numbers) ranges.unshift(rangeOf(ref.name, kinds[2]!, reverse))
    return reverse ? ranges.reverse() : ranges
  }
  if (!points) return [rangeOf(ref.name, stretch!, reverse)]
  const ranges = points.map((value) => {
    const end = { value, inclusive: true }
    return rangeOf(ref.name, { from: end, to: end }, reverse)
  })
  return reverse ? ranges.reverse() : ranges
}

/** Written out, as spreading objects takes longer than all the rest of a small plan. */
function rangeOf(attribute: string, { from, to, prefix }: Stretch, reverse: boolean): IndexRange {
  const range: IndexRange = { attribute, reverse }
  if (from) range.from = from
  if (to) range.to = to
  if (prefix !== undefined) range.prefix = prefix
  return range
}
