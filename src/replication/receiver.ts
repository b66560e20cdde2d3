import type { Catalog, Column, ColumnDefinition } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import type { Log } from '../mesh/index.js'
import type { Storage } from '../storage/index.js'
import type { Key, Tables } from '../tables/index.js'
import type { SharedEvents } from './event-outbox.js'
import { type ColumnMark, dropTimeOf, type PeerStore, type Subscription } from './peers.js'
import type { Receiver } from './subscriber.js'
import { nameOf, type ShippedEntry, type TableName, type TableState } from './wire.js'

export interface ReceiverOptions {
  peer: string
  nodeName: string
  peers: PeerStore
  storage: Storage
  catalog: Catalog
  tables: Tables
  events: SharedEvents
  dropTable: (database: string, table: string) => Promise<void>
  /** How far ahead of our clock a change may be. */
  clockAheadMsMax: number
  /** Has the others told of a table. */
  tell: (table: TableName) => void
  log: Log
}

/** By name: what became of columns that were dropped once. */
type ColumnMarks = Readonly<Record<string, ColumnMark>>

/** A column as the catalog takes it. */
export const definitionOf = (column: Column): ColumnDefinition => ({
  name: column.name,
  type: column.type,
  not_null: column.notNull,
  unique: column.unique,
  indexed: column.indexed,
  ...(column.default === undefined ? {} : { default: column.default }),
  ...(column.autoIncrement ? { auto_increment: true } : {}),
  ...(column.isSet ? { is_set: true } : {}),
})

/** Takes note of times of other nodes, that what is done here later is later. @throws Problem clock_ahead */
export function observer({ clock }: Tables, aheadMsMax: number): (node: string, time: number) => void {
  return (node, time) => {
    if (time > Date.now() + aheadMsMax) throw new Problem('clock_ahead', { node, limit: aheadMsMax })
    clock.observe(time)
  }
}

