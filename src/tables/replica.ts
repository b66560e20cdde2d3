import { createHash } from 'node:crypto'
import type { TableSchema } from '../catalog/index.js'
import { Problem, type Steps, withPauses } from '../lib/index.js'
import type { Storage, WriteTransaction } from '../storage/index.js'
import type { BatchContext } from './batch.js'
import { contentOfNew } from './contents.js'
import { keyOfRecord, rangeOfId, recordKey } from './layout.js'
import { newAttributes } from './prepare.js'
import type { Key } from './reader.js'
import {
  type Applied,
  RemoteApplying,
  type RemoteChange,
  type RemoteRecord,
  type Verdict,
  verdictOn,
} from './remote-change.js'
import { shapeOf, type TableShape } from './shape.js'
import { decodeVersion, encodeJson, jsonOf } from './stored-row.js'

/** Time that a comparison takes before others have their turn, in milliseconds. */
const SLICE_MS = 5

/** A piece of a table, by its first key. */
export interface RangeDigest {
  count: number
  digest: string
}

/** What changes of other nodes do to the tables: the later version of a record wins, whatever the order they come in. */
export class Replica implements AsyncDisposable {
  readonly #context: BatchContext
  readonly #storage: Storage
  readonly #stop = new AbortController()
  readonly #comparing = new Set<Promise<unknown>>()

  constructor(context: BatchContext, storage: Storage) {
    this.#context = context
    this.#storage = storage
  }

