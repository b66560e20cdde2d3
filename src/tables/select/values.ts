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
export function* groupedByIndex(reader: TableReader, told: Told, places: Places): Stage {
  const { groups, frame, out, tally } = places
  const offer = (times: number) => {
    if (!told.test(frame)) return
    tally.kept[0]! += times
    groups.add(frame, times)
  }
  let entries = 0
  let count = 0
  for (const range of told.ranges)
    for (const run of reader.runs!(range, told.counting)) {
      if (!run || ++count % TICK === 0) yield false
      if (!run) continue
      entries += run.count
      tally.keysRead += run.count
      const times = told.counting ? run.count : 1
      if (run.value !== undefined) {
        frame[0] = { [told.ref.name]: run.value }
        offer(times)
        continue
      }
      const row = reader.get(run.key) ?? {}
      const value = row[told.ref.name]
      if (isTold(value)) {
        tally.rowsRead++
        frame[0] = row
        offer(times)
        continue
      }
      const end = { value, inclusive: true }
      for (const key of reader.range({ attribute: told.ref.name, from: end, to: end })) {
        tally.rowsRead++
        frame[0] = reader.get(key)!
        offer(1)
        if (tally.rowsRead % TICK === 0) yield false
      }
    }
  const nulls = told.nulls ? reader.count() - entries : 0
  if (nulls > 0) {
    frame[0] = {}
    offer(nulls)
  }
  yield* groups.rows(out)
}

/** Whether all rows of an index entry's value have this very value. */
function isTold(value: unknown): boolean {
  return isScalar(value) && !(typeof value === 'string' && value.length >= LONG_TEXT)
}
