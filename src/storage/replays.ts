import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { atOnce, Problem, type Steps } from '../lib/index.js'
import type { WriteTransaction } from './group.js'
import { encodeValue } from './key.js'
import type { Keyspace } from './keyspace.js'
import type { Storage } from './storage.js'

/** A request that its caller may repeat: whose it is, its key, and a hash of it. */
export interface Idempotency {
  /** Who gets the answer again: a user in one of its lives, by the credentials that answers are for. */
  owner: string
  key: string
  fingerprint: string
}

/** Stores more in the transaction of a change, which is there exactly when the change is: the answer for a repeat. */
export interface Receipt {
  alongside(transaction: WriteTransaction): void
}

/** What is known of a request that came before: its answer, or what it was about to answer when it began, if that is known. */
export type Earlier = { answer: unknown } | { begun: unknown }

/** The first answer to a request, readable only for who knows its key: answers hold secrets, as new keys for programs. */
interface Replay {
  /**
   * `[fingerprint, answer]`; of what was begun `[fingerprint]` or `[fingerprint, answer to come, 'begun']`: nonce, text and
   * tag of AES-256-GCM, in base64.
   */
  sealed: string
  /** Milliseconds since 1970. */
  time: number
}

const BEGUN = 'begun'
const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32

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

  /** What is on disk of the request. @throws Problem idempotency_key_reused */
  find(idempotency: Idempotency): Earlier | undefined {
    using snapshot = this.#storage.snapshot()
    return this.#valid(snapshot.get(this.#answers, placeOf(idempotency)), idempotency)
  }

  /** Stores the answer in the transaction of its change. */
  keep(transaction: WriteTransaction, idempotency: Idempotency, answer: unknown): void {
    this.#put(transaction, idempotency, [answer])
  }

  /** A name of the request for what is stored elsewhere, from which nothing of it can be read. */
  receiptOf(idempotency: Idempotency): string {
    return createHash('sha256').update(placeOf(idempotency)).update(idempotency.fingerprint).digest('base64url')
  }

  #put(
    transaction: WriteTransaction,
    idempotency: Idempotency,
    answer: [] | [unknown] | [unknown, typeof BEGUN],
  ): void {
    const place = placeOf(idempotency)
    const time = this.#now()
    const text = JSON.stringify([idempotency.fingerprint, ...answer])
    const replay: Replay = { sealed: seal(secretOf(idempotency), text), time }
    transaction.put(this.#answers, place, JSON.stringify(replay))
    transaction.put(this.#times, encodeValue(time) + place, '')
  }

  /**
   * Notes that a request is about to change what is not in this storage, and what it will answer where that is known: its
   * repeat finds what it did half, or whole.
   */
  async begin(idempotency: Idempotency, answer?: unknown): Promise<void> {
    await this.#storage.write((transaction) => this.beginIn(transaction, idempotency, answer))
  }

  /** The same in the transaction of the first part of what it changes. */
  beginIn(transaction: WriteTransaction, idempotency: Idempotency, answer?: unknown): void {
    this.#put(transaction, idempotency, answer === undefined ? [] : [answer, BEGUN])
  }

  /** Stores the answer to a request whose change is not in this storage. */
  async store(idempotency: Idempotency, answer: unknown): Promise<void> {
    await this.#storage.write((transaction) => this.keep(transaction, idempotency, answer))
  }

  /**
   * Runs the function once for this key: its answer is stored with what it changes; a repeat gets the stored answer.
   * @throws Problem idempotency_key_reused
   */
  once<T>(transaction: WriteTransaction, idempotency: Idempotency | undefined, run: () => T): T {
    if (!idempotency) return run()
    const steps = function* (): Steps<T> {
      yield
      return run()
    }
    return atOnce(this.onceInSteps(transaction, idempotency, steps))
  }

  /** The same for work in steps. */
  *onceInSteps<T>(transaction: WriteTransaction, idempotency: Idempotency | undefined, run: () => Steps<T>): Steps<T> {
    if (!idempotency) return yield* run()
    const found = this.#valid(transaction.get(this.#answers, placeOf(idempotency)), idempotency)
    if (found && 'answer' in found) return found.answer as T
    const answer = yield* run()
    this.keep(transaction, idempotency, answer)
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

  #valid(stored: string | undefined, idempotency: Idempotency): Earlier | undefined {
    if (stored === undefined || !this.#isAlive(stored)) return undefined
    const { sealed } = JSON.parse(stored) as Replay
    const noted = JSON.parse(open(secretOf(idempotency), sealed)) as [string, unknown?, string?]
    const [first, answer, state] = noted
    if (first !== idempotency.fingerprint) throw new Problem('idempotency_key_reused', {})
    return noted.length === 1 || state === BEGUN ? { begun: answer } : { answer }
  }
}

function placeOf({ owner, key }: Idempotency): string {
  return createHash('sha256').update(owner).update('\0').update(key).digest().toString('latin1')
}

/** What seals an answer: made of the key, which is stored nowhere. */
function secretOf({ owner, key }: Idempotency): Buffer {
  return Buffer.from(hkdfSync('sha256', key, owner, 'trellis replay', KEY_BYTES))
}

function seal(secret: Buffer, text: string): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, secret, nonce)
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64')
}

function open(secret: Buffer, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64')
  const decipher = createDecipheriv(CIPHER, secret, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
}
