import { statfsSync } from 'node:fs'

/** Below this much free space nothing is written, in bytes. */
const RESERVE = 4 << 20
/** How long an answer of the file system holds, in milliseconds, and for how many bytes. */
const LOOK_MS = 20
const LOOK_BYTES = 1 << 20

/**
 * Whether a disk has room for what is about to be written. It is asked before LMDB is: on a write that fails lmdb-js
 * prints a message of up to 119 bytes into 100.
 */
export class FreeSpace {
  readonly #folder: string
  #looked = Number.NEGATIVE_INFINITY
  #free = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  /** @param bytes of keys and values; their pages take more */
  isShortFor(bytes: number): boolean {
    const now = performance.now()
    const needed = RESERVE + 2 * bytes
    // Before a write is refused the file system is always asked: space may have come since.
    if (now - this.#looked > LOOK_MS || bytes > LOOK_BYTES || this.#free < needed) {
      this.#free = freeBytes(this.#folder)
      this.#looked = now
    }
    return this.#free < needed
  }
}

/** Free bytes of the file system of a folder; boundless where the system does not tell. */
export function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
