import { type ColumnValues, isSet } from './codec.js'

interface Entry {
  readonly values: ColumnValues
  readonly bytes: number
  usedAt: number
}

/** What was used within this time is not pushed out: a scan of more than fits would else push out all that it needs next. */
const KEPT_MS = 10_000

/** Decoded columns of blocks, up to a number of bytes; the least recently used go first. */
export class ColumnCache {
  readonly #bytesMax: number
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  get(key: string, now: number): ColumnValues | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    if (now - entry.usedAt > KEPT_MS / 10) {
      this.#entries.delete(key)
      this.#entries.set(key, entry)
      entry.usedAt = now
    }
    return entry.values
  }

  put(key: string, values: ColumnValues, now: number): void {
    const bytes = isSet(values) ? values.offsets.byteLength + values.values.byteLength : values.byteLength
    if (this.#entries.get(key)?.values === values) return
    this.delete(key)
    if (!this.#makeRoom(bytes, now)) return
    this.#entries.set(key, { values, bytes, usedAt: now })
    this.#bytes += bytes
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
  }

  #makeRoom(bytes: number, now: number): boolean {
    while (this.#bytes + bytes > this.#bytesMax) {
      const oldest = this.#entries.entries().next().value
      if (!oldest || now - oldest[1].usedAt < KEPT_MS) return false
      this.delete(oldest[0])
    }
    return true
  }
}
