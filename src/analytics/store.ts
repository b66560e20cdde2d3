import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { assert, Problem } from '../lib/index.js'
import type { PartialResult, Program, Scalar, ScanLimits } from '../pyql/index.js'
import { Channel } from './channel.js'
import { type ColumnTree, mergeColumnParts } from './column-tree.js'
import type { DigestText } from './content-digest.js'
import { environmentFile } from './keys.js'
import type { Sharing } from './outgoing.js'
import type { Piece } from './partition-copy.js'
import type { PersonRow } from './person-rows.js'
import { type Moved, Places } from './places.js'
import type {
  ColumnFilter,
  ColumnPart,
  CopyPart,
  CopyPlace,
  CopyRest,
  InsertAnswer,
  Keep,
  Notice,
  OutgoingNote,
  PersonDigest,
  PopulationInfo,
  Reactions,
  ReactProgram,
  Request,
  SegmentUse,
  Sizes,
  StoreSettings,
  TableFigures,
  WorkerStart,
} from './protocol.js'
import { type EventTable, type PersonId, partitionOf } from './schema.js'

export interface StoreOptions {
  readonly folder: string
  readonly settings: StoreSettings
  /** Told of every scan, and how many people it looked at. */
  readonly onScan?: (kind: string, people: number) => void
  /** Told once when events are not taken any more, and why. */
  readonly onFailure?: (failure: Problem) => void
  /** Worker threads; default: the number of cores. At most one for each environment. */
  readonly workers?: number
}

export interface InsertOptions {
  /** All events or none. */
  readonly atomic?: boolean
  /** The body is JSON lines. */
  readonly lines?: boolean
  /** Names of the columns that whoever inserts may fill: an event with another one refuses all. Absent: all. */
  readonly only?: readonly string[] | undefined
  /** The node where the events were inserted first, when they come from another one. */
  readonly origin?: string
  /** Names an insert that may be sent again: it is then answered as the first time, until the name is forgotten. */
  readonly receipt?: string | undefined
}

/** Stops a query and tells how far it is. */
export interface QueryControl {
  readonly signal?: AbortSignal
  /** Called now and then with the number of people scanned. */
  readonly progress?: (people: number) => void
}

export interface ScanQuery {
  readonly program: Program
  readonly segments: readonly SegmentUse[]
  readonly now: number
  readonly sessionTime: number
  readonly each?: readonly Scalar[]
  readonly bucket?: number
  readonly trace?: boolean
  readonly limits: ScanLimits
  readonly keep?: Keep
}

/** A population that has a header, in all partitions. */
export interface KeptWhole extends PopulationInfo {
  /** Whether every partition has it, and the same: a stop in the middle of a change may have left some without. */
  readonly isWhole: boolean
}

const ENVIRONMENTS_MAX = 8
const PROGRESS_MS = 100

interface Thread {
  readonly worker: Worker
  readonly channel: Channel
  /** Version of the schema that the worker has, by table. */
  readonly schemas: Map<number, number>
  inserts: number
}

/**
 * Event data of a node, from the thread that serves: requests go to the workers that own the environments, and their
 * parts of an answer are put together.
 */
export class EventStore implements AsyncDisposable {
  readonly #options: StoreOptions
  #started: readonly Thread[] | undefined
  readonly #environments: number
  readonly #places: Places
  /** What keeps populations, which are not to be lost when their partition moves. */
  readonly #keeping = new Set<Promise<unknown>>()
  /** A partition that is about to be elsewhere: questions wait. */
  #moving: Promise<unknown> | undefined
  /** Atomic inserts go one by one: there is one place for an intent. */
  #atomic: Promise<unknown> = Promise.resolve()
  /** Whether one of them may have been cut off: it is finished before the next one begins. */
  #isCutOff = false
  /** Inserts under way, and what new ones wait for. */
  readonly #running = new Set<Promise<unknown>>()
  readonly #insertsMax: number
  readonly #onScan: (kind: string, people: number) => void
  readonly #onFailure: (failure: Problem) => void
  #waiting = 0
  #held: Promise<unknown> | undefined
  #failure: Problem | undefined
  /** Why nothing can be asked any more. */
  #crash: Error | undefined

