import { type Problem, withPauses } from '../lib/index.js'
import type { PartialResult, Program, Scalar, ScanLimits } from '../pyql/index.js'
import { AtomicInserts } from './atomic-inserts.js'
import { type ColumnTree, mergeColumnParts } from './column-tree.js'
import type { DigestText } from './content-digest.js'
import { describeFolder, environmentsOf, filesOf } from './folder.js'
import { Gate } from './gate.js'
import type { Sharing } from './outgoing.js'
import type { Piece } from './partition-copy.js'
import { PartitionMoves } from './partition-moves.js'
import type { PersonRow } from './person-rows.js'
import { Places } from './places.js'
import type {
  ColumnPart,
  ColumnRequest,
  CopyPart,
  CopyPlace,
  InsertAnswer,
  Keep,
  OutgoingNote,
  PersonDigest,
  PopulationInfo,
  Reactions,
  ReactProgram,
  ReactRequest,
  Request,
  SegmentUse,
  Sizes,
  TableFigures,
} from './protocol.js'
import { type EventTable, type PersonId, partitionOf } from './schema.js'
import { Threads, type ThreadsOptions } from './threads.js'

export interface StoreOptions extends ThreadsOptions {
  /** Told of every scan, and how many people it looked at. */
  readonly onScan?: (kind: string, people: number) => void
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
  readonly max?: number
  readonly trace?: boolean
  readonly limits: ScanLimits
  readonly keep?: Keep
}

/** A population that has a header, in all partitions. */
export interface KeptWhole extends PopulationInfo {
  /** Whether every partition has it, and the same: a stop in the middle of a change may have left some without. */
  readonly isWhole: boolean
}

/** Between two pauses of work on the thread that serves. */
const SLICE_MS = 5
const PROGRESS_MS = 100

/**
 * Event data of a node, from the thread that serves: requests go to the workers that own the environments, and their
 * parts of an answer are put together.
 */
export class EventStore implements AsyncDisposable {
  readonly #folder: string
  readonly #environments: number
  readonly #threads: Threads
  readonly #places: Places
  readonly #gate: Gate
  readonly #atomic: AtomicInserts
  readonly #moves: PartitionMoves
  readonly #onScan: (kind: string, people: number) => void

