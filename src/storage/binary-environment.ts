import { type Database, open } from 'lmdb'
import { Problem, SettledLater } from '../lib/index.js'
import { failureOf } from './failure.js'
import { FreeSpace } from './free-space.js'

/** A value to put, or to remove where there is none. */
export type Write = readonly [key: Uint8Array, value: Uint8Array | undefined]

/** An LMDB environment of plain bytes under plain bytes, as event data lies in it. One thread at a time owns it. */
export class BinaryEnvironment implements AsyncDisposable {
  readonly #data: Database<Buffer, Buffer>
  readonly #file: string
  readonly #space: FreeSpace
  readonly #onFailure: (failure: Problem) => void
  #failure: Problem | undefined
  readonly #underWay = new Set<Promise<void>>()
  #pause: SettledLater | undefined

  /** @param onFailure is told once when it takes no more writes, and why */
  constructor(path: string, onFailure: (failure: Problem) => void = () => {}) {
    this.#onFailure = onFailure
    this.#file = path
    this.#space = new FreeSpace(path)
    // Without overlappingSync a promise of a write is kept only after fsync.
    this.#data = open({ path, noSubdir: true, encoding: 'binary', keyEncoding: 'binary', overlappingSync: false })
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.#data.getBinary(key as Buffer)
  }

  range(start: Uint8Array, end: Uint8Array): Iterable<{ key: Buffer; value: Buffer }> {
    return this.#data.getRange({ start: start as Buffer, end: end as Buffer })
  }

  keys(start: Uint8Array, end: Uint8Array): Iterable<Buffer> {
    return this.#data.getKeys({ start: start as Buffer, end: end as Buffer })
  }

  /**
   * All or nothing, and durable when the promise is kept: writes of one turn share one transaction.
   * @throws Problem disk_full, storage_unavailable: nothing was stored; outcome_unknown
   */
  async write(writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return // also on a full disk, where a start finds nothing to remove
    while (this.#pause) await this.#pause.done
    this.refuseWithoutRoom(writes)
    const stored = this.#store(writes)
    this.#underWay.add(stored)
    try {
      await stored
    } finally {
      this.#underWay.delete(stored)
    }
  }

  /** Keeps all writes waiting until it is resumed; kept when none is under way any more. */
  async pause(): Promise<void> {
    this.#pause ??= new SettledLater()
    await Promise.allSettled([...this.#underWay])
  }

  resume(): void {
    this.#pause?.resolve()
    this.#pause = undefined
  }

  async #store(writes: readonly Write[]): Promise<void> {
    try {
      // Each promise is awaited: a rejection that nobody awaits ends the process.
      await Promise.all(
        writes.map(([key, value]) =>
          value ? this.#data.put(key as Buffer, value as Buffer) : this.#data.remove(key as Buffer),
        ),
      )
    } catch (error) {
      const { problem, lasting } = await failureOf(error, { file: this.#file, isVisible: false })
      if (lasting && !this.#failure) this.#onFailure(lasting)
      this.#failure ??= lasting
      throw problem
    }
  }

  /** @throws Problem disk_full when the writes would find too little space, storage_unavailable */
  refuseWithoutRoom(writes: readonly Write[]): void {
    if (this.#failure) throw this.#failure
    if (this.#space.isShortFor(bytesOf(writes))) throw new Problem('disk_full', {})
  }

  /** Lets go of what processes have pinned that were killed while they read. */
  forgetDeadReaders(): void {
    this.#data.readerCheck()
  }

  async removeRange(start: Uint8Array, end: Uint8Array): Promise<void> {
    const writes: Write[] = []
    for (const key of this.keys(start, end)) {
      if (writes.length === 0) this.refuseWithoutRoom([]) // before all of them are looked for in vain
      writes.push([key, undefined])
    }
    await this.write(writes)
  }

  /** Bytes of the pages in use, and of the file. */
  size(): { liveBytes: number; fileBytes: number } {
    const stats = this.#data.getStats() as Record<string, number>
    const pages = stats.treeBranchPageCount! + stats.treeLeafPageCount! + stats.overflowPages!
    return { liveBytes: pages * stats.pageSize!, fileBytes: (stats.lastPageNumber! + 1) * stats.pageSize! }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#data.close()
  }
}

function bytesOf(writes: readonly Write[]): number {
  return writes.reduce((sum, [key, value]) => sum + key.length + (value?.length ?? 0), 0)
}