  private constructor(options: StoreOptions) {
    this.#options = options
    this.#insertsMax = options.settings.insertsMax
    this.#onScan = options.onScan ?? (() => {})
    this.#onFailure = options.onFailure ?? (() => {})
    this.#environments = environmentsOf(options.folder)
    this.#places = new Places(this.#environments)
  }

  /** Opens the data of a folder. `tables`: the event tables that there are; data of others is removed. */
  static async open(options: StoreOptions, tables: readonly EventTable[]): Promise<EventStore> {
    const store = new EventStore(options)
    if (tables.length === 0 && store.files.length === 0) return store
    for (const table of tables) store.#announce(table)
    await store.#loadPlaces()
    const live = tables.map(({ id }) => id)
    await Promise.all(
      store.#threads.map(({ channel }) => channel.call({ kind: 'sweep', tables: live } satisfies Request)),
    )
    await store.#recoverFromStop()
    return store
  }

  /** The threads, which cost memory and time: they start with the first question or event. */
  get #threads(): readonly Thread[] {
    return (this.#started ??= this.#startThreads())
  }

  #startThreads(): readonly Thread[] {
    const { folder, settings, workers: wanted = availableParallelism() } = this.#options
    const environments = this.#environments
    const workers = Math.max(1, Math.min(wanted, environments))
    const threads = Array.from({ length: workers }, (_, worker) =>
      startThread({ folder, worker, workers, environments, settings }, ({ facts }) => this.#fail(facts)),
    )
    connect(threads)
    for (const { worker, channel } of threads) {
      worker.on('error', (error) => {
        this.#crash = error as Error
        channel.fail(error)
        this.#fail({ reason: (error as Error).message })
      })
    }
    return threads
  }

  /** Why events are refused, while they are: some of the storage takes no more writes. What is stored can be asked. */
  get failure(): Problem | undefined {
    return this.#failure
  }

  #fail(facts: Notice['facts']): void {
    if (this.#failure) return
    this.#failure = new Problem('storage_unavailable', facts as Problem<'storage_unavailable'>['facts'])
    this.#onFailure(this.#failure)
  }

