import type { FoundRecord, Key } from './reader.js'

/** A stretch of one column's index: all its entries from `start` up to `end`, exclusive, as a snapshot saw them. */
export interface Stretch {
  start: string
  end: string
  entries: readonly string[]
  /** The records' keys in the entries. */
  keys: readonly Key[]
  /** The records, as far as they were found: whoever takes one asks the cache of records whether it still is as it was. */
  found?: (FoundRecord | undefined)[] | undefined
  /** Commits that were known when it was read: snapshots from then on may use it. */
  since: number
}

/** What a stretch and an entry cost beyond their text, in bytes; measured with entries of 40 bytes. */
const STRETCH_OVERHEAD = 300
const ENTRY_OVERHEAD = 80
const COLUMN_LENGTH = 4
/** Of so many new stretches one is kept, once the budget was used up. */
const ADMITTED_OF = 8

/**
 * Stretches of indexes that were read lately, decoded, up to a budget of bytes: finding a hundred keys costs one search
 * instead of a hundred steps of a cursor. The stretches of a column do not overlap. One that a write is about to change
 * is forgotten at once, and whoever reads it meanwhile must not put it back: see `Storage.isChangingWithin`.
 */
export class IndexCache {
  readonly #bytesMax: number
  /** The stretches of each column in their order. */
  readonly #columns = new Map<string, Stretch[]>()
  /** All stretches, the one that was used longest ago first. */
  readonly #used = new Set<Stretch>()
  #isFull = false
  #offered = 0
  /** What the stretches take, about. */
  bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The stretch that holds the place, whether or not there is an entry. */
  find(place: string): Stretch | undefined {
    const stretches = this.#columns.get(columnOf(place))
    const stretch = stretches?.[indexOf(stretches, place)]
    if (stretch === undefined || stretch.end <= place) return undefined
    this.#used.delete(stretch)
    this.#used.add(stretch)
    return stretch
  }

  /** Where the next stretch of the column behind the place begins, or undefined. */
  nextAfter(place: string): string | undefined {
    const stretches = this.#columns.get(columnOf(place))
    return stretches?.[indexOf(stretches, place) + 1]?.start
  }

  /** Whether to keep one more stretch: while there is room, each; later one of some, as in the cache of records. */
  admits(): boolean {
    return this.#bytesMax > 0 && (!this.#isFull || ++this.#offered % ADMITTED_OF === 0)
  }

  /** Keeps a stretch that overlaps with none that is here. */
  add(stretch: Stretch): void {
    const bytes = sizeOf(stretch)
    if (bytes > this.#bytesMax / 2) return
    const column = columnOf(stretch.start)
    let stretches = this.#columns.get(column)
    if (!stretches) this.#columns.set(column, (stretches = []))
    stretches.splice(indexOf(stretches, stretch.start) + 1, 0, stretch)
    this.#used.add(stretch)
    this.bytes += bytes
    if (this.bytes > this.#bytesMax) this.#isFull = true
    while (this.bytes > this.#bytesMax) this.#remove(this.#used.values().next().value!)
  }

  /** Lets go of the records, so that only their own cache holds them. */
  forgetFound(): void {
    for (const stretch of this.#used) stretch.found = undefined
  }

  /** An entry is about to come or go. */
  forget(entry: string): void {
    if (this.#columns.size === 0) return
    const stretches = this.#columns.get(columnOf(entry))
    const stretch = stretches?.[indexOf(stretches, entry)]
    if (stretch !== undefined && entry < stretch.end) this.#remove(stretch)
  }

  #remove(stretch: Stretch): void {
    const column = columnOf(stretch.start)
    const stretches = this.#columns.get(column)!
    stretches.splice(indexOf(stretches, stretch.start), 1)
    if (stretches.length === 0) this.#columns.delete(column)
    this.#used.delete(stretch)
    this.bytes -= sizeOf(stretch)
  }
}

function columnOf(place: string): string {
  return place.slice(0, COLUMN_LENGTH)
}

/** Number of the last stretch that does not begin behind the place; -1 when there is none. */
function indexOf(stretches: readonly Stretch[], place: string): number {
  let low = 0
  let high = stretches.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (stretches[middle]!.start <= place) low = middle + 1
    else high = middle
  }
  return low - 1
}

function sizeOf({ start, end, entries }: Stretch): number {
  let bytes = STRETCH_OVERHEAD + start.length + end.length
  for (const entry of entries) bytes += ENTRY_OVERHEAD + entry.length
  return bytes
}
