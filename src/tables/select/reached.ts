// The conditions on the base table of joins, also what conditions on joined tables say about it: where few rows of a
// joined table meet them, their values stand in the column that they are joined by, and its index finds the rows without
// reading all others.
import type { IndexRange, Key, Row, TableReader } from '../reader.js'
import { usualCosts } from './access.js'
import { type Compare, type Condition, compileAll, conjuncts, lastSource, refsOf } from './condition.js'
import type { Join } from './join.js'
import { lookupsOf, rangesOf, vagueLookupsOf } from './lookup.js'
import type { Query } from './query.js'
import type { Ref, Source } from './scope.js'
import { isScalar, rank } from './value.js'
import type { Tally } from './walk.js'

/** So many more rows of joined tables are looked at on later pages, before the cursor is refused. */
const REACHED_LATER = 2_000

/** Where one of so many rows has a column, reading those by its index is sure to be less than reading all. */
const SELDOM_TIED = 16

/** The conditions on the base table; also what those on joined tables say about it, where no key says more. */
export function baseConditions(query: Query, conditions: readonly Condition[], tally: Tally): Condition[] {
  const { scope, joins, position, costs = usualCosts } = query
  const { reader } = scope.base
  const base = conditions.filter((it) => lastSource(it) === 0)
  const known = base.filter(isEquality).filter(({ ref }) => ref.whole)
  if (known.some(({ ref }) => ref.name === reader.schema.primaryKey)) return base
  const isFound = known.some(({ ref }) => reader.isIndexed(ref.name))
  // What was few for the first page may have become more.
  const most = (isFound ? costs.few : costs.guessed) + (position ? REACHED_LATER : 0)
  base.push(...tied(query, costs.counted))
  return [...base, ...reached(conditions, { sources: scope.sources, joins, tally, most })]
}

function isEquality(condition: Condition): condition is Compare {
  return 'test' in condition && condition.test === 'compare' && condition.comparator === '='
}

/** Rows that have nothing where they are joined are no rows of the result: said where nearly all are such. */
function tied({ scope, joins, position }: Query, counted: number): Condition[] {
  const { reader } = scope.base
  const isSeldom = ({ source, whole, name }: Ref) => {
    if (source !== 0 || !whole || reader.contentOf?.(name) !== 'nullable') return false
    const most = Math.ceil(Math.min(reader.count() / SELDOM_TIED, counted * 4))
    return position !== undefined || reader.estimate({ attribute: name }, most) < most
  }
  const refs = joins.flatMap(({ left, pairs }) => (left ? [] : pairs.map(({ before }) => before)))
  return refs.filter(isSeldom).map((ref) => ({ test: 'null', ref, negated: true }))
}

interface Reach {
  readonly sources: readonly Source[]
  readonly joins: readonly Join[]
  readonly tally: Tally
  /** Rows of one table that are read at most: they are read without a pause. */
  readonly most: number
}

/** Conditions on the base table that hold for every row of the result because of those on joined tables. */
function reached(conditions: readonly Condition[], reach: Reach): Condition[] {
  const found = [...conditions]
  for (const join of reach.joins.toReversed()) {
    if (join.left) continue
    const pair = join.pairs.find(({ before }) => isFound(before, reach.sources[before.source]!.reader))
    const own = pair && found.filter((it) => refsOf(it).every(({ source }) => source === join.source))
    const values = own && valuesOf(pair.own, own, reach)
    if (values) found.push({ test: 'in', ref: pair.before, values, negated: false })
  }
  return found.slice(conditions.length).filter((it) => refsOf(it).every(({ source }) => source === 0))
}

function isFound({ whole, name }: Ref, reader: TableReader): boolean {
  return whole && (name === reader.schema.primaryKey || reader.isIndexed(name))
}

/** What the rows that meet all conditions have in a column; undefined where they are too many to look. */
function valuesOf(ref: Ref, conditions: readonly Condition[], { sources, tally, most }: Reach): unknown[] | undefined {
  const { reader } = sources[ref.source]!
  // What the column itself must be is said of the base table's column anyway.
  const others = conditions.flatMap(conjuncts).filter((it) => !refsOf(it).every(({ name }) => name === ref.name))
  const keys = keysOf(reader, others, most)
  if (!keys) return undefined
  const test = compileAll(conditions)
  const values: unknown[] = []
  const frame: (Row | null)[] = sources.map(() => null)
  for (const key of keys) {
    const row = reader.get(key)
    if (!row) continue
    tally.rowsRead++
    frame[ref.source] = row
    if (!test(frame)) continue
    const value = ref.read(frame)
    if (isScalar(value)) values.push(value)
    // An index has no entries for JSON values.
    else if (rank(value) > 0) return undefined
  }
  return values
}

/** The keys among which all rows are that meet the conditions, where an index knows them and they are few. */
function keysOf(reader: TableReader, conditions: readonly Condition[], most: number): Iterable<Key> | undefined {
  let best: readonly IndexRange[] | undefined
  let least = most + 1
  const own = conditions.map(asOfBase)
  for (const lookup of [...lookupsOf(own), ...vagueLookupsOf(own)]) {
    const { ref, points, prefixes, stretch } = lookup
    if (ref.name === reader.schema.primaryKey) {
      if (points && points.length < least) return points.filter((it) => typeof it !== 'boolean')
      continue
    }
    if (!reader.isIndexed(ref.name)) continue
    // "Is not null" finds what is in the index: all of it, where that holds no JSON.
    const isWhole = stretch && !stretch.from && !stretch.to && stretch.prefix === undefined
    if (!prefixes && isWhole && reader.contentOf?.(ref.name) === undefined) continue
    const ranges = rangesOf(lookup, false)
    const count = ranges.reduce((sum, range) => (sum < least ? sum + reader.estimate(range, least - sum) : sum), 0)
    if (count < least) [best, least] = [ranges, count]
  }
  return best && keysIn(reader, best)
}

function* keysIn(reader: TableReader, ranges: readonly IndexRange[]): Iterable<Key> {
  for (const range of ranges) yield* reader.range(range)
}

/** Lookups are made for base tables. */
function asOfBase(condition: Condition): Condition {
  return 'test' in condition ? { ...condition, ref: { ...condition.ref, source: 0 } } : condition
}
