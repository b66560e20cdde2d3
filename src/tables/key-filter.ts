import { decodeValue, numberIn } from '../storage/index.js'
import type { Key } from './reader.js'

/** Bits for a key, at least; the number of bits is a power of two. */
const BITS_PER_KEY = 8
const BITS_MIN = 1024

/**
 * A set of keys in a few bits each: of a key that it holds it never says no, of others it seldom says yes (B. H. Bloom,
 * "Space/time trade-offs in hash coding with allowable errors", 1970, with two bits a key).
 */
export class KeyFilter {
  readonly bytes: number
  readonly #bits: Uint32Array
  readonly #shift: number

  /** For so many keys. */
  constructor(keys: number) {
    const bits = 2 ** Math.ceil(Math.log2(Math.max(BITS_MIN, keys * BITS_PER_KEY)))
    this.bytes = bits / 8
    this.#bits = new Uint32Array(bits / 32)
    this.#shift = 32 - Math.log2(bits)
  }

  /** What a filter for so many keys takes. */
  static bytesFor(keys: number): number {
    return (2 * Math.max(BITS_MIN, keys * BITS_PER_KEY)) / 8
  }

  add(hash: number): void {
    this.#set(hash >>> this.#shift)
    this.#set(second(hash) >>> this.#shift)
  }

  mayHave(hash: number): boolean {
    return this.#has(hash >>> this.#shift) && this.#has(second(hash) >>> this.#shift)
  }

  #set(bit: number): void {
    this.#bits[bit >>> 5]! |= 1 << (bit & 31)
  }

  #has(bit: number): boolean {
    return (this.#bits[bit >>> 5]! & (1 << (bit & 31))) !== 0
  }
}

/** 2^32 divided by the golden ratio: numbers that follow each other, with whatever step, come to lie far apart. */
const GOLDEN = 0x9e3779b1

const float = new Float64Array(1)
const halves = new Uint32Array(float.buffer)

/** 32 bits of a key; the first of them tell keys apart best. */
export function hashOf(key: Key): number {
  if (typeof key === 'number') {
    if (key === (key | 0)) return Math.imul(key | 0, GOLDEN)
    float[0] = key
    return Math.imul(halves[0]! ^ Math.imul(halves[1]!, 0x85ebca6b), GOLDEN)
  }
  let hash = key.length
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return finish(hash)
}

/** The same of a key as `encodeValue` has it, among other bytes. */
export function hashIn(bytes: Buffer, start: number, end: number): number {
  const number = numberIn(bytes, start)
  if (number !== undefined) return hashOf(number)
  let hash = end - start - 2 // without the tag and the end
  for (let at = start + 1; at < end - 1; at++) {
    const byte = bytes[at]!
    if (byte < 2 || byte > 127) return hashOf(decodeValue(bytes.toString('latin1', start, end), 0))
    hash = Math.imul(hash ^ byte, 0x01000193)
  }
  return finish(hash)
}

function finish(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), GOLDEN)
}

function second(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
}
