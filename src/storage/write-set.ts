import { lowerBound } from '../lib/index.js'
import type { Keyspace } from './keyspace.js'

/** Changes of one keyspace in the order in which they were made; a later one of the same key wins. */
interface SpaceChanges {
  keys: string[]
  /** `undefined` removes. */
  values: (string | undefined)[]
  /** Whether any change removes; stays so when that one is taken back. */
  removes: boolean
  /** Whether any change has a value, like those of records and unlike those of indexes; stays so, too. */
  hasValues: boolean
  /** Newest change of a key, for as many changes as were asked about: batches that never look do not pay. */
  newest: Map<string, number>
  mapped: number
  /** Keys in their order, each once; thrown away by the next change. */
  sorted: string[] | undefined
}

/** Stands for the value of a postponed key; LMDB never sees it. No JSON text holds a NUL. */
export const LATER = '\0later\0'
/** Changes that are looked through one by one; sorting more of them would cost more than it is worth. */
const LOOKED_THROUGH_MAX = 500

/** So many keys are worth being put in order. */
const ORDERED_MIN = 100

/** How many changes each keyspace had at some moment, in the order in which the keyspaces came. */
export type Mark = readonly number[]

/** What a group of writes will change when it is committed. Until then its writers read through it. */
export class WriteSet {
  readonly #spaces = new Map<Keyspace, SpaceChanges>()
  /** Characters of keys and values: about the bytes that the group holds in memory. */
  size = 0
  count = 0

  set(space: Keyspace, key: string, value: string | undefined): void {
    let changes = this.#spaces.get(space)
    if (!changes) {
      changes = {
        keys: [],
        values: [],
        removes: false,
        hasValues: false,
        newest: new Map(),
        mapped: 0,
        sorted: undefined,
      }
      this.#spaces.set(space, changes)
    }
    changes.keys.push(key)
    changes.values.push(value)
    changes.sorted = undefined
    if (value === undefined) changes.removes = true
    else if (value !== '' && value !== LATER) changes.hasValues = true
    this.count++
    this.size += key.length + (value === undefined ? 0 : value.length)
  }

  /** The change of a key: `{ value }`, with `undefined` for a removed one; nothing when the key is untouched. */
  find(space: Keyspace, key: string): { value: string | undefined } | undefined {
    const changes = this.#spaces.get(space)
    if (!changes) return undefined
    const at = newest(changes).get(key)
    return at === undefined ? undefined : { value: changes.values[at] }
  }

  has(space: Keyspace, key: string): boolean {
    const changes = this.#spaces.get(space)
    return changes !== undefined && newest(changes).has(key)
  }

  /** Whether any key of the keyspace is, or for a while was to be, removed. */
  mayRemove(space: Keyspace): boolean {
    return this.#spaces.get(space)?.removes ?? false
  }

  /** The changed keys of [start, end), in order. */
  keysBetween(space: Keyspace, start: string, end: string): string[] {
    const changes = this.#spaces.get(space)
    if (!changes) return []
    changes.sorted ??= [...newest(changes).keys()].sort()
    return changes.sorted.slice(lowerBound(changes.sorted, start), lowerBound(changes.sorted, end))
  }

  /** Whether a changed key lies in [start, end). Says so without looking where there are many changes. */
  mayHaveBetween(space: Keyspace, start: string, end: string): boolean {
    const keys = this.#spaces.get(space)?.keys
    if (!keys) return false
    return keys.length > LOOKED_THROUGH_MAX || keys.some((key) => key >= start && key < end)
  }

  clear(): void {
    this.#spaces.clear()
    this.size = 0
    this.count = 0
  }

  mark(): Mark {
    const lengths: number[] = []
    for (const changes of this.#spaces.values()) lengths.push(changes.keys.length)
    return lengths
  }

  /** Forgets every change since the mark. */
  rollback(mark: Mark): void {
    let place = 0
    for (const changes of this.#spaces.values()) {
      const length = mark[place++] ?? 0
      for (let i = length; i < changes.keys.length; i++) {
        this.count--
        this.size -= changes.keys[i]!.length + (changes.values[i]?.length ?? 0)
      }
      if (length === changes.keys.length) continue
      changes.keys.length = length
      changes.values.length = length
      changes.newest = new Map()
      changes.mapped = 0
      changes.sorted = undefined
    }
  }

  /**
   * What is to be written, keyspace by keyspace: neither what waits nor, where keys were looked up, what a later change
   * writes over, like a count that every writer of the group has changed. Many entries of indexes come in their order:
   * LMDB finds the pages of neighbours in the processor's cache.
   */
  forEachToWrite(visit: (space: Keyspace, key: string, value: string | undefined) => void): void {
    for (const [space, changes] of this.#spaces) {
      const { keys, values, mapped } = changes
      if (keys.length >= ORDERED_MIN && !changes.removes && !changes.hasValues) {
        for (const key of keys.filter((_, i) => values[i] !== LATER).sort()) visit(space, key, '')
        continue
      }
      const newestOf = mapped > 0 ? newest(changes) : undefined
      for (let i = 0; i < keys.length; i++) {
        const last = newestOf?.get(keys[i]!) ?? i
        const isReplaced = last !== i && values[last] !== LATER
        if (values[i] !== LATER && !isReplaced) visit(space, keys[i]!, values[i])
      }
    }
  }

  /** Every change, keyspace by keyspace. */
  forEach(visit: (space: Keyspace, key: string, value: string | undefined) => void): void {
    for (const [space, { keys, values }] of this.#spaces) {
      for (let i = 0; i < keys.length; i++) visit(space, keys[i]!, values[i])
    }
  }
}

function newest(changes: SpaceChanges): Map<string, number> {
  for (; changes.mapped < changes.keys.length; changes.mapped++) {
    changes.newest.set(changes.keys[changes.mapped]!, changes.mapped)
  }
  return changes.newest
}
