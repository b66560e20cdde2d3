import type { Scalars } from './codec.js'

/** Copies the beginnings of arrays into one buffer, which goes to another thread as one. */
export function packed(parts: readonly (readonly [array: Scalars, length: number])[]): Scalars[] {
  let bytes = 0
  for (const [array, length] of parts) bytes += aligned(length * array.BYTES_PER_ELEMENT)
  const buffer = new ArrayBuffer(bytes)
  let at = 0
  return parts.map(([array, length]) => {
    const make = array.constructor as new (buffer: ArrayBuffer, at: number, length: number) => Scalars
    const copy = new make(buffer, at, length)
    copy.set(array.subarray(0, length))
    at += aligned(length * array.BYTES_PER_ELEMENT)
    return copy
  })
}

function aligned(bytes: number): number {
  return (bytes + 7) & ~7
}
