import type { ColumnValues, Scalars } from './codec.js'
import type { Storage } from './schema.js'

/** A column that grows row by row, in memory. Rows that nobody put a value in are None. */
export class GrowingColumn {
  readonly storage: Storage
  readonly isSet: boolean
  #scalars: Scalars
  #offsets: Uint32Array | undefined
  /** Sets: the number of rows whose end is known, and the elements so far. */
  #sealed = 0
  #elements = 0

  constructor(storage: Storage, isSet: boolean, capacity = 256) {
    this.storage = storage
    this.isSet = isSet
    this.#scalars = make(storage, capacity)
    if (isSet) this.#offsets = new Uint32Array(capacity + 1)
  }

  /** A code, 1 or 2 of a bool, or a number. Columns of scalars only. */
  put(row: number, value: number): void {
    if (row >= this.#scalars.length) this.#scalars = grown(this.#scalars, row + 1)
    this.#scalars[row] = value
  }

  /** One more element of the set of a row, which is the last row that has any. */
  push(row: number, value: number): void {
    this.seal(row)
    if (this.#elements >= this.#scalars.length) this.#scalars = grown(this.#scalars, this.#elements + 1)
    this.#scalars[this.#elements++] = value
  }

  /** Makes the ends of the sets of all rows before `rows` known. */
  seal(rows: number): void {
    let offsets = this.#offsets!
    if (rows >= offsets.length) {
      const larger = new Uint32Array(Math.max(rows + 1, offsets.length * 2))
      larger.set(offsets)
      offsets = this.#offsets = larger
    }
    while (this.#sealed < rows) offsets[++this.#sealed] = this.#elements
  }

  /** The values of the first `rows` rows, and perhaps more: arrays stay as they are for what was read. */
  values(rows: number): ColumnValues {
    if (this.isSet) {
      this.seal(rows)
      return { offsets: this.#offsets!, values: this.#scalars }
    }
    if (this.#scalars.length < rows) this.#scalars = grown(this.#scalars, rows)
    return this.#scalars
  }

  get bytes(): number {
    return this.#scalars.byteLength + (this.#offsets?.byteLength ?? 0)
  }
}

function make(storage: Storage, capacity: number): Scalars {
  if (storage === 'number') return new Float64Array(capacity).fill(NaN)
  return storage === 'text' ? new Uint32Array(capacity) : new Uint8Array(capacity)
}

function grown(values: Scalars, least: number): Scalars {
  const length = Math.max(least, values.length + (values.length >> 1) + 16)
  const larger =
    values instanceof Float64Array
      ? new Float64Array(length).fill(NaN, values.length)
      : values instanceof Uint32Array
        ? new Uint32Array(length)
        : new Uint8Array(length)
  larger.set(values)
  return larger
}
