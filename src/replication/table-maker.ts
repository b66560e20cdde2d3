import type { Catalog, TableDefinition } from '../catalog/index.js'
import type { Tables } from '../tables/index.js'
import type { SharedEvents } from './event-outbox.js'
import { definitionOf } from './table-state.js'
import type { TableName, TableState } from './wire.js'

export interface TableMakerOptions {
  catalog: Catalog
  tables: Tables
  events: SharedEvents
  /** Drops a table with all that belongs to it. */
  dropTable: (database: string, table: string) => Promise<void>
  /** Whether an agreement has the table: dropping it would drop it on other nodes too. */
  isWanted: (table: TableName) => boolean
}

/** A table that was made for an agreement, and whether its database was. */
export interface Made extends TableName {
  withDatabase: boolean
}

/** Makes the tables that another node has and this one has not. */
export class TableMaker {
  readonly #options: TableMakerOptions

  constructor(options: TableMakerOptions) {
    this.#options = options
  }

  /** @param made gets those that were missing, also where a later one cannot be made: who asks takes them back then */
  async make(states: readonly (TableState | undefined)[], made: Made[]): Promise<void> {
    for (const state of states) {
      const one = await this.#make(state)
      if (one) made.push(one)
    }
  }

  /** Takes back what was made, unless somebody has used it since, or another agreement has it. */
  async unmake(made: readonly Made[]): Promise<void> {
    const { catalog, dropTable, isWanted } = this.#options
    for (const { database, table, withDatabase } of [...made].reverse()) {
      if (!(await this.#isEmpty(database, table)) || isWanted({ database, table })) continue
      await dropTable(database, table)
      if (withDatabase && catalog.current.databases.get(database)?.tables.size === 0)
        await catalog.dropDatabase(database)
    }
  }

  async #isEmpty(database: string, table: string): Promise<boolean> {
    const { catalog, events, tables } = this.#options
    const schema = catalog.find(database, table)
    if (!schema) return false
    if (schema.kind === 'events') return (await events.copy(schema, { partition: 0, person: 0, row: 0 }, 1)).rows === 0
    using snapshot = tables.snapshot()
    return snapshot.table(database, table)?.count() === 0
  }

  async #make(state: TableState | undefined): Promise<Made | undefined> {
    const { catalog } = this.#options
    if (!state?.schema || catalog.find(state.database, state.table)) return undefined
    const { database, table } = state
    const withDatabase = !catalog.hasDatabase(database)
    const { columns, dynamic, foreignKeys, kind, options, primaryKey } = state.schema
    const definition: TableDefinition = {
      database,
      table,
      kind,
      primaryKey,
      options,
      ...(dynamic ? {} : { columns: columns.map(definitionOf) }),
      foreignKeys: foreignKeys
        .filter((key) => key.table === table || catalog.find(database, key.table))
        .map(({ column, onDelete, onUpdate, references, table: parent }) => ({
          column,
          table: parent,
          references,
          on_delete: onDelete,
          on_update: onUpdate,
        })),
    }
    await catalog.createTable(definition)
    return { database, table, withDatabase }
  }
}
