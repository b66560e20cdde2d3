/** What a column may hold. `any` is every JSON value: the type of the attributes of dynamic tables. */
export type ColumnType = 'text' | 'int' | 'double' | 'bool' | 'json' | 'blob' | 'timestamp' | 'any'

/** What happens to the children when the parent's row is deleted or its referenced value changes. */
export type ForeignKeyAction = 'restrict' | 'cascade' | 'set_null'

/**
 * What all records of a table have in a column, as shown: a boolean, number or text each; or such a one or nothing (null).
 */
export type Content = 'scalar' | 'nullable'

/** One column. `id` is unique in its table and never given again, so that old index entries cannot be mistaken. */
export interface Column {
  id: number
  name: string
  type: ColumnType
  notNull: boolean
  default?: unknown
  unique: boolean
  indexed: boolean
  /** Its index is being built: writers keep it, readers must not use it yet. */
  building?: boolean
  /** Tables of records only. Absent: some record may have an object or an array there, or it is not known. */
  content?: Content
  /** Tables of records only: there may be copies of records beside its index, which changes of these must take away. */
  gathered?: boolean
  /** An integer that the table counts up where the record leaves it out. */
  autoIncrement?: boolean
  /** Tables of events only: the column holds a set of values. */
  isSet?: boolean
}

/** `column` of this table names a value of `references` in `table` of the same database. */
export interface ForeignKey {
  column: string
  table: string
  references: string
  onDelete: ForeignKeyAction
  onUpdate: ForeignKeyAction
}

/** One table. Schemas are replaced whole, never changed in place: whoever holds one holds a consistent one. */
export interface TableSchema {
  id: number /* never reused */
  database: string
  name: string
  kind: 'records' | 'events'
  primaryKey: string
  /** True when attributes appear with the records, each indexed. */
  dynamic: boolean
  columns: Column[]
  /** Records of a declared table have come with members that are no columns: from a node that knows more of them. */
  strangers?: boolean
  foreignKeys: ForeignKey[]
  /** Milliseconds since 1970. */
  createdAt: number
  /** Settings of the table's kind, kept but not read by the catalog (tables of events: `z_order`…). */
  options: Record<string, unknown>
}

/** Whether two tables were declared alike, whatever their numbers are and whenever they were made. */
export function isSameTable(one: TableSchema, other: TableSchema): boolean {
  return declared(one) === declared(other)
}

function declared({ name, kind, primaryKey, dynamic, columns, foreignKeys, options }: TableSchema): string {
  // Attributes of dynamic tables came with records, and nobody declared them.
  const named = dynamic ? [] : columns.map(({ id: _, building: __, content: ___, gathered: ____, ...column }) => column)
  return JSON.stringify({ name, kind, primaryKey, dynamic, columns: named, foreignKeys, options })
}
