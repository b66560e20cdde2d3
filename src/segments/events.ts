import {
  ContentDigest,
  type CopyPart,
  type CopyPlace,
  type DigestText,
  type EventStore,
  type InsertAnswer,
  type InsertOptions,
  type OutgoingNote,
  type PersonDigest,
  type PersonId,
  type Reactions,
  type ReactProgram,
  type Sharing,
  type Sizes,
} from '../analytics/index.js'
import type { TableSchema } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import type { Program } from '../pyql/index.js'
import type { Compile } from './compile.js'
import { eventTableOf } from './event-table.js'
import { Questions, type QuestionsOptions } from './questions.js'
import type { SegmentDefinition } from './segment-definition.js'
import type { Begun, Segments } from './segments.js'
import { type QueryCall, VisibleTable } from './visible-table.js'

/** Who counts what happens. */
export interface EventsObserver {
  inserted(inserted: number, duplicates: number, rejected: number): void
  scanned(kind: string, people: number): void
}

export interface EventsParts extends QuestionsOptions {
  readonly partitions: number
  readonly observer?: EventsObserver | undefined
}

/** The event tables of a node. */
export class Events implements AsyncDisposable {
  readonly #store: EventStore
  readonly #segments: Segments
  readonly #compile: Compile
  readonly #observer: EventsObserver | undefined
  /** Told of every insert that was accepted. */
  readonly #listeners = new Set<(schema: TableSchema) => void>()
  /** Partitions of a table that is made without saying how many. */
  readonly partitions: number
  /** What can be asked of the tables. */
  readonly questions: Questions

  constructor({ store, segments, compile, partitions, rowsPerEventMax, observer }: EventsParts) {
    this.#store = store
    this.#segments = segments
    this.#compile = compile
    this.#observer = observer
    this.partitions = partitions
    this.questions = new Questions({ store, segments, compile, rowsPerEventMax })
  }

