import { setImmediate as turn } from 'node:timers/promises'
import type { Catalog, Column, ColumnDefinition, TableSchema } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import { encodeId, type Storage, type WriteTransaction } from '../storage/index.js'
import { contentWith } from './contents.js'
import { addEntries, type Keyspaces, rangeOfId } from './layout.js'
import { shapeOf } from './shape.js'
import { decodeRecord } from './stored-row.js'

export interface NewColumnsContext {
  storage: Storage
  catalog: Catalog
  spaces: Keyspaces
  /** Records that get their entries in one transaction. */
  stepMax: number
}

/** A table by its name. */
export interface TableName {
  database: string
  table: string
}

/** How far the index of a new column is. */
export interface BuildPosition {
  column: number
  /** The record that comes next; absent: the index is whole, or there is none to build. */
  from?: string | undefined
}

/** Written in each transaction of a building. */
export type BuildStep = (transaction: WriteTransaction, position: BuildPosition, records: number) => void

const nothing: BuildStep = () => {}

/** Columns that are added to tables, and the building of their indexes in bounded steps beside other writers. */
export class NewColumns {
  readonly #context: NewColumnsContext
  /** What a full disk has cut off. */
  readonly #unfinished = new Map<number, { name: TableName; position: BuildPosition }>()

  constructor(context: NewColumnsContext) {
    this.#context = context
  }

  /**
   * Adds a column. Where it has a default, records that are there already read as if they had it; an index of them
   * is still to be built then, as it is where some may have come from another node with such a member.
   * @throws Problem table_not_found, column_exists, invalid_name, invalid_column, too_many
   */
  add({ database, table }: TableName, definition: ColumnDefinition, alongside = nothing): Promise<BuildPosition> {
    const { catalog, spaces, storage } = this.#context
    return storage.write((transaction) => {
      const before = catalog.draftTable(database, table)
      const { start, end } = rangeOfId(before.id)
      const isEmpty = transaction.keys(spaces.records, { start, end, limit: 1 }).length === 0
      const isKnown = !before.strangers
      const content = isEmpty ? 'scalar' : contentWith(isKnown ? 'scalar' : undefined, definition.default)
      const added = catalog.addColumnIn(transaction, database, table, definition, content)
      const column = added.columns.at(-1)!
      const position: BuildPosition = { column: column.id }
      if (!isEmpty && added.kind === 'records' && needsBuilding(column, isKnown)) {
        catalog.changeColumn(transaction, added, { ...column, building: true })
        position.from = start
      }
      alongside(transaction, position, 0)
      return position
    })
  }

  /**
   * Makes an attribute known again that records of the table have already, in a transaction of the caller's. What they
   * have there is not known.
   */
  bringBack(
    transaction: WriteTransaction,
    table: number,
    attribute: string,
  ): { name: TableName; position: BuildPosition } | undefined {
    const { catalog } = this.#context
    const schema = catalog.draft.numbered(table)
    if (!schema) return undefined
    const added = catalog.addAttributes(transaction, schema, [attribute])
    const column = added.columns.at(-1)!
    catalog.changeColumn(transaction, added, { ...column, building: true })
    const position = { column: column.id, from: rangeOfId(table).start }
    return { name: { database: schema.database, table: schema.name }, position }
  }

  /** Gives the records of before a column their entries; the last step makes the index known. */
  async build(name: TableName, position: BuildPosition, signal?: AbortSignal, alongside = nothing): Promise<void> {
    let { from } = position
    while (from !== undefined) {
      signal?.throwIfAborted()
      const start: string = from
      from = await this.#context.storage.write((transaction) => {
        const { next, records } = this.#step(transaction, name, position.column, start)
        alongside(transaction, { column: position.column, from: next }, records)
        return next
      })
      await turn() // where no record has such a value, nothing was written and nothing was waited for
    }
  }

  /** The same; on a full disk it is put off until `goOn`. Queries do without the index meanwhile. */
  async buildInTime(name: TableName, position: BuildPosition): Promise<void> {
    try {
      await this.build(name, position)
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'disk_full')) throw error
      this.#unfinished.set(position.column, { name, position })
    }
  }

  /** Builds what was put off. @throws Problem disk_full */
  async goOn(): Promise<void> {
    for (const [column, { name, position }] of this.#unfinished) {
      await this.build(name, position).catch(unlessDropped)
      this.#unfinished.delete(column)
    }
  }

  /** Gives an index up that is not whole, in a transaction of the caller's: the column stays without one, and the entries that it has are cleaned. */
  abandon(transaction: WriteTransaction, { database, table }: TableName, { column: id }: BuildPosition): void {
    const { catalog } = this.#context
    const schema = catalog.draft.table(database, table)
    const column = schema?.columns.find((other) => other.id === id)
    if (schema && column?.building) catalog.abandonIndex(transaction, schema, column)
  }

  /** Builds what an earlier process has left, but for columns that somebody else goes on with. */
  async finish(others: ReadonlySet<number>): Promise<void> {
    for (const { tables } of this.#context.catalog.current.databases.values())
      for (const { database, id, name, columns } of tables.values())
        for (const { building, id: column } of columns)
          if (building && !others.has(column))
            await this.buildInTime({ database, table: name }, { column, from: rangeOfId(id).start }).catch(
              unlessDropped,
            )
  }

  #step(
    transaction: WriteTransaction,
    { database, table }: TableName,
    columnId: number,
    start: string,
  ): { next: string | undefined; records: number } {
    const { catalog, spaces, stepMax: limit } = this.#context
    const shape = shapeOf(catalog.draftTable(database, table))
    const column = shape.schema.columns.find(({ id }) => id === columnId)
    if (!column) throw new Problem('column_dropped', { database, table })
    if (!column.building) return { next: undefined, records: 0 }
    const keys = transaction.keys(spaces.records, { start, end: rangeOfId(shape.schema.id).end, limit })
    for (const key of keys) {
      const stored = transaction.get(spaces.records, key)!
      const row = shape.complete?.(stored) ?? decodeRecord(stored)
      const entries: string[] = []
      addEntries(entries, encodeId(columnId), row[column.name], key.slice(shape.prefix.length))
      for (const entry of entries) transaction.put(spaces.indexes, entry, '')
    }
    if (keys.length === limit) return { next: `${keys.at(-1)}\x00`, records: keys.length }
    this.#makeKnown(transaction, shape.schema, column)
    return { next: undefined, records: keys.length }
  }

  #makeKnown(transaction: WriteTransaction, schema: TableSchema, { building: _, ...built }: Column): void {
    this.#context.catalog.changeColumn(transaction, schema, built)
  }
}

/** Of a failure: nothing is left to be built. */
export function unlessDropped(error: unknown): void {
  if (!(error instanceof Problem && (error.code === 'column_dropped' || error.code === 'table_not_found'))) throw error
}

/** @param isNew whether no record can have it @throws Problem invalid_column */
function needsBuilding(column: Column, isNew: boolean): boolean {
  const refuse = (reason: string) => {
    throw new Problem('invalid_column', { column: column.name, reason })
  }
  if (column.notNull && column.default === undefined)
    refuse('a not-null column of a table with records needs a default')
  if (column.default === undefined) return column.indexed && !isNew
  if (column.unique) refuse('a unique column with a default cannot be added to a table with records')
  return column.indexed
}
