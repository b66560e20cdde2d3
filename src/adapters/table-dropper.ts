import type { Catalog } from '../catalog/index.js'
import type { Events } from '../segments/index.js'
import type { Triggers } from '../triggers/index.js'

/** Drops a table with all that belongs to it, as the operation drop_table does. */
export function tableDropperOf(catalog: Catalog, events: Events, triggers: Triggers) {
  return async (database: string, table: string): Promise<void> => {
    const schema = catalog.table(database, table)
    await catalog.dropTable(database, table)
    await triggers.tableDropped(schema.id)
    if (schema.kind === 'events') await events.dropTable(schema)
  }
}
