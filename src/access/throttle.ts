import { Problem } from '../lib/index.js'

export interface ThrottleSettings {
  /** Failures in a row of one user from one address, from which on each further attempt must wait. */
  failures_before_delay: number
  /** Failures in a row of one user from one address that lock it out for a while. */
  failures_before_lock: number
  lock_s: number
  /** Failures of one address over all user names, from which on users who never signed in from there must wait. */
  address_failures_before_delay: number
  entries_max: number
}

interface Entry {
  failures: number
  /** Attempts under way: each may become a failure. */
  pending: number
  /** No attempt before this: milliseconds since 1970. */
  blockedUntil: number
  /** Failures are forgotten after this. */
  forgottenAt: number
}

const FIRST_DELAY_MS = 1000
const DELAY_MS_MAX = 60_000
const DOUBLINGS_MAX = 16
/** Names are cut for counting: no user has a longer one. */
const NAME_LENGTH_MAX = 256

/**
 * Slows down guessing of passwords: per user and address (a delay that doubles, then a lock that ends by itself), and
 * per address over all user names. Names that do not exist are counted like those that do, so nothing can be learned.
 */
export class Throttle {
  readonly #settings: ThrottleSettings
  readonly #now: () => number
  readonly #pairs = new Map<string, Entry>()
  readonly #addresses = new Map<string, Entry>()
  /** Pairs that have signed in before: a crowd of failures behind one address does not keep them out. */
  readonly #known = new Map<string, true>()

  constructor(settings: ThrottleSettings, now: () => number = Date.now) {
    this.#settings = settings
    this.#now = now
  }

  /**
   * Runs one attempt to sign in; an answer of undefined is a failure. `onLock` is called by the failure that locks.
   * Throws `too_many_sign_ins` with the time to wait, before any password is looked at.
   */
  async attempt<Result>(
    username: string,
    address: string,
    verify: () => Promise<Result | undefined>,
    onLock: () => Promise<void>,
  ): Promise<Result | undefined> {
    const name = `${address}\0${username.slice(0, NAME_LENGTH_MAX)}`
    const pair = this.#entry(this.#pairs, name)
    this.#refuse(pair)
    const all = this.#entry(this.#addresses, address)
    if (!this.#known.has(name)) this.#refuse(all)
    if (pair.failures + pair.pending >= this.#settings.failures_before_lock)
      throw new Problem('too_many_sign_ins', { seconds: 1 }, { retry_after_s: 1 })
    pair.pending++
    try {
      const result = await verify()
      if (result === undefined) await this.#failed(pair, all, onLock)
      else this.#succeeded(name)
      return result
    } finally {
      pair.pending--
    }
  }

  async #failed(pair: Entry, all: Entry, onLock: () => Promise<void>): Promise<void> {
    const { failures_before_delay, failures_before_lock, lock_s, address_failures_before_delay } = this.#settings
    this.#count(all, address_failures_before_delay)
    this.#count(pair, failures_before_delay)
    if (pair.failures < failures_before_lock) return
    pair.blockedUntil = this.#now() + lock_s * 1000
    pair.failures = 0
    await onLock()
  }

  #succeeded(name: string): void {
    this.#pairs.delete(name)
    this.#known.delete(name)
    this.#addBounded(this.#known, name, true)
  }

  #refuse(entry: Entry): void {
    const wait = entry.blockedUntil - this.#now()
    if (wait <= 0) return
    const seconds = Math.ceil(wait / 1000)
    throw new Problem('too_many_sign_ins', { seconds }, { retry_after_s: seconds })
  }

  #count(entry: Entry, delayFrom: number): void {
    entry.failures++
    entry.forgottenAt = this.#now() + this.#settings.lock_s * 1000
    const beyond = entry.failures - delayFrom
    if (beyond >= 0)
      entry.blockedUntil = this.#now() + Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** Math.min(DOUBLINGS_MAX, beyond))
  }

  #entry(map: Map<string, Entry>, key: string): Entry {
    const entry = map.get(key) ?? { failures: 0, pending: 0, blockedUntil: 0, forgottenAt: 0 }
    if (entry.forgottenAt < this.#now()) entry.failures = 0
    map.delete(key)
    this.#addBounded(map, key, entry)
    return entry
  }

  /** The entry that was touched longest ago makes room. */
  #addBounded<Value>(map: Map<string, Value>, key: string, value: Value): void {
    if (map.size >= this.#settings.entries_max) map.delete(map.keys().next().value!)
    map.set(key, value)
  }
}
