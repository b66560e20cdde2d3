import { createHash } from 'node:crypto'
import { type Catalog, type Content, CREATED_TIME, UPDATED_TIME } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import { encodeValue, isKeyValue, type WriteTransaction } from '../storage/index.js'
import { Contents, contentOfNew } from './contents.js'
import { removeCopies } from './gathering.js'
import { addEntries, type Keyspaces } from './layout.js'
import type { Key, Row } from './reader.js'
import type { RecordCache } from './record-cache.js'
import { RevealingProblem } from './revealing.js'
import { type ColumnShape, shownOf, type TableShape } from './shape.js'
import {
  canonical,
  decodeRecord,
  decodeVersion,
  encodeJson,
  encodeVersion,
  holdsNegativeZero,
  isLater,
  type Version,
} from './stored-row.js'

/** Longer values are known by their digest in the unique index. */
const UNIQUE_BYTES_MAX = 200

/** A record and where it stands. */
export interface Place {
  shape: TableShape
  key: Key
  /** The key as `encodeValue` has it. */
  encodedKey: string
  /** Position in the request, for problems. */
  index: number
}

/** A unique value that more than one record has claimed: who keeps it shows when all of them are written. */
interface Contest {
  shape: TableShape
  unique: ColumnShape
  /** The records by their encoded keys, the latest claim last; for each its position in the request. */
  claims: Map<string, number>
}

/** Entries of more records in one transaction share pages anyway, and each that waits costs more than a put. */
export const POSTPONE_RECORDS_MAX = 100

/** What every writer of rows needs. */
export interface RowContext {
  readonly catalog: Catalog
  readonly spaces: Keyspaces
  readonly cache: RecordCache
}

/** Writes single rows with everything that belongs to them: index entries, unique values, tombstones, counts, contents. */
export class RowWriter {
  readonly #catalog: Catalog
  readonly #transaction: WriteTransaction
  readonly #spaces: Keyspaces
  readonly #cache: RecordCache
  readonly #version: Version
  /** The beginning of everything that this writer stores. */
  readonly #head: string
  readonly #times: string
  /** By table. As few as the tables of a request: a map would take longer. */
  readonly #added: { prefix: string; records: number }[] = []
  readonly #contents = new Contents()
  /** By the place of the value in `uniques`. */
  #contests: Map<string, Contest> | undefined
  /** Whether entries of new records may wait in memory: the log, which names the records, is read again after a crash. */
  postpones = false
  #written = 0

  constructor(transaction: WriteTransaction, { catalog, spaces, cache }: RowContext, version: Version) {
    this.#transaction = transaction
    this.#catalog = catalog
    this.#spaces = spaces
    this.#cache = cache
    this.#version = version
    this.#head = encodeVersion(version)
    this.#times = `"${CREATED_TIME}":${version.time},"${UPDATED_TIME}":${version.time}}`
  }

  /** The stored text of a row, or undefined. */
  stored({ shape, encodedKey }: Place): string | undefined {
    return this.#transaction.get(this.#spaces.records, shape.prefix + encodedKey)
  }

  /** The row behind a stored text. */
  decode(shape: TableShape, stored: string): Row {
    return shape.complete ? shape.complete(stored) : decodeRecord(stored)
  }

