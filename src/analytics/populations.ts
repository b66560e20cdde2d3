import type { Population } from '../pyql/index.js'
import type { Write } from '../storage/index.js'
import { Changes } from './changes.js'
import { Kind, kindStart, nameOf, segmentKey } from './keys.js'
import type { Partition } from './partition.js'

/** A named set of people of one partition. */
export interface KeptPopulation {
  readonly bits: Population
  /** What the keeper wrote down about it; undefined when it is in memory only. */
  readonly header: string | undefined
  /**
   * Rows of the partition that the bits tell about, when the population is kept up; -1 when it is not known who changed
   * since; undefined when nobody keeps it up.
   */
  readonly rightAt: number | undefined
}

/** A population as it is when a scan begins, and who changed since its bits were right. */
export interface CapturedPopulation {
  readonly kept: KeptPopulation
  readonly changed: readonly number[] | 'unknown'
}

/** The populations of one partition. They are bits over person numbers, which are never given again. */
export class Populations {
  readonly #partition: Partition
  readonly #kept = new Map<string, KeptPopulation>()
  readonly #changes = new Changes()
  /** Rows at which scans began whose populations will be kept up. */
  readonly #pins: number[] = []

  constructor(partition: Partition) {
    this.#partition = partition
    const { environment, table, number } = partition
    const start = kindStart(table, number, Kind.segment)
    for (const { key, value } of environment.range(start, kindStart(table, number, Kind.segment + 1))) {
      const { rows, watch, ...kept } = decode(value)
      const rightAt = watch ? (rows === partition.rows ? rows : -1) : undefined
      this.#kept.set(nameOf(key), { ...kept, rightAt })
    }
    this.#changes.start(partition.rows)
  }

  get(name: string): KeptPopulation | undefined {
    return this.#kept.get(name)
  }

  entries(): Iterable<[string, KeptPopulation]> {
    return this.#kept
  }

  /** Everything to know about a population for the rows that there are now. */
  capture(name: string): CapturedPopulation | undefined {
    const kept = this.#kept.get(name)
    if (!kept) return undefined
    if (kept.rightAt === undefined) return { kept, changed: [] }
    return { kept, changed: this.#changes.since(kept.rightAt) ?? 'unknown' }
  }

  /** Remembers from now on who changes, until `unpin`: for a population that a scan of the rows of now will keep. */
  pin(): number {
    const { rows } = this.#partition
    if (!this.#isWatching()) this.#changes.start(rows)
    this.#pins.push(rows)
    return rows
  }

  unpin(rows: number): void {
    this.#pins.splice(this.#pins.indexOf(rows), 1)
    this.#trim()
  }

  put(name: string, { bits, header, rightAt }: KeptPopulation): Write[] {
    this.#kept.set(name, { bits, header, rightAt })
    this.#trim()
    if (header === undefined) return []
    const { table, number } = this.#partition
    return [[segmentKey(table, number, name), encode(bits, header, rightAt)]]
  }

  delete(name: string): Write[] {
    const kept = this.#kept.get(name)
    this.#kept.delete(name)
    this.#trim()
    const { table, number } = this.#partition
    return kept?.header === undefined ? [] : [[segmentKey(table, number, name), undefined]]
  }

  /** Notes that people have new rows: one person for each row. */
  changed(people: Iterable<number>): void {
    if (this.#isWatching()) this.#changes.note(people)
  }

  #isWatching(): boolean {
    if (this.#pins.length > 0) return true
    for (const { rightAt } of this.#kept.values()) if (rightAt !== undefined) return true
    return false
  }

  /** The rows since which somebody wants to know who changed. */
  #oldest(): number | undefined {
    let oldest = this.#pins.length > 0 ? Math.min(...this.#pins) : undefined
    for (const { rightAt } of this.#kept.values()) {
      if (rightAt !== undefined && rightAt >= 0 && rightAt < (oldest ?? Number.POSITIVE_INFINITY)) oldest = rightAt
    }
    return oldest
  }

  #trim(): void {
    this.#changes.forgetBefore(this.#oldest() ?? this.#partition.rows)
  }
}

export function has(population: Population, person: number): boolean {
  const word = person >>> 5
  return word < population.length && ((population[word]! >>> (person & 31)) & 1) === 1
}

export function wordsFor(people: number): number {
  return (people + 31) >>> 5
}

export function bitsOf(people: readonly number[], size: number): Population {
  const bits = new Uint32Array(wordsFor(size))
  for (const person of people) bits[person >>> 5]! |= 1 << (person & 31)
  return bits
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

/** [rows then, or -1] [watched] [bytes of the header] [words] header, padded to four, words. */
function encode(bits: Population, header: string, rightAt: number | undefined): Buffer {
  const text = Buffer.from(header)
  const at = 20 + ((text.length + 3) & ~3)
  const bytes = Buffer.alloc(at + bits.byteLength)
  bytes.writeDoubleLE(rightAt ?? -1, 0)
  bytes.writeUInt32LE(rightAt === undefined ? 0 : 1, 8)
  bytes.writeUInt32LE(text.length, 12)
  bytes.writeUInt32LE(bits.length, 16)
  text.copy(bytes, 20)
  Buffer.from(bits.buffer, bits.byteOffset, bits.byteLength).copy(bytes, at)
  return bytes
}

function decode(bytes: Buffer): { bits: Population; header: string; rows: number; watch: boolean } {
  const rows = bytes.readDoubleLE(0)
  const watch = bytes.readUInt32LE(8) === 1
  const length = bytes.readUInt32LE(12)
  const words = bytes.readUInt32LE(16)
  const at = 20 + ((length + 3) & ~3)
  const bits = new Uint32Array(words)
  Buffer.from(bits.buffer).set(bytes.subarray(at, at + words * 4))
  return { bits, header: bytes.toString('utf8', 20, 20 + length), rows, watch }
}
