import type { Catalog, Column, TableSchema } from '../catalog/index.js'
import type { Storage } from '../storage/index.js'
import type { Tables } from '../tables/index.js'
import type { Observe } from './observer.js'
import type { ColumnMark, PeerStore } from './peers.js'
import { definitionOf, isPlain } from './table-state.js'
import type { TableName, TableState } from './wire.js'

export interface ColumnFollowerOptions {
  peer: string
  peers: PeerStore
  storage: Storage
  catalog: Catalog
  tables: Tables
  observe: Observe
  /** Has the others told of a table. */
  tell: (table: TableName) => void
}

/** By name: what became of columns that were dropped once. */
type ColumnMarks = Readonly<Record<string, ColumnMark>>

/** A table as a peer tells of it, and as it is here. */
interface Told {
  readonly state: TableState
  readonly theirs: NonNullable<TableState['schema']>
  readonly own: TableSchema
  /** The names of the columns that are here. */
  readonly ours: Set<string>
  readonly agreedAt: number | undefined
}

/**
 * Adds and drops columns because a peer says so. Of a column that was dropped once, the later of two nodes' words
 * holds: see DESIGN.md, Schema.
 */
export class ColumnFollower {
  readonly #options: ColumnFollowerOptions

  constructor(options: ColumnFollowerOptions) {
    this.#options = options
  }

  /**
   * Takes over what the peer tells of the columns of a table.
   * @param agreedAt hybrid time of the agreement since which changes have come without a pause
   */
  async follow(state: TableState, agreedAt: number | undefined): Promise<void> {
    const { catalog, tables } = this.#options
    const { database, droppedColumns = [], schema: theirs, table } = state
    const { id } = catalog.find(database, table) ?? {}
    // An attribute that an earlier drop takes now may come again with later records: a later drop takes it from these.
    if (catalog.leftovers().some(({ attribute }) => attribute && attribute.table === id)) await tables.cleaning.run()
    const own = catalog.find(database, table)
    if (!own || !theirs) return
    const told: Told = { state, theirs, own, ours: new Set(own.columns.map(({ name }) => name)), agreedAt }
    await this.#learnLaterDrops(told)
    for (const column of theirs.columns) await this.#followColumn(told, column)
    const gone = droppedColumns.filter((name) => told.ours.has(name) && !hasColumn(told, name))
    const others = gone.filter((name) => this.#isAnother(told, name))
    for (const name of gone) if (!others.includes(name)) await this.#drop(told, name, timeOf(state, name), own.dynamic)
    if (others.length > 0) await this.#keep(state, others)
    await this.#learnMarks(state)
  }

  async #followColumn(told: Told, column: Column): Promise<void> {
    const { agreedAt, ours, own, state, theirs } = told
    const { name } = column
    const mark = this.#markOf(state, name)
    const dropTime = state.columnDrops?.[name] ?? 0
    // Who was away has the one of before, perhaps of another type.
    if (ours.has(name) && dropTime > (mark?.at ?? agreedAt ?? Number.POSITIVE_INFINITY)) {
      await this.#drop(told, name, dropTime, own.dynamic && isPlain(column))
      ours.delete(name)
    }
    const now = this.#markOf(state, name)
    const isReturned = now?.gone && timeOf(state, name) > now.at
    if (ours.has(name) || (theirs.dynamic && isPlain(column) && !isReturned)) return
    const add = () => this.#options.tables.addColumn(state.database, state.table, definitionOf(column))
    await this.#unlessLaterHere(state, name, timeOf(state, name), add)
  }

