import type { Catalog, TableSchema } from '../catalog/index.js'
import type { Storage } from '../storage/index.js'
import type { Tables } from '../tables/index.js'

/** A folder that is opened beside the node's own, to be looked into. */
export interface Aside extends AsyncDisposable {
  storage: Storage
  catalog: Catalog
  tables: Tables
}

/** Every table of a catalog. */
export function tablesIn(catalog: Catalog): TableSchema[] {
  return [...catalog.current.databases.values()].flatMap(({ tables }) => [...tables.values()])
}
