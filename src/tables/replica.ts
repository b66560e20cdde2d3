import { createHash } from 'node:crypto'
import type { TableSchema } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import type { Storage, WriteTransaction } from '../storage/index.js'
import type { BatchContext } from './batch.js'
import type { LoggedOperation } from './change-log.js'
import { encodeKey } from './keys.js'
import { keyOfRecord, rangeOfId, recordKey } from './layout.js'
import { newAttributes } from './prepare.js'
import type { Key, Row } from './reader.js'
import { type Place, RowWriter } from './row-writer.js'
import { shapeOf, type TableShape } from './shape.js'
import { decodeVersion, encodeJson, encodeVersion, isLater, jsonOf, type Version } from './stored-row.js'

/** One record as another node has it; without `record` it was deleted. */
export interface RemoteRecord {
  key: Key
  version: Version
  record?: Record<string, unknown>
}

/** What one operation of another node did to one table. */
export interface RemoteChange {
  version: Version
  user: string
  operation: LoggedOperation
  keys: readonly Key[]
  /** As many as keys; none for a deletion. */
  records: readonly Record<string, unknown>[]
  /** By node: the time of its newest change that was known where this one was made. */
  seen?: Readonly<Record<string, number>> | undefined
}

export interface Applied {
  /** Records that are here now as they were sent. */
  applied: number
  /** Records that were here already. */
  known: number
  /** Records for which a later version is here: a conflict, unless the change came late on a longer way. */
  lost: number
  /** Records that took the place of a version that was not known where the change was made: a conflict. */
  overtook: number
}

/** What becomes of one record of another node. */
type Verdict = 'applied' | 'known' | 'lost'

/** A piece of a table, by its first key. */
export interface RangeDigest {
  count: number
  digest: string
}