  /**
   * Stores a record of a dynamic table as it was sent, with its times behind. The commonest write by far, so it looks
   * at every value once. Answers its JSON text. @throws Problem record_invalid
   */
  createPlain(place: Place, record: Readonly<Record<string, unknown>>): string {
    const { shape, encodedKey } = place
    const { columns } = shape
    const entries: string[] = []
    let exact = true
    let scalars = 0
    for (const name in record) {
      const value = record[name]
      if (typeof value === 'number' || (typeof value === 'object' && value !== null)) {
        if (holdsNegativeZero(value)) exact = false
      }
      const column = columns.get(name)
      if (!column) continue
      if (column.column.indexed) addEntries(entries, column.prefix, value, encodedKey)
      if (typeof value === 'object' || value === undefined) this.#contents.note(shape, column, value)
      else if (column.column.content === 'scalar') scalars++
    }
    for (const name of [CREATED_TIME, UPDATED_TIME]) {
      const column = columns.get(name)
      if (column?.column.indexed) addEntries(entries, column.prefix, this.#version.time, encodedKey)
      if (column?.column.content === 'scalar') scalars++
    }
    if (scalars < shape.scalars) this.#noteAbsent(shape, record)
    const json = exact ? JSON.stringify(record) : encodeJson(record)
    const text = `${json.slice(0, -1)}${json.length > 2 ? ',' : ''}${this.#times}`
    this.#putUniques(place, undefined, record)
    for (const entry of entries) this.#putEntry(entry)
    if (shape.gathered.length > 0) {
      const { time } = this.#version
      this.#removeCopies(shape, { ...record, [CREATED_TIME]: time, [UPDATED_TIME]: time })
    }
    this.#putRecord(place, text)
    this.#count(shape, 1)
    return text
  }

  /** Stores a new row. Answers its JSON text. */
  create(place: Place, row: Row): string {
    return this.#write(place, undefined, row)
  }

  /** Stores a changed row. */
  replace(place: Place, before: Row, after: Row): string {
    return this.#write(place, before, after)
  }

  /** Removes a row and leaves a tombstone: of this writer's version, or of another one. */
  remove(place: Place, before: Row, version = this.#version): void {
    const { shape, key, encodedKey } = place
    this.#putEntries(place, before, undefined)
    this.#removeCopies(shape, before)
    this.#putUniques(place, before, undefined)
    this.#transaction.remove(this.#spaces.records, shape.prefix + encodedKey)
    this.bury(place, version)
    this.#cache.delete(shape.schema.id, key)
    this.#count(shape, -1)
  }

  /** Leaves a tombstone where no row is: another node has deleted one that never came here. */
  bury({ shape, encodedKey }: Place, version = this.#version): void {
    this.#entomb(shape.prefix + encodedKey, version)
  }

  /** The next number of a column that counts up by itself. @throws Problem record_invalid at the end of the numbers */
  nextNumber(column: ColumnShape, index: number): number {
    const next = this.#countOf(column) + 1
    if (next > Number.MAX_SAFE_INTEGER) {
      const reason = `'${column.column.name}' has counted up to ${Number.MAX_SAFE_INTEGER}: no number is left`
      throw new Problem('record_invalid', { index, reason })
    }
    this.#transaction.put(this.#spaces.counts, column.prefix, String(next))
    return next
  }

  /** Takes note of numbers wherever they come from: counting on must not come upon them. */
  #seeNumbers({ shape }: Place, before: Row | undefined, after: Row): void {
    for (const column of shape.counting) {
      const { name } = column.column
      const value = memberOf(after, name)
      if (value === memberOf(before, name) || !Number.isSafeInteger(value)) continue
      if ((value as number) > this.#countOf(column))
        this.#transaction.put(this.#spaces.counts, column.prefix, String(value))
    }
  }

  #countOf({ prefix }: ColumnShape): number {
    return Number(this.#transaction.get(this.#spaces.counts, prefix) ?? 0)
  }

  /** The key of the record that has this value in a unique column. */
  ownerOf(column: ColumnShape, value: unknown): string | undefined {
    return this.#transaction.get(this.#spaces.uniques, placeOfUnique(column, value))
  }

  /** The latest version of a record that had a unique value and has it no more, as far as it is remembered. */
  lastTaken(unique: ColumnShape, value: unknown): Version | undefined {
    const stored = this.#transaction.get(this.#spaces.tombstones, placeOfUnique(unique, value))
    return stored === undefined ? undefined : decodeVersion(stored)
  }

  /**
   * Remembers that a record had a unique value, for as long as a deletion is remembered: an earlier record of another
   * node that has the same value may still come.
   */
  noteTaken(unique: ColumnShape, value: unknown, version: Version): void {
    const last = this.lastTaken(unique, value)
    if (!last || isLater(version, last)) this.#entomb(placeOfUnique(unique, value), version)
  }

  #entomb(at: string, version: Version): void {
    this.#transaction.put(this.#spaces.tombstones, at, encodeVersion(version))
    this.#transaction.put(this.#spaces.tombstoneTimes, encodeValue(version.time) + at, '')
  }

