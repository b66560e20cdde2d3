import type { TableSchema } from './schema.js'

/** One database and its tables. */
export interface Database {
  readonly name: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly tables: ReadonlyMap<string, TableSchema>
}

/** All databases at one moment. Changes make a new state, so that whoever reads keeps a whole one. */
export class CatalogState {
  readonly databases: ReadonlyMap<string, Database>
  /** The number that the next table or column gets; numbers are never given again. */
  readonly nextId: number

  constructor(databases: ReadonlyMap<string, Database>, nextId: number) {
    this.databases = databases
    this.nextId = nextId
  }

  table(database: string, table: string): TableSchema | undefined {
    return this.databases.get(database)?.tables.get(table)
  }

  /** A table by its number. */
  numbered(id: number): TableSchema | undefined {
    for (const { tables } of this.databases.values())
      for (const schema of tables.values()) if (schema.id === id) return schema
    return undefined
  }

  withNextId(nextId: number): CatalogState {
    return new CatalogState(this.databases, nextId)
  }

  withDatabase(name: string, createdAt: number): CatalogState {
    return this.#with(name, { name, createdAt, tables: new Map() })
  }

  withoutDatabase(name: string): CatalogState {
    const databases = new Map(this.databases)
    databases.delete(name)
    return new CatalogState(databases, this.nextId)
  }

  withTable(schema: TableSchema): CatalogState {
    const database = this.databases.get(schema.database)!
    return this.#with(database.name, { ...database, tables: new Map(database.tables).set(schema.name, schema) })
  }

  withoutTable(databaseName: string, table: string): CatalogState {
    const database = this.databases.get(databaseName)!
    const tables = new Map(database.tables)
    tables.delete(table)
    return this.#with(databaseName, { ...database, tables })
  }

  #with(name: string, database: Database): CatalogState {
    return new CatalogState(new Map(this.databases).set(name, database), this.nextId)
  }
}
