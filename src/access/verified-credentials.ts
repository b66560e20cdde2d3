import type { Verified } from './callers.js'
import { KeyedHash } from './keyed-hash.js'

interface Entry {
  verified: Verified
  /** Milliseconds since 1970. */
  until: number
}

/** Remembers verified credentials for a while by a keyed hash, so that each request need not pay for scrypt or a signature. */
export class VerifiedCredentials {
  readonly #keyed = new KeyedHash()
  readonly #entriesMax: number
  readonly #entries = new Map<string, Entry>()
  /** What a connection has shown last: it mostly shows the same again, and hashing is what costs most of knowing it. */
  readonly #shownOn = new WeakMap<object, { credentials: string; entry: Entry }>()

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax
  }

  /** `connection`: what they came on, whose memory of them ends with it. */
  get(credentials: string, connection?: object): Verified | undefined {
    const shown = connection && this.#shownOn.get(connection)
    if (shown?.credentials === credentials && shown.entry.until > Date.now()) return shown.entry.verified
    const key = this.hash(credentials)
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    if (entry.until <= Date.now()) {
      this.#entries.delete(key)
      return undefined
    }
    if (connection) this.#shownOn.set(connection, { credentials, entry })
    return entry.verified
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