  /**
   * Gives contested values to the one record that has them now. Values that several records still have wait: later
   * operations of the transaction may settle them.
   */
  settleUniques(): void {
    if (!this.#contests) return
    for (const [at, contest] of this.#contests) {
      const [holder, another] = this.#holders(at, contest)
      if (another !== undefined) continue
      if (holder === undefined) this.#transaction.remove(this.#spaces.uniques, at)
      else this.#transaction.put(this.#spaces.uniques, at, holder)
      this.#contests.delete(at)
    }
  }

  /**
   * Checks unique values and writes the numbers of records that have changed, and what columns hold now. At the end of
   * the transaction.
   * @throws Problem value_taken
   */
  finish(): void {
    this.settleUniques()
    for (const [at, contest] of this.#contests ?? []) {
      const { database, name: table } = contest.shape.schema
      const index = contest.claims.get(this.#holders(at, contest).at(-1)!)!
      const { name: column } = contest.unique.column
      throw new RevealingProblem(
        'value_taken',
        { index, column, database, table },
        [{ database, table, column }],
        `records[${index}]: another record has the same value where it is unique, in a column that you may not see`,
      )
    }
    for (const { prefix, records } of this.#added) {
      const before = Number(this.#transaction.get(this.#spaces.counts, prefix) ?? 0)
      if (records !== 0) this.#transaction.put(this.#spaces.counts, prefix, String(before + records))
    }
    this.#added.length = 0
    this.#contents.store(this.#catalog, this.#transaction)
  }

  /** What a column will hold that no record of the table has, as this writer leaves it. */
  contentOfNew({ prefix }: TableShape): Content {
    const added = this.#added.find((one) => one.prefix === prefix)?.records ?? 0
    return contentOfNew(this.#transaction, this.#spaces, prefix, added)
  }

  #noteAbsent(shape: TableShape, record: Row): void {
    for (const column of shape.known) {
      const { name } = column.column
      if (name !== CREATED_TIME && name !== UPDATED_TIME && !Object.hasOwn(record, name))
        this.#contents.note(shape, column, undefined)
    }
  }

  #write(place: Place, before: Row | undefined, after: Row): string {
    this.#seeNumbers(place, before, after)
    for (const column of place.shape.known) this.#contents.note(place.shape, column, shownOf(after, column.column))
    this.#putUniques(place, before, after)
    if (before) this.#putEntries(place, before, after)
    else this.#putNewEntries(place, after)
    if (before) this.#removeCopies(place.shape, before)
    this.#removeCopies(place.shape, after)
    const text = encodeJson(after)
    this.#putRecord(place, text)
    if (!before) this.#count(place.shape, 1)
    return text
  }

  #removeCopies(shape: TableShape, row: Row): void {
    removeCopies(this.#transaction, this.#spaces, shape, row)
  }

  #putRecord({ shape, key, encodedKey }: Place, text: string): void {
    this.#written++
    this.#transaction.put(this.#spaces.records, shape.prefix + encodedKey, this.#head + text)
    this.#cache.delete(shape.schema.id, key)
  }

  /** The entries of a row where none was: nothing to compare with. */
  #putNewEntries({ shape, encodedKey }: Place, row: Row): void {
    const entries: string[] = []
    for (const { column, prefix } of shape.columns.values()) {
      if (column.indexed) addEntries(entries, prefix, shownOf(row, column), encodedKey)
    }
    for (const entry of entries) this.#putEntry(entry)
  }