/** Applies what one peer sends to the tables of this node. */
export function receiverFor(options: ReceiverOptions): Receiver {
  const { catalog, clockAheadMsMax, dropTable, events, log, nodeName, peer, peers, storage, tables, tell } = options
  const observe = observer(tables, clockAheadMsMax)
  /** The newest of the peer's own changes, by table. */
  const seen = new Map<string, number>()
  /** The newest transaction that came, by table, and what it has changed so far. */
  const transactions = new Map<string, { time: number; origin: string; changed: Set<Key> }>()
  const changedBy = (table: string, { time, origin }: Pick<ShippedEntry, 'time' | 'origin'>): Set<Key> => {
    const newest = transactions.get(table)
    if (newest && newest.time === time && newest.origin === origin) return newest.changed
    const changed = new Set<Key>()
    transactions.set(table, { time, origin, changed })
    return changed
  }
  return {
    position: (table) => peers.position(peer, table),
    write: (run) => storage.write(run),
    putPosition(transaction, table, position) {
      const time = seen.get(nameOf(table))
      const next = time === undefined ? position : { ...position, seen: Math.max(position.seen ?? 0, time) }
      peers.putPosition(transaction, peer, table, next)
    },

    apply(transaction, { database, table }, entry, isCopy) {
      const { keys, operation, origin, time, user } = entry
      // What was made here comes back by way of others; only a copy may bring something that a restored backup lost.
      if (origin === nodeName && !isCopy) return { conflicts: 0 }
      if (operation === 'events') return { conflicts: 0 }
      observe(origin, time)
      const name = nameOf({ database, table })
      const newest = seen.get(name)
      if (origin === peer && time > (newest ?? 0)) {
        seen.set(name, time)
        transaction.onUndo(() => (newest === undefined ? seen.delete(name) : seen.set(name, newest)))
      }
      const change = {
        version: { time, origin },
        user,
        operation,
        keys,
        records: withoutDropped(options, { database, table }, entry),
        seen: isCopy ? undefined : entry.seen,
      }
      // Late on a longer way, or older in a copy, is no conflict.
      const logLost = origin === peer && !isCopy
      const changed = isCopy ? new Set<Key>() : changedBy(name, entry)
      const { lost, overtook } = tables.replica.apply(transaction, database, table, change, { logLost, changed })
      return { conflicts: overtook + (logLost ? lost : 0) }
    },

    async prepare(table, entries) {
      const records = entries.flatMap((entry) => withoutDropped(options, table, entry))
      await tables.replica.learn(table.database, table.table, records)
    },

    async insertEvents({ database, table }, entries) {
      const schema = catalog.table(database, table)
      for (const { origin, records, time } of entries) {
        if (origin === nodeName) continue
        observe(origin, time)
        const { rejected } = await events.insert(schema, records, { origin })
        const reason = rejected[0]?.reason
        if (reason !== undefined) throw new Problem('shared_events_refused', { node: peer, database, table, reason })
      }
    },

    async adopt(state) {
      const agreed = peers.peers.get(peer)?.subscriptions.find((one) => one.subscribe && isSame(one, state))
      if (!agreed) return
      const isDropped = await followDrop({ catalog, dropTable, log, observe, peers }, peer, state)
      if (!isDropped && state.dropped === undefined) await alter(state, agreed.first ?? agreed.at)
    },
  }

  async function alter(state: TableState, agreedAt: number | undefined): Promise<void> {
    const { columnDrops = {}, columnTimes = {}, database, droppedColumns = [], schema, table } = state
    const { id } = catalog.find(database, table) ?? {}
    // An attribute that an earlier drop takes now may come again with later records: a later drop takes it from these.
    if (catalog.leftovers().some(({ attribute }) => attribute && attribute.table === id)) await tables.cleaning.run()
    const own = catalog.find(database, table)
    if (!own || !schema) return
    const ours = new Set(own.columns.map(({ name }) => name))
    const markOf = (name: string) => peers.dropped(state)?.columns?.[name]
    const timeOf = (name: string) => columnTimes[name] ?? 0
    await learnLaterDrops(state, ours)
    const follow = async (name: string, at: number, change: () => Promise<unknown>) => {
      // What was done here later holds: else a column that has come again would go again, with all that is in it.
      const mark = markOf(name)
      if (mark && at <= mark.at) return
      observe(peer, at)
      await peers.follow(state, name, at, change)
    }
    const drop = async (name: string, at: number, comesWithRecords: boolean) => {
      // What was written later by who had not heard of it stays, as it does where it arrives behind the drop.
      const before = comesWithRecords && at > 0 ? at : undefined
      await follow(name, at, () => tables.dropColumn(database, table, name, undefined, before))
    }
    for (const column of schema.columns) {
      const { name } = column
      const dropTime = columnDrops[name] ?? 0
      // Who was away has the one of before, perhaps of another type.
      if (ours.has(name) && dropTime > (markOf(name)?.at ?? agreedAt ?? Number.POSITIVE_INFINITY)) {
        await drop(name, dropTime, own.dynamic && isPlain(column))
        ours.delete(name)
      }
      const isReturned = markOf(name)?.gone && timeOf(name) > markOf(name)!.at
      if (ours.has(name) || (schema.dynamic && isPlain(column) && !isReturned)) continue
      await follow(name, timeOf(name), () => tables.addColumn(database, table, definitionOf(column)))
    }
    const unknown: string[] = []
    for (const name of droppedColumns) {
      if (!ours.has(name) || schema.columns.some((column) => column.name === name)) continue
      // It was dropped before the tables were shared: the one here is another.
      if (markOf(name) === undefined && timeOf(name) > 0 && timeOf(name) < (agreedAt ?? 0)) unknown.push(name)
      else await drop(name, timeOf(name), own.dynamic)
    }
    if (unknown.length > 0) await keep(state, unknown)
    await learnMarks(state)
  }

  /** Of columns that were dropped on two nodes the later drop holds, also where they are gone already. */
  async function learnLaterDrops(state: TableState, ours: ReadonlySet<string>): Promise<void> {
    const { columnDrops = {}, columnTimes = {}, droppedColumns = [] } = state
    const known = Object.entries(peers.dropped(state)?.columns ?? {})
    const later = known.flatMap(([name, mark]): [string, ColumnMark][] => {
      const at = (droppedColumns.includes(name) ? columnTimes[name] : columnDrops[name]) ?? 0
      return at > mark.at && !ours.has(name) ? [[name, { at, gone: true }]] : []
    })
    if (later.length === 0) return
    for (const [, { at }] of later) observe(peer, at)
    await putMarks(state, (known) => ({ ...known, ...Object.fromEntries(later) }))
    tell(state)
  }

  /** Says of columns that the others have dropped that they are here: they come again there. */
  async function keep(state: TableState, names: readonly string[]): Promise<void> {
    const isHere = (): ColumnMark => ({ at: tables.clock.now(), gone: false })
    await putMarks(state, (known) => ({ ...known, ...Object.fromEntries(names.map((name) => [name, isHere()])) }))
    tell(state)
  }

  /** Remembers also of columns that were never here when they were dropped: old changes that have them may still come. */
  async function learnMarks(state: TableState): Promise<void> {
    const { columnDrops = {}, columnTimes = {}, database, droppedColumns = [], schema, table } = state
    const ours = new Set(catalog.find(database, table)?.columns.map(({ name }) => name))
    const isNew = (name: string) => peers.dropped(state)?.columns?.[name] === undefined
    const marks = Object.entries(columnTimes).flatMap(([name, at]): [string, ColumnMark][] => {
      const dropped = columnDrops[name]
      if (droppedColumns.includes(name)) return ours.has(name) ? [] : [[name, { at, gone: true }]]
      // Told a moment before the column itself: here it is still the one of before, whose drop is to be followed.
      if (ours.has(name) && !schema?.columns.some((column) => column.name === name)) return []
      return dropped === undefined ? [] : [[name, { at, gone: false, dropped }]]
    })
    if (!marks.some(([name]) => isNew(name))) return
    await putMarks(state, (known) => ({ ...Object.fromEntries(marks), ...known }))
  }

  /** Stores other marks of the columns of a table. */
  async function putMarks(table: TableName, change: (known: ColumnMarks) => ColumnMarks): Promise<void> {
    await storage.write((transaction) => {
      const dropped = peers.dropped(table)
      peers.putDropped(transaction, table, { ...dropped, columns: change(dropped?.columns ?? {}) })
    })
  }
}

