import { Problem, type View } from '../lib/index.js'
import type { Batch } from './batch.js'
import type { Key, Row, Snapshot, TableReader } from './reader.js'
import { compileWhere, rowsWhere, type WhereOptions } from './select/index.js'

/** Which records a write means. */
export interface Target {
  database: string
  table: string
  where: unknown
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

/** The test of `where` on single records of a table. @throws Problem of an unknown name or operator */
export function testOf(reader: TableReader, view: View, where: unknown, limits: WhereOptions): (row: Row) => boolean {
  const test = compileWhere(reader, view, where, limits)
  return (row) => test([row])
}

/**
 * The keys of the records that meet `where`, looked for in a snapshot with pauses. The write that uses them tests each
 * record again in its transaction.
 */
export async function keysWhere(
  snapshot: Snapshot,
  { database, table, where }: Target,
  { view, signal }: Looking,
  limits: LookingLimits,
): Promise<Key[]> {
  const reader = view.seesTable(database, table) ? snapshot.table(database, table) : undefined
  if (!reader) throw new Problem('table_not_found', { database, table })
  const keys: Key[] = []
  let slice = performance.now()
  for (const row of rowsWhere(reader, view, where, limits)) {
    if (row) keys.push(row[reader.schema.primaryKey] as Key)
    if (keys.length > limits.records_max)
      throw new Problem('batch_too_large', { limit: limits.records_max, setting: 'tables.cascade_records_max' })
    if (performance.now() - slice < limits.slice_ms) continue
    await new Promise(setImmediate)
    signal.throwIfAborted()
    slice = performance.now()
  }
  return keys
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
