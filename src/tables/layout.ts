import {
  afterPrefix,
  decodeValue,
  encodeId,
  encodeTextPrefix,
  encodeValue,
  endOfValue,
  endOfValueIn,
  exactValue,
  isKeyValue,
  type Keyspace,
  type Storage,
  tags,
} from '../storage/index.js'
import type { Bound, IndexRange, Key } from './reader.js'

/** LMDB's keys end at 1,978 bytes: a column's number (4), the cut value (772), and the record's key (1,026) fit. */
export const KEY_BYTES_MAX = 1024
const INDEX_BYTES_MAX = 768
const ID_LENGTH = 4

/** The B-trees of the tables. Few and shared by all tables: a table or column costs nothing but its entries. */
export interface Keyspaces {
  /** table, key → version | record */
  records: Keyspace
  /** column, value, key → nothing */
  indexes: Keyspace
  /** column, value → stored records of all its entries: see `Gathering` */
  copies: Keyspace
  /** column, digest of the value → key */
  uniques: Keyspace
  /** table, key → version of the deletion; column, value → version of the last record that had a unique value, and left it */
  tombstones: Keyspace
  /** time, key in `tombstones` → nothing: the order in which they are forgotten */
  tombstoneTimes: Keyspace
  /** table → number of records; column → last number given by auto_increment */
  counts: Keyspace
}

export function openKeyspaces(storage: Storage): Keyspaces {
  return {
    records: storage.keyspace('records'),
    indexes: storage.keyspace('indexes'),
    copies: storage.keyspace('copies'),
    uniques: storage.keyspace('uniques'),
    tombstones: storage.keyspace('tombstones'),
    tombstoneTimes: storage.keyspace('tombstone_times'),
    counts: storage.keyspace('counts'),
  }
}

/** The key of a record in `records`, behind the table's number. */
export function recordKey(tablePrefix: string, key: Key): string {
  return tablePrefix + encodeValue(key)
}

/** The record's key in a key of `records` or `tombstones`. */
export function keyOfRecord(key: string): Key {
  return decodeValue(key, ID_LENGTH)
}

/** The record's key in a key of `indexes`. */
export function keyOfEntry(entry: string): Key {
  return decodeValue(entry, endOfValueOfEntry(entry))
}

/** Where the value ends in a key of `indexes`, behind the column's number. */
export function endOfValueOfEntry(entry: string): number {
  return endOfValue(entry, ID_LENGTH)
}

/** The same as `encodeValue` has it. */
export function encodedKeyOfEntry(entry: string): string {
  return entry.slice(endOfValueOfEntry(entry))
}

/** The value in a key of `indexes`, where it is exactly what the records have. */
export function exactValueOfEntry(entry: string): boolean | number | string | undefined {
  const value = exactValue(entry, ID_LENGTH)
  return typeof value === 'string' && value.length >= INDEX_BYTES_MAX ? undefined : value // it may be cut
}

/** Where the record's key begins in a key of `indexes`, among bytes. */
export function keyInEntry(bytes: Buffer, start: number): number {
  return endOfValueIn(bytes, start + ID_LENGTH)
}

/** Everything of a table in `records`, or of a column in `indexes`. */
export function rangeOfId(id: number): { start: string; end: string } {
  const prefix = encodeId(id)
  return { start: prefix, end: afterPrefix(prefix) }
}

/**
 * Adds the index entries of a value: one for a boolean, number or text; one for each different such element of an
 * array; none for null and objects. `encodedKey` is the record's key as `encodeValue` has it.
 */
export function addEntries(entries: string[], columnPrefix: string, value: unknown, encodedKey: string): void {
  if (typeof value === 'string') entries.push(columnPrefix + encodeValue(value, INDEX_BYTES_MAX) + encodedKey)
  else if (typeof value === 'number' || typeof value === 'boolean')
    entries.push(columnPrefix + encodeValue(value) + encodedKey)
  else if (Array.isArray(value)) {
    const seen = new Set<string>()
    for (const element of value) {
      if (element !== null && isKeyValue(element)) seen.add(encodeValue(element, INDEX_BYTES_MAX))
    }
    for (const encoded of seen) entries.push(columnPrefix + encoded + encodedKey)
  }
}

/** All index entries of one value of a column, whatever the record. */
export function entriesOfValue(
  columnId: number,
  value: null | boolean | number | string,
): { start: string; end: string } {
  const prefix = encodeId(columnId) + encodeValue(value, INDEX_BYTES_MAX)
  return { start: prefix, end: afterPrefix(prefix) }
}

/** The place in `gathered` of a range that is all of one value; undefined for others. */
export function placeOfValue(columnId: number, { from, to, prefix, after, reverse }: IndexRange): string | undefined {
  if (!from?.inclusive || !to?.inclusive || from.value !== to.value) return undefined
  if (prefix !== undefined || after !== undefined || reverse || !isKeyValue(from.value)) return undefined
  return encodeId(columnId) + encodeValue(from.value, INDEX_BYTES_MAX)
}

/** Adds the places in `gathered` of the records with a value: as many as it has entries. */
export function addPlaces(places: string[], columnPrefix: string, value: unknown): void {
  addEntries(places, columnPrefix, value, '')
}

/** Values that no index holds (objects, arrays) stand behind all others in the order, null before them. */
function edge(bound: Bound, side: 'from' | 'to', columnPrefix: string): string {
  const { value, inclusive } = bound
  if (value === undefined || !isKeyValue(value)) return afterPrefix(columnPrefix)
  const encoded = columnPrefix + encodeValue(value, INDEX_BYTES_MAX)
  const cut = typeof value === 'string' && encoded.length >= ID_LENGTH + INDEX_BYTES_MAX + 2
  const whole = inclusive || cut // cut text stands for many values: all of them are candidates
  return (side === 'from') === whole ? encoded : afterPrefix(encoded)
}

/** The keys of `indexes` that a range means. */
export function entriesOfRange(columnId: number, range: IndexRange): { start: string; end: string } {
  const columnPrefix = encodeId(columnId)
  let start = columnPrefix + tags.FALSE // null is not indexed
  let end = afterPrefix(columnPrefix)
  if (range.from) start = max(start, edge(range.from, 'from', columnPrefix))
  if (range.to) end = min(end, edge(range.to, 'to', columnPrefix))
  if (range.prefix !== undefined) {
    const beginning = columnPrefix + encodeTextPrefix(range.prefix, INDEX_BYTES_MAX)
    start = max(start, beginning)
    end = min(end, afterPrefix(beginning))
  }
  if (range.after) {
    const { value, key } = range.after
    const entry = isKeyValue(value) ? columnPrefix + encodeValue(value, INDEX_BYTES_MAX) + encodeValue(key) : undefined
    if (entry !== undefined && range.reverse) end = min(end, entry)
    else if (entry !== undefined) start = max(start, afterPrefix(entry))
  }
  return { start, end: max(start, end) }
}

function max(a: string, b: string): string {
  return a > b ? a : b
}

function min(a: string, b: string): string {
  return a < b ? a : b
}
