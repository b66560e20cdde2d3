import type { Transaction } from 'lmdb'
import { Slots } from '../lib/index.js'
import type { Keyspace } from './keyspace.js'

/** A read that takes longer than this many milliseconds has waited for the disk, most likely. */
const SLOW_MS = 0.2
/** One slow read may be a pause of the process; two within so many reads are the disk. */
const NEAR = 64
/** So many samples in a row must be quick before pages are taken to be in memory again. */
const QUICK_SAMPLES = 16
/** Of keys that are asked for one by one every so many is a sample. */
const SAMPLE_EVERY = 16
/** Threads of Node.js's pool (it has four) that read at the same time: one is left to others. */
const THREADS = 3
/** Keys that one thread reads in one go: other work of the pool waits for no more. */
const PART_LENGTH = 16

/**
 * Lets other threads wait for the disk. LMDB reads through a memory map, so the thread that touches a page which is not
 * in memory stands still until it is. Where pages are in memory, asking another thread first would only cost: so single
 * reads are timed, and once they turn out to be slow, readers fetch what they are about to read. One key of each lot is
 * read without being fetched; it tells when that is no longer needed.
 */
export class ReadAhead {
  #slowAt = Number.NEGATIVE_INFINITY
  #reads = 0
  #samplesLeft = 0
  #asked = 0
  #isEnded = false
  readonly #threads = new Slots(THREADS)

  /** Whether records should be fetched before they are read. */
  get isOn(): boolean {
    return this.#samplesLeft > 0
  }

  /** Reads what was perhaps not fetched before, and notes how long that took. */
  read(space: Keyspace, key: string, transaction: Transaction | undefined): string | undefined {
    const started = performance.now()
    const value = space.read(key, transaction)
    this.note(performance.now() - started)
    return value
  }

  /** Notes how long a read took. */
  note(ms: number): void {
    this.#reads++
    if (ms < SLOW_MS) return
    if (this.#reads - this.#slowAt <= NEAR) this.#samplesLeft = QUICK_SAMPLES
    this.#slowAt = this.#reads
  }

  /** Brings the pages of the keys into memory, all but a sample. Kept when they are there, or nobody waits any more. */
  async fetch(space: Keyspace, keys: readonly string[], signal?: AbortSignal): Promise<void> {
    const isSampled = keys.length > 1 || ++this.#asked % SAMPLE_EVERY === 0
    if (isSampled) this.#sample(space, keys[0]!)
    const parts = partsOf(keys, isSampled ? 1 : 0)
    await Promise.all(Array.from({ length: THREADS }, () => this.#fetchParts(space, parts, signal)))
  }

  /** Begins nothing any more: the environment is about to be closed. What waits is told that it may go on. */
  end(): void {
    this.#isEnded = true
  }

  /** One after the other, each in its turn: who wants few keys does not wait for all of somebody's ten thousand. */
  async #fetchParts(
    space: Keyspace,
    parts: Iterable<readonly string[]>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (const keys of parts) {
      if (signal?.aborted) return
      await this.#threads.take(() => this.#fetchPart(space, keys, signal))
    }
  }

  async #fetchPart(space: Keyspace, keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    try {
      if (!this.#isEnded && !signal?.aborted) await space.fetch(keys)
    } catch {
      // Nothing depends on it: what is wrong shows when the keys are read.
    }
  }

  #sample(space: Keyspace, key: string): void {
    const started = performance.now()
    try {
      space.read(key, undefined)
    } catch {
      return // as above: LMDB may have no reader left but those that are open, and they read on
    }
    if (performance.now() - started >= SLOW_MS) this.#samplesLeft = QUICK_SAMPLES
    else if (this.#samplesLeft > 0) this.#samplesLeft--
  }
}

function* partsOf(keys: readonly string[], from: number): Generator<readonly string[]> {
  for (let at = from; at < keys.length; at += PART_LENGTH) yield keys.slice(at, at + PART_LENGTH)
}
