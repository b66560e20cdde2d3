import { Problem } from '../lib/index.js'
import { AFTER_VALUES } from './key.js'
import type { Storage, WriteTransaction } from './storage.js'

/**
 * One step from a format to the next: migrations[0] leads from 1 to 2. It runs in the transaction that also stores the
 * new number, so a step happens whole or not at all. Everything it needs it reads from the storage.
 */
export type Migration = (transaction: WriteTransaction, storage: Storage) => void

/**
 * 1 → 2: answers of idempotency keys were kept open. They cannot be sealed without their keys, so they go: a request from
 * before that is repeated afterwards runs again.
 */
const forgetOpenAnswers: Migration = (transaction, storage) => {
  for (const space of [storage.keyspace('replays'), storage.keyspace('replay_times')])
    for (const key of transaction.keys(space, { start: '\0', end: AFTER_VALUES })) transaction.remove(space, key)
}

/** The steps that were ever needed. The format of this version is one more than their number. */
const migrationsOfThisVersion: readonly Migration[] = [forgetOpenAnswers]

const FORMAT = 'format'

/**
 * Brings the storage to the format of this version and stores the number.
 * @throws Problem data_folder_newer
 */
export async function migrate(storage: Storage, migrations = migrationsOfThisVersion): Promise<void> {
  const meta = storage.keyspace('meta')
  const supported = migrations.length + 1
  const found = await storage.write((transaction) => transaction.get(meta, FORMAT))
  const format = found === undefined ? supported : Number(found)
  if (format > supported) throw new Problem('data_folder_newer', { folder: storage.path, format, supported })
  for (let step = format; step < supported; step++) {
    await storage.write((transaction) => {
      migrations[step - 1]!(transaction, storage)
      transaction.put(meta, FORMAT, String(step + 1))
    })
  }
  if (found === undefined) {
    await storage.write((transaction) => transaction.put(meta, FORMAT, String(supported)))
  }
}
