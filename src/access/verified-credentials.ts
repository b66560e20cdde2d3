import type { Verified } from './callers.js'
import { KeyedHash } from './keyed-hash.js'

/** Remembers verified credentials for a while by a keyed hash, so that each request need not pay for scrypt or a signature. */
export class VerifiedCredentials {
  readonly #keyed = new KeyedHash()
  readonly #entriesMax: number
  readonly #entries = new Map<string, { verified: Verified; until: number }>()

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  get(credentials: string): Verified | undefined {
    const key = this.hash(credentials)
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    if (entry.until > Date.now()) return entry.verified
    this.#entries.delete(key)
    return undefined
  }

  /** `until`: milliseconds since 1970. The oldest entry makes room. */
  add(credentials: string, verified: Verified, until: number): void {
    if (this.#entries.size >= this.#entriesMax) this.#entries.delete(this.#entries.keys().next().value!)
    this.#entries.set(this.hash(credentials), { verified, until })
  }

  /** A name for credentials that does not tell them. */
  hash(credentials: string): string {
    return this.#keyed.of(credentials)
  }
}
