import { type Column, CREATED_TIME, type TableSchema, UPDATED_TIME } from '../catalog/index.js'
import { encodeId } from '../storage/index.js'
import { MemberOrder } from './json-members.js'
import type { Row } from './reader.js'
import { decodeRecord, freeze } from './stored-row.js'

/** One column, with what is computed from it once. */
export interface ColumnShape {
  column: Column
  /** The beginning of its index entries. */
  prefix: string
}

/** A schema as writers and readers of its records use it. */
export interface TableShape {
  schema: TableSchema
  /** The beginning of its keys in `records`. */
  prefix: string
  key: ColumnShape
  columns: ReadonlyMap<string, ColumnShape>
  uniques: readonly ColumnShape[]
  /** Columns of which it is known what they hold. */
  known: readonly ColumnShape[]
  /** How many of them hold a scalar in every record. */
  scalars: number
  /** Columns of whose values there may be copies of records. */
  gathered: readonly ColumnShape[]
  /** Columns that count up where records leave them out. */
  counting: readonly ColumnShape[]
  /** Whether values are checked against columns: declared tables, and dynamic ones that were given such columns. */
  typed: boolean
  /** Decodes records that may be older than some of the columns: of declared tables, and where columns have defaults. */
  complete: ((stored: string) => Row) | undefined
  /** What a record that has not the column has there. */
  defaultOf: (name: string) => unknown
  /** What records that are kept in memory were completed with, as text: those with other defaults are read again. */
  defaults: string
  /** The names of records that have every column and nothing else. */
  order: MemberOrder
}

const shapes = new WeakMap<TableSchema, TableShape>()

export function shapeOf(schema: TableSchema): TableShape {
  let shape = shapes.get(schema)
  if (!shape) {
    shape = make(schema)
    shapes.set(schema, shape)
  }
  return shape
}

function make(schema: TableSchema): TableShape {
  const columns = new Map(
    schema.columns.map((column) => [column.name, { column, prefix: encodeId(column.id) } satisfies ColumnShape]),
  )
  const isPlain = ({ name, type, notNull, unique, default: value }: Column) =>
    name === CREATED_TIME || name === UPDATED_TIME || (type === 'any' && !notNull && !unique && value === undefined)
  const absent = schema.dynamic ? undefined : null
  const known = [...columns.values()].filter(({ column }) => column.content !== undefined)
  return {
    schema,
    prefix: encodeId(schema.id),
    key: columns.get(schema.primaryKey)!,
    columns,
    uniques: [...columns.values()].filter(({ column }) => column.unique && column.name !== schema.primaryKey),
    known,
    scalars: known.filter(({ column }) => column.content === 'scalar').length,
    gathered: [...columns.values()].filter(({ column }) => column.gathered),
    counting: [...columns.values()].filter(({ column: { name, type, autoIncrement } }) =>
      name === schema.primaryKey ? type === 'int' : autoIncrement,
    ),
    typed: !schema.dynamic || !schema.columns.every(isPlain),
    complete: schema.dynamic ? defaulter(schema.columns) : completer(schema.columns),
    defaultOf: (name) => columns.get(name)?.column.default ?? absent,
    defaults: defaultsOf(schema),
    order: new MemberOrder(),
  }
}

/** What is read of a row: one that another node has stored before the column was added has its default. */
export function shownOf(row: Row | undefined, { name, default: value }: Column): unknown {
  return row === undefined || Object.hasOwn(row, name) ? row?.[name] : value
}

/**
 * Empty for nearly all tables: new attributes of dynamic tables, as other columns without a default, change no row; but
 * where rows are stored with more than the columns, a new one may be among that.
 */
function defaultsOf({ columns, strangers }: TableSchema): string {
  if (strangers) return JSON.stringify(columns.map(({ id, name, default: value }) => [id, name, value]))
  const defaults = columns.filter((column) => column.default !== undefined)
  return defaults.length === 0 ? '' : JSON.stringify(defaults.map((column) => [column.name, column.default]))
}

/** Rows of declared tables have exactly the columns: later ones are filled with their default, dropped ones left out. */
function completer(columns: readonly Column[]): (stored: string) => Row {
  return (stored) => {
    const record = decodeRecord(stored)
    const row: Record<string, unknown> = {}
    for (const { name, default: value } of columns) {
      row[name] = Object.hasOwn(record, name) ? record[name] : (value ?? null)
    }
    return freeze(row)
  }
}

/** Rows of dynamic tables have what they were given, and the defaults of columns that came later. */
function defaulter(columns: readonly Column[]): ((stored: string) => Row) | undefined {
  const defaults = columns.filter((column) => column.default !== undefined)
  if (defaults.length === 0) return undefined
  return (stored) => {
    const row = decodeRecord(stored)
    for (const { name, default: value } of defaults) if (!Object.hasOwn(row, name)) row[name] = value
    return freeze(row)
  }
}
