import type { Actor, Event } from './directory.js'
import type { AccessStore, AuditRecord } from './store.js'

export interface AuditQuery {
  /** Milliseconds since 1970, inclusive. */
  from?: number
  /** Milliseconds since 1970, exclusive. */
  until?: number
  user?: string
  operation?: string
  limit: number
  order: 'asc' | 'desc'
}

const PREFIX = 'audit/'
/** Digits of a time in a key: enough until the year 5138. */
const TIME_DIGITS = 14
const SEQUENCE_DIGITS = 6

/** The durable record of every change of users, roles, keys, shares and settings; the oldest lines make room. */
export class AuditLog {
  readonly #store: AccessStore
  readonly #entriesMax: number
  /** Keys of the lines that are kept, in order. */
  readonly #keys: string[]
  #sequence = 0

  constructor(store: AccessStore, entriesMax: number) {
    this.#store = store
    this.#entriesMax = entriesMax
    this.#keys = [...store.list(PREFIX)].map(({ key }) => key)
  }

  /** Adds the line of an event to the changes that are about to be written; answers how to take it back if they are not. */
  note(changes: Map<string, unknown>, by: Actor, { operation, target, change }: Event): () => void {
    const time = Date.now()
    const record: AuditRecord = {
      time,
      user: by.user ?? '',
      address: by.credentials.address,
      operation,
      target,
      ...(change && { change }),
    }
    const key = `${keyOf(time)}-${String(this.#sequence++ % 10 ** SEQUENCE_DIGITS).padStart(SEQUENCE_DIGITS, '0')}`
    changes.set(key, record)
    this.#keys.push(key)
    const gone = this.#keys.splice(0, Math.max(0, this.#keys.length - this.#entriesMax))
    for (const old of gone) changes.set(old, undefined)
    return () => {
      this.#keys.splice(this.#keys.lastIndexOf(key), 1)
      this.#keys.unshift(...gone)
    }
  }

  /** The lines that fit, at most `limit` of them. */
  read({ from, until, user, operation, limit, order }: AuditQuery): AuditRecord[] {
    const found: AuditRecord[] = []
    const range = {
      ...(from !== undefined && { from: keyOf(from) }),
      ...(until !== undefined && { until: keyOf(until) }),
      reverse: order === 'desc',
    }
    for (const { value } of this.#store.list(PREFIX, range)) {
      const record = value as AuditRecord
      if (user !== undefined && record.user !== user) continue
      if (operation !== undefined && record.operation !== operation) continue
      if (found.length === limit) break
      found.push(record)
    }
    return found
  }
}

/** The beginning of the keys of one millisecond; sorts before all of them. */
function keyOf(time: number): string {
  return PREFIX + String(Math.floor(time)).padStart(TIME_DIGITS, '0')
}
