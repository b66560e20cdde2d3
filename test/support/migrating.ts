// Opens FOLDER with steps that rewrite every key: node migrating.js FOLDER. Says "begun", then "done"; it may be killed.

import type { Migration } from '../../src/storage/index.js'
import { Storage, type StorageSettings } from '../../src/storage/index.js'

export const KEYS = 20_000
export const settings: StorageSettings = { map_bytes: 1 << 30, readers_max: 10, group_bytes_max: 1 << 26 }

/** Appends a letter to every value: done twice or half it would show. */
const append =
  (letter: string): Migration =>
  (transaction, storage) => {
    const space = storage.keyspace('test')
    for (const key of transaction.keys(space, { start: 'k', end: 'l' }))
      transaction.put(space, key, transaction.get(space, key)! + letter)
  }

export const ladder = ['b', 'c', 'd', 'e'].map(append)

const folder = process.argv[2]
if (import.meta.url === `file://${process.argv[1]}`) {
  console.log('begun')
  const storage = await Storage.open({ path: folder!, settings, migrations: ladder })
  console.log('done')
  await storage[Symbol.asyncDispose]()
}