  /** Inserts events; kept when what was accepted is durable and seen by every later query. */
  async insert(
    table: EventTable,
    body: string | readonly unknown[],
    options: InsertOptions = {},
  ): Promise<InsertAnswer> {
    this.#announce(table)
    const { atomic = false, lines = false, only, origin, receipt } = options
    if (!atomic) return this.#insert({ kind: 'insert', table: table.id, body, lines, only, origin, receipt })
    const turn = this.#atomic.then(() =>
      this.#insertAtomically({ kind: 'atomic', table: table.id, body, lines, only, receipt }),
    )
    this.#atomic = turn.catch(() => undefined)
    return turn
  }

  /** The answer to an insert is stored elsewhere: what was kept for its repeat is not needed any more. */
  forgetReceipt(receipt: string): void {
    for (const { channel } of this.#started ?? []) {
      // A thread that has ended is told of by what asks it next.
      channel.call({ kind: 'forget_receipt', receipt } satisfies Request).catch(() => undefined)
    }
  }

  /** Partial results of the workers, in a fixed order, and for segments the number of people in. */
  async scan(
    table: EventTable,
    query: ScanQuery,
    control: QueryControl = {},
  ): Promise<{ partials: PartialResult[][]; people: number }> {
    const asked = this.#controlled(query.program.mode, control, (flags) => {
      const { keep, program, segments, ...rest } = query
      const options = { trace: false, ...rest }
      const request = {
        kind: 'scan',
        table: table.id,
        program,
        segments,
        options,
        flags,
        ...(keep && { keep }),
      } as const
      return this.#all<{ partials: PartialResult[]; people: number }>(table, request)
    })
    const answers = await (query.keep ? this.#keeps(() => asked) : asked)
    return {
      partials: answers.map(({ partials }) => partials),
      people: answers.reduce((sum, { people }) => sum + people, 0),
    }
  }

  async column(
    table: EventTable,
    query: { column: string; segments: readonly SegmentUse[]; bucket?: number; filter?: ColumnFilter },
    control: QueryControl = {},
  ): Promise<ColumnTree> {
    const parts = await this.#controlled('column', control, (flags) =>
      this.#all<ColumnPart>(table, { kind: 'column', table: table.id, flags, ...query }),
    )
    return mergeColumnParts(parts, Math.max(1, query.segments.length))
  }

  /** The rows of a person, or undefined when there is nobody of that id. */
  async person(table: EventTable, person: PersonId, columns: readonly string[]): Promise<PersonRow[] | undefined> {
    this.#announce(table)
    const id = table.foldCase && typeof person === 'string' ? person.toLowerCase() : person
    const request = { kind: 'person', table: table.id, person: id, columns } as const
    return this.#ofPartition<PersonRow[] | undefined>(table, partitionOf(id, table.partitions), request)
  }

  /** Computes a population from others by the set math of a program; the number of people in it. */
  async combine(table: EventTable, program: Program, names: readonly SegmentUse[], keep: Keep): Promise<number> {
    const request = { kind: 'combine', table: table.id, program, names, keep } as const
    const counts = await this.#keeps(() => this.#all<number>(table, request))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  /**
   * Stores a population of the memory under its lasting name. A scan that is asked for before sees the old one in all
   * partitions, one that is asked for after it the new one.
   */
  async promote(table: EventTable, from: string, name: string, header: string): Promise<void> {
    await this.#all(table, { kind: 'promote', table: table.id, from, name, header })
  }

  /** Brings populations up that are kept up on insert. */
  async bringUp(table: EventTable, names: readonly SegmentUse[]): Promise<void> {
    await this.#all(table, { kind: 'bring_up', table: table.id, names })
  }

  /** The kept populations that have a header, people of all partitions added up. */
  async populations(table: EventTable): Promise<KeptWhole[]> {
    const byName = new Map<string, PopulationInfo[]>()
    for (const infos of await this.#all<PopulationInfo[]>(table, { kind: 'populations', table: table.id })) {
      for (const info of infos) {
        const parts = byName.get(info.name)
        if (parts) parts.push(info)
        else byName.set(info.name, [info])
      }
    }
    return [...byName]
      .map(([name, parts]) => {
        const { header } = parts[0]!
        const isWhole = parts.length === table.partitions && parts.every((part) => part.header === header)
        return { name, header, isWhole, people: parts.reduce((sum, { people }) => sum + people, 0) }
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Whether inserts into a table are noted for triggers. */
  async watch(table: EventTable, watched: boolean): Promise<void> {
    await this.#all(table, { kind: 'watch', table: table.id, watched })
  }

  /**
   * Runs triggers for the people of inserts that triggers have not seen, or for some people by their ids. When what came
   * of it is stored, `seen` goes to `reacted`; until then the same inserts come again.
   */
  async react(
    table: EventTable,
    programs: readonly ReactProgram[],
    options: { now: number; limits: ScanLimits; arrivalsMax: number; people?: readonly PersonId[] },
  ): Promise<Reactions> {
    const parts = await this.#all<Reactions>(table, { kind: 'react', table: table.id, programs, ...options })
    return {
      outcomes: parts.flatMap(({ outcomes }) => outcomes),
      log: parts.flatMap(({ log }) => log).slice(0, options.limits.traceMax),
      seen: parts.flatMap(({ seen }) => seen),
    }
  }

  async reacted(seen: Reactions['seen']): Promise<void> {
    await Promise.all(this.#threads.map(({ channel }) => channel.call({ kind: 'reacted', seen } satisfies Request)))
  }

  /** Which inserts into a table are kept for other nodes from now on. */
  async share(table: EventTable, sharing: Sharing): Promise<void> {
    await this.#all(table, { kind: 'share', table: table.id, sharing })
  }

  /** The oldest rows that wait to be sent to other nodes. When they stand elsewhere they go to `reacted`. */
  async outgoing(charactersMax: number): Promise<OutgoingNote[]> {
    const request = { kind: 'outgoing', charactersMax } satisfies Request
    const threads = this.#started ?? []
    return (await Promise.all(threads.map(({ channel }) => channel.call<OutgoingNote[]>(request)))).flat()
  }

  /** The rows of a table from a place on, as events; without `next` that was the last. */
  async copy(table: EventTable, from: CopyPlace, charactersMax: number): Promise<CopyPart> {
    const texts: string[] = []
    let rows = 0
    let characters = 0
    let place: CopyPlace | undefined = from
    while (place && characters < charactersMax) {
      const request = { kind: 'copy', table: table.id, charactersMax: charactersMax - characters, ...place } as const
      const part: CopyPart = await this.#ofPartition(table, place.partition, request)
      if (part.rows > 0) texts.push(part.text)
      rows += part.rows
      characters += part.text.length
      place = part.next ?? startOf(table, place.partition + 1)
    }
    return { text: texts.join(','), rows, ...(place && { next: place }) }
  }

  /** What a partition holds, by buckets of people that are the same on every node, whatever its partitions. */
  async digests(table: EventTable, partition: number, buckets: number): Promise<DigestText[]> {
    return this.#ofPartition(table, partition, { kind: 'digests', table: table.id, partition, buckets })
  }

  async contents(table: EventTable, buckets: number, bucket: number): Promise<PersonDigest[]> {
    const all: PersonDigest[] = []
    for (let partition = 0; partition < table.partitions; partition++) {
      const request = { kind: 'contents', table: table.id, partition, buckets, bucket } as const
      all.push(...(await this.#ofPartition<PersonDigest[]>(table, partition, request)))
    }
    return all
  }

  async #ofPartition<T>(table: EventTable, partition: number, request: Request): Promise<T> {
    while (this.#moving) await this.#moving
    this.#announce(table)
    return this.#threadOf(table, partition).channel.call<T>(request)
  }

  async forget(table: EventTable, names: readonly string[]): Promise<void> {
    await this.#all(table, { kind: 'forget', table: table.id, names })
  }

  /** Folds every fresh row into blocks: what the background does when there is time. */
  async fold(table: EventTable): Promise<void> {
    await this.#all(table, { kind: 'fold', table: table.id })
  }

  async figures(table: EventTable): Promise<TableFigures> {
    const figures = await this.#all<TableFigures>(table, { kind: 'figures', table: table.id })
    return figures.reduce((sum, part) => ({
      people: sum.people + part.people,
      events: sum.events + part.events,
      delta: sum.delta + part.delta,
      blocks: sum.blocks + part.blocks,
    }))
  }

  /** Removes a table's data. */
  async drop(table: EventTable): Promise<void> {
    await this.#all(table, { kind: 'drop', table: table.id })
    this.#places.forget(table.id)
    for (const { schemas } of this.#threads) schemas.delete(table.id)
  }

  /** Does something short while nothing is written: inserts under way are done, what comes later waits. */
  async quietly<T>(run: () => Promise<T>): Promise<T> {
    while (this.#held) await this.#held
    const result = Promise.allSettled([...this.#running]).then(() => this.#withoutWrites(run))
    this.#held = result.catch(() => undefined)
    try {
      return await result
    } finally {
      this.#held = undefined
    }
  }

  async #withoutWrites<T>(run: () => Promise<T>): Promise<T> {
    try {
      await this.#tellAll({ kind: 'pause_writes' })
      return await run()
    } finally {
      await this.#tellAll({ kind: 'resume_writes' })
    }
  }

  /** The files of all environments, in the folder; there are none before the first event table. */
  get files(): string[] {
    const all = Array.from({ length: this.#environments }, (_, number) => environmentFile(number))
    return all.filter((file) => existsSync(join(this.#options.folder, file)))
  }

  /** Makes a folder of copies of the files one that can be opened. */
  describeIn(folder: string): void {
    writeFileSync(join(folder, FORMAT_FILE), formatText(this.#environments))
  }

  /** Lets go of what processes have pinned that were killed while they read. */
  async forgetDeadReaders(): Promise<void> {
    await this.#tellAll({ kind: 'forget_dead_readers' })
  }

  async #tellAll(request: Request): Promise<void> {
    await Promise.all((this.#started ?? []).map(({ channel }) => channel.call(request)))
  }

  /**
   * Moves a partition into another environment, while events are inserted and questions asked. What is already there
   * goes over piece by piece; then inserts wait until the rest has followed and the new place is written down, which is
   * one write: a stop before it leaves the partition where it was, and one after it where it is now.
   */
  async movePartition(table: EventTable, partition: number, environment: number): Promise<void> {
    const before = { table: table.id, partition, environment: this.#places.of(table.id, partition) }
    if (before.environment === environment) return
    const moved = { ...before, environment }
    const to = this.#thread(environment).channel
    await to.call({ kind: 'clear', place: moved } satisfies Request)
    await this.#copying(table, partition, async (pieces, rest) => {
      for await (const piece of pieces) await to.call({ kind: 'take', place: moved, pieces: piece } satisfies Request)
      await this.#alone(async () => {
        if (this.#isCutOff) await this.#recover() // it knows events by their environments
        const { pieces: last, memory } = await rest()
        await to.call({ kind: 'take', place: moved, pieces: last } satisfies Request)
        await this.#thread(0).channel.call({ kind: 'place', moved } satisfies Request)
        await this.#usePlaces([moved])
        await to.call({ kind: 'take_memory', table: table.id, partition, memory } satisfies Request)
      })
    })
    await this.#thread(before.environment).channel.call({ kind: 'clear', place: before } satisfies Request)
  }

  /** A partition at one moment, in pieces that `importPartition` takes; inserts go on meanwhile. */
  async *exportPartition(table: EventTable, partition: number): AsyncGenerator<readonly Piece[]> {
    const from = await this.#startCopy(table, partition)
    try {
      yield* from.pieces
      yield (await from.rest()).pieces
    } finally {
      await from.end()
    }
  }

  /**
   * Takes a partition over that was exported elsewhere, from a table with the same numbers of columns. It is empty here
   * before, takes no events meanwhile, and is there when all of it is: a stop before leaves nothing.
   * @throws Problem partition_in_use
   */
  async importPartition(table: EventTable, partition: number, pieces: AsyncIterable<readonly Piece[]>): Promise<void> {
    this.#announce(table)
    const place = { table: table.id, partition, environment: this.#places.of(table.id, partition) }
    const { channel } = this.#thread(place.environment)
    await channel.call({ kind: 'expect', place } satisfies Request)
    try {
      for await (const piece of pieces) await channel.call({ kind: 'take', place, pieces: piece } satisfies Request)
    } catch (error) {
      await channel.call({ kind: 'clear', place } satisfies Request)
      throw error
    } finally {
      await channel.call({ kind: 'arrived', place } satisfies Request)
    }
  }

  async #copying(
    table: EventTable,
    partition: number,
    run: (pieces: AsyncIterable<readonly Piece[]>, rest: () => Promise<CopyRest>) => Promise<void>,
  ): Promise<void> {
    const { pieces, rest, end } = await this.#startCopy(table, partition)
    try {
      await run(pieces, rest)
    } finally {
      await end()
    }
  }

  async #startCopy(table: EventTable, partition: number) {
    this.#announce(table)
    const { channel } = this.#threadOf(table, partition)
    const ask = <T>(kind: 'copy_start' | 'copy_next' | 'copy_rest' | 'copy_end') =>
      channel.call<T>({ kind, table: table.id, partition } satisfies Request)
    await ask('copy_start')
    async function* pieces(): AsyncGenerator<readonly Piece[]> {
      for (;;) {
        const next = await ask<readonly Piece[]>('copy_next')
        if (next.length === 0) return
        yield next
      }
    }
    return { pieces: pieces(), rest: () => ask<CopyRest>('copy_rest'), end: () => ask('copy_end') }
  }

  /** Runs when no insert and nothing that keeps populations is under way; all that is new waits. */
  async #alone(run: () => Promise<void>): Promise<void> {
    // Most of what takes long is waited for before the rest has to wait.
    await Promise.allSettled([...this.#keeping])
    while (this.#held) await this.#held
    const work = (async () => {
      await Promise.allSettled([...this.#running, ...this.#keeping])
      await run()
    })()
    const ended = work.catch(() => undefined)
    this.#held = ended
    this.#moving = ended
    try {
      await work
    } finally {
      this.#held = undefined
      this.#moving = undefined
    }
  }

  async #keeps<T>(run: () => Promise<T>): Promise<T> {
    const kept = run()
    this.#keeping.add(kept)
    try {
      return await kept
    } finally {
      this.#keeping.delete(kept)
    }
  }

  async #loadPlaces(): Promise<void> {
    await this.#usePlaces(await this.#thread(0).channel.call<Moved[]>({ kind: 'places' } satisfies Request))
  }

  async #usePlaces(moved: readonly Moved[]): Promise<void> {
    for (const place of moved) this.#places.set(place)
    await Promise.all(this.#threads.map(({ channel }) => channel.call({ kind: 'use_places', moved } satisfies Request)))
  }

  #threadOf(table: EventTable, partition: number): Thread {
    return this.#thread(this.#places.of(table.id, partition))
  }

  /** Takes the data of a table from a folder of copies, as the data of this table, which nobody uses yet. */
  async adopt(folder: string, from: number, table: EventTable): Promise<void> {
    const request = { kind: 'adopt', folder, environments: environmentsOf(folder), from, table: table.id } as const
    await Promise.all(this.#threads.map(({ channel }) => channel.call(request satisfies Request)))
  }

  /** Bytes in use, bytes of files and bytes of decoded columns, of all workers together. */
  async sizes(): Promise<Sizes> {
    const sizes = await Promise.all(
      (this.#started ?? []).map(({ channel }) => channel.call<Sizes>({ kind: 'sizes' } satisfies Request)),
    )
    return sizes.reduce(
      (sum, size) => ({
        liveBytes: sum.liveBytes + size.liveBytes,
        fileBytes: sum.fileBytes + size.fileBytes,
        cacheBytes: sum.cacheBytes + size.cacheBytes,
      }),
      { liveBytes: 0, fileBytes: 0, cacheBytes: 0 },
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      (this.#started ?? []).map(async ({ channel, worker }) => {
        if (!this.#crash) await channel.call({ kind: 'close' } satisfies Request)
        await worker.terminate()
      }),
    )
  }

  async #insertAtomically(request: Request): Promise<InsertAnswer> {
    if (this.#isCutOff) await this.#recover()
    this.#isCutOff = true
    const answer = await this.#insert(request)
    try {
      await this.#thread(0).channel.call({ kind: 'intend', intent: undefined } satisfies Request)
      this.#isCutOff = false
    } catch (error) {
      // All of it is stored. That this is so will be noted when there is space, as after one that was cut off.
      if (!(error instanceof Problem) || error.code !== 'disk_full') throw error
    }
    return answer
  }

  /** Finishes an atomic insert that a stop has cut off; without space for it the next one begins with that. */
  async #recoverFromStop(): Promise<void> {
    this.#isCutOff = true
    try {
      await this.#recover()
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'disk_full') throw error
    }
  }

  async #recover(): Promise<void> {
    await this.#thread(0).channel.call({ kind: 'recover' } satisfies Request)
    this.#isCutOff = false
  }

  async #insert(request: Request): Promise<InsertAnswer> {
    if (this.#failure) throw this.#failure
    if (this.#running.size + this.#waiting >= this.#insertsMax) {
      throw new Problem('too_many_requests', {
        reason: `${this.#insertsMax} inserts are under way (setting events.inserts_max): try again.`,
      })
    }
    this.#waiting++
    while (this.#held) await this.#held
    this.#waiting--
    const run = this.#insertNow(request)
    this.#running.add(run)
    try {
      return await run
    } finally {
      this.#running.delete(run)
    }
  }

  async #insertNow(request: Request): Promise<InsertAnswer> {
    const thread = this.#threads.reduce((idle, other) => (other.inserts < idle.inserts ? other : idle))
    thread.inserts++
    try {
      return await thread.channel.call<InsertAnswer>(request)
    } finally {
      thread.inserts--
    }
  }

  /** Asks every worker. When one fails the others are left to end by themselves; the first failure is told. */
  async #all<T>(table: EventTable, request: Request): Promise<T[]> {
    while (this.#moving) await this.#moving
    this.#announce(table)
    return Promise.all(this.#threads.map(({ channel }) => channel.call<T>(request)))
  }

  async #controlled<T>(
    kind: string,
    { signal, progress }: QueryControl,
    run: (flags: Int32Array) => Promise<T>,
  ): Promise<T> {
    const flags = new Int32Array(new SharedArrayBuffer(8))
    const stop = () => Atomics.store(flags, 0, 1)
    signal?.throwIfAborted()
    signal?.addEventListener('abort', stop)
    const timer = progress && setInterval(() => progress(Atomics.load(flags, 1)), PROGRESS_MS)
    try {
      return await run(flags)
    } catch (error) {
      stop()
      signal?.throwIfAborted()
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
      clearInterval(timer)
      this.#onScan(kind, Atomics.load(flags, 1))
    }
  }

  /** Tells the workers of a schema that they do not have yet. Messages arrive in order. */
  #announce(table: EventTable): void {
    if (this.#crash) throw this.#crash
    for (const { channel, schemas } of this.#threads) {
      if ((schemas.get(table.id) ?? -1) >= table.version) continue
      schemas.set(table.id, table.version)
      // A thread that has ended is told of by what asks it next.
      channel.call({ kind: 'schema', table } satisfies Request).catch(() => undefined)
    }
  }

  #thread(environment: number): Thread {
    const thread = this.#threads[environment % this.#threads.length]
    assert(thread !== undefined, 'every environment has its worker')
    return thread
  }
}

const startOf = ({ partitions }: EventTable, partition: number): CopyPlace | undefined =>
  partition < partitions ? { partition, person: 0, row: 0 } : undefined

const FORMAT_FILE = 'format.json'

function formatText(environments: number): string {
  return `${JSON.stringify({ format: 1, environments })}\n`
}

/** The number of environments, fixed when the folder is made. */
function environmentsOf(folder: string): number {
  const path = join(folder, FORMAT_FILE)
  if (existsSync(path)) {
    const { format, environments } = JSON.parse(readFileSync(path, 'utf8')) as { format: number; environments: number }
    if (format !== 1)
      throw new Problem('invalid_request', { reason: `The event data in ${folder} has the unknown format ${format}.` })
    return environments
  }
  const environments = Math.min(availableParallelism(), ENVIRONMENTS_MAX)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, formatText(environments))
  return environments
}

function startThread(start: WorkerStart, onFailure: (notice: Notice) => void): Thread {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: start })
  const channel = new Channel(worker, onFailure)
  return { worker, channel, schemas: new Map(), inserts: 0 }
}

/** Every worker can send rows to every other one. */
function connect(threads: readonly Thread[]): void {
  for (let a = 0; a < threads.length; a++) {
    for (let b = a + 1; b < threads.length; b++) {
      const { port1, port2 } = new MessageChannel()
      threads[a]!.worker.postMessage({ peer: b, port: port1 }, [port1])
      threads[b]!.worker.postMessage({ peer: a, port: port2 }, [port2])
    }
  }
}
