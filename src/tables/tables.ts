import { setTimeout as sleep } from 'node:timers/promises'
import { type Catalog, type ColumnDefinition, type TableSchema, UPDATED_TIME } from '../catalog/index.js'
import { atOnce, HybridClock, Problem, type Steps, TooManySteps, type View } from '../lib/index.js'
import type { Idempotency, Pauses, Receipt, Replays, Storage, WriteTransaction } from '../storage/index.js'
import { Batch, type BatchContext, type BatchSettings } from './batch.js'
import { ChangeLog } from './change-log.js'
import { Cleaning, type CleaningSettings } from './cleaning.js'
import { describeTable, type TableDescription, type TableSize } from './describe.js'
import { defaultPolicy, Gathering, type GatheringPolicy } from './gathering.js'
import { IndexCache } from './index-cache.js'
import { KeyFilters } from './key-filters.js'
import { keyOfType } from './keys.js'
import { type Keyspaces, openKeyspaces } from './layout.js'
import { NewColumns, type TableName } from './new-columns.js'
import { PostponedEntries } from './postponed-entries.js'
import type { Snapshot } from './reader.js'
import { RecordCache } from './record-cache.js'
import { Replica } from './replica.js'
import { type Reading, TablesSnapshot } from './row-reader.js'
import { shapeOf } from './shape.js'

/** Larger requests pause from the beginning. */
const RECORDS_AT_ONCE_MAX = 1000
/** What takes more steps than its records let one expect begins anew, with pauses. */
const STEPS_AT_ONCE_MAX = 3 * RECORDS_AT_ONCE_MAX

export interface TablesSettings extends BatchSettings, CleaningSettings {
  /** Memory for decoded records. */
  cache_bytes_max: number
  /** Memory for decoded stretches of indexes. */
  index_cache_bytes_max: number
  /** Disk space for copies of records that share a value. */
  gathered_bytes_max: number
  /** Memory for filters of the keys that have one value. */
  key_filters_bytes_max: number
  /** Index entries that wait in memory; 0: each goes into its B-tree at once. */
  postponed_entries_max: number
}

export interface TablesOptions {
  storage: Storage
  catalog: Catalog
  replays: Replays
  settings: TablesSettings
  /** Name of this node: the origin of its versions. */
  node: string
  now?: () => number
  /** For tests, to see copies of records in small tables. */
  gathering?: GatheringPolicy
}

/** Who writes, and whether the caller may repeat it. A `Call` is one. */
export interface Author {
  user: string | undefined
  idempotency?: Idempotency | undefined
}

/** Records: consistent snapshots to read, transactions to write, and the log of every change. See DESIGN.md. */
export class Tables implements AsyncDisposable {
  readonly changes: ChangeLog
  readonly clock: HybridClock
  readonly cleaning: Cleaning
  readonly columns: NewColumns
  /** What changes of other nodes do to the tables. */
  readonly replica: Replica
  readonly #options: TablesOptions
  readonly #spaces: Keyspaces
  readonly #cache: RecordCache
  readonly #indexCache: IndexCache
  readonly #filters: KeyFilters
  readonly #gathering: Gathering
  readonly #reading: Reading
  readonly #batches: BatchContext
  readonly #postponed: PostponedEntries
  #failed: (error: unknown) => void = () => {}

