import type { BinaryEnvironment, Write } from '../storage/index.js'
import { Kind, key, kindStart, majorOf, minorOf } from './keys.js'

/** How many people of one insert wait together: what triggers say to them is held at once. */
const PEOPLE_MAX = 500

/** People of one insert who wait for the triggers of their table, by number; of a large one only some. */
export interface Arrival {
  readonly key: Buffer
  readonly people: readonly number[]
}

/**
 * The inserts of a partition that triggers have not seen yet: written with the rows, removed when what the triggers
 * said is stored, so that a stop between the two loses nothing.
 */
export class Arrivals {
  readonly #environment: BinaryEnvironment
  readonly #table: number
  readonly #partition: number
  #next: number

  constructor(environment: BinaryEnvironment, table: number, partition: number) {
    this.#environment = environment
    this.#table = table
    this.#partition = partition
    this.#next = 0
    for (const stored of environment.keys(...this.#range())) this.#next = numberOf(stored) + 1
  }

  /** What notes an insert. */
  *note(people: Iterable<number>): Iterable<Write> {
    const all = [...new Set(people)]
    for (let from = 0; from < all.length; from += PEOPLE_MAX) {
      const number = this.#next++
      const at = key(this.#table, this.#partition, Kind.arrival, Math.floor(number / 2 ** 32), number >>> 0)
      yield [at, Buffer.from(JSON.stringify(all.slice(from, from + PEOPLE_MAX)))]
    }
  }

  /** Inserts from now on have this number or a higher one. */
  get next(): number {
    return this.#next
  }

  /** The oldest inserts, or parts of them, with numbers below a bound: rows of later ones may not be in what is looked at. */
  *oldest(most: number, before: number): Iterable<Arrival> {
    let count = 0
    for (const { key: at, value } of this.#environment.range(...this.#range())) {
      if (count++ === most || numberOf(at) >= before) return
      yield { key: Buffer.from(at), people: JSON.parse(value.toString()) as number[] }
    }
  }

  #range(): [Buffer, Buffer] {
    return [
      kindStart(this.#table, this.#partition, Kind.arrival),
      kindStart(this.#table, this.#partition, Kind.arrival + 1),
    ]
  }
}

function numberOf(stored: Buffer): number {
  return majorOf(stored) * 2 ** 32 + minorOf(stored)
}
