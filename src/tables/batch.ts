import { type Catalog, CREATED_TIME, type TableSchema, UPDATED_TIME } from '../catalog/index.js'
import { atOnce, merged, Problem, type Steps, show } from '../lib/index.js'
import type { WriteTransaction } from '../storage/index.js'
import { BatchReader } from './batch-reader.js'
import type { ChangeLog, LoggedOperation } from './change-log.js'
import { type Follower, ForeignKeys, tooLarge } from './foreign-keys.js'
import { checkExact, keyOfType, normalKey } from './keys.js'
import { type Keyspaces, keyOfRecord, rangeOfId } from './layout.js'
import { NotedChanges } from './noted-changes.js'
import { placeOf, placeOfNew, placeOfOld } from './places.js'
import { checkNumbers, coerced, completed, isServerSet, newAttributes } from './prepare.js'
import type { Key, Row, TableReader } from './reader.js'
import type { RecordCache } from './record-cache.js'
import { RevealingProblem } from './revealing.js'
import { type Place, POSTPONE_RECORDS_MAX, RowWriter } from './row-writer.js'
import { shapeOf, type TableShape } from './shape.js'
import { decodeVersion, type Version } from './stored-row.js'

type Given = Readonly<Record<string, unknown>>

export interface BatchSettings {
  /** Records of one operation. */
  records_max: number
  /** Records that one deletion or change may carry along through foreign keys. */
  cascade_records_max: number
}

export interface BatchContext {
  catalog: Catalog
  spaces: Keyspaces
  cache: RecordCache
  log: ChangeLog
  settings: BatchSettings
  /** Whether index entries may wait in memory. */
  readonly postpones: boolean
}

export interface WriteOptions {
  /** A record that exists (insert) or does not (update, delete) refuses the whole operation instead of being skipped. */
  atomic?: boolean | undefined
  /** Must hold for the stored record of every key; undefined stands for a record that does not exist. */
  condition?: ((row: Row | undefined) => boolean) | undefined
}

/** Records that a condition means: those of these keys that pass its test when their turn comes. */
export interface Meant {
  database: string
  table: string
  keys: Iterable<Key>
  test: (row: Row) => boolean
}

export interface Written {
  /** Keys of the records that were stored or deleted, in the order of the request. */
  done: Key[]
  /** Keys that were left alone. */
  skipped: Key[]
}

/**
 * Changes of records (and of tables) in one transaction: each operation sees those before it. If one throws, the
 * transaction leaves nothing of any of them. The operations come in steps, and some also at once.
 */
export class Batch {
  readonly #context: BatchContext
  readonly #transaction: WriteTransaction
  readonly #writer: RowWriter
  readonly #version: Version
  readonly #noted: NotedChanges
  readonly #foreignKeys: ForeignKeys
  #latest: Key[] = []

  constructor(context: BatchContext, transaction: WriteTransaction, version: Version, user: string) {
    this.#context = context
    this.#transaction = transaction
    this.#version = version
    const writer = new RowWriter(transaction, context, version)
    const noted = new NotedChanges(context.log, transaction, version, user)
    const follower: Follower = {
      remove: (place, before) => this.#remove(place, before),
      change: (place, before, set) => this.#moveOrChange(place, before, set),
    }
    this.#writer = writer
    this.#noted = noted
    this.#foreignKeys = new ForeignKeys({ context, transaction, writer, noted, follower })
  }

  /** For what others must store in the same transaction: the position of a job with the rows that it has loaded. */
  get transaction(): WriteTransaction {
    return this.#transaction
  }