/** What changes of other nodes do to the tables: the later version of a record wins, whatever the order they come in. */
export class Replica {
  readonly #context: BatchContext
  readonly #storage: Storage

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
    const { cache, log, spaces } = this.#context
    const shape = this.#shape(transaction, database, table, change.records)
    const writer = new RowWriter(transaction, spaces, cache, change.version)
    const won: number[] = []
    const lost: number[] = []
    const texts: string[] = []
    let overtook = 0
    change.keys.forEach((key, index) => {
      const place = { shape, key, encodedKey: encodeKey(key, index), index }
      const over = (before: Version) => {
        const known = change.seen?.[before.origin]
        if (known !== undefined && known < before.time) overtook++
      }
      const again = changed.has(key)
      const outcome = this.#applyOne(transaction, writer, place, change.version, change.records[index], over, again)
      if (outcome === 'known') return
      if (outcome === 'lost') lost.push(index)
      else {
        changed.add(key)
        won.push(index)
        texts[index] = outcome
      }
    })
    writer.finish()
    const { schema } = shape
    const note = (indexes: readonly number[], more: { lost?: true }) => {
      if (indexes.length === 0) return
      const { time, origin } = change.version
      const { operation, user } = change
      const keys = indexes.map((index) => change.keys[index]!)
      const records =
        operation === 'delete' ? [] : indexes.map((index) => texts[index] ?? encodeJson(change.records[index]))
      log.append(transaction, {
        time,
        origin,
        user,
        operation,
        database,
        table,
        tableId: schema.id,
        keys,
        records,
        ...(change.seen && { seen: change.seen }),
        ...more,
      })
    }
    note(won, {})
    // What came before on another way, and was overwritten since, has lost nothing here.
    const logged = logLost && lost.length > 0 ? log.keysAt(transaction, schema.id, change.version) : undefined
    const late = lost.filter((index) => !logged?.has(change.keys[index]!))
    if (logLost) note(late, { lost: true })
    const known = change.keys.length - won.length - late.length
    return { applied: won.length, lost: late.length, known, overtook }
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
    return verdict([snapshot.get(records, at), snapshot.get(tombstones, at)], version)
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
  boundaries({ id }: TableSchema, size: number): Key[] {
    using snapshot = this.#storage.snapshot()
    const keys: Key[] = []
    let place = 0
    for (const at of snapshot.keys(this.#context.spaces.records, rangeOfId(id))) {
      if (place++ % size === 0) keys.push(keyOfRecord(at))
    }
    return keys
  }

  /**
   * SHA-256 over keys and contents of the pieces that begin with these keys.
   * @param whole whether the first piece also holds all keys before it (and is there when no key is given)
   * @param before the key that ends the last piece; undefined: the end of the table
   */
  digests({ id }: TableSchema, keys: readonly Key[], whole: boolean, before: Key | undefined): RangeDigest[] {
    const { start, end } = rangeOfId(id)
    const starts = keys.map((key) => recordKey(start, key))
    if (whole) starts[0] = start
    starts.push(before === undefined ? end : recordKey(start, before))
    using snapshot = this.#storage.snapshot()
    return starts.slice(1).map((next, index) => {
      const hash = createHash('sha256')
      let count = 0
      for (const [at, stored] of snapshot.entries(this.#context.spaces.records, { start: starts[index]!, end: next })) {
        hash.update(at.slice(start.length), 'latin1').update('\0').update(jsonOf(stored)).update('\0')
        count++
      }
      return { count, digest: hash.digest('base64url') }
    })
  }

  /** Key and content hash of every record of one piece. */
  contents({ id }: TableSchema, from: Key | undefined, before: Key | undefined): [Key, string][] {
    const range = rangeOfId(id)
    const start = from === undefined ? range.start : recordKey(range.start, from)
    const end = before === undefined ? range.end : recordKey(range.start, before)
    using snapshot = this.#storage.snapshot()
    return [...snapshot.entries(this.#context.spaces.records, { start, end })].map(([at, stored]) => [
      keyOfRecord(at),
      createHash('sha256').update(jsonOf(stored)).digest('base64url'),
    ])
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
    if (!shape.schema.dynamic) return shape
    const names = newAttributes(shape, records)
    return names.size === 0 ? shape : shapeOf(catalog.addAttributes(transaction, shape.schema, names))
  }

  /** 'known', 'lost', or the text of the record that was stored; empty for a deletion. */
  #applyOne(
    transaction: WriteTransaction,
    writer: RowWriter,
    place: Place,
    version: Version,
    record: Row | undefined,
    over: (before: Version) => void,
    again: boolean,
  ): string {
    const { spaces } = this.#context
    const at = place.shape.prefix + place.encodedKey
    const stored = writer.stored(place)
    const tombstone = transaction.get(spaces.tombstones, at)
    const outcome = verdict([stored, tombstone], version)
    // What it has lost against is a later state of itself: others have to make room for this one all the same.
    if (outcome === 'lost' && record) this.#makeRoom(transaction, writer, place, version, record, outcome)
    if (outcome === 'lost' || (outcome === 'known' && !again)) return outcome
    const last = stored ?? tombstone
    if (last !== undefined) over(decodeVersion(last))
    const before = stored === undefined ? undefined : writer.decode(place.shape, stored)
    const hasRoom = record !== undefined && this.#makeRoom(transaction, writer, place, version, record)
    if (!hasRoom) {
      if (before) writer.remove(place, before, version)
      else writer.bury(place, version)
      return record ? 'lost' : ''
    }
    return before ? writer.replace(place, before, record) : writer.create(place, record)
  }

  /**
   * Two nodes gave a unique value to two records: the later one keeps it, and the other goes. It does on every node, in
   * whatever order the changes come, so also where the later one has left the value since.
   */
  #makeRoom(
    transaction: WriteTransaction,
    writer: RowWriter,
    place: Place,
    version: Version,
    record: Row,
    outcome?: 'lost',
  ): boolean {
    const taken = place.shape.uniques.flatMap((unique) => {
      const value = record[unique.column.name]
      return value === undefined || value === null ? [] : [{ unique, value }]
    })
    let hasRoom = outcome !== 'lost'
    for (const { unique, value } of taken) {
      const last = writer.lastTaken(unique, value)
      if (last && isLater(last, version)) hasRoom = false
      const owner = writer.ownerOf(unique, value)
      if (owner === undefined || owner === place.encodedKey) continue
      const at = place.shape.prefix + owner
      const stored = transaction.get(this.#context.spaces.records, at)
      if (stored === undefined) continue
      if (isLater(decodeVersion(stored), version)) {
        hasRoom = false
        continue
      }
      const other = { ...place, key: keyOfRecord(at), encodedKey: owner }
      // Under its own version: the other record may be about to come with another value, as when two swap theirs.
      writer.remove(other, writer.decode(place.shape, stored), decodeVersion(stored))
    }
    if (!hasRoom) for (const { unique, value } of taken) writer.noteTaken(unique, value, version)
    return hasRoom
  }
}

/** A record's own state and its tombstone: the later of both is what is known here. */
function verdict(known: readonly (string | undefined)[], version: Version): Verdict {
  for (const stored of known) {
    if (stored === undefined) continue
    if (stored.startsWith(encodeVersion(version))) return 'known'
    if (isLater(decodeVersion(stored), version)) return 'lost'
  }
  return 'applied'
}
