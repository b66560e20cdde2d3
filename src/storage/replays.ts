import { createHash } from 'node:crypto'
import { atOnce, Problem, type Steps } from '../lib/index.js'
import { encodeValue } from './key.js'
import type { Keyspace } from './keyspace.js'
import type { Storage, WriteTransaction } from './storage.js'

/** A request that its caller may repeat: the key, and a hash of the request. */
export interface Idempotency {
  key: string
  fingerprint: string
}

interface Replay {
  fingerprint: string
  answer: unknown
  /** Milliseconds since 1970. */
  time: number
}

/**
 * First answers of requests that carried an idempotency key, stored in the transaction of their change: a repeat
 * finds either both or neither.
 */
export class Replays {
  readonly #storage: Storage
  readonly #answers: Keyspace
  /** time, place → nothing: the order in which they expire */
  readonly #times: Keyspace
  readonly #lifeMs: number
  readonly #now: () => number

  constructor(storage: Storage, lifeMs: number, now: () => number = Date.now) {
    this.#storage = storage
    this.#answers = storage.keyspace('replays')
    this.#times = storage.keyspace('replay_times')
    this.#lifeMs = lifeMs
    this.#now = now
  }

  /** The answer on disk. @throws Problem idempotency_key_reused */
  find(user: string, key: string, fingerprint: string): { answer: unknown } | undefined {
    using snapshot = this.#storage.snapshot()
    return this.#valid(snapshot.get(this.#answers, placeOf(user, key)), fingerprint)
  }

  /**
   * Runs the function once for this key: its answer is stored with what it changes; a repeat gets the stored answer.
   * @throws Problem idempotency_key_reused
   */
  once<T>(transaction: WriteTransaction, user: string, idempotency: Idempotency | undefined, run: () => T): T {
    if (!idempotency) return run()
    const steps = function* (): Steps<T> {
      yield
      return run()
    }
    return atOnce(this.onceInSteps(transaction, user, idempotency, steps))
  }

  /** The same for work in steps. */
  *onceInSteps<T>(
    transaction: WriteTransaction,
    user: string,
    idempotency: Idempotency | undefined,
    run: () => Steps<T>,
  ): Steps<T> {
    if (!idempotency) return yield* run()
    const place = placeOf(user, idempotency.key)
    const found = this.#valid(transaction.get(this.#answers, place), idempotency.fingerprint)
    if (found) return found.answer as T
    const answer = yield* run()
    const time = this.#now()
    const replay: Replay = { fingerprint: idempotency.fingerprint, answer, time }
    transaction.put(this.#answers, place, JSON.stringify(replay))
    transaction.put(this.#times, encodeValue(time) + place, '')
    return answer
  }

  /** Forgets up to `limit` expired answers; answers how many. */
  collect(transaction: WriteTransaction, limit: number): number {
    const end = encodeValue(this.#now() - this.#lifeMs)
    const expired = transaction.keys(this.#times, { start: encodeValue(0), end, limit })
    for (const entry of expired) {
      const place = entry.slice(end.length)
      transaction.remove(this.#times, entry)
      // the key may have been used again since
      if (!this.#isAlive(transaction.get(this.#answers, place))) transaction.remove(this.#answers, place)
    }
    return expired.length
  }

  #isAlive(stored: string | undefined): boolean {
    return stored !== undefined && (JSON.parse(stored) as Replay).time > this.#now() - this.#lifeMs
  }

  #valid(stored: string | undefined, fingerprint: string): { answer: unknown } | undefined {
    if (stored === undefined || !this.#isAlive(stored)) return undefined
    const replay = JSON.parse(stored) as Replay
    if (replay.fingerprint !== fingerprint) throw new Problem('idempotency_key_reused', {})
    return { answer: replay.answer }
  }
}

function placeOf(user: string, key: string): string {
  return createHash('sha256').update(user).update('\0').update(key).digest().toString('latin1')
}
