import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { deserialize, serialize } from 'node:v8'
import { assert, Problem } from '../lib/index.js'
import type { PartialResult, Population, Program, Scan, ScanOptions } from '../pyql/index.js'
import { BinaryEnvironment, type Write } from '../storage/index.js'
import { type Batch, Fate, type Outcome } from './batch.js'
import { mayHold } from './block-stats.js'
import { ColumnCache } from './column-cache.js'
import { ColumnCount } from './column-count.js'
import { ContentDigest, type DigestText } from './content-digest.js'
import { EventTexts, unitTexts } from './event-texts.js'
import { Folding } from './folding.js'
import type { Given } from './inserter.js'
import { environmentFile, isContent, partitionOfKey, tableOf, tableStart } from './keys.js'
import { Outgoing, type Sharing, sharingOf, sharingWrite } from './outgoing.js'
import { Partition, type Snapshot } from './partition.js'
import { incomingKey, keyOfPiece, PartitionCopy, type Piece, partitionRanges } from './partition-copy.js'
import { type PersonRow, rowsOfPerson } from './person-rows.js'
import { type Moved, PLACES_START, Places, placesRange, placeWrite, readPlaces } from './places.js'
import {
  bitsOf,
  type CapturedPopulation,
  combine,
  countBits,
  everyone,
  has,
  Populations,
  wordsFor,
} from './populations.js'
import type {
  ColumnPart,
  ColumnRequest,
  CopyPart,
  CopyPlace,
  CopyRest,
  Intent,
  Keep,
  MemoryPopulation,
  OutgoingNote,
  PersonDigest,
  PopulationInfo,
  Reactions,
  ReactRequest,
  ScanRequest,
  SegmentUse,
  Sizes,
  TableFigures,
  WorkerStart,
} from './protocol.js'
import { Arrivals } from './reactions.js'
import { Receipts } from './receipts.js'
import { hasFreshRows, Scratch, scanBlock, type Unit, unitsOf } from './scan-reader.js'
import { ACTION_COLUMN, ACTION_NAME, type EventColumn, type EventTable, type PersonId, partitionOf } from './schema.js'
import { Numberings } from './texts.js'

export type MakeScan = (program: Program, options: ScanOptions) => Scan

interface Held {
  readonly environment: number
  readonly partition: Partition
  readonly populations: Populations
  readonly folding: Folding
  readonly arrivals: Arrivals
  readonly receipts: Receipts
}

/** Whom a scan is about, and whom it will keep. */
interface Uses {
  readonly segments: readonly SegmentUse[]
  readonly keep?: Keep | undefined
  readonly options?: typeof UPKEEP
}

/** A partition as it was when a scan began. */
interface Taken {
  readonly held: Held
  readonly snapshot: Snapshot
  readonly captured: readonly (CapturedPopulation | undefined)[]
  readonly pin: number | undefined
}

/** A partition, as a scan visits it. */
interface Place {
  readonly held: Held
  readonly snapshot: Snapshot
  readonly populations: () => Promise<(Population | undefined)[]>
  readonly pause: () => Promise<void> | undefined
}

/** What triggers have said. */
interface Said {
  readonly outcomes: Reactions['outcomes'][number][]
  readonly log: string[]
}

/** Longest time that a scan keeps others waiting, in milliseconds. */
const SLICE_MS = 8
/** A delta is folded when it has this many rows and this part of the rows of its partition. */
const FOLD_ROWS = 16_384
const FOLD_PART = 8
/** Or when nothing was inserted for this long; a small part of the partition waits for some time after the last fold. */
const IDLE_MS = 500
const SMALL_PART = 64
const FOLD_PAUSE_MS = 10_000
/** Between looks whether a partition that was moved away is still read, in milliseconds. */
const LEAVE_MS = 20
/** Bytes that are taken over from another folder in one transaction. */
const ADOPT_BYTES = 1 << 22
/** The number of the table, in front of each key. */
const TABLE_BYTES = 4
/** Behind the keys of all tables. */
const INTENT_KEY = Buffer.from([0xff, 0xff, 0xff, 0xff])

/** The event data of some environments: one thread, that writes and scans them. */
export class Owner implements AsyncDisposable {
  readonly #start: WorkerStart
  readonly #makeScan: MakeScan
  readonly #environments = new Map<number, BinaryEnvironment>()
  readonly places: Places
  /** Partitions that are being copied, which are not folded meanwhile. */
  readonly #copies = new Map<Partition, PartitionCopy>()
  /** Partitions that were moved away and may still be read. */
  readonly #left = new Set<Partition>()
  /** Partitions that are being taken over: they take no events. */
  readonly #incoming = new Set<string>()
  readonly #tables = new Map<number, EventTable>()
  readonly #held = new Map<number, Map<number, Held>>()
  readonly #cache: ColumnCache
  /** By table. */
  readonly #numberings = new Map<number, Numberings>()
  /** Tables with triggers. */
  readonly #watched = new Set<number>()
  readonly #shared = new Map<number, Sharing>()
  readonly #notes = new Map<BinaryEnvironment, Map<number, Outgoing>>()
  /** What removes the receipts of an insert, when it is time. */
  readonly #receipts = new Map<string, [BinaryEnvironment, Write][]>()
  /** Receipts to remove. */
  readonly #forgotten = new Map<BinaryEnvironment, Write[]>()
  #forgetting: Promise<void> | undefined
  readonly #scratch = new Scratch()
  readonly #folded = new WeakMap<Partition, number>()
  #scans = 0
  #folding: Promise<void> | undefined
  #idle: NodeJS.Timeout
  #closed = false

