// catalog owns which databases, tables and columns exist.
export {
  Catalog,
  type CatalogSettings,
  CREATED_TIME,
  type DroppedAttribute,
  type Leftover,
  UPDATED_TIME,
} from './catalog.js'
export type { ColumnDefinition, ForeignKeyDefinition, TableDefinition } from './definition.js'
export type { Column, ColumnType, ForeignKey, ForeignKeyAction, TableSchema } from './schema.js'
export type { CatalogState, Database } from './state.js'
export { coerce, holdsInfinity } from './value.js'
