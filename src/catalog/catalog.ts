import { Problem } from '../lib/index.js'
import {
  AFTER_VALUES,
  encodeId,
  type Keyspace,
  type Receipt,
  type Storage,
  type StorageSnapshot,
  type WriteTransaction,
} from '../storage/index.js'
import { type ColumnDefinition, type TableDefinition, toColumn } from './definition.js'
import { checkName, RESERVED_DATABASE } from './names.js'
import { type Column, type Content, isSameTable, type TableSchema } from './schema.js'
import { CatalogState, type Database } from './state.js'
import { checkForeignKeys, checkNotNeeded, schemaOf } from './table-schema.js'

export interface CatalogSettings {
  databases_max: number
  tables_max: number
  columns_max: number
}

export interface DroppedAttribute {
  table: number
  name: string
  /** Hybrid time. */
  before?: number
}

/** What dropped tables and columns have left behind; cleaned in the background, also after a restart. */
export interface Leftover {
  /** Under this the leftover is kept; give it back to `forgetLeftover`. */
  id: number
  /** The table whose records and tombstones go, when the table was dropped. */
  table?: number
  /** The columns whose index entries go. */
  columns: number[]
  /** Of this living table, records still hold the dropped attribute: those of versions before a time, or all, lose it. */
  attribute?: DroppedAttribute
}

/** Told of a database in the transaction that makes it. */
export type WhenMade = (transaction: WriteTransaction, made: { name: string; createdAt: number }) => void

export type CatalogListener = (transaction: WriteTransaction, before: CatalogState, after: CatalogState) => void

/**
 * Which databases, tables and columns exist. `current` is what is on disk; `draft` is what it will be after the writes
 * that are under way, and is read and changed inside transactions only.
 */
export class Catalog {
  readonly #storage: Storage
  readonly #space: Keyspace
  readonly #settings: CatalogSettings
  readonly #now: () => number
  readonly #listeners = new Set<CatalogListener>()
  #current: CatalogState
  #draft: CatalogState
  /** As a commit has left it that is not on disk yet. */
  #ahead: { sequence: number; state: CatalogState } | undefined

  private constructor(storage: Storage, settings: CatalogSettings, now: () => number) {
    this.#storage = storage
    this.#space = storage.keyspace('catalog')
    this.#settings = settings
    this.#now = now
    using snapshot = storage.snapshot()
    this.#current = load(snapshot, this.#space)
    this.#draft = this.#current
  }

  static open(storage: Storage, settings: CatalogSettings, now: () => number = Date.now): Catalog {
    return new Catalog(storage, settings, now)
  }

  /** What is on disk. */
  get current(): CatalogState {
    return this.#current
  }

  /**
   * What a snapshot sees. LMDB shows a commit a moment before it is on disk: with the records of that commit come the
   * columns that they have brought.
   */
  at(snapshot: StorageSnapshot): CatalogState {
    if (this.#draft === this.#current || snapshot.sequence === this.#storage.sequence) return this.#current
    if (this.#ahead?.sequence !== snapshot.sequence)
      this.#ahead = { sequence: snapshot.sequence, state: load(snapshot, this.#space) }
    return this.#ahead.state
  }

  /** What will be on disk after the writes under way: for transactions. */
  get draft(): CatalogState {
    return this.#draft
  }

  /** The listener is called in the transaction of every change, with the state before and the one after. */
  watch(listener: CatalogListener): void {
    this.#listeners.add(listener)
  }

  hasDatabase(name: string): boolean {
    return this.#current.databases.has(name)
  }

  find(database: string, table: string): TableSchema | undefined {
    return this.#current.table(database, table)
  }

  /** @throws Problem table_not_found */
  table(database: string, table: string): TableSchema {
    return known(this.#current, database, table)
  }

  /** Inside a transaction. @throws Problem table_not_found, database_reserved */
  draftTable(database: string, table: string): TableSchema {
    if (database === RESERVED_DATABASE) throw new Problem('database_reserved', { database })
    return known(this.#draft, database, table)
  }

  /** @throws Problem database_not_found */
  database(name: string): Database {
    const database = this.#current.databases.get(name)
    if (!database) throw new Problem('database_not_found', { database: name })
    return database
  }

  /** @throws Problem database_exists, invalid_name, too_many */
  async createDatabase(name: string, receipt?: Receipt, whenMade?: WhenMade): Promise<void> {
    await this.#storage.write((transaction) => {
      if (name === RESERVED_DATABASE || this.#draft.databases.has(name))
        throw new Problem('database_exists', { database: name })
      this.#addDatabase(transaction, name, whenMade)
      receipt?.alongside(transaction)
    })
  }

  /** Drops the database with its tables, and answers these. @throws Problem database_not_found, database_reserved */
  async dropDatabase(name: string, receipt?: Receipt): Promise<TableSchema[]> {
    if (name === RESERVED_DATABASE) throw new Problem('database_reserved', { database: name })
    return this.#storage.write((transaction) => {
      const database = this.#draft.databases.get(name)
      if (!database) throw new Problem('database_not_found', { database: name })
      const tables = [...database.tables.values()]
      for (const table of tables) this.#removeTable(transaction, table)
      transaction.remove(this.#space, databaseKey(name))
      this.#change(transaction, this.#draft.withoutDatabase(name))
      receipt?.alongside(transaction)
      return tables
    })
  }

  /**
   * Creates the table, and its database when that is missing; with `keepEqual` one that is there may be what is wanted.
   * @throws Problem table_exists, invalid_name, invalid_column, too_many
   */
  async createTable(definition: TableDefinition, receipt?: Receipt, whenMade?: WhenMade): Promise<TableSchema> {
    return await this.#storage.write((transaction) => {
      receipt?.alongside(transaction)
      return this.createTableIn(transaction, definition, whenMade)
    })
  }