  /** Changes only the entries of values that differ. */
  #putEntries({ shape, encodedKey }: Place, before: Row | undefined, after: Row | undefined): void {
    for (const { column, prefix } of shape.columns.values()) {
      if (!column.indexed) continue
      const old = shownOf(before, column)
      const now = shownOf(after, column)
      if (Object.is(old, now)) continue
      const gone = entriesOf(prefix, old, encodedKey)
      const come = entriesOf(prefix, now, encodedKey)
      for (const entry of gone) if (!come.has(entry)) this.#transaction.remove(this.#spaces.indexes, entry)
      for (const entry of come) if (!gone.has(entry)) this.#putEntry(entry)
    }
  }

  #putEntry(entry: string): void {
    if (this.postpones && this.#written < POSTPONE_RECORDS_MAX) this.#transaction.postpone(this.#spaces.indexes, entry)
    else this.#transaction.put(this.#spaces.indexes, entry, '')
  }

  #putUniques(place: Place, before: Row | undefined, after: Row | undefined): void {
    for (const unique of place.shape.uniques) {
      const old = shownOf(before, unique.column)
      const now = shownOf(after, unique.column)
      if (Object.is(old, now)) continue
      if (now !== undefined && now !== null) this.#takeValue(place, unique, now)
      if (old !== undefined && old !== null && !sameUnique(unique, old, now)) {
        const at = placeOfUnique(unique, old)
        this.noteTaken(unique, old, decodeVersion(this.stored(place)!))
        if (!this.#contests?.has(at)) this.#transaction.remove(this.#spaces.uniques, at)
      }
    }
  }

  /** A value that another record has may be on its way to become free: records of one request swap values. */
  #takeValue({ shape, encodedKey, index }: Place, unique: ColumnShape, value: unknown): void {
    const at = placeOfUnique(unique, value)
    const owner = this.#transaction.get(this.#spaces.uniques, at)
    if (owner !== undefined && owner !== encodedKey && !this.#contests?.has(at)) {
      this.#contests ??= new Map()
      this.#contests.set(at, { shape, unique, claims: new Map([[owner, index]]) })
    }
    const claims = this.#contests?.get(at)?.claims
    claims?.delete(encodedKey)
    claims?.set(encodedKey, index)
    this.#transaction.put(this.#spaces.uniques, at, encodedKey)
  }

  /** The records that have the value as they are written now, the latest claim last. */
  #holders(at: string, { shape, unique, claims }: Contest): string[] {
    return [...claims.keys()].filter((key) => {
      const stored = this.#transaction.get(this.#spaces.records, shape.prefix + key)
      const value = stored === undefined ? undefined : memberOf(this.decode(shape, stored), unique.column.name)
      return value !== undefined && value !== null && placeOfUnique(unique, value) === at
    })
  }

  #count({ prefix }: TableShape, added: number): void {
    const counted = this.#added.find((one) => one.prefix === prefix)
    if (counted) counted.records += added
    else this.#added.push({ prefix, records: added })
  }
}

function entriesOf(prefix: string, value: unknown, encodedKey: string): Set<string> {
  const entries: string[] = []
  addEntries(entries, prefix, value, encodedKey)
  return new Set(entries)
}

function memberOf(row: Row | undefined, name: string): unknown {
  return row !== undefined && Object.hasOwn(row, name) ? row[name] : undefined
}

function placeOfUnique({ prefix }: ColumnShape, value: unknown): string {
  const encoded = encodeValue(isKeyValue(value) ? value : canonical(value))
  if (encoded.length <= UNIQUE_BYTES_MAX) return `${prefix}v${encoded}`
  return `${prefix}d${createHash('sha256').update(encoded, 'latin1').digest().toString('latin1')}`
}

function sameUnique(unique: ColumnShape, a: unknown, b: unknown): boolean {
  return b !== undefined && b !== null && placeOfUnique(unique, a) === placeOfUnique(unique, b)
}
