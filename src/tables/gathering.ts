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
const CHARACTERS_MAX = 1 << 18
/** Values that wait for their turn. */
const WANTED_MAX = 1000
/** Values whose records are copied in one transaction: a millisecond or two. */
const VALUES_AT_ONCE = 4
/** Counters of misses, as a power of two, and misses after which counting begins anew. */
const COUNTERS = 20
/** How long nothing is gathered after an attempt that did not work, in milliseconds. */
const REST_MS = 60_000

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
  /** Where room is made next: all places in turn. */
  #hand = ''
  #failed: (error: unknown) => void = () => {}
  #stopped = false

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
    if (this.#context.bytesMax === 0 || this.#stopped || performance.now() < this.#restUntil) return
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
    const { storage } = this.#context
    try {
      while (this.#wanted.size > 0 && !this.#stopped) {
        await new Promise(setImmediate) // whoever looked them up is answered before
        const lot = [...this.#wanted].slice(0, VALUES_AT_ONCE)
        for (const [place] of lot) this.#wanted.delete(place)
        await storage.write((transaction) => this.#gather(transaction, lot))
      }
    } catch (error) {
      this.#wanted.clear()
      this.#restUntil = performance.now() + REST_MS
      if (!(error instanceof Problem)) this.#failed(error)
    }
  }

  #gather(transaction: WriteTransaction, lot: readonly [string, Wanted][]): void {
    const { spaces } = this.#context
    const isFull = !this.#hasRoom()
    for (const [place, wanted] of lot) {
      if (isFull) this.#makeRoom(transaction)
      const schema = this.#gatherable(transaction, wanted)
      const copies = schema && this.#copiesOf(transaction, schema, place)
      if (copies !== undefined) transaction.put(spaces.gathered, place, copies)
    }
  }

  /** The disk keeps as much free for others as copies take. */
  #hasRoom(): boolean {
    const { storage, spaces, bytesMax } = this.#context
    return spaces.gathered.bytes() < Math.min(bytesMax, storage.freeBytes())
  }

  /** Copies that are missed come back, so it matters little which ones go. */
  #makeRoom(transaction: WriteTransaction): void {
    const { gathered } = this.#context.spaces
    const [first, second] = transaction.keys(gathered, { start: this.#hand, end: '\xff', limit: 2 })
    for (const place of [first, second]) if (place !== undefined) transaction.remove(gathered, place)
    this.#hand = second === undefined ? '' : `${second}\0`
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

  /** The stored records of all entries at a place, in their order; undefined where they are too many. */
  #copiesOf(transaction: WriteTransaction, { id }: TableSchema, place: string): string | undefined {
    const { spaces } = this.#context
    const range = { start: place, end: afterPrefix(place), limit: RECORDS_MAX + 1 }
    const entries = transaction.keys(spaces.indexes, range)
    if (entries.length > RECORDS_MAX) return undefined
    const prefix = encodeId(id)
    let copies = ''
    for (const entry of entries) {
      const stored = transaction.get(spaces.records, prefix + encodedKeyOfEntry(entry))
      if (stored === undefined) continue
      copies += copies === '' ? stored : SEPARATOR + stored
      if (copies.length > CHARACTERS_MAX) return undefined
    }
    return copies === '' ? undefined : copies
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    await this.#working
  }
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
    for (const place of places) transaction.remove(spaces.gathered, place)
  }
}

/** Where each record stands in copies of a place, one after the other. */
function* parts(copies: string): Generator<{ start: number; end: number }> {
  for (let start = 0; start <= copies.length; ) {
    const found = copies.indexOf(SEPARATOR, start)
    const end = found < 0 ? copies.length : found
    yield { start, end }
    start = end + 1
  }
}

/** The records in copies of a place. `members` reads some columns only, where it can. */
export function* rowsIn(
  copies: string,
  read: (stored: string) => FoundRecord,
  members: Members | undefined,
): Generator<FoundRecord> {
  const some = hasEscapes(copies, 0) ? undefined : members
  for (const { start, end } of parts(copies)) {
    const row = some?.readWithin(copies, startOfJson(copies, start), end)
    yield row ? { row } : read(copies.slice(start, end))
  }
}

/** The records in copies of a place as texts, of `texts` where it can. */
export function* textsIn(copies: string, write: (stored: string) => string, texts: MemberTexts): Generator<string> {
  const some = hasEscapes(copies, 0) ? undefined : texts
  for (const { start, end } of parts(copies))
    yield some?.show(copies, startOfJson(copies, start), end) ?? write(copies.slice(start, end))
}
