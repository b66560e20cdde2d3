import type { Column, TableSchema } from '../catalog/index.js'
import type { View } from '../lib/index.js'

/** A column as describe_table answers it. */
export interface ColumnDescription {
  attribute: string
  type: string
  indexed?: boolean
  is_primary_key?: boolean
  not_null?: boolean
  unique?: boolean
  auto_increment?: boolean
  is_set?: boolean
  default?: unknown
}

/** A table as describe_table answers it: HarperDB's names, with what declared tables have besides. */
export interface TableDescription {
  schema: string
  name: string
  kind: 'records' | 'events'
  hash_attribute: string
  audit: boolean
  schema_defined: boolean
  attributes: ColumnDescription[]
  foreign_keys: {
    column: string
    table: string
    references: string
    on_delete: ForeignAction
    on_update: ForeignAction
  }[]
  options?: Record<string, unknown>
  record_count: number
  last_updated_record: number | null
}

type ForeignAction = TableSchema['foreignKeys'][number]['onDelete']

export interface TableSize {
  records: number
  /** Time of the latest change: milliseconds since 1970. */
  lastUpdated: number | null
}

/** Describes a table as far as the view sees it. */
export function describeTable(schema: TableSchema, view: View, { records, lastUpdated }: TableSize): TableDescription {
  const { database, name, kind, primaryKey, dynamic, options } = schema
  const sees = (column: string) => view.seesColumn(database, name, column)
  return {
    schema: database,
    name,
    kind,
    hash_attribute: primaryKey,
    audit: true,
    schema_defined: !dynamic,
    attributes: schema.columns
      .filter((column) => sees(column.name))
      .map((column) => describeColumn(column, primaryKey)),
    foreign_keys: schema.foreignKeys
      .filter(({ column, table }) => sees(column) && view.seesTable(database, table))
      .map(({ column, table, references, onDelete, onUpdate }) => ({
        column,
        table,
        references,
        on_delete: onDelete,
        on_update: onUpdate,
      })),
    ...(Object.keys(options).length > 0 && { options }),
    record_count: records,
    last_updated_record: lastUpdated,
  }
}

function describeColumn(column: Column, primaryKey: string): ColumnDescription {
  const isKey = column.name === primaryKey
  return {
    attribute: column.name,
    type: column.type,
    ...(isKey ? { is_primary_key: true } : column.indexed && { indexed: true }),
    ...(column.notNull && { not_null: true }),
    ...(column.unique && { unique: true }),
    ...(column.autoIncrement && { auto_increment: true }),
    ...(column.isSet && { is_set: true }),
    ...(column.default !== undefined && { default: column.default }),
  }
}
