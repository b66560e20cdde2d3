import { setImmediate as turn } from 'node:timers/promises'
import type { Catalog, DroppedAttribute, Leftover } from '../catalog/index.js'
import { encodeValue, type Replays, type Storage, type WriteTransaction } from '../storage/index.js'
import type { ChangeLog } from './change-log.js'
import { removeCopies } from './gathering.js'
import { type Keyspaces, keyOfRecord, rangeOfId } from './layout.js'
import { type NewColumns, unlessDropped } from './new-columns.js'
import type { RecordCache } from './record-cache.js'
import { shapeOf } from './shape.js'
import { decodeRecord, decodeVersion, encodeJson, encodeVersion } from './stored-row.js'

export interface CleaningSettings {
  /** How long changes stay in the log, in hours. */
  log_retention_hours: number
  /** Characters of the log that are kept at most. */
  log_bytes_max: number
  /** How long the deletion of a record is remembered, in hours. */
  tombstone_retention_hours: number
  /** Entries removed in one transaction. */
  cleaning_step_max: number
  /** Time between two rounds, in milliseconds. */
  cleaning_interval_ms: number
}

export interface CleaningContext {
  storage: Storage
  catalog: Catalog
  spaces: Keyspaces
  cache: RecordCache
  log: ChangeLog
  replays: Replays
  settings: CleaningSettings
  now: () => number
  /** Brings index entries that wait in memory to disk: until then their changes stay in the log. */
  flush(): Promise<void>
  /** Lets copies of records go where others need their room. */
  giveWay(): Promise<void>
  /** For attributes that later records have, and for indexes that a full disk has cut off. */
  columns: NewColumns
}

const HOUR_MS = 3_600_000
/** Records that are read before the clock is, and how long they are read in one step, in milliseconds: others wait. */
const LOT = 100
const SLICE_MS = 10

/**
 * Removes what nobody needs any more, in transactions of bounded size with other writers between them: what dropped
 * tables and columns have left, old changes of the log, tombstones, and expired answers. What is left to do is on disk,
 * so a restart goes on where the last process ended.
 */
export class Cleaning implements AsyncDisposable {
  readonly #context: CleaningContext
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(context: CleaningContext) {
    this.#context = context
  }

  /** Begins to clean now and then. `failed` hears of a round that ended early; the next one tries again. */
  start(failed: (error: unknown) => void): void {
    const round = () => {
      this.run().catch(failed)
    }
    this.#timer = setInterval(round, this.#context.settings.cleaning_interval_ms)
    this.#timer.unref()
    round()
  }

  /** One whole round. Rounds do not overlap. */
  run(): Promise<void> {
    this.#round = this.#round.catch(() => {}).then(() => this.#all())
    return this.#round
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#round.catch(() => {})
  }

  async #all(): Promise<void> {
    const { catalog, log, replays, settings, now } = this.#context
    await this.#context.giveWay()
    for (const leftover of catalog.leftovers()) await this.#remove(leftover)
    await this.#context.flush()
    const oldest = now() - settings.log_retention_hours * HOUR_MS
    await this.#repeat((transaction, limit) => log.prune(transaction, oldest, settings.log_bytes_max, limit))
    await this.#repeat((transaction, limit) => this.#forgetTombstones(transaction, limit))
    await this.#repeat((transaction, limit) => replays.collect(transaction, limit))
    await this.#context.columns.goOn()
  }

  async #remove(leftover: Leftover): Promise<void> {
    const { catalog, columns, spaces, storage } = this.#context
    for (const id of leftover.columns) {
      for (const space of [spaces.indexes, spaces.copies, spaces.uniques, spaces.tombstones, spaces.counts])
        await this.#empty(space, id)
    }
    if (leftover.table !== undefined) {
      for (const space of [spaces.records, spaces.tombstones, spaces.counts]) await this.#empty(space, leftover.table)
    }
    const { attribute } = leftover
    const isUsed = attribute !== undefined && (await this.#strip(attribute))
    if (this.#stopped) return
    const returned = await storage.write((transaction) => {
      catalog.forgetLeftover(transaction, leftover.id)
      return isUsed ? columns.bringBack(transaction, attribute.table, attribute.name) : undefined
    })
    if (returned) await columns.buildInTime(returned.name, returned.position).catch(unlessDropped)
  }

  async #empty(space: Keyspaces[keyof Keyspaces], id: number): Promise<void> {
    await this.#repeat((transaction, limit) => {
      const keys = transaction.keys(space, { ...rangeOfId(id), limit })
      for (const key of keys) transaction.remove(space, key)
      return keys.length
    })
  }

  /**
   * Takes a dropped attribute out of the records that still hold it; their versions stay. Answers whether it is in
   * records of versions that keep it.
   */
  async #strip({ before = Number.POSITIVE_INFINITY, name, table }: DroppedAttribute): Promise<boolean> {
    const { cache, catalog, spaces } = this.#context
    const { records } = spaces
    const { start, end } = rangeOfId(table)
    const member = `${JSON.stringify(name)}:`
    let from = start
    let isUsed = false
    const clean = (transaction: WriteTransaction, limit: number): number => {
      const keys = transaction.keys(records, { start: from, end, limit })
      const schema = catalog.draft.numbered(table)
      for (const key of keys) {
        const stored = transaction.get(records, key)!
        if (!stored.includes(member)) continue
        const record = decodeRecord(stored)
        if (!Object.hasOwn(record, name)) continue
        if (decodeVersion(stored).time >= before) {
          isUsed = true
          continue
        }
        if (schema) removeCopies(transaction, spaces, shapeOf(schema), record)
        delete record[name]
        cache.delete(table, keyOfRecord(key))
        transaction.put(records, key, encodeVersion(decodeVersion(stored)) + encodeJson(record))
      }
      from = `${keys.at(-1) ?? end}\x00`
      return keys.length
    }
    // Where the disk must be waited for, a step of as many records as are removed in one would take half a second.
    await this.#repeat((transaction, limit) => {
      const until = performance.now() + SLICE_MS
      for (let done = 0; done < limit && performance.now() < until; ) {
        const lot = Math.min(LOT, limit - done)
        const found = clean(transaction, lot)
        done += found
        if (found < lot) return done
      }
      return limit
    })
    return isUsed
  }

  #forgetTombstones(transaction: WriteTransaction, limit: number): number {
    const { spaces, settings, now } = this.#context
    const end = encodeValue(now() - settings.tombstone_retention_hours * HOUR_MS)
    const entries = transaction.keys(spaces.tombstoneTimes, { start: encodeValue(0), end, limit })
    for (const entry of entries) {
      const time = entry.slice(0, end.length)
      const place = entry.slice(end.length)
      const stored = transaction.get(spaces.tombstones, place)
      // the record may have been deleted again since
      if (stored !== undefined && encodeValue(decodeVersion(stored).time) === time)
        transaction.remove(spaces.tombstones, place)
      transaction.remove(spaces.tombstoneTimes, entry)
    }
    return entries.length
  }

  /**
   * Runs a step in its own transaction until it finds less than a full step to do. A step that changed nothing waits for
   * no disk: without a turn for others a table of millions would hold everybody up.
   */
  async #repeat(step: (transaction: WriteTransaction, limit: number) => number): Promise<void> {
    const limit = this.#context.settings.cleaning_step_max
    while (!this.#stopped) {
      const done = await this.#context.storage.write((transaction) => step(transaction, limit))
      if (done < limit) return
      await turn()
    }
  }
}
