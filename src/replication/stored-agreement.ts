import type { Catalog } from '../catalog/index.js'
import type { WriteTransaction } from '../storage/index.js'
import type { Tables } from '../tables/index.js'
import type { PeerStore } from './peers.js'
import type { Description, TableName } from './wire.js'
import { bare, beginning, merged, type Wanted } from './wish.js'

/** What is remembered of an agreement. */
export interface Stored {
  node: string
  publicKey: string
  wanted: Wanted[]
  /** Where the other node's log was when it was asked. */
  description: Pick<Description, 'incarnation' | 'sequence'>
  /** The same on both nodes: later than every drop before it, and earlier than every one behind it. */
  at: number
}

export interface StoredIn {
  peers: PeerStore
  catalog: Catalog
  tables: Tables
}

/**
 * Remembers an agreement, and from where each table is read.
 * @param replace whether this is all that is shared with the node
 * @throws Problem table_not_found
 */
export function storeAgreement(
  { catalog, peers, tables }: StoredIn,
  transaction: WriteTransaction,
  { at, description, node, publicKey, wanted }: Stored,
  replace: boolean,
): void {
  // One may have been dropped while the nodes asked each other: who reads of it would read nothing else either.
  for (const { database, table } of wanted) catalog.draftTable(database, table)
  const old = peers.peers.get(node)
  const subscriptions = merged(replace ? [] : (old?.subscriptions ?? []), wanted, at)
  peers.putPeer(transaction, { name: node, publicKey, addedAt: old?.addedAt ?? Date.now(), subscriptions })
  if (peers.arrived(node) === undefined) peers.putArrived(transaction, node, tables.changes.committed())
  for (const wish of wanted) {
    const known = peers.position(node, wish)
    const position = beginning(reachable(catalog, wish), known, description.incarnation, description.sequence)
    if (position) peers.putPosition(transaction, node, bare(wish), position)
  }
}

/**
 * A table that was there when it was asked for may have gone since: one that is nowhere is not to be shared.
 * @throws Problem table_not_found
 */
export function checkTables(catalog: Catalog, wanted: readonly TableName[]): void {
  for (const { database, table } of wanted) catalog.table(database, table)
}

/** The log has no events of before they were shared: an earlier start is a full copy. */
function reachable(catalog: Catalog, wish: Wanted): Wanted {
  const isEvents = catalog.find(wish.database, wish.table)?.kind === 'events'
  return isEvents && wish.since !== undefined ? { ...wish, copy: true } : wish
}
