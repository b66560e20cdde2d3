import type { TableSchema } from '../catalog/index.js'
import type { Key, RemoteRecord } from '../tables/index.js'

/** Characters of entries in one message; a single larger one travels alone. */
export const MESSAGE_CHARACTERS_MAX = 256 * 1024
/** The same for an answer to somebody who catches up. */
export const PAGE_CHARACTERS_MAX = 1024 * 1024
const NAME_CHARACTERS_MAX = 250
const RECORDS_MAX = 1_000_000

/** One entry of a node's change log as it travels. */
export interface ShippedEntry {
  /** In the log of the node that ships it. */
  sequence: number
  /** Hybrid time of the change, and the node on which it was made first: its version. */
  time: number
  origin: string
  user: string
  operation: 'insert' | 'update' | 'upsert' | 'delete' | 'replace' | 'events'
  keys: Key[]
  records: Record<string, unknown>[]
  /** Topics of the entries that come behind this one and belong to the same transaction. */
  rest?: string[]
  /** By node: the time of its newest change that was known where this one was made. */
  seen?: Record<string, number>
}

/** Entries of one table, in order. */
export interface Shipment {
  /** The life of the log that the sequences belong to: a restored backup begins another. */
  incarnation: string
  entries: ShippedEntry[]
  /** The entry of the table that was sent before these; absent where the sender does not know it. */
  after?: number
  /** What the table is like from here on: comes alone, before the entries that need it. */
  state?: TableState
}

export interface TableName {
  database: string
  table: string
}

/** What a node tells of one table. */
export interface TableState extends TableName {
  schema?: Pick<TableSchema, 'kind' | 'primaryKey' | 'dynamic' | 'columns' | 'foreignKeys' | 'options'>
  /** Names of columns that were dropped on purpose. */
  droppedColumns?: string[]
  /** Of those, and of columns that came again after they were dropped: when, in hybrid time. */
  columnTimes?: Record<string, number>
  /** Of columns that came again: when they were dropped last. */
  columnDrops?: Record<string, number>
  /** When the whole table was dropped on purpose, in hybrid time. */
  dropped?: number
  /** When one of this name was dropped before this one was made. */
  droppedBefore?: number
}

/** What a node answers to "describe". */
export interface Description {
  incarnation: string
  /** The newest entry of its log. */
  sequence: number
  tables: TableState[]
  /** Its hybrid time. */
  time?: number
}

/** What a node answers to "changes": what its log has behind the places of some tables. */
export interface Changes {
  incarnation: string
  /** In the order of the log; `of` is the table's place in the request. */
  entries: (ShippedEntry & { of: number })[]
  /** Everything of the tables up to this entry of the peer's log is in this answer or the ones before. */
  upTo: number
  more: boolean
  /** What the tables were like when the answer was made. */
  states: TableState[]
  /** Tables, by their place in the request, for which the log does not reach back that far. */
  gone: number[]
  /** Tables, by their place in the request, that the node does not share with who asks: the answer holds nothing of them. */
  unshared?: number[]
}

/** A page of a full copy: rows (or tombstones) with their versions. */
export interface CopyPage {
  incarnation: string
  /** The log's newest sequence before the first page was read; kept by the asker. */
  sequence: number
  rows: RemoteRecord[]
  /** Of an event table: events instead of rows. */
  events?: Record<string, unknown>[]
  /** Where the next page begins; absent behind the last. */
  cursor?: string
}

export const isSameTable = (a: TableName, b: TableName) => a.database === b.database && a.table === b.table

export const nameOf = ({ database, table }: TableName) => `${database}\0${table}`

/** A name as one word of a subject: plain where that is safe, else encoded, so that no name can change a subject. */
const word = (name: string) => (/^[A-Za-z0-9_-]+$/.test(name) ? name : `=${Buffer.from(name).toString('base64url')}`)

export const topicOf = ({ database, table }: TableName) => `${word(database)}.${word(table)}`

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value > 0
const isKey = (value: unknown): value is Key =>
  (typeof value === 'string' && value.length <= 1_024) || (typeof value === 'number' && Number.isFinite(value))

const areTexts = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string')

const OPERATIONS = new Set(['insert', 'update', 'upsert', 'delete', 'replace', 'events'])

