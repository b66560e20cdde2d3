import { afterPrefix, type Keyspace, type Receipt, type Storage, type WriteTransaction } from '../storage/index.js'
import type { AccessStore, ListOptions } from './store.js'

/** Keeps the records of access in the environment of the records, as JSON texts. */
export class DurableAccessStore implements AccessStore {
  readonly #storage: Storage
  readonly #space: Keyspace

  constructor(storage: Storage) {
    this.#storage = storage
    this.#space = storage.keyspace('access')
  }

  *list(prefix: string, options: ListOptions = {}): Iterable<{ key: string; value: unknown }> {
    const { from, until, reverse = false, limit } = options
    using snapshot = this.#storage.snapshot()
    const start = bytes(from ?? prefix)
    const end = until === undefined ? afterPrefix(bytes(prefix)) : bytes(until)
    const range = { start, end, reverse, ...(limit !== undefined && { limit }) }
    for (const [key, value] of snapshot.entries(this.#space, range))
      yield { key: Buffer.from(key, 'latin1').toString('utf8'), value: JSON.parse(value) as unknown }
  }

  async write(changes: ReadonlyMap<string, unknown>, receipt?: Partial<Receipt>): Promise<void> {
    await this.#storage.write((transaction) => {
      this.writeIn(transaction, changes)
      receipt?.alongside?.(transaction)
    })
  }

  writeIn(transaction: WriteTransaction, changes: ReadonlyMap<string, unknown>): void {
    for (const [key, value] of changes)
      if (value === undefined) transaction.remove(this.#space, bytes(key))
      else transaction.put(this.#space, bytes(key), JSON.stringify(value))
  }
}

/** Keys of a keyspace are byte strings. */
function bytes(key: string): string {
  return Buffer.from(key, 'utf8').toString('latin1')
}