  /** Reads a table as the operations so far have left it. @throws Problem table_not_found, not_records */
  reader(database: string, table: string): TableReader {
    return new BatchReader(this.#transaction, this.#context.spaces, this.#shape(database, table))
  }

  /** The keys of what the latest operation was about, in the order of the request: also of records that it left alone. */
  get latest(): readonly Key[] {
    return this.#latest
  }

  /** Keys of a table that were changed behind a sequence of the log, also by what has run so far; undefined: not known. */
  keysChanged({ id }: TableSchema, after: number): Set<Key> | undefined {
    return this.#context.log.keysChanged(id, after, this.#transaction)
  }

  /** Stores records that are new; skips those whose key exists. */
  *inserting(database: string, table: string, records: readonly Given[], options: WriteOptions = {}): Steps<Written> {
    const shape = this.#prepared(database, table, records)
    const written: Written = { done: [], skipped: [] }
    for (const [index, record] of records.entries()) {
      yield
      const given = this.#given(shape, record, index)
      const place = placeOfNew(this.#writer, shape, given, index)
      this.#latest.push(place.key)
      if (this.#writer.stored(place) === undefined) {
        this.#checkCondition(options, place, undefined)
        written.done.push(this.#create(place, given, 'insert'))
      } else {
        if (options.atomic) throw new Problem('record_exists', { index, key: show(place.key), database, table })
        written.skipped.push(place.key)
      }
    }
    yield* this.#settle()
    return written
  }

  /** Changes the given attributes of records that exist; skips those whose key does not. */
  *updating(database: string, table: string, records: readonly Given[], options: WriteOptions = {}): Steps<Written> {
    const shape = this.#prepared(database, table, records)
    const written: Written = { done: [], skipped: [] }
    for (const [index, record] of records.entries()) {
      yield
      const given = this.#given(shape, record, index)
      const place = placeOfOld(shape, given, index)
      this.#latest.push(place.key)
      const before = this.#wanted(place, options)
      if (before) written.done.push(this.#change(place, before, given, 'update'))
      else written.skipped.push(place.key)
    }
    yield* this.#settle()
    return written
  }

  /** Stores records: new ones whole, those that exist with the given attributes changed. */
  *upserting(database: string, table: string, records: readonly Given[], options: WriteOptions = {}): Steps<Written> {
    const shape = this.#prepared(database, table, records)
    const done: Key[] = []
    for (const [index, record] of records.entries()) {
      yield
      const given = this.#given(shape, record, index)
      const place = placeOfNew(this.#writer, shape, given, index)
      this.#latest.push(place.key)
      const stored = this.#writer.stored(place)
      const before = stored === undefined ? undefined : this.#writer.decode(shape, stored)
      this.#checkCondition(options, place, before)
      done.push(before ? this.#change(place, before, given, 'upsert') : this.#create(place, given, 'upsert'))
    }
    yield* this.#settle()
    return { done, skipped: [] }
  }

  /** Deletes records by key; skips keys that do not exist. */
  *deleting(database: string, table: string, keys: readonly unknown[], options: WriteOptions = {}): Steps<Written> {
    const shape = this.#shape(database, table)
    this.#checkSize(keys.length)
    const written: Written = { done: [], skipped: [] }
    for (const [index, given] of keys.entries()) {
      yield
      const place = placeOf(shape, this.keyFor(shape.schema, given), index)
      this.#latest.push(place.key)
      const before = this.#wanted(place, options)
      if (before) written.done.push(this.#remove(place, before))
      else written.skipped.push(place.key)
    }
    yield* this.#settle()
    return written
  }

  /** Sets attributes of the records with these keys, the primary key among them, which moves a record. */
  *moving(
    database: string,
    table: string,
    keys: readonly Key[],
    set: Given,
    options: WriteOptions = {},
  ): Steps<Written> {
    const shape = this.#prepared(database, table, [set])
    const given = this.#given(shape, set, 0)
    const written: Written = { done: [], skipped: [] }
    for (const [index, key] of keys.entries()) {
      yield
      const place = placeOf(shape, key, index)
      const before = this.#wanted(place, options)
      const now = before ? this.#moveOrChange(place, before, given) : place.key
      this.#latest.push(now)
      if (before) written.done.push(now)
      else written.skipped.push(now)
    }
    yield* this.#settle()
    return written
  }

  /**
   * Sets attributes of the records with these keys that still pass the test. A new primary key moves the record.
   * Answers the keys that were changed.
   */
  *updatingWhere({ database, table, keys, test }: Meant, set: Given): Steps<Key[]> {
    const shape = this.#prepared(database, table, [set])
    const given = this.#given(shape, set, 0)
    const done: Key[] = []
    for (const key of keys) {
      yield
      const place = placeOf(shape, key, done.length)
      const stored = this.#writer.stored(place)
      const before = stored === undefined ? undefined : this.#writer.decode(shape, stored)
      if (before && test(before)) done.push(this.#moveOrChange(place, before, given))
    }
    yield* this.#settle()
    this.#latest = done
    return done
  }

  /** Deletes the records with these keys that still pass the test. Answers their keys. */
  *deletingWhere({ database, table, keys, test }: Meant): Steps<Key[]> {
    const shape = this.#shape(database, table)
    const done: Key[] = []
    for (const key of keys) {
      yield
      const place = placeOf(shape, key, done.length)
      const stored = this.#writer.stored(place)
      const before = stored === undefined ? undefined : this.#writer.decode(shape, stored)
      if (before && test(before)) done.push(this.#remove(place, before))
    }
    yield* this.#settle()
    this.#latest = done
    return done
  }

  /** Makes the table hold exactly these records. Records that stay are replaced whole. */
  *replacingAll(database: string, table: string, records: readonly Given[]): Steps<Written> {
    const shape = this.#prepared(database, table, records)
    const limit = this.#context.settings.cascade_records_max
    if (this.reader(database, table).count() > limit + records.length) throw tooLarge(limit)
    const left = new Set(
      this.#transaction.keys(this.#context.spaces.records, rangeOfId(shape.schema.id)).map(keyOfRecord),
    )
    const done: Key[] = []
    const met = new Set<Key>()
    for (const [index, record] of records.entries()) {
      yield
      const given = this.#given(shape, record, index)
      const place = placeOfNew(this.#writer, shape, given, index)
      const key = normalKey(place.key)
      if (met.has(key)) throw new Problem('record_exists', { index, key: show(key), database, table })
      met.add(key)
      left.delete(key)
      const stored = this.#writer.stored(place)
      if (stored === undefined) done.push(this.#create(place, given, 'replace'))
      else {
        const before = this.#writer.decode(shape, stored)
        const row = completed(shape, given, index)
        // It is no new record, so it stays the one of its number.
        for (const { column } of shape.counting) row[column.name] ??= before[column.name]
        this.#countUp(place, row)
        done.push(this.#replace(place, before, row, 'replace'))
      }
    }
    for (const key of left) {
      yield
      this.#foreignKeys.carry()
      const place = placeOf(shape, key, 0)
      const stored = this.#writer.stored(place)
      if (stored !== undefined) this.#remove(place, this.#writer.decode(shape, stored)) // else a cascade was faster
    }
    yield* this.#settle('as given')
    return { done, skipped: [] }
  }

  insert(...given: Parameters<Batch['inserting']>): Written {
    return atOnce(this.inserting(...given))
  }

  update(...given: Parameters<Batch['updating']>): Written {
    return atOnce(this.updating(...given))
  }

  upsert(...given: Parameters<Batch['upserting']>): Written {
    return atOnce(this.upserting(...given))
  }

  delete(...given: Parameters<Batch['deleting']>): Written {
    return atOnce(this.deleting(...given))
  }

  replaceAll(...given: Parameters<Batch['replacingAll']>): Written {
    return atOnce(this.replacingAll(...given))
  }

  keyFor(schema: TableSchema, key: unknown): Key {
    return keyOfType(key as Key, shapeOf(schema).key.column.type)
  }

  /** Writes what belongs to the whole transaction. @throws Problem value_taken */
  finish(): void {
    this.#writer.finish()
  }

  /** Ends an operation: what follows it is done and checked, and the log is written. */
  *#settle(records?: 'as given'): Steps<void> {
    this.#writer.settleUniques()
    yield* this.#foreignKeys.settle(records)
    this.#noted.append()
  }

  // --- one record

  #create(place: Place, given: Given, operation: LoggedOperation): Key {
    const { shape, index } = place
    if (!shape.typed) {
      this.#noted.add(operation, place, this.#writer.createPlain(place, given))
      this.#foreignKeys.arrive(place, given)
      return place.key
    }
    const row = this.#withTimes(shape, completed(shape, given, index), this.#version.time)
    this.#countUp(place, row)
    this.#noted.add(operation, place, this.#writer.create(place, row))
    this.#foreignKeys.arrive(place, row)
    return place.key
  }

  #change(place: Place, before: Row, given: Given, operation: LoggedOperation): Key {
    return this.#replace(place, before, merged(this.#withoutLeaving(place, before), given), operation)
  }

  #replace(place: Place, before: Row, after: Given, operation: LoggedOperation): Key {
    const created = before[CREATED_TIME] as number | undefined
    const row = this.#withTimes(place.shape, merged(after, { [place.shape.schema.primaryKey]: place.key }), created)
    this.#noted.add(operation, place, this.#writer.replace(place, before, row))
    this.#foreignKeys.depart(place.shape, before, row)
    this.#foreignKeys.arrive(place, row)
    return place.key
  }

  #remove(place: Place, before: Row): Key {
    this.#writer.remove(place, before)
    this.#noted.add('delete', place, undefined)
    this.#foreignKeys.depart(place.shape, before, undefined)
    return place.key
  }

  #moveOrChange(place: Place, before: Row, given: Given): Key {
    const { shape } = place
    const { primaryKey, database, name: table } = shape.schema
    if (!Object.hasOwn(given, primaryKey)) return this.#change(place, before, given, 'update')
    const target = placeOf(shape, given[primaryKey], place.index)
    if (target.encodedKey === place.encodedKey) return this.#change(place, before, given, 'update')
    checkExact(target.key, place.index)
    if (this.#writer.stored(target) !== undefined)
      throw new RevealingProblem(
        'record_exists',
        { index: place.index, key: show(target.key), database, table },
        [{ database, table }],
        `records[${place.index}]: a record that follows it, in a table that you may not see, would get the key of another one`,
      )
    const kept = this.#withoutLeaving(place, before)
    // The cleaning may be past the new place: it would not see that the attribute is still used.
    for (const column of newAttributes(shape, [kept])) throw new Problem('column_leaving', { column })
    const row = this.#withTimes(shape, merged(kept, given), before[CREATED_TIME] as number | undefined)
    this.#writer.remove(place, before)
    this.#noted.add('delete', place, undefined)
    this.#noted.add('insert', target, this.#writer.create(target, row))
    this.#foreignKeys.depart(shape, before, row)
    this.#foreignKeys.arrive(target, row)
    return target.key
  }

  /**
   * A stored record without values of dropped attributes that wait to be cleaned: the cleaning may be past its place, and
   * of a later version they would be new ones, here and on other nodes.
   */
  #withoutLeaving(place: Place, row: Row): Row {
    const { schema } = place.shape
    const dropped = schema.dynamic ? newAttributes(place.shape, [row]) : undefined
    if (!dropped?.size) return row
    const { time } = decodeVersion(this.#writer.stored(place)!)
    for (const { before, name } of this.#context.catalog.leaving(schema.id, this.#transaction))
      if (before !== undefined && time >= before) dropped.delete(name)
    return Object.fromEntries(Object.entries(row).filter(([name]) => !dropped.has(name)))
  }

  /** `created`: when the record was made; undefined where that is not known. */
  #withTimes(shape: TableShape, row: Given, created: number | undefined): Row {
    if (!shape.schema.dynamic) return row
    const { time } = this.#version
    return merged(row, { [CREATED_TIME]: created ?? time, [UPDATED_TIME]: time })
  }

  #countUp({ shape, index }: Place, row: Record<string, unknown>): void {
    for (const column of shape.counting) {
      if (row[column.column.name] === null) row[column.column.name] = this.#writer.nextNumber(column, index)
    }
  }

  // --- what comes in

  /** The table for these records; a dynamic one first gets the attributes that it does not have. */
  #prepared(database: string, table: string, records: readonly Given[]): TableShape {
    this.#checkSize(records.length)
    const shape = this.#shape(database, table)
    if (!shape.schema.dynamic) return shape
    const names = newAttributes(shape, records)
    if (names.size === 0) return shape
    const content = this.#writer.contentOfNew(shape)
    return shapeOf(this.#context.catalog.addAttributes(this.#transaction, shape.schema, names, content))
  }

  #shape(database: string, table: string): TableShape {
    const schema = this.#context.catalog.draftTable(database, table)
    if (schema.kind !== 'records') throw new Problem('not_records', { database, table })
    return shapeOf(schema)
  }

  #checkSize(count: number): void {
    this.#latest = []
    this.#writer.postpones = this.#context.postpones && count <= POSTPONE_RECORDS_MAX
    const limit = this.#context.settings.records_max
    if (count > limit) throw new Problem('batch_too_large', { limit, setting: 'tables.records_max' })
  }

  /** The record with checked values and without what only the server sets. */
  #given(shape: TableShape, record: Given, index: number): Given {
    if (shape.typed) return coerced(shape, record, index)
    checkNumbers(record, index)
    if (!Object.hasOwn(record, CREATED_TIME) && !Object.hasOwn(record, UPDATED_TIME)) return record
    return Object.fromEntries(Object.entries(record).filter(([name]) => !isServerSet(name)))
  }

  /** The record that is to be changed; undefined when there is none. @throws Problem condition_failed, record_not_found */
  #wanted(place: Place, options: WriteOptions): Row | undefined {
    const { shape, key, index } = place
    const stored = this.#writer.stored(place)
    const before = stored === undefined ? undefined : this.#writer.decode(shape, stored)
    if (before || options.atomic) this.#checkCondition(options, place, before)
    if (before || !options.atomic) return before
    const { database, name: table } = shape.schema
    throw new Problem('record_not_found', { index, key: show(key), database, table })
  }

  #checkCondition({ condition }: WriteOptions, place: Place, row: Row | undefined): void {
    if (condition && !condition(row))
      throw new Problem('condition_failed', { index: place.index, key: show(place.key) })
  }
}
