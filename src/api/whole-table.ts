import type { Catalog } from '../catalog/index.js'
import { mayChangeStructure, Problem } from '../lib/index.js'
import type { Call } from './call.js'

/**
 * Throws `forbidden` unless the caller may read every column of the table. A trigger tells its subscribers what it
 * reads, whoever made it, so all that shows or directs its messages is for those who may see all of them. The refusal
 * names no column: the caller has named none.
 */
export function requireWhole(catalog: Catalog, { view }: Call, place: { database: string; table: string }): void {
  const { database, table } = place
  const columns = catalog.find(database, table)?.columns ?? []
  if (columns.every(({ name }) => view.seesColumn(database, table, name))) return
  throw new Problem(
    'forbidden',
    {},
    {
      unauthorized_access: [`Triggers of '${database}.${table}' are for those who may read every column of it`],
      invalid_schema_items: [],
    },
  )
}

/** Whether the caller may make and change the tables and triggers of a database. */
export function mayBuild({ rights }: Call, database: string): boolean {
  return mayChangeStructure(rights, database)
}