  /**
   * Applies a change in a transaction and logs it: what won and, when asked and marked as lost, what did not.
   * @param changed keys that earlier changes of the same transaction of that node have changed here; those of this one
   * are added. A record that was changed twice has one version, by which the second change would seem to be here already
   * @throws Problem table_not_found, record_invalid, key_invalid, too_many
   */
  apply(
    transaction: WriteTransaction,
    database: string,
    table: string,
    change: RemoteChange,
    { logLost, changed = new Set() }: { logLost: boolean; changed?: Set<Key> },
  ): Applied {
    const shape = this.#shape(transaction, database, table, change.records)
    const applying = new RemoteApplying(this.#context, transaction, shape, change, changed)
    applying.run()
    return applying.log(logLost)
  }

  /**
   * Makes new attributes of a dynamic table known before the records that have them: who reads these never misses some.
   * @throws Problem record_invalid, too_many
   */
  async learn(database: string, table: string, records: readonly Record<string, unknown>[]): Promise<void> {
    const schema = this.#context.catalog.find(database, table)
    if (!schema?.dynamic || newAttributes(shapeOf(schema), records).size === 0) return
    await this.#storage.write((transaction) => void this.#shape(transaction, database, table, records))
  }

  /** What applying would do, without doing it. */
  judge({ id }: TableSchema, { key, version }: RemoteRecord): Verdict {
    using snapshot = this.#storage.snapshot()
    const at = recordKey(rangeOfId(id).start, key)
    const { records, tombstones } = this.#context.spaces
    return verdictOn([snapshot.get(records, at), snapshot.get(tombstones, at)], version)
  }

  /**
   * A page of a table, and behind the records the tombstones: each a RemoteRecord as JSON text.
   * @param cursor of the page before, or undefined for the first
   * @param bytesMax characters of records; one larger record makes a page of its own
   */
  page({ id }: TableSchema, cursor: string | undefined, bytesMax: number): { rows: string[]; cursor?: string } {
    const { spaces } = this.#context
    const { start, end } = rangeOfId(id)
    using snapshot = this.#storage.snapshot()
    const rows: string[] = []
    let bytes = 0
    const parts = [
      { mark: 'r', space: spaces.records },
      { mark: 't', space: spaces.tombstones },
    ]
    for (const { mark, space } of parts) {
      if (cursor !== undefined && cursor[0]! > mark) continue
      const behind =
        cursor?.[0] === mark ? `${Buffer.from(cursor.slice(1), 'base64url').toString('latin1')}\x00` : start
      for (const [at, stored] of snapshot.entries(space, { start: behind, end })) {
        const head = `{"key":${encodeJson(keyOfRecord(at))},"version":${JSON.stringify(decodeVersion(stored))}`
        rows.push(mark === 'r' ? `${head},"record":${jsonOf(stored)}}` : `${head}}`)
        bytes += stored.length
        if (bytes >= bytesMax) return { rows, cursor: mark + Buffer.from(at, 'latin1').toString('base64url') }
      }
    }
    return { rows }
  }

  /** The first keys of pieces of about `size` records each. */
  boundaries(schema: TableSchema, size: number): Promise<Key[]> {
    return this.#unhurried(this.#boundaries(schema, size))
  }

  /**
   * SHA-256 over keys and contents of the pieces that begin with these keys.
   * @param whole whether the first piece also holds all keys before it (and is there when no key is given)
   * @param before the key that ends the last piece; undefined: the end of the table
   */
  digests(schema: TableSchema, keys: readonly Key[], whole: boolean, before: Key | undefined): Promise<RangeDigest[]> {
    return this.#unhurried(this.#digests(schema, keys, whole, before))
  }

  /** Key and content hash of every record of one piece. */
  contents(schema: TableSchema, from: Key | undefined, before: Key | undefined): Promise<[Key, string][]> {
    return this.#unhurried(this.#contents(schema, from, before))
  }

  /** Ends comparisons that are under way: the storage must not close below them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled(this.#comparing)
  }

  *#boundaries({ id }: TableSchema, size: number): Steps<Key[]> {
    using snapshot = this.#storage.snapshot()
    const keys: Key[] = []
    let place = 0
    for (const at of snapshot.keys(this.#context.spaces.records, rangeOfId(id))) {
      if (place++ % size === 0) keys.push(keyOfRecord(at))
      yield
    }
    return keys
  }

  *#digests({ id }: TableSchema, keys: readonly Key[], whole: boolean, before: Key | undefined): Steps<RangeDigest[]> {
    const { start, end } = rangeOfId(id)
    const starts = keys.map((key) => recordKey(start, key))
    if (whole) starts[0] = start
    starts.push(before === undefined ? end : recordKey(start, before))
    using snapshot = this.#storage.snapshot()
    const digests: RangeDigest[] = []
    for (const [index, next] of starts.slice(1).entries()) {
      const hash = createHash('sha256')
      let count = 0
      for (const [at, stored] of snapshot.entries(this.#context.spaces.records, { start: starts[index]!, end: next })) {
        hash.update(at.slice(start.length), 'latin1').update('\0').update(jsonOf(stored)).update('\0')
        count++
        yield
      }
      digests.push({ count, digest: hash.digest('base64url') })
    }
    return digests
  }

  *#contents({ id }: TableSchema, from: Key | undefined, before: Key | undefined): Steps<[Key, string][]> {
    const range = rangeOfId(id)
    const start = from === undefined ? range.start : recordKey(range.start, from)
    const end = before === undefined ? range.end : recordKey(range.start, before)
    using snapshot = this.#storage.snapshot()
    const contents: [Key, string][] = []
    for (const [at, stored] of snapshot.entries(this.#context.spaces.records, { start, end })) {
      contents.push([keyOfRecord(at), createHash('sha256').update(jsonOf(stored)).digest('base64url')])
      yield
    }
    return contents
  }

  /** A comparison reads whole tables: others are served in between. */
  async #unhurried<T>(steps: Steps<T>): Promise<T> {
    const { signal } = this.#stop
    signal.throwIfAborted()
    const result = withPauses(steps, SLICE_MS, () => signal.throwIfAborted())
    this.#comparing.add(result)
    try {
      return await result
    } finally {
      this.#comparing.delete(result)
    }
  }

  #shape(
    transaction: WriteTransaction,
    database: string,
    table: string,
    records: readonly Record<string, unknown>[],
  ): TableShape {
    const { catalog } = this.#context
    const schema = catalog.draftTable(database, table)
    if (schema.kind !== 'records') throw new Problem('not_records', { database, table })
    const shape = shapeOf(schema)
    if (schema.strangers) return shape
    const names = newAttributes(shape, records)
    if (names.size === 0) return shape
    if (!schema.dynamic) {
      catalog.noteStrangers(transaction, schema)
      return shapeOf(catalog.draftTable(database, table))
    }
    const content = contentOfNew(transaction, this.#context.spaces, shape.prefix)
    return shapeOf(catalog.addAttributes(transaction, shape.schema, names, content))
  }
}
