import type { Catalog } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import type { Log } from '../mesh/index.js'
import type { Storage, WriteTransaction } from '../storage/index.js'
import type { Key, Tables } from '../tables/index.js'
import { ColumnFollower } from './column-follower.js'
import type { SharedEvents } from './event-outbox.js'
import { type Observe, observerOf } from './observer.js'
import type { PeerStore, Position } from './peers.js'
import { followDrop, withoutDropped } from './table-drops.js'
import { isSameTable, nameOf, type ShippedEntry, type TableName, type TableState } from './wire.js'

export interface ReceiverOptions {
  peer: string
  nodeName: string
  peers: PeerStore
  storage: Storage
  catalog: Catalog
  tables: Tables
  events: SharedEvents
  dropTable: (database: string, table: string) => Promise<void>
  /** How far ahead of our clock a change may be, in milliseconds. */
  clockAheadMsMax: number
  /** Has the others told of a table. */
  tell: (table: TableName) => void
  log: Log
}

/** A change as it is applied, whatever its place in a log. */
export type Entry = Omit<ShippedEntry, 'sequence'>

/** What reading a peer needs of the node that it brings changes to. */
export interface Receiver {
  position(table: TableName): Position | undefined
  /** Runs a transaction of the records' environment. */
  write<T>(run: (transaction: WriteTransaction) => T): Promise<T>
  putPosition(transaction: WriteTransaction, table: TableName, position: Position): void
  /** Applies entries of one table; answers how many conflicts there were. @throws Problem when they cannot be */
  apply(transaction: WriteTransaction, table: TableName, entry: Entry, isCopy: boolean): { conflicts: number }
  /** Makes known what records bring that is new, before they are applied. */
  prepare(table: TableName, entries: readonly Entry[]): Promise<void>
  /** Inserts events, before the position behind them is stored: again they change nothing. @throws Problem */
  insertEvents(table: TableName, entries: readonly Entry[]): Promise<void>
  /** Takes over what the peer tells of a table: new columns, dropped columns, the drop of the table. */
  adopt(state: TableState): Promise<void>
}

/** Applies what one peer sends to the tables of this node. */
export class TableReceiver implements Receiver {
  readonly #options: ReceiverOptions
  readonly #observe: Observe
  readonly #columns: ColumnFollower
  /** The newest of the peer's own changes, by table. */
  readonly #seen = new Map<string, number>()
  /** The newest transaction that came, by table, and what it has changed so far. */
  readonly #transactions = new Map<string, { time: number; origin: string; changed: Set<Key> }>()

  constructor(options: ReceiverOptions) {
    this.#options = options
    this.#observe = observerOf(options.tables.clock, options.clockAheadMsMax)
    this.#columns = new ColumnFollower({ ...options, observe: this.#observe })
  }

  position(table: TableName): Position | undefined {
    return this.#options.peers.position(this.#options.peer, table)
  }

  write<T>(run: (transaction: WriteTransaction) => T): Promise<T> {
    return this.#options.storage.write(run)
  }

  putPosition(transaction: WriteTransaction, table: TableName, position: Position): void {
    const { peer, peers } = this.#options
    const time = this.#seen.get(nameOf(table))
    const next = time === undefined ? position : { ...position, seen: Math.max(position.seen ?? 0, time) }
    peers.putPosition(transaction, peer, table, next)
  }

  apply(transaction: WriteTransaction, table: TableName, entry: Entry, isCopy: boolean): { conflicts: number } {
    const { nodeName, peer, tables } = this.#options
    const { keys, operation, origin, time, user } = entry
    // What was made here comes back by way of others; only a copy may bring something that a restored backup lost.
    if (origin === nodeName && !isCopy) return { conflicts: 0 }
    if (operation === 'events') return { conflicts: 0 }
    this.#observe(origin, time)
    if (origin === peer) this.#see(transaction, nameOf(table), time)
    const change = {
      version: { time, origin },
      user,
      operation,
      keys,
      records: withoutDropped(this.#options, table, entry),
      seen: isCopy ? undefined : entry.seen,
    }
    // Late on a longer way, or older in a copy, is no conflict.
    const logLost = origin === peer && !isCopy
    const changed = isCopy ? new Set<Key>() : this.#changedBy(nameOf(table), entry)
    const how = { logLost, changed }
    const { lost, overtook } = tables.replica.apply(transaction, table.database, table.table, change, how)
    return { conflicts: overtook + (logLost ? lost : 0) }
  }

  async prepare(table: TableName, entries: readonly Entry[]): Promise<void> {
    const records = entries.flatMap((entry) => withoutDropped(this.#options, table, entry))
    await this.#options.tables.replica.learn(table.database, table.table, records)
  }

  async insertEvents({ database, table }: TableName, entries: readonly Entry[]): Promise<void> {
    const { catalog, events, nodeName, peer } = this.#options
    const schema = catalog.table(database, table)
    for (const { origin, records, time } of entries) {
      if (origin === nodeName) continue
      this.#observe(origin, time)
      const { rejected } = await events.insert(schema, records, { origin })
      const reason = rejected[0]?.reason
      if (reason !== undefined) throw new Problem('shared_events_refused', { node: peer, database, table, reason })
    }
  }

  async adopt(state: TableState): Promise<void> {
    const { peer, peers } = this.#options
    const agreed = peers.peers.get(peer)?.subscriptions.find((one) => one.subscribe && isSameTable(one, state))
    if (!agreed) return
    const isDropped = await followDrop({ ...this.#options, observe: this.#observe }, peer, state)
    if (!isDropped && state.dropped === undefined) await this.#columns.follow(state, agreed.first ?? agreed.at)
  }

  /** Remembers the time of a change of the peer's own, unless its transaction comes to nothing. */
  #see(transaction: WriteTransaction, table: string, time: number): void {
    const newest = this.#seen.get(table)
    if (time <= (newest ?? 0)) return
    this.#seen.set(table, time)
    transaction.onUndo(() => (newest === undefined ? this.#seen.delete(table) : this.#seen.set(table, newest)))
  }

  /** The records that the transaction of an entry has changed so far. */
  #changedBy(table: string, { time, origin }: Pick<ShippedEntry, 'time' | 'origin'>): Set<Key> {
    const newest = this.#transactions.get(table)
    if (newest && newest.time === time && newest.origin === origin) return newest.changed
    const changed = new Set<Key>()
    this.#transactions.set(table, { time, origin, changed })
    return changed
  }
}
