// The rows of plain questions (one table, one stretch of one index, no order) that few keys answer, as one text:
// generators and pauses would cost more than the rows.
import type { IndexRange, Names, TableReader } from '../reader.js'
import { type Access, sieveOf } from './access.js'
import { type Condition, compileAll, refsOf } from './condition.js'
import { isExact } from './lookup.js'
import { rowWriter, shown } from './output.js'
import { rowsWanted } from './page.js'
import type { Query, QueryLimits } from './query.js'
import type { Frame, Ref } from './scope.js'

/** Index entries that are read in one go: well below a slice of time. */
const KEYS_MAX = 1000

interface Plain {
  readonly query: Query
  readonly limits: QueryLimits
  readonly access: Access
  readonly conditions: readonly Condition[]
}

/** Told how many keys were read, and rows kept, until it turned out that a question is not short. */
type OnLong = (read: number, kept: number) => void

/** Rows separated by commas; undefined where the question is not plain, or its answer not short. */
export function shortRows(plain: Plain, onLong: OnLong): string | undefined {
  const { legs, within, keep } = plain.access
  const { reader } = plain.query.scope.base
  const [leg, another] = legs
  if (reader.isSlow || another || leg?.by !== 'range' || within.length > 0 || keep[0]) return undefined
  return gatheredRows(plain, reader, leg.range) ?? foundRows(plain, reader, leg.range, leg.elements, onLong)
}

/** Where nothing but the value is asked for, and copies of its records stand side by side: pieces of their texts. */
function gatheredRows({ query, limits, conditions }: Plain, reader: TableReader, range: IndexRange) {
  const { outputs, offset, limit } = query
  const [condition, another] = conditions
  if (!condition || another || offset > 0 || limit !== undefined) return undefined
  if (!isExact(condition) || reader.contentOf?.(range.attribute) === undefined) return undefined
  if (!outputs.every(({ ref, unnamed }) => ref.whole && !unnamed)) return undefined
  const write = rowWriter(outputs)
  const members = outputs.map(({ name, ref }) => ({ name, column: ref.name }))
  let text = ''
  let written = 0
  for (const one of reader.gatheredTexts?.(range, members, (row) => write([row])) ?? []) {
    if (written === limits.result_rows_max || text.length > limits.stream_above_bytes) return undefined
    text += written++ === 0 ? one : `,${one}`
  }
  return written === 0 ? undefined : text
}

function foundRows(
  { query, limits, access, conditions }: Plain,
  reader: TableReader,
  range: IndexRange,
  elements: boolean,
  onLong: OnLong,
): string | undefined {
  const { outputs, offset, cursors } = query
  const limit = rowsWanted(query, limits)
  const [test, write] = [compileAll(ownLast(conditions, range.attribute)), rowWriter(outputs)]
  const endsAtLimit = cursors === undefined && query.limit !== undefined
  const frame: Frame = []
  let text = ''
  let [read, skipped, written] = [0, 0, 0]
  let isWhole = true
  for (const found of reader.records(range, sieveOf(reader, access), () => columnsRead(query, conditions, range))) {
    if (++read > KEYS_MAX) {
      onLong(read, skipped + written)
      return undefined
    }
    if (text.length > limits.stream_above_bytes) return undefined
    if (written === limit && !endsAtLimit) return undefined
    if (written === limit) {
      isWhole = false
      break
    }
    // An array is met once for each of its elements, but is one row.
    if (found === undefined || (elements && Array.isArray(found.row[range.attribute]))) return undefined
    frame[0] = found.row
    if (!test(frame)) continue
    if (skipped < offset) skipped++
    else text += written++ === 0 ? shown(found, write) : `,${shown(found, write)}`
  }
  if (isWhole) reader.wantGathered?.(range, read)
  return text
}

/** The columns of the base table that are read; undefined where something inside of one is read. */
function columnsRead({ outputs }: Query, conditions: readonly Condition[], range: IndexRange): Names {
  const names = new Set([range.attribute])
  const note = ({ name, whole }: Ref) => whole && names.add(name)
  const all = outputs.every(({ ref }) => note(ref)) && conditions.every((it) => refsOf(it).every(note))
  return all ? [...names] : undefined
}

/** Conditions on the column by which rows are found hold for nearly all of them: they are asked last. */
function ownLast(conditions: readonly Condition[], column: string): readonly Condition[] {
  if (conditions.length < 2) return conditions
  const isOwn = (it: Condition) => 'test' in it && it.ref.name === column
  return [...conditions.filter((it) => !isOwn(it)), ...conditions.filter(isOwn)]
}