  private constructor(options: StoreOptions) {
    this.#folder = options.folder
    this.#onScan = options.onScan ?? (() => {})
    this.#environments = environmentsOf(options.folder)
    const threads = new Threads(options, this.#environments)
    const places = new Places(this.#environments)
    const gate = new Gate(options.settings.insertsMax)
    const atomic = new AtomicInserts(threads)
    this.#threads = threads
    this.#places = places
    this.#gate = gate
    this.#atomic = atomic
    this.#moves = new PartitionMoves({ threads, places, gate, finishInsert: () => atomic.finish() })
  }

  /** Opens the data of a folder. `tables`: the event tables that there are; data of others is removed. */
  static async open(options: StoreOptions, tables: readonly EventTable[]): Promise<EventStore> {
    const store = new EventStore(options)
    if (tables.length === 0 && store.files.length === 0) return store
    for (const table of tables) store.#threads.announce(table)
    await store.#moves.load()
    await store.#threads.askAll({ kind: 'sweep', tables: tables.map(({ id }) => id) })
    await store.#atomic.finishAfterStop()
    return store
  }

  /** Why events are refused, while they are: some of the storage takes no more writes. What is stored can be asked. */
  get failure(): Problem | undefined {
    return this.#threads.failure
  }

  /** Inserts events; kept when what was accepted is durable and seen by every later query. */
  async insert(
    table: EventTable,
    body: string | readonly unknown[],
    options: InsertOptions = {},
  ): Promise<InsertAnswer> {
    this.#threads.announce(table)
    const { atomic = false, lines = false, only, origin, receipt } = options
    if (!atomic) return this.#insert({ kind: 'insert', table: table.id, body, lines, only, origin, receipt })
    return this.#atomic.insert(() => this.#insert({ kind: 'atomic', table: table.id, body, lines, only, receipt }))
  }

  /** The answer to an insert is stored elsewhere: what was kept for its repeat is not needed any more. */
  forgetReceipt(receipt: string): void {
    this.#threads.tellStarted({ kind: 'forget_receipt', receipt })
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
    const answers = await (query.keep ? this.#gate.keep(() => asked) : asked)
    return {
      partials: answers.map(({ partials }) => partials),
      people: answers.reduce((sum, { people }) => sum + people, 0),
    }
  }

  /** @throws Problem script_limit, result_too_large: the column has too many values */
  async column(
    table: EventTable,
    query: Pick<ColumnRequest, 'column' | 'segments' | 'bucket' | 'filter' | 'limits'>,
    control: QueryControl = {},
  ): Promise<ColumnTree> {
    const parts = await this.#controlled('column', control, (flags) =>
      this.#all<ColumnPart>(table, { kind: 'column', table: table.id, flags, ...query }),
    )
    const merging = mergeColumnParts(parts, Math.max(1, query.segments.length), query.limits)
    return withPauses(merging, SLICE_MS, () => control.signal?.throwIfAborted())
  }

  /** The rows of a person, or undefined when there is nobody of that id. */
  async person(table: EventTable, person: PersonId, columns: readonly string[]): Promise<PersonRow[] | undefined> {
    const id = table.foldCase && typeof person === 'string' ? person.toLowerCase() : person
    const request = { kind: 'person', table: table.id, person: id, columns } as const
    return this.#ofPartition<PersonRow[] | undefined>(table, partitionOf(id, table.partitions), request)
  }

  /** Computes a population from others by the set math of a program; the number of people in it. */
  async combine(table: EventTable, program: Program, names: readonly SegmentUse[], keep: Keep): Promise<number> {
    const request = { kind: 'combine', table: table.id, program, names, keep } as const
    const counts = await this.#gate.keep(() => this.#all<number>(table, request))
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
    options: Pick<ReactRequest, 'now' | 'limits' | 'messageCharactersMax' | 'arrivalsMax' | 'people'>,
  ): Promise<Reactions> {
    const parts = await this.#all<Reactions>(table, { kind: 'react', table: table.id, programs, ...options })
    return {
      outcomes: parts.flatMap(({ outcomes }) => outcomes),
      log: parts.flatMap(({ log }) => log).slice(0, options.limits.traceMax),
      seen: parts.flatMap(({ seen }) => seen),
    }
  }

  async reacted(seen: Reactions['seen']): Promise<void> {
    await this.#threads.askAll({ kind: 'reacted', seen })
  }

  /** Which inserts into a table are kept for other nodes from now on. */
  async share(table: EventTable, sharing: Sharing): Promise<void> {
    await this.#all(table, { kind: 'share', table: table.id, sharing })
  }

  /** The oldest rows that wait to be sent to other nodes. When they stand elsewhere they go to `reacted`. */
  async outgoing(charactersMax: number): Promise<OutgoingNote[]> {
    return (await this.#threads.askStarted<OutgoingNote[]>({ kind: 'outgoing', charactersMax })).flat()
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
    while (this.#gate.moving) await this.#gate.moving
    this.#threads.announce(table)
    return this.#threads.of(this.#places.of(table.id, partition)).call<T>(request)
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
    this.#threads.forget(table)
  }

  /** Does something short while nothing is written: inserts under way are done, what comes later waits. */
  quietly<T>(run: () => Promise<T>): Promise<T> {
    return this.#gate.withoutInserts(async () => {
      try {
        await this.#threads.askStarted({ kind: 'pause_writes' })
        return await run()
      } finally {
        await this.#threads.askStarted({ kind: 'resume_writes' })
      }
    })
  }

  /** The files of all environments, in the folder; there are none before the first event table. */
  get files(): string[] {
    return filesOf(this.#folder, this.#environments)
  }

  /** Makes a folder of copies of the files one that can be opened. */
  describeIn(folder: string): void {
    describeFolder(folder, this.#environments)
  }

  /** Lets go of what processes have pinned that were killed while they read. */
  async forgetDeadReaders(): Promise<void> {
    await this.#threads.askStarted({ kind: 'forget_dead_readers' })
  }

  /**
   * Moves a partition into another environment, while events are inserted and questions asked: what is there goes over
   * piece by piece, and inserts wait only for the rest.
   */
  movePartition(table: EventTable, partition: number, environment: number): Promise<void> {
    return this.#moves.move(table, partition, environment)
  }

  /** A partition at one moment, in pieces that `importPartition` takes; inserts go on meanwhile. */
  exportPartition(table: EventTable, partition: number): AsyncGenerator<readonly Piece[]> {
    return this.#moves.export(table, partition)
  }

  /**
   * Takes a partition over that was exported elsewhere, from a table with the same numbers of columns. It is empty here
   * before, takes no events meanwhile, and is there when all of it is: a stop before leaves nothing.
   * @throws Problem partition_in_use
   */
  importPartition(table: EventTable, partition: number, pieces: AsyncIterable<readonly Piece[]>): Promise<void> {
    return this.#moves.import(table, partition, pieces)
  }

  /** Takes the data of a table from a folder of copies, as the data of this table, which nobody uses yet. */
  async adopt(folder: string, from: number, table: EventTable): Promise<void> {
    const request = { kind: 'adopt', folder, environments: environmentsOf(folder), from, table: table.id } as const
    await this.#threads.askAll(request)
  }

  /** Bytes in use, bytes of files and bytes of decoded columns, of all workers together. */
  async sizes(): Promise<Sizes> {
    const sizes = await this.#threads.askStarted<Sizes>({ kind: 'sizes' })
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
    await this.#threads[Symbol.asyncDispose]()
  }

  async #insert(request: Request): Promise<InsertAnswer> {
    if (this.failure) throw this.failure
    return this.#gate.insert(() => this.#threads.insert(request))
  }

  /** Asks every worker. When one fails the others are left to end by themselves; the first failure is told. */
  async #all<T>(table: EventTable, request: Request): Promise<T[]> {
    while (this.#gate.moving) await this.#gate.moving
    this.#threads.announce(table)
    return this.#threads.askAll<T>(request)
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
}

const startOf = ({ partitions }: EventTable, partition: number): CopyPlace | undefined =>
  partition < partitions ? { partition, person: 0, row: 0 } : undefined
