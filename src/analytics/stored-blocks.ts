import { assert } from '../lib/index.js'
import type { BinaryEnvironment, Write } from '../storage/index.js'
import type { BlockEntry } from './block-entry.js'
import type { BlockStats } from './block-stats.js'
import { type ColumnValues, decode, type Scalars } from './codec.js'
import type { ColumnCache } from './column-cache.js'
import { Kind, key, minorOf } from './keys.js'
import { columnInWidth } from './merge.js'
import { LAST, ROWS, STATS } from './schema.js'

export interface BlockRows {
  readonly rowStart: Uint32Array
  /** By person: the stamp of the last row. */
  readonly lastStamp: Float64Array
}

/** The blocks of a partition as they lie in its environment, their columns by way of the cache. */
export class StoredBlocks {
  readonly #environment: BinaryEnvironment
  readonly #table: number
  readonly #partition: number
  readonly #cache: ColumnCache
  readonly #rows = new Map<number, BlockRows>()
  readonly #stats = new Map<number, BlockStats>()

  constructor(environment: BinaryEnvironment, table: number, partition: number, cache: ColumnCache) {
    this.#environment = environment
    this.#table = table
    this.#partition = partition
    this.#cache = cache
  }

  /** A column of a block, or undefined when it is nothing but None. Codes come in a width when one is asked for. */
  column(block: BlockEntry, id: number, width = 0): ColumnValues | undefined {
    const cacheKey = this.#cacheKey(block.id, id)
    const now = performance.now()
    const cached = this.#cache.get(cacheKey, now) ?? this.#stored(block, id)
    if (!cached) return undefined
    const values = width === 0 ? cached : columnInWidth(cached, width)
    this.#cache.put(cacheKey, values, now)
    return values
  }

  #stored(block: BlockEntry, id: number): ColumnValues | undefined {
    const bytes = this.#environment.get(key(this.#table, this.#partition, Kind.block, block.id, id))
    return bytes && decode(bytes)
  }

  /** What was made of a column of a block, by a name. */
  remember<T extends ColumnValues>(block: BlockEntry, id: number, name: string, make: () => T): T {
    const cacheKey = `${this.#cacheKey(block.id, id)}/${name}`
    const now = performance.now()
    const known = this.#cache.get(cacheKey, now)
    if (known) return known as T
    const made = make()
    this.#cache.put(cacheKey, made, now)
    return made
  }

  /** A column that is about to be kept in another form: its room is needed for that. */
  take(block: BlockEntry, id: number, width: number): ColumnValues | undefined {
    const values = this.column(block, id, width)
    this.#cache.delete(this.#cacheKey(block.id, id))
    return values
  }

  /** What the columns of a block hold; undefined for blocks of before that was noted. */
  statsOf(block: BlockEntry): BlockStats | undefined {
    let stats = this.#stats.get(block.id)
    if (stats) return stats
    const bytes = this.#environment.get(key(this.#table, this.#partition, Kind.block, block.id, STATS))
    if (!bytes) return undefined
    stats = JSON.parse(bytes.toString()) as BlockStats
    this.#stats.set(block.id, stats)
    return stats
  }

  rowsOf(block: BlockEntry): BlockRows {
    const known = this.#rows.get(block.id)
    if (known) return known
    const counts = this.column(block, ROWS) as Scalars
    const rowStart = new Uint32Array(block.people + 1)
    for (let person = 0; person < block.people; person++) rowStart[person + 1] = rowStart[person]! + counts[person]!
    assert(rowStart[block.people] === block.rows, 'the rows of a block add up')
    const rows = { rowStart, lastStamp: this.column(block, LAST) as Float64Array }
    this.#rows.set(block.id, rows)
    return rows
  }

  /** What removes a block, which is not asked for any more. */
  removalsOf(block: BlockEntry): Write[] {
    this.#rows.delete(block.id)
    this.#stats.delete(block.id)
    const removals: Write[] = []
    const [start, end] = [block.id, block.id + 1].map((id) => key(this.#table, this.#partition, Kind.block, id))
    for (const stored of this.#environment.keys(start!, end!)) {
      removals.push([Buffer.from(stored), undefined])
      this.#cache.delete(this.#cacheKey(block.id, minorOf(stored)))
    }
    return removals
  }

  /** What removes a column of a block. */
  removalOf(block: BlockEntry, id: number): Write {
    this.#cache.delete(this.#cacheKey(block.id, id))
    return [key(this.#table, this.#partition, Kind.block, block.id, id), undefined]
  }

  /** Forgets what was made of a column of a block, by its name. */
  forget(block: BlockEntry, id: number, name: string): void {
    this.#cache.delete(`${this.#cacheKey(block.id, id)}/${name}`)
  }

  #cacheKey(block: number, column: number): string {
    return `${this.#table}/${this.#partition}/${block}/${column}`
  }
}
