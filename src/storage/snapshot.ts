import type { Transaction } from 'lmdb'
import { assert } from '../lib/index.js'
import type { KeyCursor, KeyRange, Keyspace } from './keyspace.js'
import { type Postponed, together } from './postponed.js'
import type { ReadAhead } from './read-ahead.js'

/** One consistent moment of every keyspace. It pins pages of the file: dispose of it soon. */
export class StorageSnapshot implements Disposable {
  /** Number of the newest commit that it sees. */
  readonly sequence: number
  readonly #transaction: Transaction
  readonly #postponed: ReadonlyMap<Keyspace, Postponed>
  readonly #ahead: ReadAhead
  readonly #closed: () => void
  #open = true

  constructor(
    transaction: Transaction,
    sequence: number,
    postponed: ReadonlyMap<Keyspace, Postponed>,
    ahead: ReadAhead,
    closed: () => void,
  ) {
    this.#transaction = transaction
    this.sequence = sequence
    this.#postponed = postponed
    this.#ahead = ahead
    this.#closed = closed
  }

  get(space: Keyspace, key: string): string | undefined {
    assert(this.#open, 'a disposed snapshot is not read')
    return this.#ahead.read(space, key, this.#transaction)
  }

  entries(space: Keyspace, range: KeyRange): Iterable<[string, string]> {
    assert(this.#open, 'a disposed snapshot is not read')
    return space.entries(range, this.#transaction)
  }

  keys(space: Keyspace, range: KeyRange): Iterable<string> {
    assert(this.#open, 'a disposed snapshot is not read')
    const beside = this.postponed(space, range)
    const tree = space.keys(range, this.#transaction)
    return beside === undefined ? tree : together(tree, beside, range)
  }

  /** Steps over the keys of the B-tree only: see `postponed`. */
  cursor(space: Keyspace, range: KeyRange): KeyCursor {
    assert(this.#open, 'a disposed snapshot is not read')
    return space.cursor(range, this.#transaction)
  }

  /** The keys of a range that wait beside the B-tree, in order; undefined when there are none. */
  postponed(space: Keyspace, { start, end, reverse }: KeyRange): Iterable<string> | undefined {
    return this.#postponed.get(space)?.between(start, end, reverse, this.sequence)
  }

  count(space: Keyspace, range: KeyRange): number {
    assert(this.#open, 'a disposed snapshot is not read')
    const beside = this.postponed(space, range)
    let count = space.count(range, this.#transaction)
    for (const _ of beside ?? []) if (count++ >= (range.limit ?? Number.POSITIVE_INFINITY)) return range.limit!
    return count
  }

  [Symbol.dispose](): void {
    if (!this.#open) return
    this.#open = false
    this.#transaction.done()
    this.#closed()
  }
}
