import { Problem } from '../lib/index.js'
import { type ColumnDefinition, parseMods, type TableDefinition, toColumn, toForeignKey } from './definition.js'
import { checkName } from './names.js'
import type { Column, TableSchema } from './schema.js'
import type { CatalogState } from './state.js'
import { mayBeEqual } from './value.js'

/** When a record was made, in milliseconds since 1970: belongs to every dynamic table. */
export const CREATED_TIME = '__createdtime__'
/** When it was changed last. */
export const UPDATED_TIME = '__updatedtime__'
const KEY_TYPES = ['text', 'int', 'double', 'timestamp', 'any']
const DEFAULT_EVENT_KEY = 'id'

/**
 * The table that a definition means.
 * @param id number of the table; its columns get those behind it
 * @throws Problem invalid_name, invalid_column, primary_key_required
 */
export function schemaOf(definition: TableDefinition, id: number, createdAt: number): TableSchema {
  const { database, table: name, kind = 'records', foreignKeys = [], options = {} } = definition
  const primaryKey = primaryKeyOf(definition)
  const columns = columnsOf(definition, primaryKey)
    .map((column, index) => toColumn(column, id + 1 + index, kind))
    .map((column): Column => (kind === 'records' ? { ...column, content: 'scalar' } : column)) // it has no records yet
  checkColumns(columns, kind === 'records' ? primaryKey : undefined)
  return {
    id,
    database,
    name,
    kind,
    primaryKey,
    dynamic: isDynamic(definition),
    columns,
    foreignKeys: foreignKeys.map(toForeignKey),
    createdAt,
    options,
  }
}

/** A table of records takes any attribute unless it declares its columns. */
function isDynamic({ kind = 'records', columns }: TableDefinition): boolean {
  return kind === 'records' && columns === undefined
}

function columnsOf(definition: TableDefinition, primaryKey: string): readonly ColumnDefinition[] {
  if (!isDynamic(definition)) return definition.columns ?? []
  return [{ name: primaryKey }, { name: CREATED_TIME, type: 'timestamp' }, { name: UPDATED_TIME, type: 'timestamp' }]
}

function primaryKeyOf({ primaryKey, columns, kind }: TableDefinition): string {
  const marked = (columns ?? []).filter(
    (column) => column.is_primary_key || (column.mods && parseMods(column.mods, column).is_primary_key),
  )
  const [name, another] = new Set([
    ...(primaryKey === undefined ? [] : [primaryKey]),
    ...marked.map(({ name }) => name),
  ])
  if (another !== undefined) {
    const reason = `'${name}' is the primary key already; a table has one, of one column`
    throw new Problem('invalid_column', { column: another, reason })
  }
  if (name !== undefined) return name
  if (kind === 'events') return DEFAULT_EVENT_KEY
  throw new Problem('primary_key_required', {})
}

function checkColumns(columns: Column[], primaryKey: string | undefined): void {
  const names = new Set<string>()
  for (const { name } of columns) {
    checkName('attribute', name)
    if (names.has(name)) throw new Problem('invalid_column', { column: name, reason: 'the name stands there twice' })
    names.add(name)
  }
  if (primaryKey === undefined) return
  const key = columns.find(({ name }) => name === primaryKey)
  if (!key)
    throw new Problem('invalid_column', { column: primaryKey, reason: 'the primary key is not among the columns' })
  if (!KEY_TYPES.includes(key.type))
    throw new Problem('invalid_column', { column: primaryKey, reason: `a primary key cannot be of type ${key.type}` })
}

/** @throws Problem invalid_column where a foreign key of the table could not be kept */
export function checkForeignKeys(state: CatalogState, schema: TableSchema): void {
  for (const { column, table, references } of schema.foreignKeys) {
    const reason = objection(state, schema, { column, table, references })
    if (reason !== undefined) throw new Problem('invalid_column', { column, reason })
  }
}

function objection(
  state: CatalogState,
  schema: TableSchema,
  { column, table, references }: Pick<TableSchema['foreignKeys'][number], 'column' | 'table' | 'references'>,
): string | undefined {
  const own = schema.columns.find(({ name }) => name === column)
  if (!own) return 'the foreign key names a column that the table does not have'
  if (!own.indexed) return 'the column of a foreign key is indexed'
  const parent = table === schema.name ? schema : state.table(schema.database, table)
  if (!parent) return `the foreign key names the table '${table}', which does not exist in '${schema.database}'`
  const target = parent.columns.find(({ name }) => name === references)
  if (!target || !(target.unique || references === parent.primaryKey))
    return `the foreign key needs '${table}.${references}' to be a primary key or unique`
  if (mayBeEqual(own.type, target.type)) return undefined
  return `it holds ${own.type}, and '${table}.${references}' ${target.type}: they would never be equal`
}

/** @throws Problem column_needed where a column cannot be dropped */
export function checkNotNeeded(state: CatalogState, schema: TableSchema, column: string): void {
  const reason = needOf(state, schema, column)
  if (reason !== undefined) throw new Problem('column_needed', { column, reason })
}

function needOf(state: CatalogState, schema: TableSchema, column: string): string | undefined {
  if (column === CREATED_TIME || column === UPDATED_TIME) return 'it is an internal timestamp attribute'
  if (column === schema.primaryKey) return 'it is the primary key'
  if (schema.foreignKeys.some((key) => key.column === column)) return 'it is the column of a foreign key'
  const others = [...state.databases.get(schema.database)!.tables.values()]
  const isReferredTo = ({ table, references }: TableSchema['foreignKeys'][number]) =>
    table === schema.name && references === column
  const other = others.find(({ foreignKeys }) => foreignKeys.some(isReferredTo))
  return other && `a foreign key of '${other.name}' refers to it`
}
