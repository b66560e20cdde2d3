import { deserialize, serialize } from 'node:v8'
import { assert, Leftovers, Problem, whereThereIsRoom } from '../lib/index.js'
import type { BinaryEnvironment, Write } from '../storage/index.js'
import { type Batch, Fate, type Outcome } from './batch.js'
import { EventTexts } from './event-texts.js'
import { FoldSchedule, IDLE_MS } from './fold-schedule.js'
import { ForgottenReceipts } from './forgotten-receipts.js'
import { HeldPartitions } from './held-partitions.js'
import type { Given } from './inserter.js'
import { tableOf, tableStart } from './keys.js'
import { Moves } from './moves.js'
import type { Partition } from './partition.js'
import { incomingKey } from './partition-copy.js'
import { type Moved, PLACES_START, placesRange } from './places.js'
import type { Intent, Sizes, TableFigures, WorkerStart } from './protocol.js'
import { Questions } from './questions.js'
import { Reacting } from './reacting.js'
import { Receipts } from './receipts.js'
import type { EventColumn } from './schema.js'
import { SharedRows } from './shared-rows.js'
import { StoredPopulations } from './stored-populations.js'
import { type MakeScan, Visits } from './visits.js'

/** Behind the keys of all tables. */
const INTENT_KEY = Buffer.from([0xff, 0xff, 0xff, 0xff])

/** The event data of some environments: one thread, that writes and scans them. */
export class Owner implements AsyncDisposable {
  readonly held: HeldPartitions
  readonly folds: FoldSchedule
  readonly moves: Moves
  readonly populations: StoredPopulations
  readonly questions: Questions
  readonly reacting: Reacting
  readonly shared: SharedRows
  readonly receipts = new ForgottenReceipts()
  readonly #leftovers = new Leftovers()
  readonly #start: WorkerStart
  readonly #idle: NodeJS.Timeout

  /** @param onFailure is told when an environment takes no more writes */
  constructor(start: WorkerStart, makeScan: MakeScan, onFailure: (failure: Problem) => void) {
    this.#start = start
    this.held = new HeldPartitions(start, onFailure)
    this.folds = new FoldSchedule(this.held)
    this.moves = new Moves(this.held, this.folds)
    this.populations = new StoredPopulations(this.held)
    this.shared = new SharedRows(this.held)
    const visits = new Visits(this.held, this.folds, makeScan)
    this.questions = new Questions(this.held, visits, start.settings)
    this.reacting = new Reacting(this.held, visits)
    this.#idle = setInterval(() => {
      this.folds.soon()
      this.receipts.soon()
    }, IDLE_MS)
    this.#idle.unref()
  }

  /** Adds rows to partitions of one environment; kept when they are durable. */
  async insert(tableId: number, batch: Batch, { origin, receipt }: Given = {}): Promise<Outcome> {
    const table = this.held.table(tableId)
    const sharing = this.shared.sharing(tableId)
    const isShared = sharing === 'all' || (sharing === 'own' && origin === undefined)
    const shared: string[] = []
    // What another node has accepted is not refused here: all would not become alike.
    const rowsPerPersonMax = origin === undefined ? this.#start.settings.rowsPerPersonMax : Number.POSITIVE_INFINITY
    const events: number[] = []
    const fates: number[] = []
    const note = (event: number, fate: number) => {
      events.push(event)
      fates.push(fate)
    }
    const writes: Write[] = []
    let environment: BinaryEnvironment | undefined
    const parts = rowsByPartition(batch)
    for (const number of parts.keys())
      if (this.moves.isIncoming(tableId, number)) throw new Problem('partition_in_use', { partition: number })
    for (const [number, rows] of parts) {
      const { partition, populations, arrivals, receipts } = this.held.hold(table, number)
      if (receipt !== undefined) {
        this.receipts.add(receipt, partition.environment, receipts)
        if (receipts.tell(receipt, eventsOf(batch, rows), note)) continue
      }
      const before = partition.delta.rows
      const decided = fates.length
      writes.push(...partition.insert(batch, rows, rowsPerPersonMax, note))
      // Where no row is new a repeat finds the same by itself.
      if (receipt !== undefined && partition.delta.rows > before)
        writes.push(receipts.write(receipt, othersOf(events, fates, decided)))
      if (isShared) shared.push(...freshTexts(partition, before))
      const changed = partition.delta.person.subarray(before, partition.delta.rows)
      populations.changed(changed)
      if (this.reacting.isWatched(tableId)) writes.push(...arrivals.note(changed))
      environment = partition.environment
    }
    if (environment && shared.length > 0) writes.push(...this.shared.note(environment, tableId, origin ?? '', shared))
    // Without writes too: what is a repeat of rows that are not stored yet is not told before they are.
    if (environment) await this.held.write(environment, writes)
    this.folds.soon()
    return { events: Uint32Array.from(events), fates: Uint8Array.from(fates) }
  }

  /** Places in the body of events whose person would get too many rows. */
  check(tableId: number, batch: Batch, receipt?: string): number[] {
    const table = this.held.table(tableId)
    const most = this.#start.settings.rowsPerPersonMax
    return [...rowsByPartition(batch)].flatMap(([number, rows]) => {
      const { partition, receipts } = this.held.hold(table, number)
      if (receipt !== undefined && receipts.has(receipt)) return []
      return partition.tooMany(batch, rows, most)
    })
  }

  /** Writes down what an atomic insert is about to do, or that it is done. */
  async intend(intent: Intent | undefined): Promise<void> {
    const environment = this.held.environments.get(0)
    assert(environment !== undefined, 'environment 0 keeps the intents')
    await environment.write([[INTENT_KEY, intent && serialize(intent)]])
  }

  intended(): Intent | undefined {
    const stored = this.held.environments.get(0)?.get(INTENT_KEY)
    return stored && (deserialize(stored) as Intent)
  }

  figures(tableId: number): TableFigures {
    const figures = { people: 0, events: 0, delta: 0, blocks: 0 }
    for (const { partition } of this.held.all(this.held.table(tableId))) {
      figures.people += partition.people
      figures.events += partition.rows
      figures.delta += partition.delta.rows
      figures.blocks += partition.blocks.length
    }
    return figures
  }

  /** Forgets a table, and removes its data, without space for that as soon as there is some. */
  async drop(tableId: number): Promise<void> {
    while (this.folds.underWay) await this.folds.underWay
    this.held.forget(tableId)
    this.shared.forget(tableId)
    await this.#leftovers.remove(() => this.#removeData(tableId))
  }

  async #removeData(tableId: number): Promise<void> {
    await this.held.environments.get(0)?.removeRange(...placesRange(tableId))
    for (const environment of this.held.environments.values())
      await environment.removeRange(tableStart(tableId), tableStart(tableId + 1))
  }

  /**
   * Removes what stops have left behind: data of tables that are no more, as one came between dropping a table and
   * removing its data; partitions that have moved away, or did not come whole; and receipts whose time is over.
   */
  async sweep(live: readonly number[]): Promise<void> {
    for (const environment of this.held.environments.values()) {
      for (let table = firstTable(environment, 0); table !== undefined; table = firstTable(environment, table + 1)) {
        const dropped = table
        if (!live.includes(dropped)) await this.#leftovers.remove(() => this.#removeData(dropped))
      }
    }
    for (const { id, partitions } of this.held.tables)
      for (let partition = 0; partition < partitions; partition++)
        for (const [environment, data] of this.held.environments)
          await this.#sweepPartition({ table: id, partition, environment }, data)
  }

  async #sweepPartition(place: Moved, data: BinaryEnvironment): Promise<void> {
    const { table, partition, environment } = place
    const isPartial = data.get(incomingKey(table, partition)) !== undefined
    const clear = async () => {
      await this.moves.clear(place)
      if (isPartial) await data.write([[incomingKey(table, partition), undefined]])
    }
    // A move may come back here: only a start may remove what an earlier one has left.
    if (environment !== this.held.places.of(table, partition)) return void (await whereThereIsRoom(clear))
    if (isPartial) await clear() // it must not be read
    const receipts = new Receipts(data, table, partition)
    await this.#leftovers.remove(() => data.write(receipts.expired(this.#start.settings.receiptLifeMs)))
  }

  /** Until it is resumed nothing is written to any environment, by whomever: kept when that is so. */
  async pauseWrites(): Promise<void> {
    await Promise.all([...this.held.environments.values()].map((environment) => environment.pause()))
  }

  resumeWrites(): void {
    for (const environment of this.held.environments.values()) environment.resume()
  }

  forgetDeadReaders(): void {
    for (const environment of this.held.environments.values()) environment.forgetDeadReaders()
  }

  /** Bytes of pages in use, of files, and of decoded columns in memory. */
  sizes(): Sizes {
    const sizes = [...this.held.environments.values()].map((environment) => environment.size())
    return {
      liveBytes: sizes.reduce((sum, { liveBytes }) => sum + liveBytes, 0),
      fileBytes: sizes.reduce((sum, { fileBytes }) => sum + fileBytes, 0),
      cacheBytes: this.held.cacheBytes,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#idle)
    await this.folds[Symbol.asyncDispose]()
    await this.receipts.idle()
    await this.#leftovers[Symbol.asyncDispose]()
    await this.held[Symbol.asyncDispose]()
  }
}

