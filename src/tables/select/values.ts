// Groups, and distinct values, of one column: its index tells them, and how many rows each has, without the rows.
import type { IndexRange, TableReader } from '../reader.js'
import type { Access } from './access.js'
import { type Condition, compileAll, refsOf, type Test } from './condition.js'
import type { Grouping, Groups } from './group.js'
import { isExact, LONG_TEXT, lookupsOf, rangesOf } from './lookup.js'
import type { Query } from './query.js'
import type { Frame, Ref } from './scope.js'
import { isScalar } from './value.js'
import { type Stage, type Tally, TICK } from './walk.js'

/** How an index answers a query alone. */
export interface Told {
  readonly access: Access
  readonly ref: Ref
  readonly ranges: readonly IndexRange[]
  /** Conditions on the column. */
  readonly test: Test
  /** Rows that have nothing there are wanted, and there may be some: they are those that the index lacks. */
  readonly nulls: boolean
  readonly counting: boolean
}

/** Whether an index answers a query alone: one column is grouped, computed and tested, and the index has all of it. */
export function toldBy({ grouping, joins, scope }: Query, conditions: readonly Condition[]): Told | undefined {
  const { reader } = scope.base
  if (!grouping || joins.length > 0 || !reader.runs) return undefined
  const { keys, aggregates } = grouping
  const refs = [...keys, ...aggregates.flatMap(({ ref }) => ref ?? []), ...conditions.flatMap(refsOf)]
  const [ref] = refs
  const isOne = refs.every(({ source, whole, name }) => source === 0 && whole && name === ref!.name)
  if (!ref || !isOne || !aggregates.every(({ run }) => run !== 'sum' && run !== 'avg')) return undefined
  if (keys.length === 0 && !isCount(grouping, conditions)) return undefined
  const content = reader.contentOf?.(ref.name)
  if (content === undefined) return undefined
  const [lookup] = lookupsOf(conditions)
  // Texts that the index does not tell apart would be found by several points.
  if (lookup?.points?.some((value) => typeof value === 'string' && value.length >= LONG_TEXT)) return undefined
  const test = compileAll(conditions)
  const nulls = content === 'nullable' && test([{}])
  const counting = nulls || aggregates.some(({ run, distinct }) => run === 'count' && !distinct)
  const ranges = lookup ? rangesOf(lookup, false) : [{ attribute: ref.name }]
  return { access: accessTo([ref.name]), ref, ranges, test, nulls, counting }
}

/** Without groups, only counts: ends of an index are found sooner, and so are the entries that one exact condition finds. */
function isCount({ aggregates }: Grouping, conditions: readonly Condition[]): boolean {
  if (aggregates.some(({ run, ref }) => run === 'count' && ref)) return true
  const [condition, another] = conditions
  return aggregates.every(({ run }) => run === 'count') && (another !== undefined || !isExact(condition!))
}

/** Only what plans say of it. */
export function accessTo(indexes: readonly string[]): Access {
  return { id: 'values', by: 'index', indexes, legs: [], keep: [], within: [], others: [], ordered: false }
}

interface Places {
  readonly groups: Groups
  readonly frame: Frame
  readonly out: Frame
  readonly tally: Tally
}

/** Puts one row for each group into `out`. */
export function* groupedByIndex(reader: TableReader, told: Told, { groups, frame, out, tally }: Places): Stage {
  const offer = (times: number) => {
    if (!told.test(frame)) return
    tally.kept[0]! += times
    groups.add(frame, times)
  }
  const before = tally.keysRead
  for (const times of valuesIn(reader, told, frame, tally)) {
    if (times === undefined) yield false
    else offer(times)
  }
  const nulls = told.nulls ? reader.count() - (tally.keysRead - before) : 0
  if (nulls > 0) {
    frame[0] = {}
    offer(nulls)
  }
  yield* groups.rows(out)
}

/** Puts each value into the frame, and tells how many rows have it; undefined where others may run. */
function* valuesIn(reader: TableReader, told: Told, frame: Frame, tally: Tally): Iterable<number | undefined> {
  let count = 0
  for (const range of told.ranges)
    for (const run of reader.runs!(range, told.counting)) {
      if (!run || ++count % TICK === 0) yield undefined
      if (!run) continue
      tally.keysRead += run.count
      const row = run.value === undefined ? (reader.get(run.key) ?? {}) : { [told.ref.name]: run.value }
      const value = row[told.ref.name]
      if (run.value === undefined && !isTold(value)) {
        yield* eachRow(reader, told.ref.name, value, { frame, tally })
        continue
      }
      if (run.value === undefined) tally.rowsRead++
      frame[0] = row
      yield told.counting ? run.count : 1
    }
}

/** Of values that look alike in the index. */
function* eachRow(
  reader: TableReader,
  attribute: string,
  value: unknown,
  { frame, tally }: Pick<Places, 'frame' | 'tally'>,
): Iterable<number | undefined> {
  const end = { value, inclusive: true }
  for (const key of reader.range({ attribute, from: end, to: end })) {
    tally.rowsRead++
    frame[0] = reader.get(key)!
    yield 1
    if (tally.rowsRead % TICK === 0) yield undefined
  }
}

/** Whether all rows of an index entry's value have this very value. */
function isTold(value: unknown): boolean {
  return isScalar(value) && !(typeof value === 'string' && value.length >= LONG_TEXT)
}
