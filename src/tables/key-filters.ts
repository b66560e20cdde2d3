import { setImmediate as turn } from 'node:timers/promises'
import { type Steps, withPauses } from '../lib/index.js'
import type { Keyspace, Storage } from '../storage/index.js'
import { hashIn, hashOf, KeyFilter } from './key-filter.js'
import { keyOfEntry } from './layout.js'
import type { Key, KeyTest } from './reader.js'

/** All entries of an index that begin with `start`: those of one value. `end` is behind the last of them. */
export interface ValueEntries {
  start: string
  end: string
}

interface Built {
  entries: ValueEntries
  /** Hashes of keys, as long as it is being built. */
  gathered: Hashes | undefined
  filter: KeyFilter | undefined
  /** Commits that were known when it was read: snapshots from then on may use it. Infinite until it is read. */
  since: number
  keys: number
  /** Entries that came or went since it was asked for. */
  changes: number
}

/** A value is worth a filter when so many queries would have been spared much by one. */
const WANTED_MIN = 2
/** Values that are remembered as wanted. */
const WISHES_MAX = 100
const FILTERS_MAX = 16
/** How long building runs before it lets others run, in milliseconds. */
const SLICE_MS = 5
/** Entries of one step. */
const STEP = 256
/** After building, so many times as long nothing is built: that takes a part of the time only, whatever is asked. */
const RESTS = 3
/** A filter is made again when so many of its entries, one in this, have come or gone. */
const WORN = 4

/**
 * Filters of the keys that have one value in an index, for values that many records have: whoever reads by another
 * index need not read the records without the value to see that they lack it. A filter only grows: what a write is
 * about to change is added before any reader can see the change, so that it never denies an entry which a snapshot
 * from after its making has. Filters take at most `bytesMax`, the one that is being built up to three times as much.
 */
export class KeyFilters implements AsyncDisposable {
  readonly #storage: Storage
  readonly #indexes: Keyspace
  readonly #bytesMax: number
  /** By the start of their entries, the one that was used longest ago first. */
  readonly #filters = new Map<string, Built>()
  readonly #wishes = new Map<string, number>()
  #bytes = 0
  /** When the next one may be built, in milliseconds of `performance.now()`. */
  #restUntil = 0
  #building: Promise<void> | undefined
  readonly #stop = new AbortController()

  constructor(storage: Storage, indexes: Keyspace, bytesMax: number) {
    this.#storage = storage
    this.#indexes = indexes
    this.#bytesMax = bytesMax
  }

  /** What is known of a value's keys, as a snapshot after `sequence` commits may use it. */
  find({ start }: ValueEntries, sequence: number): KeyTest | undefined {
    const built = this.#filters.get(start)
    if (!built?.filter || built.since > sequence) return undefined
    this.#filters.delete(start)
    this.#filters.set(start, built)
    const { filter } = built
    const byHash = (hash: number) => filter.mayHave(hash)
    return Object.assign((key: Key) => filter.mayHave(hashOf(key)), { byHash })
  }

  /** Kept when the filter is there, or will not be, that is being built for snapshots like this one; undefined: none is. */
  toCome({ start }: ValueEntries, sequence: number): Promise<void> | undefined {
    const built = this.#filters.get(start)
    return built && !built.filter && built.since <= sequence ? this.#building : undefined
  }

