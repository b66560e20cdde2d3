import type { Content, TableSchema } from '../catalog/index.js'
import type { ShownColumn } from './json-members.js'

/** The primary key of a record. `1` and `'1'` are different keys; `0` and `-0` are the same. */
export type Key = string | number

/** One record, frozen deeply: it may be shared by every reader, so never change it. */
export type Row = Readonly<Record<string, unknown>>

/** A record, and texts of it that spare writing it again. */
export interface FoundRecord {
  readonly row: Row
  /** Its JSON text as it is stored, where that is what the row is. */
  readonly json?: string | undefined
  /**
   * The text that it was last shown as, and who wrote it: the same few columns are asked for again and again. Absent
   * where the record is not kept in memory.
   */
  shown?: { readonly json: string; readonly writer: object } | undefined
}

/** Tells of a key that its record is not worth reading, when it says no. */
export interface KeyTest {
  (key: Key): boolean
  /** The same of the key's hash, where it knows keys by nothing else: see `hashOf`. */
  readonly byHash?: ((hash: number) => boolean) | undefined
}

/** Names of columns; undefined: all of them. */
export type Names = readonly string[] | undefined

/** One consistent moment of all tables. It pins pages of the store, so dispose of it soon. */
export interface Snapshot extends Disposable {
  /** The reader of a table of records, or undefined where there is none of that name. @throws Problem not_records */
  table(database: string, table: string): TableReader | undefined
}

/** One end of a range. */
export interface Bound {
  value: unknown
  inclusive: boolean
}

/** Which entries of an attribute's index to visit; every given part narrows it. */
export interface IndexRange {
  attribute: string
  from?: Bound
  to?: Bound
  /** Text that the value begins with. */
  prefix?: string
  reverse?: boolean
  /** Resumes behind this entry (in the direction of travel). */
  after?: { value: unknown; key: Key }
}

/** One value of an attribute that has an index. */
export interface IndexedValue {
  readonly attribute: string
  readonly value: string | number | boolean
}

/** The entries of an index that have the same value, as far as an index tells values apart. */
export interface ValueRun {
  /** Of the first of them. */
  readonly key: Key
  /** Absent where an index does not tell it exactly. */
  readonly value?: string | number | boolean | undefined
  /** How many they are, where that was asked for. */
  readonly count: number
}

/**
 * Reads one table at one moment.
 *
 * An index holds an entry for each value of an attribute that is a boolean, number or text; for an array, one for each
 * such element; none for null, absent values and objects. Long text is indexed by a prefix. So what `range` yields are
 * candidates in the order (value, key): read the row and check the condition again.
 * The order of values is: null < booleans < numbers < text (by code point) < others.
 */
export interface TableReader {
  readonly schema: TableSchema
  get(key: Key): Row | undefined
  /** The row with its texts, where such are kept. */
  find(key: Key): FoundRecord | undefined
  /** Whether reading records waits for the disk, so that `fetch` is worth its while. */
  readonly isSlow?: boolean
  /** Brings what is read of these records into memory on other threads; undefined where all of it is there. */
  fetch?(keys: readonly Key[], signal?: AbortSignal): Promise<void> | undefined
  /** The same of where a range begins. */
  fetchRange?(range: IndexRange): Promise<void> | undefined
  /** The record, or its JSON text alone when it has every column of the table and nothing else. */
  findWhole?(key: Key): FoundRecord | string | undefined
  /** Every row in the order of the keys: numbers, then text. */
  scan(options?: { reverse?: boolean; after?: Key }): Iterable<Row>
  /** Every row as JSON text, in the order of the keys: as it is stored, where that is what the row is. */
  texts(): Iterable<string>
  isIndexed(attribute: string): boolean
  /** What every record has in an indexed attribute, where that is known of what this reader sees. */
  contentOf?(attribute: string): Content | undefined
  range(range: IndexRange): Iterable<Key>
  /** The values of a range that is not reversed, in their order; undefined stands for work that was done without one. */
  runs?(range: IndexRange, counting: boolean): Iterable<ValueRun | undefined>
  /**
   * The records of the keys that `range` yields; those that the sieve refuses may be left out. Undefined where there is
   * none for an entry, or where too many were left out to go on without a pause. `names`: the only columns that are read.
   */
  records(range: IndexRange, sieve?: KeyTest, names?: () => Names): Iterable<FoundRecord | undefined>
  /** The records of a range of one value, in its order, where copies of them stand side by side. */
  gathered?(range: IndexRange, names?: () => Names): Iterable<FoundRecord> | undefined
  /** The same as JSON text of some columns; `write` does it of a row where that is needed. */
  gatheredTexts?(
    range: IndexRange,
    shown: readonly ShownColumn[],
    write: (row: Row) => string,
  ): Iterable<string> | undefined
  /** A whole range of so many entries was read record by record: perhaps copies are worth their while. */
  wantGathered?(range: IndexRange, walked: number): void
  /** Tells of a key whether the value may have an entry for it, where that is known without reading. */
  filter?(value: IndexedValue): KeyTest | undefined
  /** Kept when it is known what `filter` tells, while that is being found out. */
  filterToCome?(value: IndexedValue): Promise<void> | undefined
  /** Many records were read in vain which have not the value. */
  wantFilter?(value: IndexedValue): void
  /** Counts the entries of the range, but at most `most`. */
  estimate(range: IndexRange, most: number): number
  /** How many records the table has. */
  count(): number
}
