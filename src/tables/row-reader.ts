import type { Catalog, CatalogState, Column, Content, TableSchema } from '../catalog/index.js'
import { assert, Problem } from '../lib/index.js'
import { decodeValue, encodeId, type KeyCursor, type Storage, type StorageSnapshot } from '../storage/index.js'
import { type Gathering, partsAt, placesOfParts, rowsIn, textsIn } from './gathering.js'
import type { IndexCache } from './index-cache.js'
import { IndexWalk, RecordWalk } from './index-reader.js'
import { indexRuns } from './index-runs.js'
import { type MemberOrder, Members, MemberTexts, type ShownColumn } from './json-members.js'
import { hashIn } from './key-filter.js'
import type { KeyFilters } from './key-filters.js'
import {
  entriesOfRange,
  entriesOfValue,
  type Keyspaces,
  keyInEntry,
  keyOfEntry,
  keyOfRecord,
  placeOfValue,
  rangeOfId,
  recordKey,
} from './layout.js'
import type {
  FoundRecord,
  IndexedValue,
  IndexRange,
  Key,
  KeyTest,
  Names,
  Row,
  Snapshot,
  TableReader,
  ValueRun,
} from './reader.js'
import type { RecordCache } from './record-cache.js'
import { shapeOf } from './shape.js'
import { decodeRow, encodeJson, freeze, jsonOf, startOfJson } from './stored-row.js'

/** Keys that a walk of records leaves out before it gives up: a few milliseconds. */
const LEFT_OUT_MAX = 8_000

/** What readers share. */
export interface Reading {
  storage: Storage
  spaces: Keyspaces
  cache: RecordCache
  indexCache: IndexCache
  filters: KeyFilters
  gathering: Gathering
}

/** A snapshot of the tables over a snapshot of the storage. */
export class TablesSnapshot implements Snapshot {
  readonly #reading: Reading
  readonly #catalog: CatalogState
  readonly #snapshot: StorageSnapshot

  constructor(reading: Reading, catalog: Catalog) {
    this.#reading = reading
    this.#snapshot = reading.storage.snapshot()
    this.#catalog = catalog.at(this.#snapshot)
  }

  table(database: string, table: string): TableReader | undefined {
    const schema = this.#catalog.table(database, table)
    if (!schema) return undefined
    if (schema.kind !== 'records') throw new Problem('not_records', { database, table })
    return new RowReader(this.#reading, this.#snapshot, schema)
  }

  [Symbol.dispose](): void {
    this.#snapshot[Symbol.dispose]()
  }
}

class RowReader implements TableReader {
  readonly schema: TableSchema
  readonly #reading: Reading
  readonly #snapshot: StorageSnapshot
  readonly #prefix: string
  readonly #complete: ((stored: string) => Row) | undefined
  readonly #defaults: string
  /** Records that were not in memory, since a range was read last. */
  #missed = 0

  constructor(reading: Reading, snapshot: StorageSnapshot, schema: TableSchema) {
    this.schema = schema
    this.#reading = reading
    this.#snapshot = snapshot
    this.#prefix = encodeId(schema.id)
    const { complete, defaults } = shapeOf(schema)
    this.#complete = complete
    this.#defaults = defaults
  }

  get(key: Key): Row | undefined {
    return this.find(key)?.row
  }