  /** Whether a column was dropped there before the tables were shared: the one here is another. */
  #isAnother({ agreedAt, state }: Told, name: string): boolean {
    const at = timeOf(state, name)
    return this.#markOf(state, name) === undefined && at > 0 && at < (agreedAt ?? 0)
  }

  async #drop({ state }: Told, name: string, at: number, comesWithRecords: boolean): Promise<void> {
    const { database, table } = state
    // What was written later by who had not heard of it stays, as it does where it arrives behind the drop.
    const before = comesWithRecords && at > 0 ? at : undefined
    const drop = () => this.#options.tables.dropColumn(database, table, name, undefined, before)
    await this.#unlessLaterHere(state, name, at, drop)
  }

  /** What was done here later holds: else a column that has come again would go again, with all that is in it. */
  async #unlessLaterHere(state: TableState, name: string, at: number, change: () => Promise<unknown>): Promise<void> {
    const { observe, peer, peers } = this.#options
    const mark = this.#markOf(state, name)
    if (mark && at <= mark.at) return
    observe(peer, at)
    await peers.follow(state, name, at, change)
  }

  /** Of columns that were dropped on two nodes the later drop holds, also where they are gone already. */
  async #learnLaterDrops({ ours, state }: Told): Promise<void> {
    const { observe, peer, peers, tell } = this.#options
    const { columnDrops = {}, columnTimes = {}, droppedColumns = [] } = state
    const known = Object.entries(peers.dropped(state)?.columns ?? {})
    const later = known.flatMap(([name, mark]): [string, ColumnMark][] => {
      const at = (droppedColumns.includes(name) ? columnTimes[name] : columnDrops[name]) ?? 0
      return at > mark.at && !ours.has(name) ? [[name, { at, gone: true }]] : []
    })
    if (later.length === 0) return
    for (const [, { at }] of later) observe(peer, at)
    await this.#putMarks(state, (known) => ({ ...known, ...Object.fromEntries(later) }))
    tell(state)
  }

  /** Says of columns that the others have dropped that they are here: they come again there. */
  async #keep(state: TableState, names: readonly string[]): Promise<void> {
    const { tables, tell } = this.#options
    const isHere = (): ColumnMark => ({ at: tables.clock.now(), gone: false })
    await this.#putMarks(state, (known) => ({ ...known, ...Object.fromEntries(names.map((name) => [name, isHere()])) }))
    tell(state)
  }

  /** Remembers also of columns that were never here when they were dropped: old changes that have them may still come. */
  async #learnMarks(state: TableState): Promise<void> {
    const { columnDrops = {}, columnTimes = {}, database, droppedColumns = [], schema, table } = state
    const ours = new Set(this.#options.catalog.find(database, table)?.columns.map(({ name }) => name))
    const marks = Object.entries(columnTimes).flatMap(([name, at]): [string, ColumnMark][] => {
      const dropped = columnDrops[name]
      if (droppedColumns.includes(name)) return ours.has(name) ? [] : [[name, { at, gone: true }]]
      // Told a moment before the column itself: here it is still the one of before, whose drop is to be followed.
      if (ours.has(name) && !schema?.columns.some((column) => column.name === name)) return []
      return dropped === undefined ? [] : [[name, { at, gone: false, dropped }]]
    })
    if (marks.every(([name]) => this.#markOf(state, name) !== undefined)) return
    await this.#putMarks(state, (known) => ({ ...Object.fromEntries(marks), ...known }))
  }

  #markOf(table: TableName, column: string): ColumnMark | undefined {
    return this.#options.peers.dropped(table)?.columns?.[column]
  }

  /** Stores other marks of the columns of a table. */
  async #putMarks(table: TableName, change: (known: ColumnMarks) => ColumnMarks): Promise<void> {
    const { peers, storage } = this.#options
    await storage.write((transaction) => {
      const dropped = peers.dropped(table)
      peers.putDropped(transaction, table, { ...dropped, columns: change(dropped?.columns ?? {}) })
    })
  }
}

function hasColumn({ theirs }: Told, name: string): boolean {
  return theirs.columns.some((column) => column.name === name)
}

/** When a column was dropped, or came again, as the peer tells: 0 where it does not. */
function timeOf({ columnTimes = {} }: TableState, name: string): number {
  return columnTimes[name] ?? 0
}
