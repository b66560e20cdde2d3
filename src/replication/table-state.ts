import type { Catalog, Column, ColumnDefinition } from '../catalog/index.js'
import { dropTimeOf, type PeerStore } from './peers.js'
import type { TableName, TableState } from './wire.js'

/** What of a table another node must know to have the same one. */
export function stateOf(catalog: Catalog, peers: PeerStore, name: TableName): TableState {
  const { database, table } = name
  const schema = catalog.find(database, table)
  const dropped = peers.dropped(name)
  const state: TableState = { database, table }
  if (schema) {
    const { kind, primaryKey, dynamic, columns, foreignKeys, options } = schema
    state.schema = { kind, primaryKey, dynamic, columns, foreignKeys, options }
    if (dropped?.table !== undefined) state.droppedBefore = dropped.table
  } else if (dropped?.table !== undefined) state.dropped = dropped.table
  if (dropped?.columns) {
    const marks = Object.entries(dropped.columns)
    state.droppedColumns = marks.filter(([, { gone }]) => gone).map(([column]) => column)
    state.columnTimes = Object.fromEntries(marks.map(([column, { at }]) => [column, at]))
    const returned = marks.filter(([, { dropped, gone }]) => !gone && dropped !== undefined)
    if (returned.length > 0)
      state.columnDrops = Object.fromEntries(returned.map(([column, mark]) => [column, dropTimeOf(mark)]))
  }
  return state
}

/** A column as the catalog takes it. */
export const definitionOf = (column: Column): ColumnDefinition => ({
  name: column.name,
  type: column.type,
  not_null: column.notNull,
  unique: column.unique,
  indexed: column.indexed,
  ...(column.default === undefined ? {} : { default: column.default }),
  ...(column.autoIncrement ? { auto_increment: true } : {}),
  ...(column.isSet ? { is_set: true } : {}),
})

/** A column of a dynamic table that comes with the first record that has it. */
export const isPlain = ({ type, notNull, unique, default: value }: Column) =>
  type === 'any' && !notNull && !unique && value === undefined
