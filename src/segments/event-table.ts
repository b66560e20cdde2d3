import type { EventColumn, EventTable } from '../analytics/index.js'
import type { TableSchema } from '../catalog/index.js'
import { assert, Problem } from '../lib/index.js'

const TYPES: readonly string[] = ['text', 'int', 'double', 'bool']

/** What the catalog keeps of an event table beside its columns. */
interface EventOptions {
  readonly z_order?: readonly string[]
  /** Fixed when the table is made. */
  readonly partitions?: number
  readonly fold_case?: boolean
}

let versions = 0
const known = new WeakMap<TableSchema, EventTable>()

/**
 * The event table of a schema of the catalog. Schemas are replaced whole: a new one gets a new version.
 * @throws Problem table_not_events
 */
export function eventTableOf(schema: TableSchema): EventTable {
  if (schema.kind !== 'events') throw new Problem('table_not_events', { table: schema.name, database: schema.database })
  let table = known.get(schema)
  if (!table) {
    const { z_order: zOrder = [], partitions, fold_case: foldCase = false } = schema.options as EventOptions
    assert(partitions !== undefined, 'the catalog keeps the partitions of an event table')
    const columns = schema.columns.map(
      ({ id, name, type, isSet = false }): EventColumn => ({
        id,
        name,
        type: TYPES.includes(type) ? (type as EventColumn['type']) : 'text',
        isSet,
      }),
    )
    table = { id: schema.id, version: ++versions, partitions, zOrder, foldCase, columns }
    known.set(schema, table)
  }
  return table
}