/**
 * The records of an entry without what was written before its column was dropped: everywhere else it went with the
 * column.
 */
function withoutDropped(
  { catalog, peers }: Pick<ReceiverOptions, 'catalog' | 'peers'>,
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

/** What is needed to drop a table because a peer says so. */
type Following = Pick<ReceiverOptions, 'catalog' | 'dropTable' | 'log' | 'peers'> & {
  observe: (node: string, time: number) => void
}

/**
 * Drops a table when a peer tells of a drop later than the agreement on it: what is here is then the table of before.
 * Answers whether it was so.
 */
export async function followDrop(following: Following, peer: string, state: TableState): Promise<boolean> {
  const { catalog, dropTable, log, observe, peers } = following
  const { database, table } = state
  const agreed = peers.peers.get(peer)?.subscriptions.find((one) => one.subscribe && isSame(one, state))
  const dropped = agreed && dropAfter(agreed, state)
  if (dropped === undefined) return false
  if (!catalog.find(database, table)) return true
  log.warn({ peer, database, table }, 'dropping a table because a peer dropped it')
  observe(peer, dropped)
  // With the time of the peer's word: told on as of now, it would drop what others have made and agreed on since.
  await peers.follow(state, '', dropped, () => dropTable(database, table))
  return true
}

/** When a table was dropped that is agreed on; undefined when the word is older than the agreement. */
function dropAfter({ at }: Subscription, { dropped, droppedBefore }: TableState): number | undefined {
  if (dropped !== undefined) return dropped > (at ?? 0) ? dropped : undefined
  // Of an agreement without a time, of an older version, nobody knows whether the table was made anew before or after it.
  return droppedBefore !== undefined && at !== undefined && droppedBefore > at ? droppedBefore : undefined
}

const isSame = (a: TableName, b: TableName) => a.database === b.database && a.table === b.table

/** A column of a dynamic table that comes with the first record that has it. */
export const isPlain = ({ type, notNull, unique, default: value }: Column) =>
  type === 'any' && !notNull && !unique && value === undefined
