import {
  AFTER_VALUES,
  decodeValue,
  encodeId,
  encodeValue,
  type Keyspace,
  type Storage,
  type WriteTransaction,
} from '../storage/index.js'
import type { Key } from './reader.js'
import type { Version } from './stored-row.js'

export type LoggedOperation = 'insert' | 'update' | 'upsert' | 'delete' | 'replace' | 'events'

/** One change of one table: what one operation did, in one transaction. */
export interface LogEntry {
  /** Counts the changes of this node, without gaps. */
  sequence: number
  /** Hybrid time of the change in milliseconds; the version time of its records. */
  time: number
  /** Node on which the change was first made. */
  origin: string
  user: string
  operation: LoggedOperation
  database: string
  table: string
  tableId: number
  /** None for events. */
  keys: Key[]
  /** The records as they are after the change; for a deletion none; for events these. */
  records: Record<string, unknown>[]
  /** By node: the time of its newest change that was here when this one was made. */
  seen?: Record<string, number>
  /** Another node's change that came too late: a later version was here, and stayed. */
  lost?: true
}

/** An entry as it is stored, for whoever sends it on without reading it. */
export interface RawEntry {
  sequence: number
  tableId: number
  database: string
  table: string
  origin: string
  lost: boolean
  time: number
  /** Everything of the entry but its sequence, as JSON. */
  json: string
}

/** Whether two neighbours of the log were made by one transaction: no two have the same version. */
export const isSameTransaction = (a: RawEntry, b: RawEntry): boolean => a.time === b.time && a.origin === b.origin

/** A change to be logged; the records are JSON texts, which are not printed twice. */
export interface Change extends Omit<LogEntry, 'sequence' | 'records'> {
  records: string[]
}

export interface LogRange {
  tableId: number
  /** Inclusive, in milliseconds. */
  from?: number | undefined
  to?: number | undefined
  limit: number
  reverse?: boolean
}

const LAST = AFTER_VALUES
const CHUNK = 100
/** How far back the change before another one is looked for. */
const BEFORE_MAX = 1_000
const CHUNK_CHARACTERS = 8 * 1024 * 1024

/**
 * Stored: `offset time table|{...}`. The offset is the characters of all entries before, so that the size of any part of
 * the log is a difference; the rest is what retention needs to know without parsing.
 */
function headOf(stored: string): { offset: number; time: number; tableId: number } {
  const [offset, time, tableId] = stored.slice(0, stored.indexOf('|')).split(' ').map(Number)
  return { offset: offset!, time: time!, tableId: tableId! }
}

const KEYS = ',"keys":['
const RECORDS = '],"records":['

/** What can be read of an entry without its keys and records. Each by itself: for the whole object it takes four times as long. */
function printFacts({ time, origin, user, operation, database, table, tableId, seen, lost }: Change): string {
  const who = `{"time":${time},"origin":${JSON.stringify(origin)},"user":${JSON.stringify(user)}`
  const where = `"database":${JSON.stringify(database)},"table":${JSON.stringify(table)},"tableId":${tableId}`
  const more = `${seen ? `,"seen":${JSON.stringify(seen)}` : ''}${lost ? ',"lost":true' : ''}`
  return `${who},"operation":"${operation}",${where}${more}`
}

/** What stands before the keys and records; no text in it can hold the same unescaped quotes. */
function factsOf(json: string): Omit<LogEntry, 'sequence' | 'keys' | 'records'> {
  return JSON.parse(`${json.slice(0, json.indexOf(KEYS))}}`) as LogEntry
}

/** The keys alone; the records behind them may be long. */
function keysOf(stored: string): Key[] {
  const start = stored.indexOf(KEYS) + KEYS.length - 1
  return JSON.parse(stored.slice(start, stored.indexOf(RECORDS, start) + 1)) as Key[]
}

/** The records, a list as it stands there; the keys before them hold no unescaped quotes and nothing stands behind. */
function recordsOf(stored: string): string {
  const start = stored.indexOf(RECORDS, stored.indexOf(KEYS))
  return stored.slice(start + RECORDS.length - 1, -1)
}

function parse(sequence: number, stored: string): LogEntry {
  return { sequence, ...(JSON.parse(stored.slice(stored.indexOf('|') + 1)) as Omit<LogEntry, 'sequence'>) }
}

