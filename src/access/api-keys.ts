import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { Problem } from '../lib/index.js'
import type { Actor, Directory } from './directory.js'
import type { ApiKeyRecord, ApiKeyScope } from './store.js'

const SECRET_BYTES = 32
const ID_BYTES = 6
/** trellis_ID_SECRET: the prefix tells people, and programs that look for leaked secrets, what it is. */
const FORM = /^trellis_([0-9a-f]{12})_([\w-]{43})$/

/** What is shown of a key once it is made. */
export interface ApiKeyShown {
  id: string
  name: string
  username: string
  operations?: string[]
  databases?: string[]
  read_only: boolean
  created: number
  expires?: number
  last_used?: number
}

export interface ApiKeyWanted {
  name: string
  username: string
  operations?: readonly string[] | undefined
  databases?: readonly string[] | undefined
  readOnly: boolean
  /** Life in seconds; without it the key does not end by itself. */
  ttl?: number | undefined
}

/** Whether Bearer credentials look like a key for programs. */
export function isApiKey(text: string): boolean {
  return text.startsWith('trellis_')
}

/** Keys for programs: bound to a user, narrower than it, kept as hashes. */
export class ApiKeys {
  readonly #directory: Directory
  readonly #perUserMax: number
  /** When each key was used last, as far as it is not stored yet. */
  readonly #used = new Map<string, number>()

  constructor(directory: Directory, perUserMax: number) {
    this.#directory = directory
    this.#perUserMax = perUserMax
  }

  /** Makes a key; the answer is the only time that it can be read. */
  async add(wanted: ApiKeyWanted, by: Actor): Promise<ApiKeyShown & { key: string }> {
    const id = randomBytes(ID_BYTES).toString('hex')
    const key = `trellis_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}`
    const scope: ApiKeyScope = {
      ...(wanted.operations && { operations: wanted.operations }),
      ...(wanted.databases && { databases: wanted.databases }),
      ...(wanted.readOnly && { readOnly: true }),
    }
    const created = Date.now()
    const record: ApiKeyRecord = {
      id,
      name: wanted.name,
      username: wanted.username,
      hash: hashOf(key),
      scope,
      created,
      ...(wanted.ttl !== undefined && { expires: created + wanted.ttl * 1000 }),
    }
    const shown = { ...this.#shown(record), key }
    await this.#directory.change(by, (put) => {
      by.settle?.(shown)
      if (!this.#directory.users.has(wanted.username)) throw new Problem('user_unknown', { username: wanted.username })
      const own = [...this.#directory.apiKeys.values()].filter(({ username }) => username === wanted.username)
      if (own.length >= this.#perUserMax)
        throw new Problem('too_many_entries', {
          what: 'keys of one user',
          limit: this.#perUserMax,
          setting: 'access.api_keys_per_user_max',
        })
      put('api_key', id, record)
      return { operation: 'add_api_key', target: id, change: { name: wanted.name, username: wanted.username, scope } }
    })
    return shown
  }

  /** The keys of a user, or of all users. */
  list(username: string | undefined): ApiKeyShown[] {
    return [...this.#directory.apiKeys.values()]
      .filter((record) => username === undefined || record.username === username)
      .sort((a, b) => a.created - b.created)
      .map((record) => this.#shown(record))
  }

  /** Ends a key at once. `username` limits it to the keys of that user. */
  async drop(id: string, username: string | undefined, by: Actor): Promise<void> {
    await this.#directory.change(by, (put) => {
      const record = this.#directory.apiKeys.get(id)
      if (!record || (username !== undefined && record.username !== username)) throw new Problem('key_unknown', { id })
      put('api_key', id, undefined)
      return { operation: 'drop_api_key', target: id, change: { name: record.name, username: record.username } }
    })
    this.#used.delete(id)
  }

  /** The record of a key; throws `api_key_invalid` when it is unknown or has ended. */
  verify(key: string): ApiKeyRecord {
    const id = FORM.exec(key)?.[1]
    const record = id === undefined ? undefined : this.#directory.apiKeys.get(id)
    const same = timingSafeEqual(Buffer.from(hashOf(key)), Buffer.from(record?.hash ?? hashOf('')))
    if (!same || !isGood(record)) throw new Problem('api_key_invalid', {})
    this.used(record.id)
    return record
  }

  /** For work that a key has begun. @throws Problem api_key_invalid when it was dropped or has ended */
  check(id: string): void {
    if (!isGood(this.#directory.apiKeys.get(id))) throw new Problem('api_key_invalid', {})
  }

  used(id: string): void {
    this.#used.set(id, Date.now())
  }

  /** Stores the last uses that were only remembered, and remembers them on if they cannot be stored. */
  async storeUses(): Promise<void> {
    if (this.#used.size === 0) return
    const uses = [...this.#used]
    await this.#directory.change({ user: undefined, credentials: { address: '' } }, (put) => {
      for (const [id, lastUsed] of uses) {
        const record = this.#directory.apiKeys.get(id)
        if (record) put('api_key', id, { ...record, lastUsed })
      }
      return undefined
    })
    for (const [id, lastUsed] of uses) if (this.#used.get(id) === lastUsed) this.#used.delete(id)
  }

  #shown({ id, name, username, scope, created, expires, lastUsed }: ApiKeyRecord): ApiKeyShown {
    const used = this.#used.get(id) ?? lastUsed
    return {
      id,
      name,
      username,
      ...(scope.operations && { operations: [...scope.operations] }),
      ...(scope.databases && { databases: [...scope.databases] }),
      read_only: scope.readOnly === true,
      created,
      ...(expires !== undefined && { expires }),
      ...(used !== undefined && { last_used: used }),
    }
  }
}

function isGood(record: ApiKeyRecord | undefined): record is ApiKeyRecord {
  return record !== undefined && (record.expires ?? Number.POSITIVE_INFINITY) > Date.now()
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url')
}
