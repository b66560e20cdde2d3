import { type ColumnValues, decode, encode, isSet } from './codec.js'
import { ACTION, PERSON, STAMP, type Storage } from './schema.js'

/** Rows of one partition in the partition's own codes, in the order of arrival. */
export interface Part {
  readonly rows: number
  readonly person: Uint32Array
  readonly stamp: Float64Array
  readonly action: Uint32Array
  readonly columns: readonly PartColumn[]
}

export interface PartColumn {
  readonly id: number
  readonly storage: Storage
  readonly isSet: boolean
  readonly values: ColumnValues
}

/** Rows `from` up to `to` of columns as one value of the log. Columns of nothing but None are left out. */
export function encodePart(
  columns: Iterable<readonly [id: number, values: ColumnValues]>,
  from: number,
  to: number,
): Buffer {
  const parts: Buffer[] = []
  let count = 0
  for (const [id, values] of columns) {
    const bytes = encode(values, from, to)
    if (!bytes) continue
    const header = Buffer.allocUnsafe(8)
    header.writeUInt32LE(id, 0)
    header.writeUInt32LE(bytes.length, 4)
    parts.push(header, bytes)
    count++
  }
  const head = Buffer.allocUnsafe(8)
  head.writeUInt32LE(to - from, 0)
  head.writeUInt32LE(count, 4)
  return Buffer.concat([head, ...parts])
}

/** The rows of a value of the log. What the narrow forms lost of the kind of a column comes from `storageOf`. */
export function decodePart(bytes: Buffer, storageOf: (id: number) => Storage | undefined): Part {
  const rows = bytes.readUInt32LE(0)
  const columns: PartColumn[] = []
  let person = new Uint32Array(rows)
  let stamp = new Float64Array(rows)
  let action = new Uint32Array(rows)
  let at = 8
  for (let count = bytes.readUInt32LE(4); count > 0; count--) {
    const id = bytes.readUInt32LE(at)
    const length = bytes.readUInt32LE(at + 4)
    const values = decode(bytes.subarray(at + 8, at + 8 + length))
    at += 8 + length
    if (id === PERSON) person = Uint32Array.from(values as Uint32Array)
    else if (id === ACTION) action = Uint32Array.from(values as Uint32Array)
    else if (id === STAMP) stamp = values as Float64Array<ArrayBuffer>
    else {
      const storage = storageOf(id)
      if (storage) columns.push({ id, storage, isSet: isSet(values), values })
    }
  }
  return { rows, person, stamp, action, columns }
}
