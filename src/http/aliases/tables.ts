// Tables in the words of OpenSet and pyql.
import { Problem } from '../../lib/index.js'

type Fields = Record<string, unknown>

/** A table as describe_table answers, as far as other shapes need it. */
interface Table {
  name: string
  hash_attribute: string
  attributes: Attribute[]
  foreign_keys?: { column: string; table: string; references: string; on_delete: string; on_update: string }[]
  options?: Fields
}

interface Attribute {
  attribute: string
  type: string
  is_primary_key?: boolean
  not_null?: boolean
  unique?: boolean
  auto_increment?: boolean
  is_set?: boolean
  default?: unknown
}

/** Answers about tables in the shapes of OpenSet and pyql. */
export const tableReplies: Record<string, (answer: unknown, request: Fields) => unknown> = {
  openset_created: (_, { table }) => ({ message: 'created', table }),
  openset_dropped: (_, { table }) => ({ message: 'dropped', table }),
  openset_table: (answer) => opensetTable(answer as Table),
  openset_tables: (answer) => ({ tables: tablesOf(answer).map(opensetTable) }),
  openset_column_added: (_, { table, column, type }) => ({ message: 'added', table, column, type: type ?? 'text' }),
  openset_column_dropped: (_, { table, column }) => ({ message: 'dropped', table, column }),
  pyql_created: (_, { table }) => ({ message: `table ${table} created successfully ` }),
  pyql_table: (answer) => pyqlTable(answer as Table),
  pyql_tables: (answer) => ({ tables: tablesOf(answer).map(pyqlTable) }),
  pyql_tables_merged: (answer) => Object.assign({}, ...tablesOf(answer).map(pyqlTable)) as Fields,
}

function tablesOf(answer: unknown): Table[] {
  return (answer as { tables: Table[] }).tables
}

function opensetTable({ name, attributes, options }: Table): Fields {
  const columns = attributes
    .filter(({ is_primary_key }) => !is_primary_key)
    .map(({ attribute, type, is_set }) => ({ name: attribute, type, ...(is_set && { is_set }) }))
  return { table: name, columns, ...(options?.['z_order'] !== undefined && { z_order: options['z_order'] }) }
}

const PYQL_TYPES: Record<string, string> = { text: 'str', json: 'str', double: 'float', timestamp: 'str', any: 'str' }

function pyqlTable({ name, hash_attribute, attributes, foreign_keys = [] }: Table): Fields {
  const columns = attributes.map((column) => ({
    name: column.attribute,
    type: PYQL_TYPES[column.type] ?? column.type,
    mods: modsOf(column),
  }))
  const keys = foreign_keys.map(({ column, table, references, on_delete, on_update }) => [
    column,
    { table, ref: references, mods: `ON DELETE ${words(on_delete)} ON UPDATE ${words(on_update)}` },
  ])
  return {
    [name]: { columns, primary_key: hash_attribute, foreign_keys: keys.length > 0 ? Object.fromEntries(keys) : null },
  }
}

function modsOf({ not_null, unique, auto_increment, default: value }: Attribute): string {
  const mods = [not_null && 'NOT NULL', unique && 'UNIQUE', auto_increment && 'AUTOINCREMENT']
  if (value !== undefined)
    mods.push(`DEFAULT ${typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : JSON.stringify(value)}`)
  return mods.filter(Boolean).join(' ')
}

function words(action: string): string {
  return action.replace('_', ' ').toUpperCase()
}

/** {"T": {columns, primary_key, foreign_keys: {column: {table, ref, mods}}}} of pyql-rest as the request of create_table. */
export function pyqlTableRequest(body: unknown): Fields {
  const tables = isObject(body) ? Object.entries(body) : []
  const [[table, config] = []] = tables
  if (tables.length !== 1 || !isObject(config))
    throw new Problem('invalid_request', {
      reason: 'The body must be an object with one table: {"name": {"columns": […], "primary_key": "…"}}.',
    })
  const { columns, primary_key, foreign_keys, ...rest } = config
  if (!Array.isArray(columns)) throw new Problem('invalid_request', { reason: "'columns' must be an array" })
  return {
    ...rest,
    table,
    columns,
    primary_key,
    // Keys in the form of create_table, and what is no list of keys at all, are the contract's to judge.
    ...(foreign_keys !== undefined && {
      foreign_keys: isObject(foreign_keys) ? Object.entries(foreign_keys).map(foreignKey) : foreign_keys,
    }),
  }
}

function foreignKey([column, target]: [string, unknown]): Fields {
  if (!isObject(target))
    throw new Problem('invalid_request', { reason: `'foreign_keys.${column}' must be of type object` })
  const { table, ref, mods, ...rest } = target
  return { ...rest, column, table, references: ref, mods: mods ?? null }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
