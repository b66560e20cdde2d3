import { type Catalog, CREATED_TIME, type TableSchema } from '../catalog/index.js'
import type { Contracts } from '../contracts/index.js'
import type { ExportsOptions, IndexBuilder, OldRecords, RowRemover, RowStore, TableMoment } from '../jobs/index.js'
import { Problem, type View } from '../lib/index.js'
import {
  type Key,
  type Queries,
  type Reading,
  type TableReader,
  type Tables,
  type Told,
  toldTo,
  UNNAMED,
} from '../tables/index.js'

/** What a user may read and know of now. @throws Problem where there is no such user (any more) */
type EyesOf = (user: string) => Told

/** Why a write was refused, as the user may be told it who asked for the job. */
function telling<Answer>(user: string, eyesOf: EyesOf, written: Promise<Answer>): Promise<Answer> {
  return written.catch((error: unknown) => {
    throw toldTo(eyesOf(user), error)
  })
}

/** The tables as loads see them. */
export function rowStoreOf(catalog: Catalog, tables: Tables, eyesOf: EyesOf): RowStore {
  return {
    columns: (database, table) => {
      const { columns, primaryKey } = recordsTable(catalog, database, table)
      return new Map(
        columns.map(({ name, type, notNull }) => [name, { type, nullable: !notNull && name !== primaryKey }]),
      )
    },
    write: ({ database, table, action }, user, records, alongside) =>
      telling(
        user,
        eyesOf,
        tables.transact({ user }, (batch) => {
          const { done } = records.length > 0 ? batch[action](database, table, records) : { done: [] }
          alongside(batch.transaction, done.length)
          return done.length
        }),
      ),
  }
}

/** Records that are looked at in one go where no index tells the old ones. */
const LOOK_AT_MAX = 5000

/** The tables as long deletions see them. */
export function rowRemoverOf(catalog: Catalog, tables: Tables, eyesOf: EyesOf): RowRemover {
  return {
    oldest({ database, table }, before, after, most) {
      recordsTable(catalog, database, table)
      using snapshot = tables.snapshot()
      const reader = snapshot.table(database, table)
      if (!reader) throw new Problem('table_not_found', { database, table })
      if (!reader.schema.columns.some(({ name }) => name === CREATED_TIME))
        throw new Problem('no_times', { database, table, column: CREATED_TIME })
      return reader.isIndexed(CREATED_TIME) ? oldByIndex(reader, before, most) : oldByScan(reader, before, after, most)
    },
    remove: ({ database, table }, user, keys, alongside) =>
      telling(
        user,
        eyesOf,
        tables.transact({ user }, (batch) => {
          const { done } = batch.delete(database, table, keys)
          alongside(batch.transaction, done.length)
          return done.length
        }),
      ),
    removeLog: (target, before, signal, alongside) => tables.deleteLogBefore(target, before, signal, alongside),
  }
}

function oldByIndex(reader: TableReader, before: number, most: number): OldRecords {
  const keys = []
  const from = { value: -Number.MAX_VALUE, inclusive: true }
  const to = { value: before, inclusive: false }
  for (const key of reader.range({ attribute: CREATED_TIME, from, to })) {
    keys.push(key)
    if (keys.length === most) return { keys, after: key }
  }
  return { keys }
}

function oldByScan(reader: TableReader, before: number, after: Key | undefined, most: number): OldRecords {
  const keys = []
  let looked = 0
  for (const row of reader.scan(after === undefined ? {} : { after })) {
    const key = row[reader.schema.primaryKey] as Key
    const time = row[CREATED_TIME]
    if (typeof time === 'number' && time < before) keys.push(key)
    if (keys.length === most || ++looked === LOOK_AT_MAX) return { keys, after: key }
  }
  return { keys }
}

/** The tables as the building of indexes sees them. */
export function indexBuilderOf({ columns }: Tables): IndexBuilder {
  return {
    add: (column, alongside) => columns.add(column, column.definition, alongside),
    build: (column, position, signal, alongside) => columns.build(column, position, signal, alongside),
    abandon: (transaction, column, position) => columns.abandon(transaction, column, position),
  }
}

/** One moment of a table, as exports read it. */
export function momentOf(catalog: Catalog, tables: Tables, database: string, table: string): TableMoment {
  const { columns, dynamic } = recordsTable(catalog, database, table)
  const snapshot = tables.snapshot()
  const reader = snapshot.table(database, table)
  if (!reader) {
    snapshot[Symbol.dispose]()
    throw new Problem('table_not_found', { database, table })
  }
  return {
    columns: columns.map(({ name }) => name),
    unnamed: dynamic ? UNNAMED : [],
    count: reader.count(),
    texts: () => reader.texts(),
    rows: () => reader.scan(),
    [Symbol.dispose]: () => snapshot[Symbol.dispose](),
  }
}

/** Reading operations, as exports run them: as the user that asked may read now. */
export function searchOf(
  contracts: Contracts,
  queries: Queries,
  viewOf: (user: string) => View,
): ExportsOptions['search'] {
  return ({ operation: name, ...request }, user) => {
    const compiled = contracts.find(String(name))
    compiled.checkRequest(request)
    return queries.rows({ operation: compiled.contract.operation, request } as unknown as Reading, viewOf(user))
  }
}

function recordsTable(catalog: Catalog, database: string, table: string): TableSchema {
  const schema = catalog.table(database, table)
  if (schema.kind !== 'records') throw new Problem('not_records', { database, table })
  return schema
}
