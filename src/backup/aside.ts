import type { Catalog, TableSchema } from '../catalog/index.js'
import type { Storage } from '../storage/index.js'
import type { Tables } from '../tables/index.js'

/** The event data of such a folder. */
export interface AsideEvents extends AsyncDisposable {
  figures(schema: TableSchema): Promise<{ events: number }>
  /** Sums of everything that a table holds: reads all of it. */
  digests(schema: TableSchema, buckets: number): Promise<unknown>
}

/** A folder that is opened beside the node's own, to be looked into. */
export interface Aside extends AsyncDisposable {
  storage: Storage
  catalog: Catalog
  tables: Tables
  openEvents(): Promise<AsideEvents>
}

/** Every table of a catalog. */
export function tablesIn(catalog: Catalog): TableSchema[] {
  return [...catalog.current.databases.values()].flatMap(({ tables }) => [...tables.values()])
}