function isEntry(value: unknown): value is ShippedEntry {
  if (!isObject(value)) return false
  const { sequence, time, origin, user, operation, keys, records, rest = [], seen = {} } = value
  if (!areTexts(rest) || !isObject(seen) || !Object.values(seen).every(Number.isFinite)) return false
  if (!Number.isSafeInteger(sequence) || (sequence as number) < 1 || !isTime(time)) return false
  if (typeof origin !== 'string' || origin === '' || origin.length > 64 || typeof user !== 'string') return false
  if (!OPERATIONS.has(operation as string) || !Array.isArray(keys) || !Array.isArray(records)) return false
  if (operation === 'events') return keys.length === 0 && records.length <= RECORDS_MAX && records.every(isObject)
  if (keys.length > RECORDS_MAX || !keys.every(isKey) || !records.every(isObject)) return false
  return operation === 'delete' ? records.length === 0 : records.length === keys.length
}

/** Reads a message of an outbox; undefined when it is not exactly what it should be. */
export function parseShipment(bytes: Buffer): Shipment | undefined {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
  if (!isObject(value) || typeof value.incarnation !== 'string' || !Array.isArray(value.entries)) return undefined
  const { after, entries, incarnation, state } = value
  if (!entries.every(isEntry) || (state !== undefined && !isTableState(state))) return undefined
  if (after !== undefined && !Number.isSafeInteger(after)) return undefined
  return {
    incarnation,
    entries,
    ...(after === undefined ? {} : { after: after as number }),
    ...(state ? { state: state as TableState } : {}),
  }
}

export function isDescription(value: unknown): value is Description {
  if (!isObject(value) || typeof value.incarnation !== 'string' || !Number.isSafeInteger(value.sequence)) return false
  if (value.time !== undefined && !isTime(value.time)) return false
  return Array.isArray(value.tables) && value.tables.every(isTableState)
}

export function isTableState(value: unknown): value is TableState {
  if (!isTableName(value)) return false
  const {
    columnDrops = {},
    columnTimes = {},
    dropped,
    droppedBefore,
    droppedColumns = [],
    schema,
  } = value as Partial<Record<keyof TableState, unknown>>
  if (!isObject(columnDrops) || !Object.values(columnDrops).every(Number.isFinite)) return false
  if (droppedBefore !== undefined && !isTime(droppedBefore)) return false
  if (!isObject(columnTimes) || !Object.values(columnTimes).every(Number.isFinite)) return false
  if (!areTexts(droppedColumns) || (dropped !== undefined && !isTime(dropped))) return false
  if (schema === undefined) return true
  if (!isObject(schema) || !isObject(schema.options) || typeof schema.primaryKey !== 'string') return false
  const { columns, foreignKeys, kind } = schema
  if (kind !== 'records' && kind !== 'events') return false
  const named = (one: unknown, names: string[]) => isObject(one) && areTexts(names.map((name) => one[name]))
  if (!Array.isArray(columns) || !columns.every((column) => named(column, ['name', 'type']))) return false
  return Array.isArray(foreignKeys) && foreignKeys.every((key) => named(key, ['column', 'table', 'references']))
}

/** @param tables how many tables were asked for */
export function isChanges(value: unknown, tables: number): value is Changes {
  if (!isObject(value) || typeof value.incarnation !== 'string' || typeof value.more !== 'boolean') return false
  const { entries, gone, states, unshared = [], upTo } = value
  const isPlace = (of: unknown) => Number.isSafeInteger(of) && (of as number) >= 0 && (of as number) < tables
  if (!Number.isSafeInteger(upTo) || !Array.isArray(gone) || !gone.every(isPlace)) return false
  if (!Array.isArray(unshared) || !unshared.every(isPlace)) return false
  if (!Array.isArray(states) || !states.every(isTableState) || !Array.isArray(entries)) return false
  return entries.every((entry) => isEntry(entry) && isPlace((entry as { of?: unknown }).of))
}

/** Whether an answer is a page of a full copy. */
export function isCopyPage(value: unknown): value is CopyPage {
  if (!isObject(value)) return false
  const { cursor, events = [], incarnation, rows, sequence } = value
  if (!Array.isArray(rows) || !rows.every(isRow) || !Array.isArray(events) || !events.every(isObject)) return false
  if (cursor !== undefined && typeof cursor !== 'string') return false
  return typeof incarnation === 'string' && Number.isSafeInteger(sequence)
}

function isRow(value: unknown): value is RemoteRecord {
  if (!isObject(value) || !isKey(value.key) || !isObject(value.version)) return false
  const { time, origin } = value.version
  if (!isTime(time) || typeof origin !== 'string') return false
  return value.record === undefined || isObject(value.record)
}

export function isTableName(value: unknown): value is TableName {
  if (!isObject(value)) return false
  return [value.database, value.table].every(
    (name) => typeof name === 'string' && name !== '' && name.length <= NAME_CHARACTERS_MAX,
  )
}