  /** `members`: the only columns that are read, asked for where the record is not in memory. */
  find(key: Key, members?: () => Members | undefined): FoundRecord | undefined {
    const cached = this.#kept(key)
    if (cached) return cached
    this.#missed++
    const place = recordKey(this.#prefix, key)
    const stored = this.#snapshot.get(this.#reading.spaces.records, place)
    if (stored === undefined) return undefined
    if (this.#mayKeep(place)) return this.#keep(key, stored)
    const row = members?.()?.read(stored, startOfJson(stored))
    return row ? { row } : this.#read(stored)
  }

  get isSlow(): boolean {
    return this.#reading.storage.isSlowToRead
  }

  fetch(keys: readonly Key[], signal?: AbortSignal): Promise<void> | undefined {
    const { storage, spaces } = this.#reading
    const places = keys.filter((key) => !this.#kept(key)).map((key) => recordKey(this.#prefix, key))
    return places.length > 0 ? storage.fetch(spaces.records, places, signal) : undefined
  }

  fetchRange(range: IndexRange): Promise<void> | undefined {
    const { storage, spaces, indexCache } = this.#reading
    const { start, end } = entriesOfRange(this.#column(range.attribute)!.id, range)
    const first = range.reverse ? end : start
    const place = this.#placeOfCopies(range)
    const copies = place === undefined ? undefined : storage.fetch(spaces.copies, [place, ...placesOfParts(place)])
    const entries = indexCache.find(first) ? undefined : storage.fetch(spaces.indexes, [first])
    return copies && entries ? Promise.all([copies, entries]).then(() => {}) : (copies ?? entries)
  }

  findWhole(key: Key): FoundRecord | string | undefined {
    const { spaces } = this.#reading
    const { schema, order, complete } = shapeOf(this.schema)
    if (complete) return this.find(key)
    const cached = this.#kept(key)
    if (cached) return wholeOf(cached, schema, order)
    const place = recordKey(this.#prefix, key)
    const stored = this.#snapshot.get(spaces.records, place)
    if (stored === undefined) return undefined
    if (this.#mayKeep(place)) return wholeOf(this.#keep(key, stored), schema, order)
    const start = startOfJson(stored)
    return order.isOf(stored, start) ? stored.slice(start) : wholeOf(this.#read(stored), schema, order)
  }

  #read(stored: string): FoundRecord {
    if (this.#complete) return { row: this.#complete(stored) }
    const json = jsonOf(stored)
    return { row: JSON.parse(json) as Row, json }
  }

  *scan({ reverse = false, after }: { reverse?: boolean; after?: Key } = {}): Generator<Row> {
    let { start, end } = rangeOfId(this.schema.id)
    if (after !== undefined && reverse) end = recordKey(this.#prefix, after)
    else if (after !== undefined) start = `${recordKey(this.#prefix, after)}\x00`
    const { spaces } = this.#reading
    for (const [place, stored] of this.#snapshot.entries(spaces.records, { start, end, reverse })) {
      yield this.#kept(keyOfRecord(place))?.row ?? this.#decode(stored)
    }
  }

  *texts(): Generator<string> {
    const { records } = this.#reading.spaces
    for (const [, stored] of this.#snapshot.entries(records, rangeOfId(this.schema.id)))
      yield this.#complete ? encodeJson(this.#complete(stored)) : jsonOf(stored)
  }

  isIndexed(attribute: string): boolean {
    return isUsable(this.#column(attribute))
  }

  contentOf(attribute: string): Content | undefined {
    const column = this.#column(attribute)
    return isUsable(column) ? column.content : undefined
  }

  records(range: IndexRange, sieve?: KeyTest, names?: () => Names): Iterable<FoundRecord | undefined> {
    const gathered = this.gathered(range, names)
    if (gathered) return gathered
    const members = names && once(() => this.#members(names()))
    if (sieve) return this.#sieved(range, sieve, members)
    const keys = this.range(range)
    return keys instanceof IndexWalk ? new RecordWalk(keys, (key) => this.find(key, members)) : this.#found(keys)
  }

  gathered(range: IndexRange, names?: () => Names): Iterable<FoundRecord> | undefined {
    const copies = this.#copies(range)
    return copies === undefined
      ? undefined
      : rowsIn(copies, (stored) => this.#read(stored), names && this.#members(names()))
  }

  gatheredTexts(
    range: IndexRange,
    shown: readonly ShownColumn[],
    write: (row: Row) => string,
  ): Iterable<string> | undefined {
    const copies = this.#copies(range)
    const texts = copies === undefined ? undefined : MemberTexts.of(shown, shapeOf(this.schema).defaultOf)
    return texts && textsIn(copies!, (stored) => write(this.#read(stored).row), texts)
  }

  #copies(range: IndexRange): string[] | undefined {
    const place = this.#placeOfCopies(range)
    if (place === undefined) return undefined
    return partsAt(place, (key) => this.#snapshot.get(this.#reading.spaces.copies, key))
  }

  /** Where copies of the records of a range may stand. */
  #placeOfCopies(range: IndexRange): string | undefined {
    const column = this.#column(range.attribute)
    return column?.gathered && isUsable(column) ? placeOfValue(column.id, range) : undefined
  }

  wantGathered(range: IndexRange, walked: number): void {
    const { gathering } = this.#reading
    const missed = this.#missed
    this.#missed = 0
    if (!gathering.isWorthwhile(walked, missed)) return
    const column = this.#column(range.attribute)!
    const place = placeOfValue(column.id, range)
    if (place !== undefined) gathering.want(this.schema, column, place)
  }

  #members(names: Names): Members | undefined {
    return names && Members.of(names, shapeOf(this.schema).defaultOf)
  }

  /** Without the cache of stretches: what many keys are left out of is not read again soon. */
  *#sieved(
    range: IndexRange,
    sieve: KeyTest,
    members: (() => Members | undefined) | undefined,
  ): Generator<FoundRecord | undefined> {
    let leftOut = 0
    const cursor = sieve.byHash && this.#cursor(range)
    if (cursor) {
      try {
        while (cursor.next()) {
          const { bytes, start, end } = cursor
          const at = keyInEntry(bytes, start)
          if (sieve.byHash!(hashIn(bytes, at, end))) yield this.find(decodeValue(cursor.text(at - start), 0), members)
          else if (++leftOut > LEFT_OUT_MAX) yield undefined
        }
      } finally {
        cursor.close()
      }
      return
    }
    for (const key of this.#entryKeys(range)) {
      if (sieve(key)) yield this.find(key, members)
      else if (++leftOut > LEFT_OUT_MAX) yield undefined
    }
  }

  filter({ attribute, value }: IndexedValue): KeyTest | undefined {
    const column = this.#column(attribute)
    if (!isUsable(column)) return undefined
    return this.#reading.filters.find(entriesOfValue(column.id, value), this.#snapshot.sequence)
  }

  filterToCome({ attribute, value }: IndexedValue): Promise<void> | undefined {
    const column = this.#column(attribute)
    if (!isUsable(column)) return undefined
    return this.#reading.filters.toCome(entriesOfValue(column.id, value), this.#snapshot.sequence)
  }

  wantFilter({ attribute, value }: IndexedValue): void {
    const column = this.#column(attribute)
    if (isUsable(column)) this.#reading.filters.want(entriesOfValue(column.id, value))
  }

  *#found(keys: Iterable<Key>): Generator<FoundRecord | undefined> {
    for (const key of keys) yield this.find(key)
  }

  range(range: IndexRange): Iterable<Key> {
    const column = this.#column(range.attribute)
    assert(isUsable(column), `'${range.attribute}' has an index`)
    const { start, end } = entriesOfRange(column.id, range)
    if (!range.reverse) return new IndexWalk(this.#reading, this.#snapshot, { start, end }, this.#defaults)
    return this.#entryKeys(range)
  }

  #entryKeys(range: IndexRange): EntryKeys {
    const { start, end } = entriesOfRange(this.#column(range.attribute)!.id, range)
    const reverse = range.reverse === true
    return new EntryKeys(this.#snapshot.keys(this.#reading.spaces.indexes, { start, end, reverse }))
  }

  /** Steps over the entries of a range; undefined where some of them are not in the B-tree yet. */
  #cursor({ reverse, ...range }: IndexRange): KeyCursor | undefined {
    const column = this.#column(range.attribute)!
    const places = { ...entriesOfRange(column.id, range), reverse: reverse === true }
    const { indexes } = this.#reading.spaces
    return this.#snapshot.postponed(indexes, places) ? undefined : this.#snapshot.cursor(indexes, places)
  }

  runs(range: IndexRange, counting: boolean): Iterable<ValueRun | undefined> {
    const { indexes } = this.#reading.spaces
    return indexRuns(this.#snapshot, indexes, entriesOfRange(this.#column(range.attribute)!.id, range), counting)
  }

  estimate(range: IndexRange, most: number): number {
    const column = this.#column(range.attribute)
    if (!isUsable(column)) return most
    return this.#snapshot.count(this.#reading.spaces.indexes, { limit: most, ...entriesOfRange(column.id, range) })
  }

  count(): number {
    return Number(this.#snapshot.get(this.#reading.spaces.counts, this.#prefix) ?? 0)
  }

  #column(attribute: string): Column | undefined {
    return shapeOf(this.schema).columns.get(attribute)?.column
  }

  #decode(stored: string): Row {
    return this.#complete ? this.#complete(stored) : decodeRow(stored)
  }

  /** Only what is the newest state, and stays it after the writes under way, may be kept for others. */
  #mayKeep(place: string): boolean {
    const { cache, spaces, storage } = this.#reading
    return this.#snapshot.sequence === storage.sequence && cache.admits() && !storage.isChanging(spaces.records, place)
  }

  #kept(key: Key): FoundRecord | undefined {
    return this.#reading.cache.get(this.schema.id, key, this.#snapshot.sequence, this.#defaults)
  }

  #keep(key: Key, stored: string): FoundRecord {
    const record = this.#read(stored)
    freeze(record.row)
    const { sequence: since } = this.#snapshot
    const { length } = stored
    return this.#reading.cache.set(this.schema.id, key, record, { length, since, defaults: this.#defaults })
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** Its text, when it has every column and nothing else; else the record. */
function wholeOf(found: FoundRecord, { columns }: TableSchema, order: MemberOrder): FoundRecord | string {
  const { row, json } = found
  if (json === undefined) return found
  const names = Object.keys(row)
  if (names.length !== columns.length || !columns.every(({ name }) => Object.hasOwn(row, name))) return found
  order.learn(names)
  return json
}

function isUsable(column: Column | undefined): column is Column {
  return column?.indexed === true && !column.building
}

/** The records' keys of index entries, one by one; a generator would cost more than the step that it takes. */
class EntryKeys implements IterableIterator<Key> {
  readonly #entries: Iterator<string>

  constructor(entries: Iterable<string>) {
    this.#entries = entries[Symbol.iterator]()
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<Key, undefined> {
    const { done, value } = this.#entries.next()
    return done ? { done, value: undefined } : { done: false, value: keyOfEntry(value) }
  }

  return(): IteratorResult<Key, undefined> {
    this.#entries.return?.()
    return { done: true, value: undefined }
  }
}
