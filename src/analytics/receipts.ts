import type { BinaryEnvironment, Write } from '../storage/index.js'
import { Fate } from './batch.js'
import { Kind, kindStart } from './keys.js'

/**
 * What became of the events of an insert that may be sent again, in one partition: written with its rows and found by
 * the repeat, which then does nothing there. Names only what was not inserted: all other events of the batch were.
 */
interface Stored {
  /** Milliseconds since 1970. */
  readonly time: number
  /** Pairs of place in the body and fate. */
  readonly others: readonly (readonly [event: number, fate: number])[]
}

type Told = (event: number, fate: number) => void

/** A partition's first answers to inserts that may be sent again. */
export class Receipts {
  readonly #environment: BinaryEnvironment
  readonly #start: Buffer
  readonly #end: Buffer

  constructor(environment: BinaryEnvironment, table: number, partition: number) {
    this.#environment = environment
    this.#start = kindStart(table, partition, Kind.receipt)
    this.#end = kindStart(table, partition, Kind.receipt + 1)
  }

  /** Tells the fates of an insert that has been here before; false when it has not. */
  tell(receipt: string, events: Iterable<number>, told: Told): boolean {
    const found = this.#environment.get(this.#key(receipt))
    if (!found) return false
    const others = new Map((JSON.parse(found.toString()) as Stored).others)
    for (const event of events) told(event, others.get(event) ?? Fate.inserted)
    return true
  }

  has(receipt: string): boolean {
    return this.#environment.get(this.#key(receipt)) !== undefined
  }

  write(receipt: string, others: Stored['others']): Write {
    const stored: Stored = { time: Date.now(), others }
    return [this.#key(receipt), Buffer.from(JSON.stringify(stored))]
  }

  removal(receipt: string): Write {
    return [this.#key(receipt), undefined]
  }

  /** Removals of what is older than the answers that a repeat is given. */
  expired(lifeMs: number): Write[] {
    const oldest = Date.now() - lifeMs
    return [...this.#environment.range(this.#start, this.#end)]
      .filter(({ value }) => (JSON.parse(value.toString()) as Stored).time < oldest)
      .map(({ key }) => [Buffer.from(key), undefined])
  }

  #key(receipt: string): Buffer {
    return Buffer.concat([this.#start, Buffer.from(receipt, 'base64url')])
  }
}
