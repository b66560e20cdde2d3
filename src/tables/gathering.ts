import { setTimeout as sleep } from 'node:timers/promises'
import type { Catalog, Column, TableSchema } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import { afterPrefix, encodeId, type Storage, type WriteTransaction } from '../storage/index.js'
import { hasEscapes, type Members, type MemberTexts } from './json-members.js'
import { hashOf } from './key-filter.js'
import { addPlaces, encodedKeyOfEntry, type Keyspaces } from './layout.js'
import type { FoundRecord, Row } from './reader.js'
import { shownOf, type TableShape } from './shape.js'
import { startOfJson } from './stored-row.js'

/** Between two records of a value. Stored text is JSON behind a version: there is no line break in it. */
const SEPARATOR = '\n'
/** What is rewritten whenever one of its records changes must not be large. */
const RECORDS_MAX = 500
const PARTS_MAX = 32
/**
 * Bytes of a part: what LMDB keeps on one page of its own. For longer values it looks for neighbouring pages among the
 * free ones, and puts all that it has looked at in order in every commit: single writes took five times as long.
 */
const PART_BYTES_MAX = 4000
/** Values that wait for their turn. */
const WANTED_MAX = 1000
/** How long records are read for one transaction, in milliseconds: others wait. */
const SLICE_MS = 4
/** Transactions whose commits are waited for together. */
const SLICES = 8
/** Counters of misses, as a power of two, and misses after which counting begins anew. */
const COUNTERS = 20
/** After a transaction nothing is gathered for so many times as long as it took. */
const REST_SHARE = 1
/** How long nothing is gathered after an attempt that did not work, in milliseconds. */
const REST_MS = 60_000
/** Bytes of the disk that are no room for copies: others share their commits, which must not be what does not fit. */
const LEFT_FREE = 64 << 20
/** Parts that go in one transaction where others need the room. */
const LEAVING = 1000

export interface GatheringPolicy {
  /** Records that one look-up must have read from LMDB: of fewer, copies would save little. */
  records: number
  /** So many look-ups of a value have to be made before its records are copied: one of each, as reports make, is no reason. */
  misses: number
}

export const defaultPolicy: GatheringPolicy = { records: 8, misses: 2 }

export interface GatheringContext {
  storage: Storage
  catalog: Catalog
  spaces: Keyspaces
  /** Bytes of all copies at most; 0: none are made. */
  bytesMax: number
  policy: GatheringPolicy
}

interface Wanted {
  schema: TableSchema
  column: Column
}

/**
 * Copies of the records that share a value of an indexed column, side by side: a look-up of them touches a few pages in
 * a row, where the records themselves lie on a page each. They are made behind look-ups that were long, and taken away
 * in the transaction of each change of such a record (`RowWriter`), so what is there is always true.
 */
export class Gathering implements AsyncDisposable {
  readonly #context: GatheringContext
  readonly #misses = new Uint8Array(2 ** COUNTERS)
  #counted = 0
  /** By place, in the order in which they were wanted. */
  readonly #wanted = new Map<string, Wanted>()
  #working: Promise<void> | undefined
  #restUntil = 0
  /** Bytes of copies whose commit may not be counted yet. */
  #unseen = 0
  /** Where room is made next: all places in turn. */
  #hand = ''
  #failed: (error: unknown) => void = () => {}
  readonly #stopping = new AbortController()

  constructor(context: GatheringContext) {
    this.#context = context
  }

  /** `failed` hears of attempts that went wrong; without room on the disk is no such one. */
  start(failed: (error: unknown) => void): void {
    this.#failed = failed
  }

  /** Whether copies would have helped a look-up that found `walked` records, `missed` of them not in memory. */
  isWorthwhile(walked: number, missed: number): boolean {
    return missed >= this.#context.policy.records && walked <= RECORDS_MAX
  }

  /** The records at a place were looked up one by one. */
  want(schema: TableSchema, column: Column, place: string): void {
    if (this.#context.bytesMax === 0 || this.#stopping.signal.aborted || performance.now() < this.#restUntil) return
    if (!this.#isFrequent(place) || this.#wanted.size >= WANTED_MAX) return
    this.#wanted.set(place, { schema, column })
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined
    })
  }