  private constructor(options: TablesOptions) {
    const { storage, catalog, replays, settings, now = Date.now, gathering: policy = defaultPolicy } = options
    this.#options = options
    this.#spaces = openKeyspaces(storage)
    this.#indexCache = new IndexCache(settings.index_cache_bytes_max)
    this.#cache = new RecordCache(settings.cache_bytes_max, () => this.#indexCache.forgetFound())
    this.#filters = new KeyFilters(storage, this.#spaces.indexes, settings.key_filters_bytes_max)
    const [spaces, cache, indexCache, filters] = [this.#spaces, this.#cache, this.#indexCache, this.#filters]
    const bytesMax = settings.gathered_bytes_max
    const gathering = new Gathering({ storage, catalog, spaces, bytesMax, policy })
    this.#gathering = gathering
    this.#reading = { storage, spaces, cache, indexCache, filters, gathering }
    storage.watch(this.#spaces.indexes, (entry) => {
      this.#indexCache.forget(entry)
      this.#filters.changing(entry)
    })
    this.changes = new ChangeLog(storage)
    this.clock = new HybridClock(now)
    this.clock.observe(this.changes.lastTime)
    const entriesMax = settings.postponed_entries_max
    const postponed = new PostponedEntries({ storage, catalog, spaces: this.#spaces, log: this.changes, entriesMax })
    this.#postponed = postponed
    this.#batches = {
      catalog,
      spaces: this.#spaces,
      cache: this.#cache,
      log: this.changes,
      settings,
      get postpones() {
        return postponed.hasRoom
      },
    }
    this.replica = new Replica(this.#batches, storage)
    this.columns = new NewColumns({ storage, catalog, spaces: this.#spaces, stepMax: settings.cleaning_step_max })
    const { changes: log } = this
    this.cleaning = new Cleaning({
      storage,
      catalog,
      spaces: this.#spaces,
      cache: this.#cache,
      log,
      replays,
      settings,
      now,
      flush: () => postponed.flush(),
      giveWay: () => gathering.giveWay(),
      columns: this.columns,
    })
  }

  /** Opens the records, and mends the indexes when the process before was killed. */
  static async open(options: TablesOptions): Promise<Tables> {
    const tables = new Tables(options)
    await tables.#postponed.recover()
    return tables
  }

  /** One consistent moment of all tables. Dispose of it soon. */
  snapshot(): Snapshot {
    const { catalog } = this.#options
    return new TablesSnapshot(this.#reading, catalog)
  }

  /** Whether reading records waits for the disk, so that `fetch` is worth its while. */
  get isSlow(): boolean {
    return this.#options.storage.isSlowToRead
  }

  /** Brings the records that a transaction is about to read into memory on other threads: it cannot wait itself. */
  fetch(
    { database, table }: TableName,
    keysOf: (primaryKey: string) => readonly unknown[],
    signal: AbortSignal,
  ): Promise<void> | undefined {
    const schema = this.#options.catalog.find(database, table)
    if (schema?.kind !== 'records') return undefined
    const { name, type } = shapeOf(schema).key.column
    const keys = keysOf(name).filter((key) => typeof key === 'string' || typeof key === 'number')
    using snapshot = this.snapshot()
    const places = keys.map((key) => keyOfType(key, type))
    return snapshot.table(database, table)?.fetch?.(places, signal)
  }

  /**
   * Runs the function in one transaction; resolves with its answer when all of it is on disk. A repeated request with
   * an idempotency key gets the first answer and changes nothing. The function must not wait.
   */
  async transact<Answer>(author: Author, run: (batch: Batch) => Answer): Promise<Answer> {
    const { storage, replays } = this.#options
    const user = author.user ?? ''
    const answer = await storage.write((transaction) =>
      replays.once(transaction, author.idempotency, () => {
        const batch = this.#batch(transaction, user)
        const answer = run(batch)
        batch.finish()
        return answer
      }),
    )
    this.#postponed.flushWhenFull(this.#failed)
    return answer
  }

  /**
   * The same for work in steps. What is about few records and takes few steps is done at once, together with others;
   * the rest with pauses, while nobody else writes. @throws the reason of the signal
   */
  async transactInSteps<Answer>(
    author: Author,
    pauses: Pauses & { records: number },
    run: (batch: Batch) => Steps<Answer>,
  ): Promise<Answer> {
    if (pauses.records <= RECORDS_AT_ONCE_MAX) {
      try {
        return await this.transact(author, (batch) => atOnce(run(batch), STEPS_AT_ONCE_MAX))
      } catch (error) {
        if (!(error instanceof TooManySteps)) throw error
      }
    }
    const { storage, replays } = this.#options
    const user = author.user ?? ''
    const steps = (transaction: WriteTransaction) => this.#steps(this.#batch(transaction, user), run)
    const answer = await storage.writeInSteps(
      (transaction) => replays.onceInSteps(transaction, author.idempotency, () => steps(transaction)),
      pauses,
    )
    this.#postponed.flushWhenFull(this.#failed)
    return answer
  }

  *#steps<Answer>(batch: Batch, run: (batch: Batch) => Steps<Answer>): Steps<Answer> {
    const answer = yield* run(batch)
    batch.finish()
    return answer
  }

  #batch(transaction: WriteTransaction, user: string): Batch {
    const version = { time: this.clock.now(), origin: this.#options.node }
    return new Batch(this.#batches, transaction, version, user)
  }

  /**
   * Adds a column and waits until its index serves queries, unless the disk gets full: then that follows.
   * @throws Problem table_not_found, column_exists, invalid_name, invalid_column, too_many
   */
  async addColumn(
    database: string,
    table: string,
    definition: ColumnDefinition,
    receipt?: Receipt,
  ): Promise<TableSchema> {
    const { catalog } = this.#options
    const alongside = (transaction: WriteTransaction) => receipt?.alongside(transaction)
    const position = await this.columns.add({ database, table }, definition, alongside)
    await this.columns.buildInTime({ database, table }, position)
    return catalog.table(database, table)
  }

  /**
   * Drops a column and waits until its values are gone, unless the disk gets full: then they go in a later round.
   * @param before hybrid time: records of later versions keep their values, and with them the table an attribute
   * @throws Problem table_not_found, column_not_found, column_needed
   */
  async dropColumn(database: string, table: string, name: string, receipt?: Receipt, before?: number): Promise<void> {
    await this.#options.catalog.dropColumn(database, table, name, receipt, before)
    await this.#cleaned()
  }

  /**
   * The same, but waits for a moment only, in milliseconds: taking its values out of millions of records takes minutes,
   * and what other dropped tables have left may be before it.
   */
  async beginDropColumn({ database, table }: TableName, name: string, receipt?: Receipt, ms = 5_000): Promise<void> {
    await this.#options.catalog.dropColumn(database, table, name, receipt)
    const cleaned = this.#cleaned().catch(this.#failed)
    const waiting = new AbortController()
    await Promise.race([cleaned, sleep(ms, undefined, { signal: waiting.signal }).catch(() => {})])
    waiting.abort()
  }

  async #cleaned(): Promise<void> {
    try {
      await this.cleaning.run()
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'disk_full')) throw error
    }
  }

  /** Removes the changes of a table before a time, in bounded steps; `alongside` writes in the transaction of each. */
  async deleteLogBefore(
    { database, table }: TableName,
    time: number,
    signal: AbortSignal,
    alongside: (transaction: WriteTransaction, removed: number) => void,
  ): Promise<void> {
    const { catalog, storage, settings } = this.#options
    const { id } = catalog.table(database, table)
    const limit = settings.cleaning_step_max
    await this.#postponed.flush()
    for (let removed = limit; removed === limit; ) {
      signal.throwIfAborted()
      removed = await storage.write((transaction) => {
        const step = this.changes.removeBefore(transaction, id, time, limit)
        alongside(transaction, step)
        return step
      })
    }
  }

  /** Begins the work in the background: cleaning, and indexes that an earlier process has not finished; not `others`. */
  start(failed: (error: unknown) => void, others: ReadonlySet<number> = new Set()): void {
    this.#failed = failed
    this.#gathering.start(failed)
    this.cleaning.start(failed)
    this.columns.finish(others).catch(failed)
  }

  /** A table as far as the view sees it. @throws Problem table_not_found */
  describe(database: string, table: string, view: View): TableDescription {
    const schema = this.#options.catalog.table(database, table)
    if (!view.seesTable(database, table)) throw new Problem('table_not_found', { database, table })
    const size = this.#sizeOf(schema)
    if (!size) throw new Problem('table_not_found', { database, table })
    return describeTable(schema, view, size)
  }

  /** The tables of a database that the view sees, by name. @throws Problem database_not_found */
  describeDatabase(database: string, view: View): TableDescription[] {
    return [...this.#options.catalog.database(database).tables.values()]
      .filter(({ name }) => view.seesTable(database, name))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((schema) => {
        const size = this.#sizeOf(schema)
        return size ? [describeTable(schema, view, size)] : []
      })
  }

  /** Undefined for a table whose end can be seen, although it is not on disk yet. */
  #sizeOf({ database, name, kind }: TableSchema): TableSize | undefined {
    if (kind === 'events') return { records: 0, lastUpdated: null }
    using snapshot = this.snapshot()
    const reader = snapshot.table(database, name)
    if (!reader) return undefined
    const [latest] = reader.isIndexed(UPDATED_TIME) ? reader.range({ attribute: UPDATED_TIME, reverse: true }) : []
    const row = latest === undefined ? undefined : reader.get(latest)
    return { records: reader.count(), lastUpdated: (row?.[UPDATED_TIME] as number | undefined) ?? null }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.replica[Symbol.asyncDispose]()
    await this.#gathering[Symbol.asyncDispose]()
    await this.#filters[Symbol.asyncDispose]()
    await this.cleaning[Symbol.asyncDispose]()
    await this.#postponed.flush().catch(this.#failed) // the next process would mend it
  }
}