  /** The same inside a transaction. */
  createTableIn(transaction: WriteTransaction, definition: TableDefinition, whenMade?: WhenMade): TableSchema {
    const { database, table } = definition
    checkName('table', table)
    if (database === RESERVED_DATABASE) throw new Problem('database_reserved', { database })
    const before = this.#draft.table(database, table)
    if (before && definition.keepEqual && isSameTable(before, this.#schemaOf(definition))) return before
    if (before) throw new Problem('table_exists', { table, database })
    if (!this.#draft.databases.has(database)) this.#addDatabase(transaction, database, whenMade)
    const tables = this.#draft.databases.get(database)!.tables.size
    if (tables >= this.#settings.tables_max) throw tooMany('tables', this.#settings.tables_max, 'catalog.tables_max')
    const schema = this.#schemaOf(definition)
    checkForeignKeys(this.#draft, schema)
    this.#put(transaction, schema)
    return schema
  }

  /**
   * At once for callers; the records are removed in the background. Answers what the table was.
   * @throws Problem table_not_found, table_referenced, database_reserved
   */
  async dropTable(database: string, table: string, receipt?: Receipt): Promise<TableSchema> {
    return this.#storage.write((transaction) => {
      const schema = this.draftTable(database, table)
      for (const other of this.#draft.databases.get(database)!.tables.values()) {
        if (other !== schema && other.foreignKeys.some((key) => key.table === table))
          throw new Problem('table_referenced', { database, table, by: other.name })
      }
      this.#removeTable(transaction, schema)
      this.#change(transaction, this.#draft.withoutTable(database, table))
      receipt?.alongside(transaction)
      return schema
    })
  }

  /**
   * Inside a transaction. `content`: what the records that are there have in it.
   * @throws Problem table_not_found, column_exists, invalid_name, invalid_column, too_many
   */
  addColumnIn(
    transaction: WriteTransaction,
    database: string,
    table: string,
    definition: ColumnDefinition,
    content?: Content,
  ): TableSchema {
    const schema = this.draftTable(database, table)
    return this.#addColumns(transaction, schema, [definition], content)
  }

  /**
   * New attributes of a dynamic table, inside the transaction that brings them. `content`: what the records that are
   * there have in them. @throws Problem invalid_name, too_many
   */
  addAttributes(
    transaction: WriteTransaction,
    schema: TableSchema,
    names: Iterable<string>,
    content?: Content,
  ): TableSchema {
    const definitions = [...names].map((name) => ({ name }))
    return this.#addColumns(transaction, schema, definitions, content)
  }

  /** Notes what some columns of a table hold beside what they held, by their numbers. */
  widenContents(
    transaction: WriteTransaction,
    table: number,
    contents: ReadonlyMap<number, Content | undefined>,
  ): void {
    const schema = this.#draft.numbered(table)
    if (!schema) return
    const columns = schema.columns.map((column) => {
      const { content: before, ...rest } = column
      const content = contents.get(column.id)
      if (!contents.has(column.id) || before === undefined || content === before) return column
      return content === undefined ? rest : { ...rest, content: 'nullable' as const }
    })
    this.#put(transaction, { ...schema, columns })
  }

  /** Notes that records of a table have members that are no columns, inside the transaction that stores them. */
  noteStrangers(transaction: WriteTransaction, schema: TableSchema): void {
    this.#put(transaction, { ...schema, strangers: true })
  }

  /** Replaces one column of a table, inside a transaction. */
  changeColumn(transaction: WriteTransaction, schema: TableSchema, column: Column): TableSchema {
    const columns = schema.columns.map((other) => (other.id === column.id ? column : other))
    return this.#put(transaction, { ...schema, columns })
  }

  /** Leaves a column without the index that it was to get; its entries go. */
  abandonIndex(transaction: WriteTransaction, schema: TableSchema, { building: _, ...column }: Column): void {
    this.changeColumn(transaction, schema, { ...column, indexed: false })
    this.#leave(transaction, { columns: [column.id] })
  }

  /** Replaces the options of a table. @throws Problem table_not_found */
  async setOptions(database: string, table: string, options: Record<string, unknown>): Promise<TableSchema> {
    return await this.#storage.write((transaction) =>
      this.#put(transaction, { ...this.draftTable(database, table), options }),
    )
  }

  /**
   * @param before hybrid time: records of later versions keep their values
   * @throws Problem table_not_found, column_not_found, column_needed
   */
  async dropColumn(database: string, table: string, name: string, receipt?: Receipt, before?: number): Promise<void> {
    await this.#storage.write((transaction) => {
      const schema = this.draftTable(database, table)
      const column = schema.columns.find((other) => other.name === name)
      if (!column) throw new Problem('column_not_found', { column: name, database, table })
      checkNotNeeded(this.#draft, schema, name)
      this.#put(transaction, { ...schema, columns: schema.columns.filter((other) => other !== column) })
      const attribute: DroppedAttribute = { table: schema.id, name, ...(before !== undefined && { before }) }
      this.#leave(transaction, { columns: [column.id], ...(schema.kind === 'records' && { attribute }) })
      receipt?.alongside(transaction)
    })
  }

  /** Numbers for tables and columns whose data is brought in from elsewhere: the first of `count`. Nobody gets them again. */
  takeNumbers(transaction: WriteTransaction, count: number): number {
    const first = this.#draft.nextId
    this.#change(transaction, this.#draft.withNextId(first + count))
    return first
  }

  /** Makes a database known with tables whose data is there already. @throws Problem database_exists, invalid_name, too_many */
  adopt(transaction: WriteTransaction, database: string, schemas: readonly TableSchema[]): void {
    if (database === RESERVED_DATABASE || this.#draft.databases.has(database))
      throw new Problem('database_exists', { database })
    this.#addDatabase(transaction, database)
    for (const schema of schemas) this.#put(transaction, schema)
  }

  /** Lets the data of a table go that was brought in and never made known. */
  abandon(transaction: WriteTransaction, table: number, columns: number[]): void {
    this.#leave(transaction, { table, columns })
  }

  /** What is still to be cleaned. */
  leftovers(): Leftover[] {
    using snapshot = this.#storage.snapshot()
    const entries = snapshot.entries(this.#space, { start: 'x', end: 'y' })
    return [...entries].map(([, text]) => JSON.parse(text) as Leftover)
  }

  /** Inside the transaction that has removed the last of it. */
  forgetLeftover(transaction: WriteTransaction, id: number): void {
    transaction.remove(this.#space, `x${encodeId(id)}`)
  }

  /** What was dropped of the table and is still in records: the names cannot be used again before that is gone. */
  leaving(table: number, transaction: WriteTransaction): DroppedAttribute[] {
    return transaction
      .keys(this.#space, { start: 'x', end: 'y' })
      .map((key) => JSON.parse(transaction.get(this.#space, key)!) as Leftover)
      .flatMap(({ attribute }) => (attribute?.table === table ? [attribute] : []))
  }

  #addDatabase(transaction: WriteTransaction, name: string, whenMade?: WhenMade): void {
    checkName('database', name)
    const { databases_max: most } = this.#settings
    if (this.#draft.databases.size >= most) throw tooMany('databases', most, 'catalog.databases_max')
    const createdAt = this.#now()
    transaction.put(this.#space, databaseKey(name), JSON.stringify({ name, createdAt }))
    this.#change(transaction, this.#draft.withDatabase(name, createdAt))
    whenMade?.(transaction, { name, createdAt })
  }

  #addColumns(
    transaction: WriteTransaction,
    schema: TableSchema,
    definitions: readonly ColumnDefinition[],
    content: Content | undefined,
  ): TableSchema {
    const names = new Set(schema.columns.map(({ name }) => name))
    const leaving = new Set(this.leaving(schema.id, transaction).map(({ name }) => name))
    let nextId = this.#draft.nextId
    const columns = definitions.map((definition) => {
      const { name } = definition
      checkName('attribute', name)
      if (names.has(name))
        throw new Problem('column_exists', { column: name, database: schema.database, table: schema.name })
      if (leaving.has(name)) throw new Problem('column_leaving', { column: name })
      names.add(name)
      const column = toColumn(definition, nextId++, schema.kind)
      return content === undefined ? column : { ...column, content }
    })
    this.#checkColumnCount(names.size)
    this.#change(transaction, this.#draft.withNextId(nextId))
    return this.#put(transaction, { ...schema, columns: [...schema.columns, ...columns] })
  }

  #schemaOf(definition: TableDefinition): TableSchema {
    const schema = schemaOf(definition, this.#draft.nextId, this.#now())
    this.#checkColumnCount(schema.columns.length)
    return schema
  }

  #checkColumnCount(count: number): void {
    const { columns_max: most } = this.#settings
    if (count > most) throw tooMany('columns', most, 'catalog.columns_max')
  }

  #put(transaction: WriteTransaction, schema: TableSchema): TableSchema {
    const nextId = Math.max(this.#draft.nextId, schema.id + 1, ...schema.columns.map(({ id }) => id + 1))
    transaction.put(this.#space, tableKey(schema.id), JSON.stringify(schema))
    this.#change(transaction, this.#draft.withTable(schema).withNextId(nextId))
    return schema
  }

  #removeTable(transaction: WriteTransaction, schema: TableSchema): void {
    transaction.remove(this.#space, tableKey(schema.id))
    if (schema.kind === 'records')
      this.#leave(transaction, { table: schema.id, columns: schema.columns.map(({ id }) => id) })
  }

  #leave(transaction: WriteTransaction, leftover: Omit<Leftover, 'id'>): void {
    const id = this.#draft.nextId
    transaction.put(this.#space, `x${encodeId(id)}`, JSON.stringify({ id, ...leftover }))
    this.#change(transaction, this.#draft.withNextId(id + 1))
  }

  /** Makes the state the draft now and the current one when the transaction is on disk. */
  #change(transaction: WriteTransaction, next: CatalogState): void {
    const before = this.#draft
    for (const listener of this.#listeners) listener(transaction, before, next)
    if (next.nextId !== before.nextId) transaction.put(this.#space, 'n', String(next.nextId))
    this.#draft = next
    transaction.onUndo(() => {
      this.#draft = before
    })
    transaction.onCommit(() => {
      this.#current = next
    })
  }
}

function known(state: CatalogState, database: string, table: string): TableSchema {
  const schema = state.table(database, table)
  if (!schema) throw new Problem('table_not_found', { database, table })
  return schema
}

function tooMany(what: string, limit: number, setting: string): Problem {
  return new Problem('too_many', { what, limit, setting })
}

function databaseKey(name: string): string {
  return `d${name}`
}

function tableKey(id: number): string {
  return `t${encodeId(id)}`
}

function load(snapshot: StorageSnapshot, space: Keyspace): CatalogState {
  let state = new CatalogState(new Map(), Number(snapshot.get(space, 'n') ?? 1))
  for (const [, text] of snapshot.entries(space, { start: 'd', end: 'e' })) {
    const { name, createdAt } = JSON.parse(text) as Database
    state = state.withDatabase(name, createdAt)
  }
  for (const [, text] of snapshot.entries(space, { start: 't', end: `t${AFTER_VALUES.repeat(5)}` })) {
    state = state.withTable(JSON.parse(text) as TableSchema)
  }
  return state
}
