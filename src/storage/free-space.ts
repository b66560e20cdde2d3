import { readFileSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Below this much free space nothing is written, in bytes. */
const RESERVE = 4 << 20
/** How long an answer of the file system holds, in milliseconds, and for how many bytes. */
const LOOK_MS = 20
const LOOK_BYTES = 1 << 20
/** How long the process's limit for a file holds, in milliseconds: reading it takes as long as ten writes. */
const LIMIT_MS = 1000
/** Where Linux tells what it allows this process. */
const LIMITS = '/proc/self/limits'
/** And here what it has. */
const STATUS = '/proc/self/status'

/**
 * Whether a data file has room for what is about to be written. It is asked before LMDB is: on a write that fails
 * lmdb-js prints a message of up to 119 bytes into 100.
 */
export class FreeSpace {
  readonly #file: string
  #looked = Number.NEGATIVE_INFINITY
  #free = 0
  #limited = Number.NEGATIVE_INFINITY
  #limit = 0

  constructor(file: string) {
    this.#file = file
  }

  /** @param bytes of keys and values; their pages take more */
  isShortFor(bytes: number): boolean {
    const now = performance.now()
    const needed = RESERVE + 2 * bytes
    if (now - this.#looked > LOOK_MS || bytes > LOOK_BYTES) this.#look(now, LIMIT_MS)
    // Before a write is refused all is asked again: space may have come since.
    if (this.#free < needed) this.#look(now, 0)
    return this.#free < needed
  }

  #look(now: number, limitMs: number): void {
    if (now - this.#limited >= limitMs) {
      this.#limit = fileBytesMax()
      this.#limited = now
    }
    this.#free = freeBytes(this.#file, this.#limit)
    this.#looked = now
  }
}

/** By how many bytes a file may grow: its file system has them, and the process's limit for a file allows them. */
export function freeBytes(file: string, limit = fileBytesMax()): number {
  return Math.min(
    orBoundless(() => {
      const { bavail, bsize } = statfsSync(dirname(file))
      return bavail * bsize
    }),
    orBoundless(() => limit - statSync(file).size),
  )
}

/** The limit of `ulimit -f`; it may be changed while the process runs. Boundless where there is none. */
const fileBytesMax = () => limitOf('file size')

/** How much more address space this process may take: what `ulimit -v` leaves. Boundless where there is no limit. */
export function freeAddressSpace(): number {
  const limit = limitOf('address space')
  if (limit === Number.POSITIVE_INFINITY) return limit
  return orBoundless(() => limit - 1024 * Number(/^VmSize:\s+(\d+) kB/m.exec(readFileSync(STATUS, 'latin1'))![1]))
}

function limitOf(name: string): number {
  return orBoundless(() => {
    const most = new RegExp(`^Max ${name} +([0-9]+)`, 'm').exec(readFileSync(LIMITS, 'latin1'))?.[1]
    return Number(most ?? Number.POSITIVE_INFINITY)
  })
}

/** What cannot be told is no reason to write nothing. */
function orBoundless(look: () => number): number {
  try {
    return look()
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