/** The rows that the delta of a partition has had since it had so many, as events. */
function freshTexts(partition: Partition, from: number): string[] {
  const { delta } = partition
  if (delta.rows === from) return []
  const cells = (column: EventColumn) => delta.columns.get(column.id)?.values(delta.rows)
  const texts = new EventTexts(partition, { stamp: delta.stamp, action: delta.action, cells })
  return Array.from({ length: delta.rows - from }, (_, at) => texts.text(delta.person[from + at]!, from + at))
}

/** The events that rows of a batch belong to; rows of one event are neighbours. */
function* eventsOf({ event }: Batch, rows: Uint32Array): Iterable<number> {
  for (let at = 0; at < rows.length; at++)
    if (at === 0 || event[rows[at]!] !== event[rows[at - 1]!]) yield event[rows[at]!]!
}

/** The events from a place on that were not inserted. */
function othersOf(events: readonly number[], fates: readonly number[], from: number): [number, number][] {
  const others: [number, number][] = []
  for (let at = from; at < fates.length; at++) if (fates[at] !== Fate.inserted) others.push([events[at]!, fates[at]!])
  return others
}

/** The rows of each partition that a batch has any for. */
function rowsByPartition({ rows, person, partitionOf: owner }: Batch): Map<number, Uint32Array> {
  const counts = new Uint32Array(owner.reduce((most, partition) => Math.max(most, partition), 0) + 1)
  for (let row = 0; row < rows; row++) counts[owner[person[row]!]!]!++
  const lists = Array.from(counts, (count) => new Uint32Array(count))
  const next = new Uint32Array(counts.length)
  for (let row = 0; row < rows; row++) {
    const partition = owner[person[row]!]!
    lists[partition]![next[partition]!++] = row
  }
  return new Map([...lists.entries()].filter(([, list]) => list.length > 0))
}

/** The first table from a number on that has data; places and the intent lie behind all tables. */
function firstTable(environment: BinaryEnvironment, from: number): number | undefined {
  for (const key of environment.keys(tableStart(from), PLACES_START)) return tableOf(key)
  return undefined
}