  async insert(
    schema: TableSchema,
    events: string | readonly unknown[],
    options: InsertOptions = {},
  ): Promise<InsertAnswer> {
    const table = eventTableOf(schema)
    const answer = await this.#store.insert(table, events, options)
    this.#observer?.inserted(answer.inserted, answer.duplicates, answer.rejected.length)
    if (answer.inserted > 0) {
      this.#segments.inserted(table)
      for (const listener of this.#listeners) listener(schema)
    }
    return answer
  }

  /** The answer to an insert that may be sent again is stored: what was kept for that with its events can go. */
  forgetReceipt(receipt: string): void {
    this.#store.forgetReceipt(receipt)
  }

  /** Why events are refused, while they are. */
  get failure(): Problem | undefined {
    return this.#store.failure
  }

  onInsert(listener: (schema: TableSchema) => void): void {
    this.#listeners.add(listener)
  }

  /** Which inserts into a table are kept for other nodes from now on. */
  async share(schema: TableSchema, sharing: Sharing): Promise<void> {
    await this.#store.share(eventTableOf(schema), sharing)
  }

  /** The oldest rows that wait to be sent to other nodes. When they stand elsewhere they go to `reacted`. */
  async outgoing(charactersMax: number): Promise<OutgoingNote[]> {
    return this.#store.outgoing(charactersMax)
  }

  /** The rows of a table from a place on, as events. */
  async copy(schema: TableSchema, from: CopyPlace, charactersMax: number): Promise<CopyPart> {
    return this.#store.copy(eventTableOf(schema), from, charactersMax)
  }

  /** What a table holds, by buckets of people that are the same on every node: of one partition, or of all. */
  async digests(schema: TableSchema, buckets: number, partition?: number): Promise<DigestText[]> {
    const table = eventTableOf(schema)
    if (partition !== undefined) return this.#store.digests(table, partition, buckets)
    const all = Array.from({ length: buckets }, () => new ContentDigest())
    for (let number = 0; number < table.partitions; number++) {
      const part = await this.#store.digests(table, number, buckets)
      for (const [bucket, digest] of part.entries()) all[bucket]!.add(digest)
    }
    return all.map((digest) => digest.toText())
  }

  /** The people of a bucket, each with a digest of their rows. */
  async contents(schema: TableSchema, buckets: number, bucket: number): Promise<PersonDigest[]> {
    return this.#store.contents(eventTableOf(schema), buckets, bucket)
  }

  /** Compiles the script of a trigger. @throws Problem script_invalid, script_limit */
  compileTrigger(schema: TableSchema, script: string): Program {
    return this.#compile.compile(eventTableOf(schema).columns, script, 'trigger')
  }

  /** Whether triggers are to see inserts into a table from now on. */
  async watch(schema: TableSchema, watched: boolean): Promise<void> {
    await this.#store.watch(eventTableOf(schema), watched)
  }

  /** Runs triggers: see EventStore.react. */
  async react(
    schema: TableSchema,
    programs: readonly ReactProgram[],
    options: { arrivalsMax: number; messageCharactersMax: number; people?: readonly PersonId[] },
  ): Promise<Reactions> {
    const { limits } = this.#compile.scanOptions()
    return this.#store.react(eventTableOf(schema), programs, { ...options, now: Date.now(), limits })
  }

  /** What triggers have seen of inserts, or other nodes have of rows, is remembered elsewhere now, and can go. */
  async reacted(seen: Reactions['seen']): Promise<void> {
    await this.#store.reacted(seen)
  }

  /** The stored segments that the caller may know of. */
  async listSegments(
    schema: TableSchema,
    call: Pick<QueryCall, 'view'>,
  ): Promise<(SegmentDefinition & { people: number })[]> {
    const { table, asker } = new VisibleTable(schema, call)
    return this.#segments.list(table, asker.columns)
  }

  /** @throws Problem segment_unknown, forbidden */
  async dropSegment(
    schema: TableSchema,
    name: string,
    call: Begun & Pick<QueryCall, 'view' | 'caller'>,
  ): Promise<void> {
    const { table, asker } = new VisibleTable(schema, call)
    await this.#segments.drop(table, name, call, asker)
  }

  /** Reads the stored segments of a table, so that they are refreshed. */
  async load(schema: TableSchema): Promise<void> {
    await this.#segments.load(eventTableOf(schema))
  }

  /** Removes the data of a table that was dropped from the catalog. */
  async dropTable(schema: TableSchema): Promise<void> {
    this.#segments.forgetTable(schema.id)
    await this.#store.drop(eventTableOf(schema))
  }

  async figures(schema: TableSchema): Promise<{ people: number; events: number }> {
    const { people, events } = await this.#store.figures(eventTableOf(schema))
    return { people, events }
  }

  /** Descriptions of tables, with the number of events where they are tables of events. */
  counted<Described extends { schema: string; name: string; kind: string; record_count: number }>(
    descriptions: readonly Described[],
    schemaOf: (database: string, table: string) => TableSchema,
  ): Promise<Described[]> {
    const schemas = descriptions.map(({ kind, schema, name }) =>
      kind === 'events' ? schemaOf(schema, name) : undefined,
    )
    const counted = descriptions.map(async (description, at) => {
      const schema = schemas[at]
      if (!schema) return description
      try {
        return { ...description, record_count: (await this.figures(schema)).events }
      } catch (error) {
        // Dropped since it was described: then it held what it holds now.
        if (error instanceof Problem && error.code === 'query_cancelled') return description
        throw error
      }
    })
    return Promise.all(counted)
  }

  /** Folds all fresh rows into blocks now. */
  async fold(schema: TableSchema): Promise<void> {
    await this.#store.fold(eventTableOf(schema))
  }

  /** Does something short while nothing is inserted. */
  quietly<T>(run: () => Promise<T>): Promise<T> {
    return this.#store.quietly(run)
  }

  /** The files of the event data, in its folder. */
  get files(): string[] {
    return this.#store.files
  }

  /** Makes a folder of copies of the files one that can be opened. */
  describeIn(folder: string): void {
    this.#store.describeIn(folder)
  }

  /** Lets go of what processes have pinned that were killed while they read. */
  async forgetDeadReaders(): Promise<void> {
    await this.#store.forgetDeadReaders()
  }

  /** Takes the data of a table from such a folder. */
  async adopt(folder: string, from: number, schema: TableSchema): Promise<void> {
    await this.#store.adopt(folder, from, eventTableOf(schema))
  }

  /** What the data takes, in bytes, and how many segments are stored. */
  async measure(): Promise<Sizes & { segments: number }> {
    return { ...(await this.#store.sizes()), segments: this.#segments.count }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#segments[Symbol.asyncDispose]()
    await this.#store[Symbol.asyncDispose]()
  }
}
