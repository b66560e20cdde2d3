import { afterPrefix, type Keyspace, type Storage } from '../storage/index.js'
import type { AccessStore } from './store.js'

/** Keeps the records of access in the environment of the records, as JSON texts. */
export class DurableAccessStore implements AccessStore {
  readonly #storage: Storage
  readonly #space: Keyspace

  constructor(storage: Storage) {
    this.#storage = storage
    this.#space = storage.keyspace('access')
  }

  *list(prefix: string): Iterable<{ key: string; value: unknown }> {
    using snapshot = this.#storage.snapshot()
    const start = bytes(prefix)
    for (const [key, value] of snapshot.entries(this.#space, { start, end: afterPrefix(start) }))
      yield { key: Buffer.from(key, 'latin1').toString('utf8'), value: JSON.parse(value) as unknown }
  }

  async write(changes: ReadonlyMap<string, unknown>): Promise<void> {
    await this.#storage.write((transaction) => {
      for (const [key, value] of changes)
        if (value === undefined) transaction.remove(this.#space, bytes(key))
        else transaction.put(this.#space, bytes(key), JSON.stringify(value))
    })
  }
}

/** Keys of a keyspace are byte strings. */
function bytes(key: string): string {
  return Buffer.from(key, 'utf8').toString('latin1')
}