/** Every change of every table in the order of the commits: written in the transaction that makes the change. */
export class ChangeLog {
  readonly #storage: Storage
  /** sequence → entry */
  readonly #entries: Keyspace
  /** table, time, sequence → nothing */
  readonly #byTable: Keyspace
  /** table, or table and origin → newest sequence that was removed */
  readonly #removed: Keyspace
  #sequence = 0
  #size = 0
  #lastTime = 0
  #committed = 0
  /** Changes behind this one are needed to mend the indexes after a crash: they are not removed. */
  neededAfter = Number.POSITIVE_INFINITY
  /** What a change made now has seen of other nodes. */
  seen: (table: { database: string; name: string }) => Record<string, number> | undefined = () => undefined
  readonly #listeners = new Set<() => void>()

  constructor(storage: Storage) {
    this.#storage = storage
    this.#entries = storage.keyspace('log')
    this.#byTable = storage.keyspace('log_tables')
    this.#removed = storage.keyspace('log_removed')
    using snapshot = storage.snapshot()
    for (const [key, stored] of snapshot.entries(this.#entries, { start: '0', end: LAST, reverse: true, limit: 1 })) {
      this.#sequence = decodeValue(key, 0) as number
      this.#size = headOf(stored).offset + stored.length
      this.#lastTime = headOf(stored).time
      this.#committed = this.#sequence
    }
  }

  /** Time of the newest change on disk when the log was opened. */
  get lastTime(): number {
    return this.#lastTime
  }

  /** Sequence of the newest change, written or about to be. */
  get sequence(): number {
    return this.#sequence
  }

  /** Sequence of the newest change on disk. */
  committed(): number {
    return this.#committed
  }

  /** Adds a change in its transaction. */
  append(transaction: WriteTransaction, change: Change): number {
    const { records, keys } = change
    const sequence = this.#sequence + 1
    const head = `${this.#size} ${change.time} ${change.tableId}`
    const entry = `${head}|${printFacts(change)}${KEYS}${JSON.stringify(keys).slice(1, -1)}${RECORDS}${records.join(',')}]}`
    transaction.put(this.#entries, encodeValue(sequence), entry)
    transaction.put(this.#byTable, placeOf(change.tableId, change.time, sequence), '')
    this.#advance(transaction, sequence, this.#size + entry.length)
    return sequence
  }

  /** The changes of a table in the order of time. Reads no more than `limit` entries. */
  *read(range: LogRange): Generator<LogEntry> {
    for (const [sequence, stored] of this.#stored(range)) yield parse(sequence, stored)
  }

  /** The same as JSON text for callers, with the records as they were stored: read and printed again, -0 would be 0. */
  *texts(range: LogRange): Generator<string> {
    for (const [sequence, stored] of this.#stored(range)) {
      const { operation, time, user } = factsOf(stored.slice(stored.indexOf('|') + 1))
      const facts = { operation, user_name: user, timestamp: time, hash_values: keysOf(stored) }
      yield `${JSON.stringify(facts).slice(0, -1)},"records":${recordsOf(stored)},"sequence":${sequence}}`
    }
  }

  *#stored({ tableId, from, to, limit, reverse = false }: LogRange): Generator<[sequence: number, stored: string]> {
    const prefix = encodeId(tableId)
    const start = from === undefined ? prefix : prefix + encodeValue(from)
    const end = to === undefined ? prefix + LAST : prefix + encodeValue(to) + LAST
    using snapshot = this.#storage.snapshot()
    for (const place of snapshot.keys(this.#byTable, { start, end, reverse, limit })) {
      const sequence = sequenceOf(place)
      const stored = snapshot.get(this.#entries, encodeValue(sequence))
      if (stored !== undefined) yield [sequence, stored]
    }
  }

  /**
   * The changes behind `after`, and then every new one as it is committed, until the signal aborts. Entries that
   * retention has removed are missing: the first sequence tells.
   */
  async *watch(after: number, signal: AbortSignal): AsyncGenerator<LogEntry> {
    let last = after
    while (!signal.aborted) {
      const entries = this.#next(last)
      for (const entry of entries) {
        yield entry
        last = entry.sequence
      }
      if (entries.length === 0) await this.#change(last, signal)
    }
  }

  /** Up to `limit` entries behind a sequence, unparsed, fewer where they are large, more to end with a whole transaction. */
  after(sequence: number, limit: number): RawEntry[] {
    const entries: RawEntry[] = []
    let characters = 0
    for (const entry of this.walk(sequence)) {
      const isFull = entries.length >= limit || characters >= CHUNK_CHARACTERS
      if (isFull && !isSameTransaction(entries.at(-1)!, entry)) break
      entries.push(entry)
      characters += entry.json.length
    }
    return entries
  }

  /**
   * The entries behind a sequence that are on disk, unparsed: what others have been told stays true after a power cut.
   * To be walked through in one turn.
   */
  *walk(sequence: number): Generator<RawEntry> {
    using snapshot = this.#storage.snapshot()
    const range = this.#behind(sequence)
    for (const [key, stored] of snapshot.entries(this.#entries, range)) {
      const { time, tableId } = headOf(stored)
      const json = stored.slice(stored.indexOf('|') + 1)
      const { database, table, origin, lost = false } = factsOf(json)
      yield { sequence: decodeValue(key, 0) as number, tableId, database, table, origin, lost, time, json }
    }
  }

  /** The keys of a table whose change of this version is in the log. */
  keysAt(transaction: WriteTransaction, tableId: number, { time, origin }: Version): Set<Key> {
    const at = encodeId(tableId) + encodeValue(time)
    const keys = new Set<Key>()
    for (const place of transaction.keys(this.#byTable, { start: at, end: at + LAST })) {
      const stored = transaction.get(this.#entries, encodeValue(sequenceOf(place)))
      const entry = stored === undefined ? undefined : parse(sequenceOf(place), stored)
      if (entry?.origin === origin) for (const key of entry.keys) keys.add(key)
    }
    return keys
  }

  /** The size of what lies behind a sequence, and the time of the first of it; undefined when nothing does. */
  behind(sequence: number): { characters: number; time: number } | undefined {
    using snapshot = this.#storage.snapshot()
    const range = { start: `${encodeValue(sequence)}\x00`, end: LAST, limit: 1 }
    for (const [, stored] of snapshot.entries(this.#entries, range)) {
      const { offset, time } = headOf(stored)
      return { characters: this.#size - offset, time }
    }
    return undefined
  }

  /** Resolves when there is an entry behind this one, or when the signal aborts. */
  async changed(after: number, signal: AbortSignal): Promise<void> {
    await this.#change(after, signal)
  }

  /**
   * The keys of a table that were changed behind a sequence: on disk, or as a transaction will leave it. Undefined when
   * the log does not hold all of it any more.
   */
  keysChanged(tableId: number, after: number, transaction?: WriteTransaction): Set<Key> | undefined {
    using snapshot = transaction ? undefined : this.#storage.snapshot()
    const reader = transaction ?? snapshot!
    const keys = new Set<Key>()
    const last = transaction ? this.#sequence : this.#committed
    for (let sequence = after + 1; sequence <= last; sequence++) {
      const stored = reader.get(this.#entries, encodeValue(sequence))
      if (stored === undefined) return undefined
      if (headOf(stored).tableId === tableId) for (const key of keysOf(stored)) keys.add(key)
    }
    return keys
  }

  /**
   * The newest entry of a table that was removed from the log: what is asked for up to it is not whole.
   * @param origin only entries of changes that this node made; undefined: of all
   */
  removedUpTo(tableId: number, origin: string | undefined): number {
    using snapshot = this.#storage.snapshot()
    return Number(snapshot.get(this.#removed, encodeId(tableId) + (origin ?? '')) ?? 0)
  }

  /**
   * The newest change of the same table before a change of this node, which retention may have removed. Undefined when
   * there was none, or too many of other nodes were made since.
   * @param origin only changes that this node made; undefined: of all
   */
  before(
    { sequence, tableId, time }: Pick<RawEntry, 'sequence' | 'tableId' | 'time'>,
    origin: string | undefined,
  ): number | undefined {
    const prefix = encodeId(tableId)
    const range = { start: prefix, end: placeOf(tableId, time, sequence), reverse: true, limit: BEFORE_MAX }
    using snapshot = this.#storage.snapshot()
    let seen = 0
    for (const place of snapshot.keys(this.#byTable, range)) {
      seen++
      const stored = snapshot.get(this.#entries, encodeValue(sequenceOf(place)))
      if (stored === undefined || sequenceOf(place) >= sequence) continue
      const { lost, origin: author } = factsOf(stored.slice(stored.indexOf('|') + 1))
      if (!lost && (origin === undefined || author === origin)) return sequenceOf(place)
    }
    return seen < BEFORE_MAX ? this.removedUpTo(tableId, origin) || undefined : undefined
  }

  /** Says that a table has records whose changes by a node were never here: who shares it needs a full copy. */
  noteUnlogged(transaction: WriteTransaction, tableId: number, origin: string): void {
    const sequence = String(Math.max(1, this.#sequence))
    for (const key of [encodeId(tableId), encodeId(tableId) + origin]) transaction.put(this.#removed, key, sequence)
  }

  /** Sequence before the first change of a table that is not older than a time; the present one when there is none. */
  sequenceBefore(tableId: number, time: number): number {
    const first = this.read({ tableId, from: time, limit: 1 }).next().value as LogEntry | undefined
    return first ? first.sequence - 1 : this.committed()
  }

  /** Removes up to `limit` entries of a table that are older than `time`. Answers how many there were. */
  removeBefore(transaction: WriteTransaction, tableId: number, time: number, limit: number): number {
    const prefix = encodeId(tableId)
    const all = transaction.keys(this.#byTable, { start: prefix, end: prefix + encodeValue(time), limit })
    const places = all.filter((place) => this.#isFree(sequenceOf(place)))
    for (const place of places) {
      const key = encodeValue(sequenceOf(place))
      this.#noteRemoved(transaction, tableId, sequenceOf(place), transaction.get(this.#entries, key) ?? '')
      transaction.remove(this.#byTable, place)
      transaction.remove(this.#entries, key)
    }
    return places.length
  }

  /** Removes up to `limit` of the oldest entries that are older than `time` or beyond the newest `bytesMax`. */
  prune(transaction: WriteTransaction, time: number, bytesMax: number, limit: number): number {
    const keys = transaction.keys(this.#entries, { start: '0', end: LAST, limit })
    let removed = 0
    for (const key of keys) {
      const stored = transaction.get(this.#entries, key)!
      const sequence = decodeValue(key, 0) as number
      const head = headOf(stored)
      const isOld = head.time < time || this.#size - head.offset > bytesMax
      if (!isOld || !this.#isFree(sequence)) break
      transaction.remove(this.#entries, key)
      transaction.remove(this.#byTable, placeOf(head.tableId, head.time, sequence))
      this.#noteRemoved(transaction, head.tableId, sequence, stored)
      removed++
    }
    return removed
  }

  #noteRemoved(transaction: WriteTransaction, tableId: number, sequence: number, stored: string): void {
    if (stored === '') return
    const { origin } = factsOf(stored.slice(stored.indexOf('|') + 1))
    for (const key of [encodeId(tableId), encodeId(tableId) + origin]) {
      const before = Number(transaction.get(this.#removed, key) ?? 0)
      if (sequence > before) transaction.put(this.#removed, key, String(sequence))
    }
  }

  /** The newest change carries the count on. */
  #isFree(sequence: number): boolean {
    return sequence !== this.#sequence && sequence <= this.neededAfter
  }

  /** The changes behind `after`, at most so many as are read at a time. */
  next(after: number): LogEntry[] {
    return this.#next(after)
  }

  #next(after: number): LogEntry[] {
    using snapshot = this.#storage.snapshot()
    const entries = [...snapshot.entries(this.#entries, { limit: CHUNK, ...this.#behind(after) })]
    return entries.map(([key, stored]) => parse(decodeValue(key, 0) as number, stored))
  }

  /** Only what is on disk: a snapshot may show a moment before what is still on its way there. */
  #behind(sequence: number): { start: string; end: string } {
    return { start: `${encodeValue(sequence)}\x00`, end: `${encodeValue(this.#committed)}\x00` }
  }

  /** Resolves at the next commit of a change, or when the signal aborts. */
  async #change(last: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#listeners.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#listeners.add(done)
      signal.addEventListener('abort', done)
      // Committed between looking and listening. Not at once: what was committed may be removed already, and whoever looks
      // again and again in one turn keeps the next commit from being told.
      if (signal.aborted || this.#committed > last) setImmediate(done)
    })
  }

  #advance(transaction: WriteTransaction, sequence: number, size: number): void {
    const before = { sequence: this.#sequence, size: this.#size }
    this.#sequence = sequence
    this.#size = size
    transaction.onUndo(() => {
      this.#sequence = before.sequence
      this.#size = before.size
    })
    transaction.onCommit(() => {
      this.#committed = sequence
      for (const listener of this.#listeners) listener()
    })
  }
}

function placeOf(tableId: number, time: number, sequence: number): string {
  return encodeId(tableId) + encodeValue(time) + encodeValue(sequence)
}

function sequenceOf(place: string): number {
  return decodeValue(place, 4 + 9) as number
}
