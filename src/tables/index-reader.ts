import { lowerBound } from '../lib/index.js'
import { decodeValue, numberIn, type StorageSnapshot } from '../storage/index.js'
import type { IndexCache, Stretch } from './index-cache.js'
import { keyInEntry, keyOfEntry } from './layout.js'
import type { FoundRecord, Key } from './reader.js'
import type { Reading } from './row-reader.js'

/** Entries that are read in one go. */
const STRETCH_LENGTH = 128
/** Stretches that one walk adds to the cache: a longer one would push out what others use. */
const ADDED_MAX = 16

/** Walks the keys of a range of an index forwards, by way of the cache. */
export class IndexWalk implements IterableIterator<Key> {
  readonly #reading: Reading
  readonly #snapshot: StorageSnapshot
  readonly #end: string
  readonly #defaults: string
  /** Where the next stretch begins. */
  #place: string
  #stretch: Stretch | undefined
  #keys: readonly Key[] = []
  #next = 0
  #last = 0
  #added = 0
  /** What `touch` answers, kept so that no compiler leaves its loop out. */
  #touched = 0

  /** `defaults`: of the table, for records that are noted with the keys. */
  constructor(
    reading: Reading,
    snapshot: StorageSnapshot,
    { start, end }: { start: string; end: string },
    defaults: string,
  ) {
    this.#reading = reading
    this.#snapshot = snapshot
    this.#place = start
    this.#end = end
    this.#defaults = defaults
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<Key, undefined> {
    while (this.#next >= this.#last) {
      if (this.#place >= this.#end) return { done: true, value: undefined }
      const stretch = this.#find()
      if (stretch) this.#enter(stretch)
      else if (!this.#pass()) this.#enter(this.#read())
    }
    return { done: false, value: this.#keys[this.#next++]! }
  }

  return(): IteratorResult<Key, undefined> {
    this.#place = this.#end
    this.#last = 0
    return { done: true, value: undefined }
  }

  /** The record of the key that was given last, if it is known from an earlier walk. */
  get found(): FoundRecord | undefined {
    const found = this.#stretch?.found?.[this.#next - 1]
    return found && this.#isFresh(found) ? found : undefined
  }

  /** Notes it for later walks, where it is kept. */
  set found(found: FoundRecord | undefined) {
    if (!found || !this.#isFresh(found)) return
    const stretch = this.#stretch
    if (!stretch) return
    stretch.found ??= new Array<FoundRecord | undefined>(stretch.keys.length)
    stretch.found[this.#next - 1] = found
  }

  #isFresh(found: FoundRecord): boolean {
    return this.#reading.cache.isFresh(found, this.#snapshot.sequence, this.#defaults)
  }

  #enter(stretch: Stretch): void {
    const { entries, keys, end } = stretch
    this.#stretch = stretch
    this.#keys = keys
    this.#next = entries[0] !== undefined && entries[0] >= this.#place ? 0 : lowerBound(entries, this.#place)
    this.#last = end <= this.#end ? entries.length : lowerBound(entries, this.#end)
    this.#place = end
    if (stretch.found) this.#touched += touch(stretch.found, this.#next, this.#last)
  }

  #find(): Stretch | undefined {
    const stretch = this.#reading.indexCache.find(this.#place)
    return stretch !== undefined && stretch.since <= this.#snapshot.sequence ? stretch : undefined
  }

  /** Reads keys that are not kept for others; false where they are to be kept, or some are not in the B-tree yet. */
  #pass(): boolean {
    const { spaces, indexCache: cache } = this.#reading
    if (this.#added < ADDED_MAX && cache.admits()) return false
    const range = { start: this.#place, end: this.#limit(), limit: STRETCH_LENGTH }
    if (this.#snapshot.postponed(spaces.indexes, range)) return false
    const keys: Key[] = []
    const cursor = this.#snapshot.cursor(spaces.indexes, range)
    let place = range.end
    while (cursor.next()) {
      const { bytes, start } = cursor
      const at = keyInEntry(bytes, start)
      keys.push(numberIn(bytes, at) ?? decodeValue(cursor.text(at - start), 0))
      if (keys.length === STRETCH_LENGTH) place = `${cursor.text()}\0`
    }
    this.#stretch = undefined
    this.#keys = keys
    this.#next = 0
    this.#last = keys.length
    this.#place = place
    return true
  }

  /** No stretch that is kept lies between here and there. */
  #limit(): string {
    return lesser(this.#end, this.#reading.indexCache.nextAfter(this.#place))
  }

  #read(): Stretch {
    const { spaces, indexCache: cache } = this.#reading
    const start = this.#place
    const limit = this.#limit()
    const range = { start, end: limit, limit: STRETCH_LENGTH }
    const entries = [...this.#snapshot.keys(spaces.indexes, range)]
    const end = entries.length < STRETCH_LENGTH ? limit : `${entries.at(-1)}\0`
    const stretch = { start, end, entries, keys: entries.map(keyOfEntry), since: this.#snapshot.sequence }
    if (this.#added < ADDED_MAX && this.#isNewest(cache, stretch)) {
      this.#added++
      cache.add(stretch)
    }
    return stretch
  }

  /** Only what is the newest state, and stays it after the writes under way, may be kept for others. */
  #isNewest(cache: IndexCache, { start, end }: Stretch): boolean {
    const { storage, spaces } = this.#reading
    if (this.#snapshot.sequence !== storage.sequence || cache.find(start) !== undefined) return false
    return !storage.isChangingWithin(spaces.indexes, start, end)
  }
}

/**
 * Looks at what a walk is about to read, so that the processor fetches it from memory at the same time: in the walk
 * itself so much is done for each record that it would wait for one after the other. Answers how many have a text.
 */
function touch(found: readonly (FoundRecord | undefined)[], from: number, to: number): number {
  let shown = 0
  for (let at = from; at < to; at++) {
    const entry = found[at]
    if (entry !== undefined && typeof entry.row === 'object' && typeof entry.shown?.json === 'string') shown++
  }
  return shown
}

function lesser(a: string, b: string | undefined): string {
  return b === undefined || a < b ? a : b
}

/** Walks the records of a range; undefined where there is none for an entry. */
export class RecordWalk implements IterableIterator<FoundRecord | undefined> {
  readonly #walk: IndexWalk
  readonly #find: (key: Key) => FoundRecord | undefined

  constructor(walk: IndexWalk, find: (key: Key) => FoundRecord | undefined) {
    this.#walk = walk
    this.#find = find
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<FoundRecord | undefined, undefined> {
    const { done, value: key } = this.#walk.next()
    if (done) return { done, value: undefined }
    const known = this.#walk.found
    if (known) return { done: false, value: known }
    const found = this.#find(key)
    this.#walk.found = found
    return { done: false, value: found }
  }
}
