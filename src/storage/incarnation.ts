import { randomUUID } from 'node:crypto'
import type { WriteTransaction } from './group.js'
import type { Storage } from './storage.js'

/**
 * Which life of its data a folder lives. A copy that was restored from a backup has the same data and the same node
 * name as the folder that it was copied from, and still is not it: what the other has done since is unknown to it, and
 * sequences that it gives out mean other changes. So each has an id of its own.
 */
export interface Incarnation {
  id: string
  /** When this life began: milliseconds since 1970. */
  since: number
  /** The life that was copied, and when; for folders that were restored. */
  restored_from?: { id: string; taken: number }
}

const KEY = 'incarnation'

/** The incarnation of a folder; a new folder gets its first one. */
export function incarnationOf(storage: Storage): Promise<Incarnation> {
  const meta = storage.keyspace('meta')
  return storage.write((transaction) => {
    const text = transaction.get(meta, KEY)
    return text === undefined ? put(storage, transaction, {}) : (JSON.parse(text) as Incarnation)
  })
}

/** Makes a restored copy know that it is one. `taken`: when the backup was made. */
export function beginIncarnation(storage: Storage, taken: number): Promise<Incarnation> {
  const meta = storage.keyspace('meta')
  return storage.write((transaction) => {
    const text = transaction.get(meta, KEY)
    const { id } = text === undefined ? { id: 'unknown' } : (JSON.parse(text) as Incarnation)
    return put(storage, transaction, { restored_from: { id, taken } })
  })
}

function put(storage: Storage, transaction: WriteTransaction, more: Pick<Incarnation, 'restored_from'>): Incarnation {
  const incarnation: Incarnation = { id: randomUUID(), since: Date.now(), ...more }
  transaction.put(storage.keyspace('meta'), KEY, JSON.stringify(incarnation))
  return incarnation
}
