import type { Population } from '../pyql/index.js'
import type { Write } from '../storage/index.js'
import { Kind, kindStart, nameOf, segmentKey } from './keys.js'
import type { Partition } from './partition.js'

/** A named set of people of one partition. */
export interface KeptPopulation {
  readonly bits: Population
  /** What the keeper wrote down about it; undefined when it is in memory only. */
  readonly header: string | undefined
  /** People who changed since the bits were right, when that is watched; 'all' when it is not known who. */
  readonly changed: Set<number> | 'all' | undefined
}

/** The populations of one partition. They are bits over person numbers, which are never given again. */
export class Populations {
  readonly #partition: Partition
  readonly #kept = new Map<string, KeptPopulation>()

  constructor(partition: Partition) {
    this.#partition = partition
    const { environment, table, number } = partition
    const start = kindStart(table, number, Kind.segment)
    for (const { key, value } of environment.range(start, kindStart(table, number, Kind.segment + 1))) {
      this.#kept.set(nameOf(key), decode(value, partition.rows))
    }
  }

  get(name: string): KeptPopulation | undefined {
    return this.#kept.get(name)
  }

  entries(): Iterable<[string, KeptPopulation]> {
    return this.#kept
  }

  put(name: string, bits: Population, header: string | undefined, watch: boolean): Write[] {
    this.#kept.set(name, { bits, header, changed: watch ? new Set() : undefined })
    if (header === undefined) return []
    const { table, number, rows } = this.#partition
    return [[segmentKey(table, number, name), encode(bits, header, watch, rows)]]
  }

  delete(name: string): Write[] {
    const kept = this.#kept.get(name)
    this.#kept.delete(name)
    const { table, number } = this.#partition
    return kept?.header === undefined ? [] : [[segmentKey(table, number, name), undefined]]
  }

  /** Notes that people have new rows. */
  changed(people: Iterable<number>): void {
    for (const { changed } of this.#kept.values()) {
      if (changed instanceof Set) for (const person of people) changed.add(person)
    }
  }
}

export function has(population: Population, person: number): boolean {
  const word = person >>> 5
  return word < population.length && ((population[word]! >>> (person & 31)) & 1) === 1
}

export function wordsFor(people: number): number {
  return (people + 31) >>> 5
}

/** Bits of the first `people` people. */
export function everyone(people: number): Population {
  const bits = new Uint32Array(wordsFor(people)).fill(0xffffffff)
  if (people & 31) bits[bits.length - 1] = 2 ** (people & 31) - 1
  return bits
}

export function countBits(population: Population): number {
  let count = 0
  for (let at = 0; at < population.length; at++) {
    let word = population[at]!
    word -= (word >>> 1) & 0x55555555
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
    count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
  }
  return count
}

/** Joins the words of populations one by one; shorter ones end in nobody. */
export function combine(
  populations: readonly Population[],
  people: number,
  join: (word: number, other: number) => number,
): Population {
  const bits = new Uint32Array(wordsFor(people))
  for (let at = 0; at < bits.length; at++) {
    bits[at] = populations.slice(1).reduce((word, other) => join(word, other[at] ?? 0), populations[0]?.[at] ?? 0)
  }
  return bits
}

/** [rows then] [watched] [bytes of the header] [words] header, padded to four, words. */
function encode(bits: Population, header: string, watch: boolean, rows: number): Buffer {
  const text = Buffer.from(header)
  const at = 20 + ((text.length + 3) & ~3)
  const bytes = Buffer.alloc(at + bits.byteLength)
  bytes.writeDoubleLE(rows, 0)
  bytes.writeUInt32LE(watch ? 1 : 0, 8)
  bytes.writeUInt32LE(text.length, 12)
  bytes.writeUInt32LE(bits.length, 16)
  text.copy(bytes, 20)
  Buffer.from(bits.buffer, bits.byteOffset, bits.byteLength).copy(bytes, at)
  return bytes
}

function decode(bytes: Buffer, rowsNow: number): KeptPopulation {
  const rows = bytes.readDoubleLE(0)
  const watch = bytes.readUInt32LE(8) === 1
  const length = bytes.readUInt32LE(12)
  const words = bytes.readUInt32LE(16)
  const at = 20 + ((length + 3) & ~3)
  const bits = new Uint32Array(words)
  Buffer.from(bits.buffer).set(bytes.subarray(at, at + words * 4))
  const header = bytes.toString('utf8', 20, 20 + length)
  return { bits, header, changed: watch ? (rows === rowsNow ? new Set() : 'all') : undefined }
}
