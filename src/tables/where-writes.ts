import type { TableSchema } from '../catalog/index.js'
import { Problem, type Steps, type View, withPauses } from '../lib/index.js'
import type { Batch } from './batch.js'
import type { Key, Row, TableReader } from './reader.js'
import { compileWhere, rowsWhere, type WhereOptions } from './select/index.js'
import type { Tables } from './tables.js'

/** Which records a write means. */
export interface Target {
  database: string
  table: string
  where?: unknown
}

/** Whose eyes, and how long they wait. */
export interface Looking {
  view: View
  signal: AbortSignal
}

export interface LookingLimits extends WhereOptions {
  /** Time between two pauses for other work, in milliseconds. */
  slice_ms: number
  /** Records that one write may mean. */
  records_max: number
}

/** What a look at a snapshot has found, and from where on the log tells what it cannot know. */
export interface Found {
  schema: TableSchema
  keys: Set<Key>
  /** Sequence of the newest change that the snapshot is sure to hold. */
  upTo: number
}

/** So few changes are left to the transaction itself. */
const CHANGES_LEFT_MAX = 100
/** Looks at what has changed meanwhile, before the transaction. */
const LOOKS_MAX = 5

/** The test of `where` on single records of a table. @throws Problem of an unknown name or operator */
export function testOf(reader: TableReader, view: View, where: unknown, limits: WhereOptions): (row: Row) => boolean {
  const test = compileWhere(reader, view, where, limits)
  return (row) => test([row])
}

/**
 * The records that meet `where`, looked for before the transaction, with pauses: others write meanwhile. What they have
 * changed is looked at again and again, so that the transaction has little left to look at.
 * @throws Problem table_not_found, batch_too_large, of an unknown name or operator, and the reason of the signal
 */
export async function lookAhead(
  tables: Tables,
  target: Target,
  looking: Looking,
  limits: LookingLimits,
): Promise<Found> {
  const check = () => looking.signal.throwIfAborted()
  const paused = <T>(steps: Steps<T>) => withPauses(steps, limits.slice_ms, check)
  let found = await paused(firstLook(tables, target, looking, limits))
  for (let look = 0; look < LOOKS_MAX && tables.changes.committed() - found.upTo > CHANGES_LEFT_MAX; look++) {
    const next = await paused(nextLook(tables, target, looking, limits, found))
    if (!next) break
    found = next
  }
  return found
}

function* firstLook(tables: Tables, target: Target, { view }: Looking, limits: LookingLimits): Steps<Found> {
  const upTo = tables.changes.committed()
  using snapshot = tables.snapshot()
  const reader = view.seesTable(target.database, target.table)
    ? snapshot.table(target.database, target.table)
    : undefined
  if (!reader) throw new Problem('table_not_found', { database: target.database, table: target.table })
  const keys = new Set<Key>()
  for (const row of rowsWhere(reader, view, target.where, limits)) {
    if (row) keys.add(row[reader.schema.primaryKey] as Key)
    checkCount(keys.size, limits)
    yield
  }
  return { schema: reader.schema, keys, upTo }
}

/** What was found, as it is now; undefined when the log or the table cannot tell. */
function* nextLook(
  tables: Tables,
  { database, table, where }: Target,
  { view }: Looking,
  limits: LookingLimits,
  { schema, keys, upTo: before }: Found,
): Steps<Found | undefined> {
  const upTo = tables.changes.committed()
  using snapshot = tables.snapshot()
  const reader = snapshot.table(database, table)
  const changed = reader && isSame(schema, reader.schema) && tables.changes.keysChanged(schema.id, before)
  if (!changed) return undefined
  const test = testOf(reader, view, where, limits)
  for (const key of changed) {
    const row = reader.get(key)
    if (row && test(row)) keys.add(key)
    else keys.delete(key)
    yield
  }
  return { schema: reader.schema, keys, upTo }
}

/**
 * In the transaction: the keys of all records that may meet `where` now. Those that were found before and those that
 * have changed since; where that cannot be told, those of all records that do.
 */
export function* candidates(
  batch: Batch,
  { database, table, where }: Target,
  view: View,
  limits: LookingLimits,
  found: Found | undefined,
): Steps<Set<Key>> {
  const reader = batch.reader(database, table)
  const changed = found && isSame(found.schema, reader.schema) ? batch.keysChanged(found.schema, found.upTo) : undefined
  if (changed) return new Set([...found!.keys, ...changed])
  const test = testOf(reader, view, where, limits)
  const keys = new Set<Key>()
  for (const row of reader.scan()) {
    if (test(row)) keys.add(row[reader.schema.primaryKey] as Key)
    checkCount(keys.size, limits)
    yield
  }
  return keys
}

/** @throws Problem batch_too_large */
export function checkCount(count: number, { records_max: limit }: LookingLimits): void {
  if (count > limit) throw new Problem('batch_too_large', { limit, setting: 'tables.cascade_records_max' })
}

/** Whether a table is still the one that was looked at: names of columns mean what they meant then. */
function isSame(before: TableSchema, now: TableSchema): boolean {
  if (before === now) return true
  const ids = new Set(now.columns.map(({ id }) => id))
  return before.id === now.id && before.columns.every(({ id }) => ids.has(id))
}

/** The condition of a compare-and-set, for `WriteOptions`: a record that does not exist never meets it. */
export function conditionOf(
  batch: Batch,
  { database, table, where }: Target,
  view: View,
  limits: WhereOptions,
): ((row: Row | undefined) => boolean) | undefined {
  if (where === undefined) return undefined
  const test = testOf(batch.reader(database, table), view, where, limits)
  return (row) => row !== undefined && test(row)
}