  /** A query has read many records in vain which have not the value. May begin to build a filter. */
  want(entries: ValueEntries): void {
    const { start } = entries
    const built = this.#filters.get(start)
    if (built && (!built.filter || built.changes * WORN < built.keys)) return
    const wishes = (this.#wishes.get(start) ?? 0) + 1
    if (this.#wishes.size >= WISHES_MAX) this.#wishes.clear()
    this.#wishes.set(start, wishes)
    const began = performance.now()
    const { aborted } = this.#stop.signal
    if (wishes < WANTED_MIN || this.#building || began < this.#restUntil || aborted || this.#bytesMax === 0) return
    this.#wishes.delete(start)
    const over = () => {
      this.#building = undefined
      this.#restUntil = performance.now() + (performance.now() - began) * RESTS
    }
    // What the store cannot read is told to those who ask for it; here it means only that there is no filter.
    this.#building = this.#build(entries).then(over, over)
  }

  /** An entry is about to come or go. */
  changing(entry: string): void {
    if (this.#filters.size === 0) return
    for (const [start, built] of this.#filters) {
      if (!entry.startsWith(start)) continue
      const hash = hashOf(keyOfEntry(entry))
      built.gathered?.add(hash)
      built.filter?.add(hash)
      if (++built.changes > built.keys * 2 && built.filter) this.#remove(start)
    }
  }

  async #build(entries: ValueEntries): Promise<void> {
    const { start } = entries
    this.#remove(start)
    const built: Built = {
      entries,
      gathered: new Hashes(),
      filter: undefined,
      since: Number.POSITIVE_INFINITY,
      keys: 0,
      changes: 0,
    }
    this.#filters.set(start, built) // from now on changes are added
    try {
      await this.#earlierWrites(entries)
      await withPauses(this.#making(built), SLICE_MS, () => this.#stop.signal.throwIfAborted())
    } finally {
      if (!built.filter) this.#remove(start)
    }
  }

  /** Waits until what was being written before is in the B-tree: of those changes nothing was heard. */
  async #earlierWrites({ start, end }: ValueEntries): Promise<void> {
    const storage = this.#storage
    const last = storage.sequence + 2 // the group on its way, and the one behind it
    while (!this.#stop.signal.aborted && storage.sequence < last && storage.isChangingWithin(this.#indexes, start, end))
      await turn()
  }

  *#making(built: Built): Steps<void> {
    yield* this.#gather(built)
    // A value with too many keys is not tried again soon.
    if (this.#fits(built.gathered!)) yield* this.#finish(built)
    else this.#wishes.set(built.entries.start, Number.NEGATIVE_INFINITY)
  }

  *#gather(built: Built): Steps<void> {
    using snapshot = this.#storage.snapshot()
    built.since = snapshot.sequence
    const { entries, gathered } = built
    for (const entry of snapshot.postponed(this.#indexes, entries) ?? []) gathered!.add(hashOf(keyOfEntry(entry)))
    const cursor = snapshot.cursor(this.#indexes, entries)
    const { length } = entries.start // all entries have the same value: behind it their key begins
    try {
      for (let count = 1; cursor.next(); count++) {
        gathered!.add(hashIn(cursor.bytes, cursor.start + length, cursor.end))
        if (count % STEP !== 0) continue
        if (!this.#fits(gathered!)) return
        yield
      }
    } finally {
      cursor.close()
    }
  }

  /** Makes the filter. What changes meanwhile is gathered too, so it is added in the end. */
  *#finish(built: Built): Steps<void> {
    const gathered = built.gathered!
    const filter = new KeyFilter(gathered.length)
    for (let at = 0; at < gathered.length; at++) {
      filter.add(gathered.at(at))
      if (at % STEP === 0) yield
    }
    built.filter = filter
    built.keys = gathered.length
    built.gathered = undefined
    this.#bytes += filter.bytes
    this.#makeRoom(built)
  }

  #fits({ length }: Hashes): boolean {
    return KeyFilter.bytesFor(length) <= this.#bytesMax
  }

  #makeRoom(kept: Built): void {
    for (const [start, built] of this.#filters) {
      if (this.#bytes <= this.#bytesMax && this.#filters.size <= FILTERS_MAX) return
      if (built !== kept) this.#remove(start)
    }
  }

  #remove(start: string): void {
    this.#bytes -= this.#filters.get(start)?.filter?.bytes ?? 0
    this.#filters.delete(start)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#building
  }
}

/** Numbers of 32 bits, as many as come. */
class Hashes {
  length = 0
  #values = new Uint32Array(STEP)

  add(hash: number): void {
    if (this.length === this.#values.length) {
      const values = new Uint32Array(this.length * 2)
      values.set(this.#values)
      this.#values = values
    }
    this.#values[this.length++] = hash
  }

  at(index: number): number {
    return this.#values[index]!
  }
}
