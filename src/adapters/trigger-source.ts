import type { Catalog, TableSchema } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import type { Events } from '../segments/index.js'
import type { TriggerSource } from '../triggers/index.js'

/** The event tables as triggers see them. */
export function triggerSourceOf(catalog: Catalog, events: Events): TriggerSource {
  const schemaOf = (database: string, table: string): TableSchema => catalog.table(database, table)
  return {
    tableId(database, table) {
      const schema = schemaOf(database, table)
      if (schema.kind !== 'events') throw new Problem('table_not_events', { database, table })
      return schema.id
    },
    isTable: (database, table, id) => catalog.find(database, table)?.id === id,
    compile: (database, table, script) => events.compileTrigger(schemaOf(database, table), script),
    watch: (database, table, watched) => events.watch(schemaOf(database, table), watched),
    react: (database, table, programs, options) => events.react(schemaOf(database, table), programs, options),
    reacted: (seen) => events.reacted(seen),
    onInsert: (listener) => events.onInsert(({ id }) => listener(id)),
  }
}