  /** @param onFailure is told when an environment takes no more writes */
  constructor(start: WorkerStart, makeScan: MakeScan, onFailure: (failure: Problem) => void) {
    this.#start = start
    this.#makeScan = makeScan
    this.#cache = new ColumnCache(start.settings.cacheBytesMax)
    this.places = new Places(start.environments)
    mkdirSync(start.folder, { recursive: true })
    for (let number = start.worker; number < start.environments; number += start.workers) {
      this.#environments.set(number, new BinaryEnvironment(join(start.folder, environmentFile(number)), onFailure))
    }
    this.#idle = setInterval(() => {
      this.#foldSoon()
      this.#forgetSoon()
    }, IDLE_MS)
    this.#idle.unref()
  }

  /** Takes a table's schema; requests that follow see it. */
  useTable(table: EventTable): void {
    const known = this.#tables.get(table.id)
    if (known && known.version >= table.version) return
    this.#tables.set(table.id, table)
    for (const { partition } of this.#held.get(table.id)?.values() ?? []) partition.useSchema(table)
  }

  table(id: number): EventTable {
    const table = this.#tables.get(id)
    // Schemas come before requests for them: only one that was dropped meanwhile is missing.
    if (!table) throw new Problem('query_cancelled', {})
    return table
  }

  knows(table: number): boolean {
    return this.#tables.has(table)
  }

  owns(environment: number): boolean {
    return this.#environments.has(environment)
  }

  /** Adds rows to partitions of one environment; kept when they are durable. */
  async insert(tableId: number, batch: Batch, { origin, receipt }: Given = {}): Promise<Outcome> {
    const table = this.table(tableId)
    const sharing = this.#sharing(tableId)
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
    for (const [number, rows] of rowsByPartition(batch)) {
      if (this.#incoming.has(`${tableId}/${number}`)) throw new Problem('partition_in_use', { partition: number })
      const { partition, populations, arrivals, receipts } = this.#hold(table, number)
      if (receipt !== undefined) {
        this.#toForget(receipt, partition.environment, receipts)
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
      if (this.#watched.has(tableId) && changed.length > 0) writes.push(arrivals.note(changed))
      environment = partition.environment
    }
    if (environment && shared.length > 0)
      writes.push(...this.#outgoing(environment, tableId).note(origin ?? '', shared))
    if (environment && writes.length > 0) await this.#write(environment, writes)
    this.#foldSoon()
    return { events: Uint32Array.from(events), fates: Uint8Array.from(fates) }
  }

  /** Places in the body of events whose person would get too many rows. */
  check(tableId: number, batch: Batch, receipt?: string): number[] {
    const table = this.table(tableId)
    const most = this.#start.settings.rowsPerPersonMax
    return [...rowsByPartition(batch)].flatMap(([number, rows]) => {
      const { partition, receipts } = this.#hold(table, number)
      if (receipt !== undefined && receipts.has(receipt)) return []
      return partition.tooMany(batch, rows, most)
    })
  }

  #toForget(receipt: string, environment: BinaryEnvironment, receipts: Receipts): void {
    const kept = this.#receipts.get(receipt) ?? []
    kept.push([environment, receipts.removal(receipt)])
    this.#receipts.set(receipt, kept)
  }

  /** The answer to an insert is stored elsewhere. What this has kept for its repeat goes soon, with that of others. */
  forgetReceipt(receipt: string): void {
    for (const [environment, removal] of this.#receipts.get(receipt) ?? []) {
      const own = this.#forgotten.get(environment) ?? []
      own.push(removal)
      this.#forgotten.set(environment, own)
    }
    this.#receipts.delete(receipt)
  }

  async #removeForgotten(): Promise<void> {
    const forgotten = [...this.#forgotten]
    this.#forgotten.clear()
    await Promise.all(forgotten.map(([environment, removals]) => environment.write(removals)))
  }

  /** Writes down what an atomic insert is about to do, or that it is done. */
  async intend(intent: Intent | undefined): Promise<void> {
    const environment = this.#environments.get(0)
    assert(environment !== undefined, 'environment 0 keeps the intents')
    await environment.write([[INTENT_KEY, intent && serialize(intent)]])
  }

  intended(): Intent | undefined {
    const stored = this.#environments.get(0)?.get(INTENT_KEY)
    return stored && (deserialize(stored) as Intent)
  }

  async scan(request: ScanRequest): Promise<{ partials: PartialResult[]; people: number }> {
    const table = this.table(request.table)
    const { program, segments, flags } = request
    const options: ScanOptions = { ...request.options, cancel: flags }
    const scans = (segments.length === 0 ? [undefined] : segments).map(() => this.#makeScan(program, options))
    const columns = program.columns.map((column) => columnOf(table, column.name))
    const isSegment = program.mode === 'segment'
    // Populations of all partitions go in one transaction.
    const kept: Promise<void>[] = []
    let people = 0
    const uses = { segments, keep: request.keep, options: request.options }
    await this.#each(table, flags, uses, async ({ held, snapshot, populations: given, pause }) => {
      const populations = await given()
      if (!this.#canMatch(held.partition, program, columns)) {
        if (isSegment) kept.push(this.#keep(held, snapshot, request.keep, new Uint32Array(0)))
        return
      }
      const members = isSegment ? new Uint32Array(wordsFor(snapshot.people)) : undefined
      for (const unit of unitsOf(snapshot)) {
        if (!blockCanMatch(snapshot, unit, program, columns)) {
          Atomics.add(flags, 1, unit.people)
          continue
        }
        const block = scanBlock(snapshot, unit, columns, this.#scratch)
        for (let at = 0; at < scans.length; at++) scans[at]!.run(block, populations[at], members)
        Atomics.add(flags, 1, unit.people)
        await pause()
      }
      if (!members) return
      people += countBits(members)
      kept.push(this.#keep(held, snapshot, request.keep, members))
    })
    await Promise.all(kept)
    return { partials: scans.map((scan) => scan.partial()), people }
  }

  async column(request: ColumnRequest): Promise<ColumnPart> {
    const table = this.table(request.table)
    const column = columnOf(table, request.column)
    assert(column !== undefined, 'the column was looked up before')
    const { segments } = request
    const count = new ColumnCount(column, Math.max(1, segments.length), request.bucket, request.filter)
    await this.#each(table, request.flags, { segments }, async ({ snapshot, populations: given, pause }) => {
      const populations = await given()
      for (const unit of unitsOf(snapshot)) {
        count.count(snapshot, unit, populations, this.#scratch)
        Atomics.add(request.flags, 1, unit.people)
        await pause()
      }
      count.endPartition()
    })
    return count.finish()
  }

  person(tableId: number, person: PersonId, columns: readonly string[], number: number): PersonRow[] | undefined {
    const table = this.table(tableId)
    const shown = columns.map((name) => columnOf(table, name)).filter((column) => column !== undefined)
    return rowsOfPerson(this.#hold(table, number).partition, person, shown, this.#scratch, this.#start.settings)
  }

  /** Computes a population from others. */
  async combine(tableId: number, program: Program, names: readonly SegmentUse[], keep: Keep): Promise<number> {
    const table = this.table(tableId)
    const { setMath } = program
    assert(setMath !== null, 'the program is set math')
    let people = 0
    const kept: Promise<void>[] = []
    await this.#each(table, new Int32Array(2), { segments: names }, async ({ held, snapshot, populations }) => {
      const all = everyone(snapshot.people)
      const operands = (await populations()).map((population) => population ?? all)
      const members =
        setMath.op === 'complement'
          ? combine([all, ...operands], snapshot.people, (word, other) => word & ~other)
          : combine(operands, snapshot.people, JOIN[setMath.op])
      people += countBits(members)
      kept.push(this.#keep(held, snapshot, keep, members))
    })
    await Promise.all(kept)
    return people
  }

  /** Decides anew about people who have changed, in populations that are kept up. */
  async bringUp(tableId: number, uses: readonly SegmentUse[]): Promise<void> {
    await this.#each(this.table(tableId), new Int32Array(2), { segments: uses }, async ({ populations }) => {
      await populations()
    })
  }

  /** Stores a population of the memory under its lasting name, in place of what was there. */
  async promote(tableId: number, from: string, name: string, header: string): Promise<void> {
    const writes = new Map<BinaryEnvironment, Write[]>()
    for (const { partition, populations } of this.#all(this.table(tableId))) {
      const kept = populations.get(from)
      if (!kept) throw new Problem('query_cancelled', {})
      const own = writes.get(partition.environment) ?? []
      own.push(...populations.put(name, { ...kept, header }), ...populations.delete(from))
      writes.set(partition.environment, own)
    }
    await Promise.all([...writes].map(([environment, own]) => this.#write(environment, own)))
  }

  /** Inserts into a watched table are noted for triggers. */
  watch(table: number, watched: boolean): void {
    if (watched) this.#watched.add(table)
    else this.#watched.delete(table)
  }

  /** What triggers say to the people of inserts that they have not seen: once for each insert. */
  async react(request: ReactRequest): Promise<Reactions> {
    const table = this.table(request.table)
    const said: Said = { outcomes: [], log: [] }
    const seen: Reactions['seen'][number][] = []
    const before = new Map([...this.#all(table)].map(({ arrivals }) => [arrivals, arrivals.next]))
    await this.#each(table, new Int32Array(2), { segments: [] }, async ({ held, snapshot, pause }) => {
      const { partition, arrivals } = held
      const asked = request.people?.map((id) => partition.numberOf(id)).filter((number) => number !== undefined)
      if (asked) {
        if (asked.length > 0) await this.#reactTo(request, table, snapshot, asked, said, pause)
        return
      }
      for (const { key: at, people } of arrivals.oldest(request.arrivalsMax, before.get(arrivals)!)) {
        await this.#reactTo(request, table, snapshot, people, said, pause)
        seen.push({ environment: held.environment, key: at })
      }
    })
    return { ...said, seen }
  }

  async #reactTo(
    { programs, now, limits }: ReactRequest,
    table: EventTable,
    snapshot: Snapshot,
    people: readonly number[],
    { outcomes, log }: Said,
    pause: () => Promise<void> | undefined,
  ): Promise<void> {
    const population = bitsOf(people, snapshot.people)
    for (const { id, program, entry } of programs) {
      const columns = program.columns.map((column) => columnOf(table, column.name))
      const scan = this.#makeScan(program, { ...UPKEEP, now, limits })
      for (const unit of unitsOf(snapshot)) {
        if (!touches(population, unit.first, unit.people)) continue
        const block = scanBlock(snapshot, unit, columns, this.#scratch)
        for (const outcome of scan.call(block, entry, population)) outcomes.push({ id, outcome })
        await pause()
      }
      log.push(...scan.partial().log)
    }
  }

  async reacted(seen: Reactions['seen']): Promise<void> {
    for (const [number, environment] of this.#environments) {
      const own = seen.filter((one) => one.environment === number)
      if (own.length > 0) await environment.write(own.map(({ key: at }): Write => [at, undefined]))
    }
  }

  /** Which inserts are kept for other nodes from now on. */
  async share(tableId: number, sharing: Sharing): Promise<void> {
    if (this.#sharing(tableId) === sharing) return
    this.#shared.set(tableId, sharing)
    for (const environment of this.#environments.values()) await environment.write([sharingWrite(tableId, sharing)])
  }

  /** The oldest rows that wait to be sent to other nodes. */
  outgoing(charactersMax: number): OutgoingNote[] {
    const notes: OutgoingNote[] = []
    let characters = 0
    for (const table of this.#tables.keys()) {
      for (const [number, environment] of this.#environments) {
        for (const note of this.#outgoing(environment, table).oldest()) {
          notes.push({ ...note, table, environment: number })
          characters += note.text.length
          if (characters >= charactersMax) return notes
        }
      }
    }
    return notes
  }

  /** Rows of a partition from a place on, as events. */
  copy(tableId: number, { partition: number, person, row }: CopyPlace, charactersMax: number): CopyPart {
    const { partition } = this.#hold(this.table(tableId), number)
    const texts: string[] = []
    let characters = 0
    for (const { person: at, row: place, text } of rowTexts(partition, person)) {
      if (at === person && place < row) continue
      if (characters >= charactersMax)
        return { text: texts.join(','), rows: texts.length, next: { partition: number, person: at, row: place } }
      texts.push(text())
      characters += texts.at(-1)!.length
    }
    return { text: texts.join(','), rows: texts.length }
  }

  /** What the people of a partition have, hashed, by buckets of people that are the same on every node. */
  async digests(tableId: number, number: number, buckets: number): Promise<DigestText[]> {
    const { partition } = this.#hold(this.table(tableId), number)
    const digests = Array.from({ length: buckets }, () => new ContentDigest())
    const pause = pauses()
    for (const { person, text } of rowTexts(partition, 0)) {
      digests[partitionOf(partition.idOf(person), buckets)]!.addText(text())
      await pause()
    }
    return digests.map((digest) => digest.toText())
  }

  /** What each person of a bucket has, hashed. */
  async contents(tableId: number, number: number, buckets: number, bucket: number): Promise<PersonDigest[]> {
    const { partition } = this.#hold(this.table(tableId), number)
    const digests = new Map<number, ContentDigest>()
    const pause = pauses()
    for (const { person, text } of rowTexts(partition, 0)) {
      if (partitionOf(partition.idOf(person), buckets) !== bucket) continue
      const digest = digests.get(person) ?? new ContentDigest()
      digests.set(person, digest)
      digest.addText(text())
      await pause()
    }
    return [...digests].map(([person, digest]) => ({ person: partition.idOf(person), ...digest.toText() }))
  }

  #sharing(tableId: number): Sharing {
    let sharing = this.#shared.get(tableId)
    if (sharing === undefined) {
      // A stop may have come between two environments: what one of them says is kept.
      const kept = [...this.#environments.values()].map((environment) => sharingOf(environment, tableId))
      sharing = kept.find((one) => one !== 'none') ?? 'none'
      this.#shared.set(tableId, sharing)
    }
    return sharing
  }

  #outgoing(environment: BinaryEnvironment, tableId: number): Outgoing {
    const byTable = this.#notes.get(environment) ?? new Map<number, Outgoing>()
    this.#notes.set(environment, byTable)
    const outgoing = byTable.get(tableId) ?? new Outgoing(environment, tableId)
    byTable.set(tableId, outgoing)
    return outgoing
  }

  populations(tableId: number): PopulationInfo[] {
    const infos: PopulationInfo[] = []
    for (const { populations } of this.#all(this.table(tableId))) {
      for (const [name, { bits, header }] of populations.entries()) {
        if (header !== undefined) infos.push({ name, header, people: countBits(bits) })
      }
    }
    return infos
  }

  async forget(tableId: number, names: readonly string[]): Promise<void> {
    for (const { partition, populations } of this.#all(this.table(tableId))) {
      const writes = names.flatMap((name) => populations.delete(name))
      if (writes.length > 0) await this.#write(partition.environment, writes)
    }
  }

  /** Folds everything there is now. */
  async fold(tableId: number): Promise<void> {
    while (this.#folding) await this.#folding
    this.#folding = this.#foldAll(tableId).finally(() => {
      this.#folding = undefined
    })
    await this.#folding
  }

  async #foldAll(tableId: number): Promise<void> {
    for (const { folding, partition } of this.#all(this.table(tableId))) {
      if (this.#copies.has(partition)) continue
      do {
        await folding.step()
      } while (folding.isUnderWay)
      await folding.step()
      this.#folded.set(partition, performance.now())
    }
  }

  figures(tableId: number): TableFigures {
    const figures = { people: 0, events: 0, delta: 0, blocks: 0 }
    for (const { partition } of this.#all(this.table(tableId))) {
      figures.people += partition.people
      figures.events += partition.rows
      figures.delta += partition.delta.rows
      figures.blocks += partition.blocks.length
    }
    return figures
  }

  async drop(tableId: number): Promise<void> {
    while (this.#folding) await this.#folding
    this.#held.delete(tableId)
    this.#numberings.delete(tableId)
    this.#tables.delete(tableId)
    this.places.forget(tableId)
    await this.#environments.get(0)?.removeRange(...placesRange(tableId))
    this.#shared.delete(tableId)
    for (const notes of this.#notes.values()) notes.delete(tableId)
    for (const environment of this.#environments.values())
      await environment.removeRange(tableStart(tableId), tableStart(tableId + 1))
  }

  /** Removes what tables have left behind that are no more: a stop came between dropping one and removing its data. */
  async sweep(live: readonly number[]): Promise<void> {
    const { receiptLifeMs } = this.#start.settings
    for (const environment of this.#environments.values()) {
      for (let table = firstTable(environment, 0); table !== undefined; table = firstTable(environment, table + 1)) {
        if (!live.includes(table)) await environment.removeRange(tableStart(table), tableStart(table + 1))
      }
    }
    for (const { id, partitions } of this.#tables.values()) {
      for (let partition = 0; partition < partitions; partition++) {
        const place = this.places.of(id, partition)
        for (const [environment, data] of this.#environments) {
          const isPartial = data.get(incomingKey(id, partition)) !== undefined
          if (environment !== place || isPartial) await this.clear({ table: id, partition, environment })
          if (isPartial) await data.write([[incomingKey(id, partition), undefined]])
          if (environment === place) await data.write(new Receipts(data, id, partition).expired(receiptLifeMs))
        }
      }
    }
  }

  /** The partitions that lie elsewhere than where they were made, as they are stored; only one worker knows. */
  readPlaces(): Moved[] {
    const environment = this.#environments.get(0)
    return environment ? readPlaces(environment) : []
  }

  /** Partitions lie in other environments from now on. What was asked before goes on with what it has. */
  usePlaces(moved: readonly Moved[]): void {
    for (const place of moved) {
      const partitions = this.#held.get(place.table)
      const held = partitions?.get(place.partition)
      if (held && held.environment !== place.environment) {
        this.#left.add(held.partition)
        partitions?.delete(place.partition)
      }
      this.places.set(place)
    }
  }

  /** Stores where a partition lies: with this it is moved. */
  async place(moved: Moved): Promise<void> {
    const environment = this.#environments.get(0)
    assert(environment !== undefined, 'environment 0 keeps the places')
    await environment.write([placeWrite(moved)])
  }

  /** Begins to read a partition out; it is not folded until the end. */
  async copyStart(tableId: number, number: number): Promise<void> {
    const { partition } = this.#hold(this.table(tableId), number)
    assert(!this.#copies.has(partition), 'a partition is copied once at a time')
    this.#copies.set(partition, new PartitionCopy(partition.environment, tableId, number))
    while (this.#folding) await this.#folding
  }

  copyNext(tableId: number, number: number): Piece[] {
    return this.#copyOf(tableId, number).next()
  }

  copyRest(tableId: number, number: number): CopyRest {
    const { populations } = this.#hold(this.table(tableId), number)
    const memory = [...populations.entries()].flatMap(([name, { bits, header, rightAt }]) =>
      header === undefined ? [{ name, bits, rightAt }] : [],
    )
    return { pieces: this.#copyOf(tableId, number).rest(), memory }
  }

  #copyOf(tableId: number, number: number): PartitionCopy {
    const copy = this.#copies.get(this.#hold(this.table(tableId), number).partition)
    // A write has failed meanwhile, and the partition was read anew.
    if (!copy) throw new Problem('query_cancelled', {})
    return copy
  }

  copyEnd(tableId: number, number: number): void {
    for (const partition of this.#copies.keys()) {
      if (partition.table === tableId && partition.number === number) this.#copies.delete(partition)
    }
  }

  /** Removes what an environment holds of a partition that lies elsewhere, when nobody reads it any more. */
  async clear({ table, partition, environment: number }: Moved): Promise<void> {
    const environment = this.#environmentOf(number)
    for (const left of this.#left) {
      if (left.table !== table || left.number !== partition || left.environment !== environment) continue
      while (left.isRead) await sleep(LEAVE_MS)
      this.#left.delete(left)
    }
    for (const range of partitionRanges(table, partition)) await environment.removeRange(...range)
  }

  /** A partition that is empty here will be taken over from elsewhere. A stop before it has arrived leaves nothing. */
  async expect({ table: id, partition: number, environment }: Moved): Promise<void> {
    const table = this.table(id)
    const { partition } = this.#hold(table, number)
    if (partition.people > 0) throw new Problem('partition_in_use', { partition: number })
    this.#incoming.add(`${id}/${number}`)
    await this.#environmentOf(environment).write([[incomingKey(id, number), Buffer.alloc(0)]])
  }

  /** The partition is whole: it is read from what was taken. */
  async arrived({ table, partition, environment }: Moved): Promise<void> {
    await this.#environmentOf(environment).write([[incomingKey(table, partition), undefined]])
    this.#incoming.delete(`${table}/${partition}`)
    this.#held.get(table)?.delete(partition)
  }

  #environmentOf(number: number): BinaryEnvironment {
    const environment = this.#environments.get(number)
    assert(environment !== undefined, 'an environment is asked of the worker that owns it')
    return environment
  }

  /** Writes a part of a partition; nobody reads it yet. */
  async take({ table, partition, environment }: Moved, pieces: readonly Piece[]): Promise<void> {
    await this.#environmentOf(environment).write(
      pieces.map((piece): Write => [keyOfPiece(table, partition, piece), Buffer.from(piece[1])]),
    )
  }

  takeMemory(tableId: number, number: number, memory: readonly MemoryPopulation[]): void {
    const { populations } = this.#hold(this.table(tableId), number)
    for (const { name, ...kept } of memory) populations.put(name, { ...kept, header: undefined })
  }

  forgetDeadReaders(): void {
    for (const environment of this.#environments.values()) environment.forgetDeadReaders()
  }

  /**
   * Takes the data that the environments of another folder hold of a table, as the data of a table of another number.
   * There may be more or fewer of them than here: each partition goes where it belongs.
   */
  async adopt(folder: string, environments: number, from: number, table: number): Promise<void> {
    const places = new Places(environments)
    for (let number = 0; number < environments; number++) {
      await using source = new BinaryEnvironment(join(folder, environmentFile(number)))
      if (number === 0) for (const moved of readPlaces(source, from)) places.set(moved)
      // What lies where no place says was left behind by a move.
      const isPlaced = (partition: number) => places.of(from, partition) === number
      await this.#adoptFrom(source, from, table, isPlaced)
    }
  }

  async #adoptFrom(
    source: BinaryEnvironment,
    from: number,
    table: number,
    isPlaced: (partition: number) => boolean,
  ): Promise<void> {
    let writes = new Map<BinaryEnvironment, Write[]>()
    let bytes = 0
    const flush = async () => {
      for (const [environment, own] of writes) await environment.write(own)
      writes = new Map()
      bytes = 0
    }
    for (const { key, value } of source.range(tableStart(from), tableStart(from + 1))) {
      const partition = partitionOfKey(key)
      const environment = this.#environments.get(partition % this.#start.environments)
      if (!environment || !isContent(key) || !isPlaced(partition)) continue // another worker's, or nobody's
      const own = writes.get(environment) ?? []
      own.push([Buffer.concat([tableStart(table), key.subarray(TABLE_BYTES)]), Buffer.from(value)])
      writes.set(environment, own)
      bytes += value.length
      if (bytes >= ADOPT_BYTES) await flush()
    }
    await flush()
  }

  /** Bytes of pages in use, of files, and of decoded columns in memory. */
  sizes(): Sizes {
    const sizes = [...this.#environments.values()].map((environment) => environment.size())
    return {
      liveBytes: sizes.reduce((sum, { liveBytes }) => sum + liveBytes, 0),
      fileBytes: sizes.reduce((sum, { fileBytes }) => sum + fileBytes, 0),
      cacheBytes: this.#cache.bytes,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearInterval(this.#idle)
    await this.#folding
    await this.#forgetting
    for (const environment of this.#environments.values()) await environment[Symbol.asyncDispose]()
  }

  #numberingsOf(table: number): Numberings {
    let numberings = this.#numberings.get(table)
    if (!numberings) {
      numberings = new Numberings()
      this.#numberings.set(table, numberings)
    }
    return numberings
  }

  #hold(table: EventTable, number: number): Held {
    let partitions = this.#held.get(table.id)
    if (!partitions) {
      partitions = new Map()
      this.#held.set(table.id, partitions)
    }
    let held = partitions.get(number)
    if (!held) {
      const place = this.places.of(table.id, number)
      const environment = this.#environments.get(place)
      // A question that was on its way while the partition was moved to another worker.
      if (!environment) throw new Problem('query_cancelled', {})
      const partition = new Partition(environment, table, number, this.#cache, this.#numberingsOf(table.id))
      const arrivals = new Arrivals(environment, table.id, number)
      const folding = new Folding(partition)
      const receipts = new Receipts(environment, table.id, number)
      const populations = new Populations(partition)
      held = { environment: place, partition, populations, folding, arrivals, receipts }
      partitions.set(number, held)
    }
    return held
  }

  /** The partitions of a table that are here. */
  *#all(table: EventTable): Iterable<Held> {
    for (let number = 0; number < table.partitions; number++) {
      if (this.owns(this.places.of(table.id, number))) yield this.#hold(table, number)
    }
  }

  /**
   * Visits every partition in one state, in slices that let others in between. Rows, populations and who has changed
   * since are those of the moment of the call, whatever is inserted meanwhile.
   */
  async #each(table: EventTable, flags: Int32Array, uses: Uses, visit: (place: Place) => Promise<void>): Promise<void> {
    const taken: Taken[] = []
    let sliceEnd = performance.now() + SLICE_MS
    const pause = () => {
      if (Atomics.load(flags, 0) !== 0) throw new Problem('query_cancelled', {})
      return performance.now() < sliceEnd
        ? undefined
        : turn().then(() => void (sliceEnd = performance.now() + SLICE_MS))
    }
    this.#scans++
    try {
      for (const held of this.#all(table)) taken.push(take(held, uses))
      for (const { held, snapshot, captured } of taken) {
        await pause()
        const populations = () => this.#populations(held, snapshot, captured, uses, pause)
        await visit({ held, snapshot, populations, pause })
      }
    } catch (error) {
      if (!this.#tables.has(table.id)) throw new Problem('query_cancelled', {})
      throw error
    } finally {
      this.#scans--
      for (const { held, pin } of taken) {
        held.partition.release()
        if (pin !== undefined) held.populations.unpin(pin)
      }
    }
  }

  /** The members of each segment as the rows of a snapshot have it. Undefined is everyone. */
  async #populations(
    held: Held,
    snapshot: Snapshot,
    captured: readonly (CapturedPopulation | undefined)[],
    { segments, options = UPKEEP }: Uses,
    pause: () => Promise<void> | undefined,
  ): Promise<(Population | undefined)[]> {
    const populations: (Population | undefined)[] = []
    for (const [at, { name, program }] of segments.entries()) {
      const population = captured[at]
      if (!population || !program || population.changed.length === 0) populations.push(population?.kept.bits)
      else populations.push(await this.#bringUp(held, snapshot, name, population, program, options, pause))
    }
    return populations.length === 0 ? [undefined] : populations
  }

  /** Decides anew about the people of a population who have changed. */
  async #bringUp(
    held: Held,
    snapshot: Snapshot,
    name: string,
    { kept, changed: people }: CapturedPopulation,
    program: Program,
    options: typeof UPKEEP,
    pause: () => Promise<void> | undefined,
  ): Promise<Population> {
    const changed = people === 'unknown' ? everyone(snapshot.people) : bitsOf(people, snapshot.people)
    const columns = program.columns.map((column) => columnOf(held.partition.schema, column.name))
    const scan = this.#makeScan(program, { ...options, now: Date.now(), cancel: new Int32Array(2) })
    const members = new Uint32Array(wordsFor(snapshot.people))
    for (const unit of unitsOf(snapshot)) {
      if (!touches(changed, unit.first, unit.people)) continue
      scan.run(scanBlock(snapshot, unit, columns, this.#scratch), changed, members)
      await pause()
    }
    const bits = new Uint32Array(wordsFor(snapshot.people))
    for (let at = 0; at < bits.length; at++) {
      bits[at] = ((kept.bits[at] ?? 0) & ~changed[at]!) | ((members[at] ?? 0) & changed[at]!)
    }
    // Another one may have come further meanwhile, or the segment may be gone or another by now.
    if (held.populations.get(name) !== kept) return bits
    const writes = held.populations.put(name, { ...kept, bits, rightAt: snapshot.rows })
    if (writes.length > 0) await this.#write(held.partition.environment, writes)
    return bits
  }

  async #keep(held: Held, snapshot: Snapshot, keep: Keep | undefined, bits: Population): Promise<void> {
    if (!keep) return
    const rightAt = keep.watch ? snapshot.rows : undefined
    const writes = held.populations.put(keep.name, { bits, header: undefined, rightAt })
    if (writes.length > 0) await this.#write(held.partition.environment, writes)
  }

  /** Whether any row of a partition can fulfil what the program needs: its texts know one of the values. */
  #canMatch(partition: Partition, program: Program, columns: readonly (EventColumn | undefined)[]): boolean {
    if (program.needs.length === 0) return true
    return program.needs.some(({ slot, values }) => {
      const column = columns[slot]
      if (column?.type !== 'text') return column !== undefined
      const texts = partition.texts(column.id)
      return values.some((value) => typeof value !== 'string' || texts.codeOf(value) > 0)
    })
  }

  async #write(environment: BinaryEnvironment, writes: readonly Write[]): Promise<void> {
    try {
      await environment.write(writes)
    } catch (error) {
      // What is in memory is ahead of what is stored: read it again.
      for (const partitions of this.#held.values()) {
        for (const [number, { partition }] of partitions)
          if (partition.environment === environment) partitions.delete(number)
      }
      throw error
    }
  }

  /** What stays because it could not be removed goes at a start, when it is old. */
  #forgetSoon(): void {
    if (this.#forgotten.size === 0) return
    this.#forgetting ??= this.#removeForgotten()
      .catch(() => undefined)
      .finally(() => {
        this.#forgetting = undefined
      })
  }

  #foldSoon(): void {
    // What cannot be written now is tried again later; those who insert are told.
    this.#folding ??= this.#foldDue()
      .catch(() => undefined)
      .finally(() => {
        this.#folding = undefined
      })
  }

  async #foldDue(): Promise<void> {
    for (const partitions of this.#held.values()) {
      for (const { partition, folding } of partitions.values()) {
        while (!this.#closed && this.#isDue(partition, folding)) {
          await folding.step()
          if (!folding.isUnderWay) this.#folded.set(partition, performance.now())
          await turn()
        }
      }
    }
  }

  #isDue(partition: Partition, folding: Folding): boolean {
    if (this.#copies.has(partition)) return false
    const { rows } = partition.delta
    const full = Math.max(FOLD_ROWS, (partition.rows - rows) / FOLD_PART)
    // Queries go first, unless the delta has grown to twice its size.
    if (this.#scans > 0 && rows < full * 2) return false
    if (folding.isUnderWay || rows >= full) return true
    if (rows === 0 || Date.now() - partition.lastInsertAt < IDLE_MS) return false
    // A few rows now and then are not worth writing blocks anew each time.
    const isSmall = rows * SMALL_PART < partition.rows
    return !isSmall || performance.now() - (this.#folded.get(partition) ?? -FOLD_PAUSE_MS) >= FOLD_PAUSE_MS
  }
}

const EVERYONE = '*'

const JOIN = {
  population: (word: number) => word,
  union: (word: number, other: number) => word | other,
  intersection: (word: number, other: number) => word & other,
  difference: (word: number, other: number) => word & ~other,
}

const UPKEEP = {
  sessionTime: 1_800_000,
  trace: false,
  limits: {
    stepsMax: 10_000_000,
    memoryMax: 10_000_000,
    nodesMax: 1,
    charactersMax: 100_000_000,
    depthMax: 64,
    traceMax: 0,
  },
}

function take(held: Held, { segments, keep }: Uses): Taken {
  const captured = segments.map(({ name }) => {
    if (name === EVERYONE) return undefined
    const population = held.populations.capture(name)
    if (!population) throw new Problem('segment_unknown', { segment: name })
    return population
  })
  const isWatched = keep?.watch === true || segments.some(({ program }) => program !== undefined)
  return {
    held,
    captured,
    pin: isWatched ? held.populations.pin() : undefined,
    snapshot: held.partition.snapshot(),
  }
}

export function columnOf(table: EventTable, name: string): EventColumn | undefined {
  return name === ACTION_NAME ? ACTION_COLUMN : table.columns.find((column) => column.name === name)
}

/** Lets others in between when a slice is over. */
function pauses(): () => Promise<void> | undefined {
  let sliceEnd = performance.now() + SLICE_MS
  return () =>
    performance.now() < sliceEnd ? undefined : turn().then(() => void (sliceEnd = performance.now() + SLICE_MS))
}

/** The rows of a partition as events, people from a number on. */
function* rowTexts(partition: Partition, from: number): Iterable<{ person: number; row: number; text: () => string }> {
  const scratch = new Scratch()
  const snapshot = partition.snapshot()
  try {
    for (const unit of unitsOf(snapshot)) {
      if (unit.first + unit.people <= from) continue
      const { rowStart, texts } = unitTexts(snapshot, unit, scratch)
      for (let person = Math.max(from, unit.first); person < unit.first + unit.people; person++) {
        const start = rowStart[person - unit.first]!
        const end = rowStart[person - unit.first + 1]!
        for (let at = start; at < end; at++) yield { person, row: at - start, text: () => texts.text(person, at) }
      }
    }
  } finally {
    partition.release()
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

/** Whether a unit can fulfil what the program needs: it has fresh rows, or its block holds one of the values. */
function blockCanMatch(
  snapshot: Snapshot,
  { block }: Unit,
  { needs }: Program,
  columns: readonly (EventColumn | undefined)[],
): boolean {
  const { partition } = snapshot
  if (needs.length === 0 || !block || hasFreshRows(snapshot, block)) return true
  const stats = partition.statsOf(block)
  if (!stats) return true
  return needs.some(({ slot, values }) => {
    const column = columns[slot]
    return (
      column !== undefined && values.some((value) => mayHold(stats, column.id, elementOf(partition, column, value)))
    )
  })
}

/** A value as a column stores it. */
function elementOf(partition: Partition, column: EventColumn, value: string | number | boolean): number {
  if (typeof value === 'string') return partition.texts(column.id).codeOf(value)
  return typeof value === 'boolean' ? (value ? 2 : 1) : value
}

function touches(population: Population, first: number, people: number): boolean {
  for (let person = first; person < first + people; person++) {
    if ((person & 31) === 0 && population[person >>> 5] === 0) person += 31
    else if (has(population, person)) return true
  }
  return false
}
