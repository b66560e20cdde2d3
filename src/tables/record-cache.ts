import { hashOf } from './key-filter.js'
import type { FoundRecord, Key } from './reader.js'

interface Entry extends FoundRecord {
  /** Commits that were known when it was read: snapshots from then on may use it. */
  since: number
  /** The defaults of the columns that its table had then, of `TableShape`. With others it would read differently. */
  defaults: string
  /** Where it was put last; undefined once a write has taken it out. */
  generation: Generation | undefined
}

/** What an object costs beyond its text, in bytes; measured with 20,000 records of six attributes. */
const OVERHEAD = 200
/** Bytes of memory for a character of JSON text, about: its value, the text itself, and the text that is shown. */
const BYTES_PER_CHARACTER = 4
/** Of so many new records one is kept, once the budget was used up. */
const ADMITTED_OF = 8

/** Bits that tell which keys a generation may have, as a power of two: ten for each record of medium size. */
const BITS = 19

class Generation {
  readonly tables = new Map<number, Map<Key, Entry>>()
  readonly #bits = new Uint32Array(2 ** BITS / 32)
  bytes = 0

  /** The entry of a key; `hash` is `hashOf` it. Most keys that are not here are known by a bit, and need no search. */
  get(table: number, key: Key, hash: number): Entry | undefined {
    const bit = hash >>> (32 - BITS)
    return this.#bits[bit >>> 5]! & (1 << (bit & 31)) ? this.tables.get(table)?.get(key) : undefined
  }

  note(hash: number): void {
    const bit = hash >>> (32 - BITS)
    this.#bits[bit >>> 5]! |= 1 << (bit & 31)
  }
}

/**
 * Decoded, frozen records up to a budget of bytes. Two generations: what is read moves to the young one; when that has
 * half of the budget the old one is forgotten. A record that a write is changing is taken out at once, and whoever
 * reads it meanwhile must not put it back: see `Storage.isChanging`.
 */
export class RecordCache {
  readonly #half: number
  readonly #aged: () => void
  #young = new Generation()
  #old = new Generation()
  #offered = 0

  /** `aged` is called when what was put so far has become the old generation. */
  constructor(bytesMax: number, aged: () => void) {
    this.#half = bytesMax / 2
    this.#aged = aged
  }

  /** Whether a record that was found before is in the young generation, as a snapshot after `sequence` commits may see it. */
  isFresh(found: FoundRecord, sequence: number, defaults: string): boolean {
    const entry = found as Partial<Entry>
    return entry.generation === this.#young && entry.since! <= sequence && entry.defaults === defaults
  }

  /** The record as a snapshot taken after `sequence` commits may see it. */
  get(table: number, key: Key, sequence: number, defaults: string): FoundRecord | undefined {
    const hash = hashOf(key)
    const entry = this.#young.get(table, key, hash)
    if (entry) return entry.since <= sequence && entry.defaults === defaults ? entry : undefined
    const old = this.#old.get(table, key, hash)
    if (!old || old.since > sequence || old.defaults !== defaults) return undefined
    this.#add(table, key, old, OVERHEAD)
    return old
  }

  /**
   * Whether to keep one more record. While there is room, each; later one of some, so that many records that are read
   * once do not push out those that are read often (which are offered often, too).
   */
  admits(): boolean {
    return this.#half > 0 && (this.#old.bytes === 0 || ++this.#offered % ADMITTED_OF === 0)
  }

  /** `length`: characters of its JSON text. Answers the record as it is kept. */
  set(
    table: number,
    key: Key,
    { row, json }: FoundRecord,
    { length, since, defaults }: { length: number; since: number; defaults: string },
  ): FoundRecord {
    const entry: Entry = { row, json, shown: undefined, since, defaults, generation: undefined }
    this.#add(table, key, entry, OVERHEAD + length * BYTES_PER_CHARACTER)
    return entry
  }

  delete(table: number, key: Key): void {
    for (const { tables } of [this.#young, this.#old]) {
      const entry = tables.get(table)?.get(key)
      if (!entry) continue
      entry.generation = undefined
      tables.get(table)!.delete(key)
    }
  }

  #add(table: number, key: Key, entry: Entry, bytes: number): void {
    if (this.#young.bytes + bytes > this.#half) {
      this.#old = this.#young
      this.#young = new Generation()
      this.#aged()
    }
    entry.generation = this.#young
    let entries = this.#young.tables.get(table)
    if (!entries) this.#young.tables.set(table, (entries = new Map()))
    const before = entries.get(key)
    if (before !== undefined && before !== entry) before.generation = undefined
    entries.set(key, entry)
    this.#young.note(hashOf(key))
    this.#young.bytes += bytes
  }
}