  /** Counters are shared by places of the same hash: then one is taken for frequent too early, which does no harm. */
  #isFrequent(place: string): boolean {
    if (++this.#counted > this.#misses.length) {
      this.#misses.fill(0)
      this.#counted = 1
    }
    const counter = hashOf(place) >>> (32 - COUNTERS)
    const isFrequent = ++this.#misses[counter]! >= this.#context.policy.misses
    if (isFrequent) this.#misses[counter] = 0
    return isFrequent
  }

  async #work(): Promise<void> {
    try {
      while (this.#wanted.size > 0) await this.#copySome()
    } catch (error) {
      this.#wanted.clear()
      this.#restUntil = performance.now() + REST_MS
      if (!(error instanceof Problem) && !this.#stopping.signal.aborted) this.#failed(error)
    }
  }

  /** In several transactions, so that others come in between; they are stored together with those. */
  async #copySome(): Promise<void> {
    const { signal } = this.#stopping
    const stored: Promise<void>[] = []
    this.#unseen = 0
    try {
      for (let slices = 0; slices < SLICES && this.#wanted.size > 0; slices++) {
        let took: number | undefined
        const slice = this.#context.storage.write((transaction) => {
          took = this.#copyFor(transaction)
        })
        slice.catch(() => {}) // below
        stored.push(slice)
        // It has not begun where others write what takes long: slices behind that shall not follow each other at once.
        if (took === undefined) await slice
        else await sleep(took * REST_SHARE, undefined, { signal })
      }
    } finally {
      await Promise.all(stored)
    }
  }

  /** As many of what is wanted as there is time for. Answers how long it took. */
  #copyFor(transaction: WriteTransaction): number {
    const began = performance.now()
    const room = this.#room() - this.#unseen
    let left = room
    let took = 0
    for (const [place, wanted] of this.#wanted) {
      this.#wanted.delete(place)
      left = this.#gatherAt(transaction, place, wanted, left)
      took = performance.now() - began
      if (took > SLICE_MS) break
    }
    this.#unseen += room - left
    return took
  }

  /** Answers how much room it leaves, in bytes. */
  #gatherAt(transaction: WriteTransaction, place: string, wanted: Wanted, room: number): number {
    const { copies } = this.#context.spaces
    const schema = this.#gatherable(transaction, wanted)
    const parts = schema && this.#partsOf(transaction, schema, place)
    if (!parts?.length) return room
    const made = room > 0 ? 0 : this.#makeRoom(transaction, 2 * parts.length)
    if (room + made * PART_BYTES_MAX <= 0) return room + made * PART_BYTES_MAX
    transaction.put(copies, place, String(parts.length))
    for (const [number, key] of placesOfParts(place, parts.length).entries()) {
      transaction.put(copies, key, parts[number]!)
    }
    return room + (made - parts.length) * PART_BYTES_MAX
  }

  /**
   * Copies go while they take more than they may: others have filled the disk since, or the setting is another one. The
   * data file does not become smaller, but what others write comes into their place.
   */
  async giveWay(): Promise<void> {
    const { storage, spaces } = this.#context
    while (!this.#stopping.signal.aborted && this.#room() < 0 && spaces.copies.bytes() > 0)
      await storage.write((transaction) => this.#makeRoom(transaction, LEAVING))
  }

  /** The disk keeps as much free for others as copies take. */
  #room(): number {
    const { storage, spaces, bytesMax } = this.#context
    return Math.min(bytesMax, Math.max(0, storage.freeBytes() - LEFT_FREE)) - spaces.copies.bytes()
  }

  /** Answers how many parts went. Copies that are missed come back, so it matters little which ones go. */
  #makeRoom(transaction: WriteTransaction, count: number): number {
    const { copies } = this.#context.spaces
    const keys = transaction.keys(copies, { start: this.#hand, end: '\xff', limit: count })
    this.#hand = keys.length < count ? '' : `${keys.at(-1)}\0`
    const values = keys.map((key) => transaction.get(copies, key)!)
    for (const key of keys) transaction.remove(copies, key)
    return values.filter(isPart).length
  }

  /** The table as it is now, marked so that whoever changes a record of it takes copies away; undefined without the index. */
  #gatherable(
    transaction: WriteTransaction,
    { schema: { id }, column: { id: columnId } }: Wanted,
  ): TableSchema | undefined {
    const { catalog } = this.#context
    const schema = catalog.draft.numbered(id)
    const column = schema?.columns.find((one) => one.id === columnId)
    if (!schema || !column?.indexed || column.building) return undefined
    return column.gathered ? schema : catalog.changeColumn(transaction, schema, { ...column, gathered: true })
  }

  /** The stored records of all entries at a place, in their order; undefined where they are too many or too large. */
  #partsOf(transaction: WriteTransaction, { id }: TableSchema, place: string): string[] | undefined {
    const { spaces } = this.#context
    const range = { start: place, end: afterPrefix(place), limit: RECORDS_MAX + 1 }
    const entries = transaction.keys(spaces.indexes, range)
    if (entries.length > RECORDS_MAX) return undefined
    const prefix = encodeId(id)
    const packing = new Packing()
    for (const entry of entries) {
      const stored = transaction.get(spaces.records, prefix + encodedKeyOfEntry(entry))
      if (stored !== undefined && !packing.add(stored)) return undefined
    }
    return packing.parts()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#working
  }
}

