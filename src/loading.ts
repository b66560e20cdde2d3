import type { Catalog } from './catalog/index.js'
import type { RowStore } from './jobs/index.js'
import { Problem } from './lib/index.js'
import type { Tables } from './tables/index.js'

/** The tables as loads see them. */
export function rowStoreOf(catalog: Catalog, tables: Tables): RowStore {
  return {
    columnTypes(database, table) {
      const schema = catalog.table(database, table)
      if (schema.kind !== 'records') throw new Problem('not_records', { database, table })
      return new Map(schema.columns.map(({ name, type }) => [name, type]))
    },
    write: ({ database, table, action }, user, records, alongside) =>
      tables.transact({ user }, (batch) => {
        const { done } = records.length > 0 ? batch[action](database, table, records) : { done: [] }
        alongside(batch.transaction, done.length)
        return done.length
      }),
  }
}
