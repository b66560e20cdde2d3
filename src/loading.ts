import { type Catalog, CREATED_TIME, type TableSchema } from './catalog/index.js'
import type { RowRemover, RowStore, TableMoment } from './jobs/index.js'
import { Problem } from './lib/index.js'
import type { Tables } from './tables/index.js'

/** The tables as loads see them. */
export function rowStoreOf(catalog: Catalog, tables: Tables): RowStore {
  return {
    columnTypes: (database, table) =>
      new Map(recordsTable(catalog, database, table).columns.map(({ name, type }) => [name, type])),
    write: ({ database, table, action }, user, records, alongside) =>
      tables.transact({ user }, (batch) => {
        const { done } = records.length > 0 ? batch[action](database, table, records) : { done: [] }
        alongside(batch.transaction, done.length)
        return done.length
      }),
  }
}

/** The tables as long deletions see them. */
export function rowRemoverOf(catalog: Catalog, tables: Tables): RowRemover {
  return {
    oldest(database, table, before, most) {
      recordsTable(catalog, database, table)
      using snapshot = tables.snapshot()
      const reader = snapshot.table(database, table)!
      if (!reader.isIndexed(CREATED_TIME)) throw new Problem('no_times', { database, table, column: CREATED_TIME })
      const keys = []
      for (const key of reader.range({ attribute: CREATED_TIME, to: { value: before, inclusive: false } })) {
        keys.push(key)
        if (keys.length === most) break
      }
      return keys
    },
    remove: ({ database, table }, user, keys, alongside) =>
      tables.transact({ user }, (batch) => {
        const { done } = batch.delete(database, table, keys)
        alongside(batch.transaction, done.length)
        return done.length
      }),
  }
}

/** One moment of a table, as exports read it. */
export function momentOf(catalog: Catalog, tables: Tables, database: string, table: string): TableMoment {
  const { columns } = recordsTable(catalog, database, table)
  const snapshot = tables.snapshot()
  const reader = snapshot.table(database, table)!
  return {
    columns: columns.map(({ name }) => name),
    count: reader.count(),
    texts: () => reader.texts(),
    rows: () => reader.scan(),
    [Symbol.dispose]: () => snapshot[Symbol.dispose](),
  }
}

function recordsTable(catalog: Catalog, database: string, table: string): TableSchema {
  const schema = catalog.table(database, table)
  if (schema.kind !== 'records') throw new Problem('not_records', { database, table })
  return schema
}