/** Packs records into parts, each of whole records. */
class Packing {
  readonly #parts: string[][] = []
  #bytes = PART_BYTES_MAX

  /** False where there is no room. */
  add(stored: string): boolean {
    const bytes = Buffer.byteLength(stored) + SEPARATOR.length
    if (this.#bytes + bytes > PART_BYTES_MAX) {
      this.#parts.push([])
      this.#bytes = 0
    }
    this.#bytes += bytes
    this.#parts.at(-1)!.push(stored)
    return bytes <= PART_BYTES_MAX && this.#parts.length <= PARTS_MAX
  }

  parts(): string[] {
    return this.#parts.map((records) => records.join(SEPARATOR))
  }
}

/**
 * The parts of the copies at a place; undefined where there are none. When copies are taken away only their number is,
 * which costs least: the parts are put over by the next ones, or go when room is made.
 */
export function partsAt(place: string, get: (key: string) => string | undefined): string[] | undefined {
  const count = get(place)
  if (count === undefined) return undefined
  const parts: string[] = []
  for (const key of placesOfParts(place, Number(count))) {
    const part = get(key)
    if (part === undefined) return undefined
    parts.push(part)
  }
  return parts
}

/** Stored records are longer than the number of parts. */
function isPart(value: string): boolean {
  return value.length > String(PARTS_MAX).length
}

/** Where the parts stand, behind their number at the place itself. */
export function placesOfParts(place: string, count = PARTS_MAX): string[] {
  return Array.from({ length: count }, (_, number) => place + String.fromCharCode(number))
}

/**
 * Takes away the copies of all records that share a value with this one, which is about to change: in the same
 * transaction, of what it was and of what it will be.
 */
export function removeCopies(
  transaction: WriteTransaction,
  spaces: Keyspaces,
  { gathered }: TableShape,
  row: Row,
): void {
  for (const { column, prefix } of gathered) {
    const places: string[] = []
    addPlaces(places, prefix, shownOf(row, column))
    for (const place of places) transaction.remove(spaces.copies, place)
  }
}

/** A record in a part. */
interface Stored {
  part: string
  start: number
  end: number
}

function* storedIn(parts: readonly string[]): Generator<Stored> {
  for (const part of parts)
    for (let start = 0; start <= part.length; ) {
      const found = part.indexOf(SEPARATOR, start)
      const end = found < 0 ? part.length : found
      yield { part, start, end }
      start = end + 1
    }
}

const haveEscapes = (parts: readonly string[]) => parts.some((part) => hasEscapes(part, 0))

/** The records in copies. `members` reads some columns only, where it can. */
export function* rowsIn(
  parts: readonly string[],
  read: (stored: string) => FoundRecord,
  members: Members | undefined,
): Generator<FoundRecord> {
  const some = haveEscapes(parts) ? undefined : members
  for (const { part, start, end } of storedIn(parts)) {
    const row = some?.readWithin(part, startOfJson(part, start), end)
    yield row ? { row } : read(part.slice(start, end))
  }
}

/** The records in copies as texts, made by `texts` where it can. */
export function* textsIn(
  parts: readonly string[],
  write: (stored: string) => string,
  texts: MemberTexts,
): Generator<string> {
  const some = haveEscapes(parts) ? undefined : texts
  for (const { part, start, end } of storedIn(parts))
    yield some?.show(part, startOfJson(part, start), end) ?? write(part.slice(start, end))
}
