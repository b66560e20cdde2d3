// What conditions on joined tables say about the base table: where few rows of a joined table meet them, their values
// stand in the column that they are joined by, and its index finds the rows without reading all others.
import type { IndexRange, Key, Row, TableReader } from '../reader.js'
import { type Condition, compileAll, conjuncts, refsOf } from './condition.js'
import type { Join } from './join.js'
import { lookupsOf, rangesOf, vagueLookupsOf } from './lookup.js'
import type { Ref, Source } from './scope.js'
import { isScalar, rank } from './value.js'
import type { Tally } from './walk.js'

interface Reach {
  readonly sources: readonly Source[]
  readonly joins: readonly Join[]
  readonly tally: Tally
  /** Rows of one table that are read at most: they are read without a pause. */
  readonly most: number
}

/** Conditions on the base table that hold for every row of the result because of those on joined tables. */
export function reached(conditions: readonly Condition[], reach: Reach): Condition[] {
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
