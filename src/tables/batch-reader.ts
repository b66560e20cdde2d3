import type { TableSchema } from '../catalog/index.js'
import type { WriteTransaction } from '../storage/index.js'
import { entriesOfRange, type Keyspaces, keyOfEntry, keyOfRecord, rangeOfId, recordKey } from './layout.js'
import type { FoundRecord, IndexRange, Key, Row, TableReader } from './reader.js'
import type { TableShape } from './shape.js'
import { decodeRow, encodeJson } from './stored-row.js'

const PLACES_AT_ONCE = 1000

/** Reads a table inside a transaction, with the changes that it has made so far. */
export class BatchReader implements TableReader {
  readonly #transaction: WriteTransaction
  readonly #spaces: Keyspaces
  readonly #shape: TableShape

  constructor(transaction: WriteTransaction, spaces: Keyspaces, shape: TableShape) {
    this.#transaction = transaction
    this.#spaces = spaces
    this.#shape = shape
  }

  get schema(): TableSchema {
    return this.#shape.schema
  }

  get(key: Key): Row | undefined {
    const stored = this.#transaction.get(this.#spaces.records, recordKey(this.#shape.prefix, key))
    if (stored === undefined) return undefined
    return this.#shape.complete ? this.#shape.complete(stored) : decodeRow(stored)
  }

  find(key: Key): FoundRecord | undefined {
    const row = this.get(key)
    return row && { row }
  }

  *scan({ reverse = false, after }: { reverse?: boolean; after?: Key } = {}): Generator<Row> {
    let { start, end } = rangeOfId(this.schema.id)
    if (after !== undefined && reverse) end = recordKey(this.#shape.prefix, after)
    else if (after !== undefined) start = `${recordKey(this.#shape.prefix, after)}\x00`
    for (const place of this.#places({ start, end, reverse })) {
      const row = this.get(keyOfRecord(place))
      if (row) yield row
    }
  }

  /** A part of the keys after the other: the list of them all would take long, and much memory. */
  *#places({ start, end, reverse }: { start: string; end: string; reverse: boolean }): Generator<string> {
    for (let range = { start, end }; ; ) {
      const places = this.#transaction.keys(this.#spaces.records, { reverse, limit: PLACES_AT_ONCE, ...range })
      yield* places
      const last = places.at(-1)
      if (last === undefined || places.length < PLACES_AT_ONCE) return
      range = reverse ? { start, end: last } : { start: `${last}\x00`, end }
    }
  }

  *texts(): Generator<string> {
    for (const row of this.scan()) yield encodeJson(row)
  }

  isIndexed(attribute: string): boolean {
    const column = this.#shape.columns.get(attribute)?.column
    return column?.indexed === true && !column.building
  }

  *range(range: IndexRange): Generator<Key> {
    const column = this.#shape.columns.get(range.attribute)
    if (!column?.column.indexed) throw new Error(`'${range.attribute}' has no index`)
    const { start, end } = entriesOfRange(column.column.id, range)
    const reverse = range.reverse === true
    for (const entry of this.#transaction.keys(this.#spaces.indexes, { start, end, reverse })) yield keyOfEntry(entry)
  }

  *records(range: IndexRange): Generator<FoundRecord | undefined> {
    for (const key of this.range(range)) yield this.find(key)
  }

  estimate(range: IndexRange, most: number): number {
    const column = this.#shape.columns.get(range.attribute)
    if (!column?.column.indexed) return most
    return this.#transaction.keys(this.#spaces.indexes, { limit: most, ...entriesOfRange(column.column.id, range) })
      .length
  }

  count(): number {
    return Number(this.#transaction.get(this.#spaces.counts, this.#shape.prefix) ?? 0)
  }
}
