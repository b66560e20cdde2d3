type Cells = Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>

/** Small arrays are cheaper made than looked for. */
const LENGTH_MIN = 1024
const BYTES_MAX = 1 << 24

/** By length and what they are filled with. */
const spare = new Map<string, Cells[]>()
let bytes = 0

/** What an array of records holds, record by record, when nothing was counted. */
export type Filler = readonly number[]

/**
 * An array for the cells of a scan, perhaps one that an earlier scan has done with: V8 counts large arrays that come and
 * go as pressure, and would collect garbage beside every few scans.
 */
export function takeArray<T extends Cells>(make: new (length: number) => T, length: number, filler: Filler): T {
  const kept = spare.get(nameOf(make.name, length, filler))?.pop() as T | undefined
  if (kept) {
    bytes -= kept.byteLength
    return kept
  }
  const array = new make(length)
  if (filler.some((value) => value !== 0)) fillRecords(array, filler)
  return array
}

/** Gives an array back that holds nothing but its filler. */
export function giveArray(array: Cells, filler: Filler): void {
  if (array.length < LENGTH_MIN || bytes + array.byteLength > BYTES_MAX) return
  const name = nameOf(array.constructor.name, array.length, filler)
  const kept = spare.get(name)
  if (kept) kept.push(array)
  else spare.set(name, [array])
  bytes += array.byteLength
}

export function fillRecords(array: Cells, filler: Filler): void {
  const [first] = filler
  if (filler.every((value) => Object.is(value, first))) {
    array.fill(first ?? 0)
    return
  }
  for (let at = 0; at < array.length; at += filler.length) array.set(filler, at)
}

function nameOf(name: string, length: number, filler: Filler): string {
  return `${name} ${length} ${filler.join()}`
}
