// catalog owns which databases, tables and columns exist.
export {
  Catalog,
  type CatalogSettings,
  type DroppedAttribute,
  type Leftover,
} from './catalog.js'
export type { ColumnDefinition, ForeignKeyDefinition, TableDefinition } from './definition.js'
export type { Column, ColumnType, Content, ForeignKey, ForeignKeyAction, TableSchema } from './schema.js'
export type { CatalogState, Database } from './state.js'
export { CREATED_TIME, UPDATED_TIME } from './table-schema.js'
export { coerce, holdsInfinity } from './value.js'
