import type { Database, RootDatabase, Transaction } from 'lmdb'
import type { DirectBuffer } from './direct-buffer.js'

/** Part of lmdb-js that its types leave out. */
interface TextDatabase extends Database<string, string> {
  getString(key: string, options?: { transaction?: Transaction }): string | undefined
  prefetch(keys: readonly string[]): Promise<void>
  getStats(): { pageSize: number; treeBranchPageCount: number; treeLeafPageCount: number; overflowPages: number }
}

export interface KeyRange {
  /** First key of the range, inclusive. */
  start: string
  /** End of the range, exclusive. */
  end: string
  reverse?: boolean
  /** At most so many. */
  limit?: number
}

/** lmdb-js writes the part between the two marks. */
type Slab = DirectBuffer & { start: number; end: number }

const SLAB_BYTES = 1 << 20

/** The cursor that is making a step: it wants the bytes of the key, not a text. */
let stepping: KeyCursor | undefined

/** Keys up to this length, like those of records with numbers, are written byte by byte: a call out of JavaScript takes longer. */
const SHORT_KEY = 16

/** Bytes of a key at most, with pages of 4 KiB. */
const LMDB_KEY_MAX = 1978

/** Keys are byte strings already. */
const keyEncoder = {
  writeKey(key: string, target: DirectBuffer, position: number): number {
    const { length } = key
    if (length > SHORT_KEY) return position + target.latin1Write(key, position)
    for (let i = 0; i < length; i++) target[position + i] = key.charCodeAt(i)
    return position + length
  },
  readKey(source: DirectBuffer, start: number, end: number): string {
    if (!stepping) return source.latin1Slice(start, end)
    stepping.show(source, start, end)
    return ''
  },
}

/**
 * Steps over keys without making a text of each: most of what walks over very many of them needs none. The bytes of a
 * key are there until anything else is read.
 */
export class KeyCursor {
  /** The current key lies in them from `start` up to `end`, exclusive. */
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  readonly #steps: Iterator<unknown>

  constructor(steps: Iterable<unknown>) {
    this.#steps = steps[Symbol.iterator]()
  }

  /** Goes to the next key; false at the end. */
  next(): boolean {
    stepping = this
    try {
      return this.#steps.next().done !== true
    } finally {
      stepping = undefined
    }
  }

  /** The current key as a text, from a place within it on. */
  text(from = 0): string {
    return (this.bytes as DirectBuffer).latin1Slice(this.start + from, this.end)
  }

  close(): void {
    this.#steps.return?.()
  }

  /** Only for what reads keys. */
  show(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
  }
}

/** Writes values behind each other into large buffers, which the writing thread reads from until the commit. */
class SlabEncoder {
  readonly copyBuffers = true
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES) as Slab
  #position = 0

  encode(text: string): Buffer {
    if (text === '') {
      this.#slab.start = this.#position
      this.#slab.end = this.#position
      return this.#slab
    }
    const most = text.length * 3
    if (this.#position + most > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, most)) as Slab
      this.#position = 0
    }
    this.#slab.start = this.#position
    this.#slab.end = this.#position + this.#slab.utf8Write(text, this.#position)
    this.#position = (this.#slab.end + 7) & ~7
    return this.#slab
  }

  decode(bytes: DirectBuffer): string {
    return bytes.utf8Slice(0, bytes.length)
  }
}

/** One ordered map of byte strings to texts, kept in a B-tree of the environment. Handles come from `Storage`. */
export class Keyspace {
  readonly name: string
  readonly #database: TextDatabase

  /** Only `Storage` opens keyspaces. */
  constructor(root: RootDatabase, name: string) {
    this.name = name
    const options = { name, keyEncoder, encoder: new SlabEncoder() }
    this.#database = root.openDB(options as never) as TextDatabase
  }

  read(key: string, transaction: Transaction | undefined): string | undefined {
    return this.#database.getString(key, transaction && { transaction })
  }

  /**
   * Touches the pages of the keys on another thread, so that reading them waits for no disk. Longer ones than LMDB has
   * are left out: lmdb-js, given such a key, writes no further one.
   */
  async fetch(keys: readonly string[]): Promise<void> {
    const possible = keys.filter(({ length }) => length > 0 && length <= LMDB_KEY_MAX)
    if (possible.length > 0) await this.#database.prefetch(possible)
  }

  *entries({ start, end, reverse, limit }: KeyRange, transaction?: Transaction): Generator<[string, string]> {
    for (const { key, value } of this.#database.getRange(direction(start, end, reverse, limit, transaction))) {
      yield [key, value]
    }
  }

  keys({ start, end, reverse, limit }: KeyRange, transaction?: Transaction): Iterable<string> {
    return this.#database.getKeys(direction(start, end, reverse, limit, transaction))
  }

  cursor(range: KeyRange, transaction?: Transaction): KeyCursor {
    return new KeyCursor(this.keys(range, transaction))
  }

  count({ start, end, limit }: KeyRange, transaction?: Transaction): number {
    if (limit === undefined) return this.#database.getKeysCount(direction(start, end, false, undefined, transaction))
    let count = 0 // lmdb-js counts to the end whatever the limit
    const cursor = this.cursor({ start, end, limit }, transaction)
    while (cursor.next()) count++
    return count
  }

  /** What it takes of the data file, in bytes. */
  bytes(): number {
    const { pageSize, treeBranchPageCount, treeLeafPageCount, overflowPages } = this.#database.getStats()
    return pageSize * (treeBranchPageCount + treeLeafPageCount + overflowPages)
  }

  /** Only inside a batch of the environment. */
  write(key: string, value: string | undefined): void {
    if (value === undefined) this.#database.remove(key)
    else this.#database.put(key, value)
  }
}

interface LmdbRange {
  start: string
  end: string
  reverse: boolean
  exclusiveStart?: boolean
  inclusiveEnd?: boolean
  limit?: number
  transaction?: Transaction
}

/** Members one by one: spreading objects would take as long as positioning the cursor. */
function direction(start: string, end: string, reverse = false, limit?: number, transaction?: Transaction): LmdbRange {
  const range: LmdbRange = { start, end, reverse }
  if (reverse) {
    range.start = end
    range.end = start
    range.exclusiveStart = true
    range.inclusiveEnd = true
  }
  if (limit !== undefined) range.limit = limit
  if (transaction) range.transaction = transaction
  return range
}
