// Owns the catalog: which databases, tables and columns exist.
export type { Column, ColumnType, ForeignKey, ForeignKeyAction, TableSchema } from './schema.js'
