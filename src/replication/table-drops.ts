import type { Catalog } from '../catalog/index.js'
import type { Log } from '../mesh/index.js'
import type { Observe } from './observer.js'
import { type ColumnMark, dropTimeOf, type PeerStore, type Subscription } from './peers.js'
import { isSameTable, type ShippedEntry, type TableName, type TableState } from './wire.js'

/** What is needed to drop a table because a peer says so. */
export interface Following {
  catalog: Catalog
  peers: PeerStore
  dropTable: (database: string, table: string) => Promise<void>
  observe: Observe
  log: Log
}

/**
 * Drops a table when a peer tells of a drop later than the agreement on it: what is here is then the table of before.
 * Answers whether it was so.
 */
export async function followDrop(following: Following, peer: string, state: TableState): Promise<boolean> {
  const { catalog, dropTable, log, observe, peers } = following
  const { database, table } = state
  const agreed = peers.peers.get(peer)?.subscriptions.find((one) => one.subscribe && isSameTable(one, state))
  const dropped = agreed && dropAfter(agreed, state)
  if (dropped === undefined) return false
  if (!catalog.find(database, table)) return true
  log.warn({ peer, database, table }, 'dropping a table because a peer dropped it')
  observe(peer, dropped)
  // With the time of the peer's word: told on as of now, it would drop what others have made and agreed on since.
  await peers.follow(state, '', dropped, () => dropTable(database, table))
  return true
}

/**
 * Drops tables of which a word of another node has not been read yet: agreed on again they would pass for the new ones,
 * with all old records.
 */
export async function followDrops(following: Following, peer: string, states: readonly TableState[]): Promise<void> {
  for (const state of states) await followDrop(following, peer, state)
}

/** When a table was dropped that is agreed on; undefined when the word is older than the agreement. */
function dropAfter({ at }: Subscription, { dropped, droppedBefore }: TableState): number | undefined {
  if (dropped !== undefined) return dropped > (at ?? 0) ? dropped : undefined
  // Of an agreement without a time, of an older version, nobody knows whether the table was made anew before or after it.
  return droppedBefore !== undefined && at !== undefined && droppedBefore > at ? droppedBefore : undefined
}

/**
 * The records of an entry without what was written before its column was dropped: everywhere else it went with the
 * column.
 */
export function withoutDropped(
  { catalog, peers }: Pick<Following, 'catalog' | 'peers'>,
  table: TableName,
  { records, time }: Pick<ShippedEntry, 'records' | 'time'>,
): readonly Record<string, unknown>[] {
  const marks = peers.dropped(table)?.columns
  if (!marks) return records
  // Not all that comes later: a node that shares the table with others may never hear of the drop, and use the name.
  // But without a column a declared table has no place for it.
  const isDynamic = catalog.find(table.database, table.table)?.dynamic
  const isGone = (mark: ColumnMark) => time < dropTimeOf(mark) || (mark.gone && !isDynamic)
  const gone = Object.keys(marks).filter((name) => isGone(marks[name]!))
  if (gone.length === 0) return records
  return records.map((record) => Object.fromEntries(Object.entries(record).filter(([name]) => !gone.includes(name))))
}
