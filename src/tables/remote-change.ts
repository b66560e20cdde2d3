import type { WriteTransaction } from '../storage/index.js'
import type { BatchContext } from './batch.js'
import type { LoggedOperation } from './change-log.js'
import { encodeKey } from './keys.js'
import { keyOfRecord } from './layout.js'
import type { Key, Row } from './reader.js'
import { type Place, RowWriter } from './row-writer.js'
import type { TableShape } from './shape.js'
import { decodeVersion, encodeJson, encodeVersion, isLater, type Version } from './stored-row.js'

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
export type Verdict = 'applied' | 'known' | 'lost'

/** One change of another node while it is applied to a table. */
export class RemoteApplying {
  readonly #context: BatchContext
  readonly #transaction: WriteTransaction
  readonly #shape: TableShape
  readonly #change: RemoteChange
  readonly #changed: Set<Key>
  readonly #writer: RowWriter
  /** Places in the change of records that are here now as they were sent, and of those that have lost. */
  readonly #won: number[] = []
  readonly #lost: number[] = []
  /** By place: the records as they are stored. */
  readonly #texts: string[] = []
  #overtook = 0

  /** @param changed keys that the same transaction of that node has changed here; those of this change are added */
  constructor(
    context: BatchContext,
    transaction: WriteTransaction,
    shape: TableShape,
    change: RemoteChange,
    changed: Set<Key>,
  ) {
    this.#context = context
    this.#transaction = transaction
    this.#shape = shape
    this.#change = change
    this.#changed = changed
    this.#writer = new RowWriter(transaction, context, change.version)
  }

  /** Applies every record of the change. */
  run(): void {
    for (const [index, key] of this.#change.keys.entries()) {
      const place = { shape: this.#shape, key, encodedKey: encodeKey(key, index), index }
      const verdict = this.#apply(place, this.#change.records[index])
      if (verdict === 'lost') this.#lost.push(index)
      if (verdict !== 'applied') continue
      this.#changed.add(key)
      this.#won.push(index)
    }
    this.#writer.finish()
  }

  /**
   * Logs what won and, marked so, what has lost.
   * @param withLost whether what has lost is logged, and told as a conflict
   */
  log(withLost: boolean): Applied {
    this.#append(this.#won, {})
    // What came before on another way, and was overwritten since, has lost nothing here.
    const { schema } = this.#shape
    const { keys, version } = this.#change
    const isAsked = withLost && this.#lost.length > 0
    const logged = isAsked ? this.#context.log.keysAt(this.#transaction, schema.id, version) : undefined
    const late = this.#lost.filter((index) => !logged?.has(keys[index]!))
    if (withLost) this.#append(late, { lost: true })
    const known = keys.length - this.#won.length - late.length
    return { applied: this.#won.length, lost: late.length, known, overtook: this.#overtook }
  }

  #append(places: readonly number[], more: { lost?: true }): void {
    if (places.length === 0) return
    const { keys, operation, records, seen, user, version } = this.#change
    const { database, id: tableId, name: table } = this.#shape.schema
    const isDeletion = operation === 'delete'
    this.#context.log.append(this.#transaction, {
      ...{ time: version.time, origin: version.origin, user, operation, database, table, tableId },
      keys: places.map((index) => keys[index]!),
      records: isDeletion ? [] : places.map((index) => this.#texts[index] ?? encodeJson(records[index])),
      ...(seen && { seen }),
      ...more,
    })
  }

  #apply(place: Place, record: Row | undefined): Verdict {
    const writer = this.#writer
    const { version } = this.#change
    const stored = writer.stored(place)
    const tombstone = this.#transaction.get(this.#context.spaces.tombstones, place.shape.prefix + place.encodedKey)
    const verdict = verdictOn([stored, tombstone], version)
    // What it has lost against is a later state of itself: others have to make room for this one all the same.
    if (verdict === 'lost' && record) this.#makeRoom(place, record, verdict)
    if (verdict === 'lost' || (verdict === 'known' && !this.#changed.has(place.key))) return verdict
    const last = stored ?? tombstone
    if (last !== undefined) this.#overtake(decodeVersion(last))
    const before = stored === undefined ? undefined : writer.decode(place.shape, stored)
    if (record && this.#makeRoom(place, record)) {
      this.#texts[place.index] = before ? writer.replace(place, before, record) : writer.create(place, record)
      return 'applied'
    }
    if (before) writer.remove(place, before, version)
    else writer.bury(place, version)
    return record ? 'lost' : 'applied'
  }

  /** Counts a version that was not known where the change was made. */
  #overtake(before: Version): void {
    const known = this.#change.seen?.[before.origin]
    if (known !== undefined && known < before.time) this.#overtook++
  }

  /**
   * Two nodes gave a unique value to two records: the later one keeps it, and the other goes. It does on every node, in
   * whatever order the changes come, so also where the later one has left the value since.
   */
  #makeRoom(place: Place, record: Row, verdict?: 'lost'): boolean {
    const writer = this.#writer
    const { version } = this.#change
    const taken = place.shape.uniques.flatMap((unique) => {
      const value = record[unique.column.name]
      return value === undefined || value === null ? [] : [{ unique, value }]
    })
    let hasRoom = verdict !== 'lost'
    for (const { unique, value } of taken) {
      const last = writer.lastTaken(unique, value)
      if (last && isLater(last, version)) hasRoom = false
      const owner = writer.ownerOf(unique, value)
      if (owner === undefined || owner === place.encodedKey) continue
      if (!this.#removeEarlier(place, owner)) hasRoom = false
    }
    if (!hasRoom) for (const { unique, value } of taken) writer.noteTaken(unique, value, version)
    return hasRoom
  }

  /** Removes the owner of a unique value; false where it is the later record. */
  #removeEarlier(place: Place, owner: string): boolean {
    const at = place.shape.prefix + owner
    const stored = this.#transaction.get(this.#context.spaces.records, at)
    if (stored === undefined) return true
    const version = decodeVersion(stored)
    if (isLater(version, this.#change.version)) return false
    const other = { ...place, key: keyOfRecord(at), encodedKey: owner }
    // Under its own version: the other record may be about to come with another value, as when two swap theirs.
    this.#writer.remove(other, this.#writer.decode(place.shape, stored), version)
    return true
  }
}

/** A record's own state and its tombstone: the later of both is what is known here. */
export function verdictOn(known: readonly (string | undefined)[], version: Version): Verdict {
  for (const stored of known) {
    if (stored === undefined) continue
    if (stored.startsWith(encodeVersion(version))) return 'known'
    if (isLater(decodeVersion(stored), version)) return 'lost'
  }
  return 'applied'
}
