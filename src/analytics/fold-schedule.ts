import { setImmediate as turn } from 'node:timers/promises'
import type { Folding } from './folding.js'
import type { HeldPartitions } from './held-partitions.js'
import type { Partition } from './partition.js'

/** A delta is folded when it has this many rows and this part of the rows of its partition. */
const FOLD_ROWS = 16_384
const FOLD_PART = 8
/** Or when nothing was inserted for this long; a small part of the partition waits for some time after the last fold. */
export const IDLE_MS = 500
const SMALL_PART = 64
const FOLD_PAUSE_MS = 10_000

/** Decides when the deltas of partitions are folded: one at a time, and queries go first. */
export class FoldSchedule implements AsyncDisposable {
  readonly #held: HeldPartitions
  /** When each was folded last. */
  readonly #folded = new WeakMap<Partition, number>()
  /** Partitions that are not folded meanwhile. */
  readonly #paused = new Set<Partition>()
  #scans = 0
  #folding: Promise<void> | undefined
  #closed = false

  constructor(held: HeldPartitions) {
    this.#held = held
  }

  scanBegins(): void {
    this.#scans++
  }

  scanEnds(): void {
    this.#scans--
  }

  /** A partition is not folded until it is resumed, and not any more when this is done. */
  async pause(partition: Partition): Promise<void> {
    this.#paused.add(partition)
    while (this.#folding) await this.#folding
  }

  resume(partition: Partition): void {
    this.#paused.delete(partition)
  }

  /** What is folded now. */
  get underWay(): Promise<void> | undefined {
    return this.#folding
  }

  /** Folds everything there is now. */
  async fold(tableId: number): Promise<void> {
    while (this.#folding) await this.#folding
    this.#folding = this.#foldAll(tableId).finally(() => {
      this.#folding = undefined
    })
    await this.#folding
  }

  async #foldAll(tableId: number): Promise<void> {
    for (const { folding, partition } of this.#held.all(this.#held.table(tableId))) {
      if (this.#paused.has(partition)) continue
      do {
        await folding.step()
      } while (folding.isUnderWay)
      await folding.step()
      this.#folded.set(partition, performance.now())
    }
  }

  /** Folds what is due. */
  soon(): void {
    // What cannot be written now is tried again later; those who insert are told.
    this.#folding ??= this.#foldDue()
      .catch(() => undefined)
      .finally(() => {
        this.#folding = undefined
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#folding
  }

  async #foldDue(): Promise<void> {
    for (const { partition, folding } of this.#held.loaded()) {
      while (!this.#closed && this.#isDue(partition, folding)) {
        await folding.step()
        if (!folding.isUnderWay) this.#folded.set(partition, performance.now())
        await turn()
      }
    }
  }

  #isDue(partition: Partition, folding: Folding): boolean {
    if (folding.isAbandoned || this.#paused.has(partition)) return false
    const { rows } = partition.delta
    const full = Math.max(FOLD_ROWS, (partition.rows - rows) / FOLD_PART)
    // Queries go first, unless the delta has grown to twice its size.
    if (this.#scans > 0 && rows < full * 2) return false
    if (folding.isUnderWay || rows >= full) return true
    if (rows === 0 || Date.now() - partition.lastInsertAt < IDLE_MS) return false
    // A few rows now and then are not worth writing blocks anew each time.
    const isSmall = rows * SMALL_PART < partition.rows
    return !isSmall || performance.now() - (this.#folded.get(partition) ?? -FOLD_PAUSE_MS) >= FOLD_PAUSE_MS
  }
}
