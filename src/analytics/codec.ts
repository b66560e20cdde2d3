import type { Codes } from '../pyql/index.js'

/**
 * Columns as bytes: eight bytes of header, then the elements, aligned to eight. Numbers take the narrowest form that
 * keeps every value exactly; sets are counts of elements followed by the elements. A column of nothing but None is not
 * stored at all.
 *
 * Header: form of the elements, form of the counts (sets; else 0), 0, 0, number of elements as 32 bits.
 */
export type Scalars = Codes | Float64Array
export interface SetValues {
  readonly offsets: Uint32Array
  readonly values: Scalars
}
export type ColumnValues = Scalars | SetValues

const Form = { u8: 1, u16: 2, u32: 3, i8: 4, i16: 5, i32: 6, f64: 7 } as const
type Form = (typeof Form)[keyof typeof Form]
const WIDTH: Record<Form, number> = { 1: 1, 2: 2, 3: 4, 4: 1, 5: 2, 6: 4, 7: 8 }
const HEADER = 8

export function isSet(values: ColumnValues): values is SetValues {
  return !ArrayBuffer.isView(values)
}

/** Bytes of a column, or undefined when it holds nothing but None. `from` and `to` bound the rows. */
export function encode(values: ColumnValues, from: number, to: number): Buffer | undefined {
  return isSet(values) ? encodeSet(values, from, to) : encodeScalars(values, from, to)
}

export function decode(bytes: Uint8Array): ColumnValues {
  const aligned = (bytes.byteOffset & 7) === 0 ? bytes : bytes.slice()
  const form = aligned[0] as Form
  const countForm = aligned[1] as Form | 0
  const count = new Uint32Array(aligned.buffer, aligned.byteOffset + 4, 1)[0]!
  if (countForm === 0) return elements(aligned, HEADER, form, count)
  const rows = new Uint32Array(aligned.buffer, aligned.byteOffset + HEADER, 1)[0]!
  const counts = elements(aligned, HEADER + 8, countForm, rows)
  const at = HEADER + 8 + pad(rows * WIDTH[countForm])
  return { offsets: offsetsOf(counts), values: elements(aligned, at, form, count) }
}

function encodeScalars(values: Scalars, from: number, to: number): Buffer | undefined {
  const form = values instanceof Float64Array ? numberForm(values, from, to) : codeForm(values, from, to)
  if (form === undefined) return undefined
  const bytes = zeros(HEADER + pad((to - from) * WIDTH[form]))
  writeHeader(bytes, form, 0, to - from)
  write(bytes, HEADER, form, values, from, to)
  return bytes
}

function encodeSet({ offsets, values }: SetValues, from: number, to: number): Buffer | undefined {
  const first = offsets[from]!
  const last = offsets[to]!
  if (first === last) return undefined
  const counts = new Uint32Array(to - from)
  for (let row = from; row < to; row++) counts[row - from] = offsets[row + 1]! - offsets[row]!
  const countForm = codeForm(counts, 0, counts.length) ?? Form.u8
  const form =
    (values instanceof Float64Array ? numberForm(values, first, last) : codeForm(values, first, last)) ?? Form.u8
  const at = HEADER + 8 + pad(counts.length * WIDTH[countForm])
  const bytes = zeros(at + pad((last - first) * WIDTH[form]))
  writeHeader(bytes, form, countForm, last - first)
  bytes.writeUInt32LE(counts.length, HEADER)
  write(bytes, HEADER + 8, countForm, counts, 0, counts.length)
  write(bytes, at, form, values, first, last)
  return bytes
}

function codeForm(values: Scalars, from: number, to: number): Form | undefined {
  let most = 0
  for (let at = from; at < to; at++) if (values[at]! > most) most = values[at]!
  return most === 0 ? undefined : most < 0x100 ? Form.u8 : most < 0x10000 ? Form.u16 : Form.u32
}

/** None (NaN) takes the least value of a narrow form. Minus zero has no integer form. */
function numberForm(values: Float64Array, from: number, to: number): Form | undefined {
  let least = Infinity
  let most = -Infinity
  for (let at = from; at < to; at++) {
    const value = values[at]!
    if (Number.isNaN(value)) continue
    if (value !== (value | 0) || (value === 0 && 1 / value < 0)) return Form.f64
    if (value < least) least = value
    if (value > most) most = value
  }
  if (most === -Infinity) return undefined
  if (least > -0x80 && most < 0x80) return Form.i8
  if (least > -0x8000 && most < 0x8000) return Form.i16
  return least > -0x80000000 ? Form.i32 : Form.f64
}

function writeHeader(bytes: Buffer, form: Form, countForm: Form | 0, count: number): void {
  bytes[0] = form
  bytes[1] = countForm
  bytes.writeUInt32LE(count, 4)
}

function write(bytes: Buffer, at: number, form: Form, values: Scalars, from: number, to: number): void {
  const target = view(bytes, at, form, to - from)
  if (form < Form.i8 || form === Form.f64) {
    target.set(values.subarray(from, to))
    return
  }
  const none = noneOf(form)
  for (let row = from; row < to; row++) {
    const value = values[row]!
    target[row - from] = Number.isNaN(value) ? none : value
  }
}

function elements(bytes: Uint8Array, at: number, form: Form, count: number): Scalars {
  const stored = view(bytes, at, form, count)
  if (form < Form.i8 || form === Form.f64) return stored as Scalars
  const none = noneOf(form)
  const values = new Float64Array(count)
  for (let row = 0; row < count; row++) {
    const value = stored[row]!
    values[row] = value === none ? NaN : value
  }
  return values
}

function offsetsOf(counts: Scalars): Uint32Array {
  const offsets = new Uint32Array(counts.length + 1)
  let sum = 0
  for (let row = 0; row < counts.length; row++) {
    sum += counts[row]!
    offsets[row + 1] = sum
  }
  return offsets
}

function noneOf(form: Form): number {
  return form === Form.i8 ? -0x80 : form === Form.i16 ? -0x8000 : -0x80000000
}

function view(bytes: Uint8Array, at: number, form: Form, count: number) {
  const { buffer } = bytes
  const offset = bytes.byteOffset + at
  switch (form) {
    case Form.u8:
      return new Uint8Array(buffer, offset, count)
    case Form.u16:
      return new Uint16Array(buffer, offset, count)
    case Form.u32:
      return new Uint32Array(buffer, offset, count)
    case Form.i8:
      return new Int8Array(buffer, offset, count)
    case Form.i16:
      return new Int16Array(buffer, offset, count)
    case Form.i32:
      return new Int32Array(buffer, offset, count)
    case Form.f64:
      return new Float64Array(buffer, offset, count)
  }
}

/** Small ones come from Node's pool, which is several times faster than an allocation. */
function zeros(size: number): Buffer {
  return Buffer.allocUnsafe(size).fill(0)
}

function pad(bytes: number): number {
  return (bytes + 7) & ~7
}
