import type { Catalog, CatalogState, TableSchema } from '../catalog/index.js'
import type { WriteTransaction } from '../storage/index.js'
import type { Tables } from '../tables/index.js'
import type { ColumnMark, PeerStore } from './peers.js'
import { isPlain } from './table-state.js'
import { isSameTable, type TableName } from './wire.js'

/** Is told, when a change is stored, of which tables others have to hear and with whom less is shared than before. */
export type SchemaListener = (news: readonly TableName[], peers: readonly string[]) => void

/**
 * Remembers, in the transactions of their changes, which shared tables and columns were dropped on purpose and which
 * columns came again, and ends the sharing of dropped tables. Also while clustering is off: a peer would else bring back
 * what was dropped meanwhile, or keep it.
 */
export class SchemaWatch {
  readonly #peers: PeerStore
  readonly #tables: Tables
  #listener: SchemaListener = () => {}

  constructor(catalog: Catalog, peers: PeerStore, tables: Tables) {
    this.#peers = peers
    this.#tables = tables
    catalog.watch((...change) => this.#changed(...change))
  }

  listen(listener: SchemaListener): void {
    this.#listener = listener
  }

  #changed(transaction: WriteTransaction, before: CatalogState, after: CatalogState): void {
    const news: TableName[] = []
    const ended = new Set<string>()
    for (const [database, { tables }] of before.databases) {
      const now = after.databases.get(database)?.tables
      if (now === tables) continue
      for (const [table, schema] of tables) {
        const name = { database, table }
        const then = now?.get(table)
        if (then === schema) continue
        const isShared = this.#isShared(name)
        if (then) {
          const isKnown = isShared || this.#peers.dropped(name)?.columns !== undefined
          if (isKnown && this.#alter(transaction, name, schema, then) && this.#isShared(name, true)) news.push(name)
          continue
        }
        if (!isShared) continue
        const at = this.#peers.followed(name, '') ?? this.#tables.clock.now()
        this.#peers.putDropped(transaction, name, { table: at })
        for (const peer of this.#endSharing(transaction, name)) ended.add(peer)
        news.push(name)
      }
    }
    this.#forgetColumns(transaction, before, after)
    if (news.length > 0) transaction.onCommit(() => this.#listener(news, [...ended]))
  }

  /** Of a table that is made anew, whoever was away has the one of before, and is told; of its columns nothing is left. */
  #forgetColumns(transaction: WriteTransaction, before: CatalogState, after: CatalogState): void {
    for (const [database, { tables }] of after.databases) {
      for (const table of tables.keys()) {
        const isNew = !before.databases.get(database)?.tables.has(table)
        const dropped = this.#peers.dropped({ database, table })
        if (!isNew || !dropped) continue
        const rest = dropped.table === undefined ? undefined : { table: dropped.table }
        this.#peers.putDropped(transaction, { database, table }, rest)
      }
    }
  }

  /** Answers whether others have to hear of it. */
  #alter(transaction: WriteTransaction, name: TableName, was: TableSchema, is: TableSchema): boolean {
    const kept = new Set(is.columns.map((column) => column.name))
    const gone = was.columns.map((column) => column.name).filter((column) => !kept.has(column))
    const told = new Set(was.columns.map((column) => column.name))
    const added = is.columns.some((column) => !told.has(column.name) && !(is.dynamic && isPlain(column)))
    const marks = this.#peers.dropped(name)?.columns
    const returned = [...kept].filter((column) => !told.has(column) && marks?.[column]?.gone)
    if (gone.length + returned.length > 0) this.#mark(transaction, name, is, gone, returned)
    return gone.length + returned.length > 0 || added
  }

  /** Remembers columns that go, and that come again: with the time of where that was done first. */
  #mark(
    transaction: WriteTransaction,
    table: TableName,
    { columns: is, dynamic }: TableSchema,
    gone: readonly string[],
    returned: readonly string[],
  ): void {
    const dropped = this.#peers.dropped(table)
    const columns = { ...dropped?.columns }
    // It came with a record, whose version says what of it stays: a drop that another node has made meanwhile is later.
    const camePlain = (name: string) => dynamic && is.some((column) => column.name === name && isPlain(column))
    for (const column of [...gone, ...returned]) {
      const before = columns[column]
      const followed = this.#peers.followed(table, column) ?? 0
      // Whoever changes the column while a peer's change of it is on its way to disk makes another, later one.
      const at = followed > (before?.at ?? 0) ? followed : this.#tables.clock.now()
      const mark: ColumnMark = gone.includes(column) ? { at, gone: true } : { at, gone: false, dropped: before!.at }
      columns[column] = camePlain(column) ? { ...mark, at: before!.at } : mark
    }
    this.#peers.putDropped(transaction, table, { ...dropped, columns })
  }

  /** @param publishes whether only those count to whom changes of the table go */
  #isShared(table: TableName, publishes = false): boolean {
    return [...this.#peers.agreements()].some(({ subscriptions }) =>
      subscriptions.some((one) => isSameTable(one, table) && (one.publish || !publishes)),
    )
  }

  /** Answers with whom it was shared. */
  #endSharing(transaction: WriteTransaction, { database, table }: TableName): string[] {
    const ended: string[] = []
    for (const peer of this.#peers.peers.values()) {
      const subscriptions = peer.subscriptions.filter((one) => one.database !== database || one.table !== table)
      if (subscriptions.length === peer.subscriptions.length) continue
      this.#peers.putPeer(transaction, { ...peer, subscriptions })
      ended.push(peer.name)
    }
    return ended
  }
}
