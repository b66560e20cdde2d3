// The names that a query may use: what the caller does not see is unknown here, so nothing behind this file can leak it.
import type { Column, ColumnType, TableSchema } from '../../catalog/index.js'
import { everything, nearest, Problem, type View } from '../../lib/index.js'
import { UNNAMED } from '../json-members.js'
import type { Row, Snapshot, TableReader } from '../reader.js'

/** The rows under consideration, one for each table of the query; null where a left join found none. */
export type Frame = (Row | null)[]

/** A column that a query names. */
export interface Ref {
  /** Number of its table in the query; the base table is 0. */
  readonly source: number
  readonly name: string
  readonly type: ColumnType
  /** False for what lies inside a JSON value, which no index knows. */
  readonly whole: boolean
  read(frame: Frame): unknown
}

/** A table of a query under the name that the query uses. */
export interface Source {
  readonly alias: string
  readonly reader: TableReader
  /** The columns that the caller sees, by name. */
  readonly columns: ReadonlyMap<string, Column>
  /** Members of whole records that the caller sees, though they are no columns: `*` shows those that a record has. */
  readonly unnamed: readonly string[]
}

/** Finds what names stand for. */
export interface Names {
  find(name: string): Ref
}

const allColumns = new WeakMap<TableSchema, ReadonlyMap<string, Column>>()

/** The columns of a table that the caller sees. */
function visibleColumns(schema: TableSchema, view: View): ReadonlyMap<string, Column> {
  if (view !== everything) {
    const { database, name, columns } = schema
    return new Map(columns.filter((it) => view.seesColumn(database, name, it.name)).map((it) => [it.name, it]))
  }
  let all = allColumns.get(schema)
  if (!all) {
    all = new Map(schema.columns.map((column) => [column.name, column]))
    allColumns.set(schema, all)
  }
  return all
}

/** The same of members that are no columns; records of declared tables have none. */
function visibleUnnamed({ dynamic, database, name: table }: TableSchema, view: View): readonly string[] {
  if (!dynamic) return []
  return view === everything ? UNNAMED : UNNAMED.filter((name) => view.seesColumn(database, table, name))
}

/** Opens a table under the caller's view; one that is hidden is as unknown as one that does not exist. */
export function openSource(snapshot: Snapshot, view: View, database: string, table: string, alias = table): Source {
  const reader = view.seesTable(database, table) ? snapshot.table(database, table) : undefined
  if (!reader) throw new Problem('table_not_found', { database, table })
  return sourceOf(reader, view, alias)
}

/** A table under the caller's view. */
export function sourceOf(reader: TableReader, view: View, alias: string): Source {
  const { schema } = reader
  return { alias, reader, columns: visibleColumns(schema, view), unnamed: visibleUnnamed(schema, view) }
}

/** References to columns of base tables: they are the same for every query. */
const baseRefs = new WeakMap<Column, Ref>()

/** A column of a table of the query. */
export function refTo(source: number, column: Column): Ref {
  if (source !== 0) return newRef(source, column)
  let ref = baseRefs.get(column)
  if (!ref) baseRefs.set(column, (ref = newRef(source, column)))
  return ref
}

function newRef(source: number, column: Column): Ref {
  return { source, name: column.name, type: column.type, whole: true, read: reading(source, column.name) }
}

/** A member that is no column; undefined where the record has none. */
export function refToUnnamed(source: number, name: string): Ref {
  const read = (frame: Frame) => {
    const row = frame[source]
    return row && Object.hasOwn(row, name) ? row[name] : undefined
  }
  return { source, name, type: 'any', whole: true, read }
}

/** A value inside a JSON column. */
export function refInside(source: number, column: Column, path: readonly string[]): Ref {
  const outer = reading(source, column.name)
  const read = (frame: Frame) => path.reduce<unknown>(member, outer(frame))
  return { source, name: [column.name, ...path].join('.'), type: 'any', whole: false, read }
}

function member(value: unknown, name: string): unknown {
  const holds = typeof value === 'object' && value !== null && Object.hasOwn(value, name)
  return holds ? (value as Record<string, unknown>)[name] : null
}

/** Reads a column of a row. Names that every object inherits need the slow way. */
export function reading(source: number, name: string): (frame: Frame) => unknown {
  if (name in Object.prototype) return (frame) => member(frame[source], name)
  return source === 0 ? (frame) => frame[0]![name] : (frame) => frame[source]?.[name]
}

/** The tables of a query and their columns. `name` may stand alone or be `table.name`. */
export class Scope implements Names {
  readonly sources: readonly Source[]

  constructor(sources: readonly Source[]) {
    this.sources = sources
  }

  get base(): Source {
    return this.sources[0]!
  }

  find(name: string): Ref {
    const found = this.lookUp(name)
    if (!found) throw this.#unknown(name)
    return found
  }

  /**
   * As `find`, but undefined for a name that is unknown. Throws when several tables have it. `table.name` is always a
   * table's own, though a record may have an attribute that is called so.
   */
  lookUp(name: string): Ref | undefined {
    return this.#qualified(name) ?? this.#plain(name)
  }

  #plain(name: string): Ref | undefined {
    const plain: Ref[] = []
    for (const [number, { columns }] of this.sources.entries()) {
      const column = columns.get(name)
      if (column) plain.push(refTo(number, column))
    }
    if (plain.length > 1) throw this.#ambiguous(name, plain)
    return plain[0]
  }

  #qualified(name: string): Ref | undefined {
    for (const [number, { alias, columns }] of this.sources.entries()) {
      if (!name.startsWith(`${alias}.`)) continue
      const column = columns.get(name.slice(alias.length + 1))
      if (column) return refTo(number, column)
    }
    return undefined
  }

  #ambiguous(column: string, refs: readonly Ref[]): Problem {
    const choices = refs.map(({ source, name }) => `'${this.sources[source]!.alias}.${name}'`).join(' or ')
    return new Problem('column_ambiguous', { column, choices })
  }

  #unknown(column: string): Problem {
    const tables = this.sources.map(({ alias }) => alias).join(', ')
    return new Problem('column_unknown', { column, table: tables, suggestion: nearest(column, this.#all()) })
  }

  *#all(): Iterable<string> {
    for (const { alias, columns } of this.sources)
      for (const name of columns.keys()) {
        yield name
        if (this.sources.length > 1) yield `${alias}.${name}`
      }
  }
}
