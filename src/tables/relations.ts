import type { Database, ForeignKey, TableSchema } from '../catalog/index.js'

/** A foreign key seen from its parent. */
export interface Child {
  schema: TableSchema
  foreignKey: ForeignKey
}

const children = new WeakMap<Database, Map<string, Child[]>>()

/** The foreign keys that refer to a table of the database. */
export function childrenOf(database: Database, table: string): readonly Child[] {
  let known = children.get(database)
  if (!known) {
    known = new Map()
    for (const schema of database.tables.values()) {
      for (const foreignKey of schema.foreignKeys) {
        known.set(foreignKey.table, [...(known.get(foreignKey.table) ?? []), { schema, foreignKey }])
      }
    }
    children.set(database, known)
  }
  return known.get(table) ?? []
}
