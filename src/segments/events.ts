import {
  ACTION_COLUMN,
  ContentDigest,
  type CopyPart,
  type CopyPlace,
  type DigestText,
  type EventColumn,
  type EventStore,
  type EventTable,
  type InsertAnswer,
  type InsertOptions,
  type OutgoingNote,
  type PersonDigest,
  type PersonId,
  problemOf,
  type Reactions,
  type ReactProgram,
  type Sharing,
  type Sizes,
} from '../analytics/index.js'
import type { TableSchema } from '../catalog/index.js'
import { JsonText, mayChangeStructure, nearest, Problem, type Rights, type View } from '../lib/index.js'
import { Answer, Histogram, type Program, parametersOf, type Scalar } from '../pyql/index.js'
import { type FilterRequest, filterOf } from './column-filter.js'
import type { Compile } from './compile.js'
import { eventTableOf } from './event-table.js'
import { type FoldedRow, foldRows } from './person-reply.js'
import {
  charactersOf,
  countNode,
  type Order,
  type Result,
  type ResultNode,
  sortByCount,
  sortByGroup,
  trim,
} from './result.js'
import { type ScriptLog, writeLog } from './script-log.js'
import { fieldsOf } from './section-fields.js'
import { readSections, type Section, sayingColumn } from './sections.js'
import {
  type Begun,
  EVERYONE,
  type Maker,
  type RequestSegments,
  type SegmentControl,
  type SegmentDefinition,
  type Segments,
} from './segments.js'

/** Who asks, and how the work is stopped and watched. */
export interface QueryCall {
  readonly view: View
  readonly signal: AbortSignal
  /** Whose segments are stored; absent: the node's own. */
  readonly caller?: (Omit<Maker, 'mayBuild'> & { readonly rights: Rights }) | undefined
  /** Where log() of scripts writes. */
  readonly log?: ScriptLog
  /** Told now and then how many people were scanned. */
  readonly progress?: (people: number) => void
}

/** Who counts what happens. */
export interface EventsObserver {
  inserted(inserted: number, duplicates: number, rejected: number): void
  scanned(kind: string, people: number): void
}

interface Common {
  segments?: string | readonly (string | number)[]
  order?: Order
  trim?: number
}

export interface ScriptRequest extends Common {
  script: string
  session_time?: number
  debug?: boolean
  trace?: boolean
  /** str_NAME, int_NAME, dbl_NAME, bool_NAME: values for {{NAME}}. */
  [parameter: string]: unknown
}

export interface EventRequest extends ScriptRequest {
  sort?: string
}

export interface ColumnRequest extends Common, FilterRequest {
  column: string
  bucket?: number
}

export interface HistogramRequest extends ScriptRequest {
  name: string
  bucket?: number
  min?: number
  max?: number
  foreach?: string
}

/** A result, with what the script traced; or the text of the compiled program. */
export type QueryAnswer = (Result & { debug?: unknown[]; log?: string[] }) | { debug: string }

const NO_ANSWER: Result = { _: [] }
/** As the contracts say of lists. */
const SEGMENTS_MAX = 100
/** Columns of every event that are not counted by value. */
const UNCOUNTED = ['__stamp', '__uuid', '__session', '__triggers', '__emit', '__segment']

/** The questions that can be asked of event tables. */
export class Events implements AsyncDisposable {
  readonly #store: EventStore
  readonly #segments: Segments
  readonly #compile: Compile
  readonly #observer: EventsObserver | undefined
  /** Told of every insert that was accepted. */
  readonly #listeners = new Set<(schema: TableSchema) => void>()

  readonly #rowsPerEventMax: number
  /** Partitions of a table that is made without saying how many. */
  readonly partitions: number

  constructor(
    store: EventStore,
    segments: Segments,
    compile: Compile,
    {
      partitions,
      rowsPerEventMax,
      observer,
    }: { partitions: number; rowsPerEventMax: number; observer?: EventsObserver | undefined },
  ) {
    this.partitions = partitions
    this.#rowsPerEventMax = rowsPerEventMax
    this.#observer = observer
    this.#store = store
    this.#segments = segments
    this.#compile = compile
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

  async contents(schema: TableSchema, buckets: number, bucket: number): Promise<PersonDigest[]> {
    return this.#store.contents(eventTableOf(schema), buckets, bucket)
  }

  /** Compiles the script of a trigger. @throws Problem script_invalid, script_limit */
  compileTrigger(schema: TableSchema, script: string): Program {
    return this.#compile.compile(eventTableOf(schema).columns, script, 'trigger')
  }

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

  async reacted(seen: Reactions['seen']): Promise<void> {
    await this.#store.reacted(seen)
  }

  /** Runs a script over the events of people: groups and their aggregates. */
  async query(schema: TableSchema, request: EventRequest, call: QueryCall): Promise<QueryAnswer | JsonText> {
    const table = eventTableOf(schema)
    const program = this.#program(schema, call, request, 'event')
    if (request.debug) return { debug: program.source }
    const { session_time, trace = false } = request
    const segments = namesOf(request.segments)
    const options = this.#compile.scanOptions({
      ...{ trace, segments: segments.length, ...(session_time !== undefined && { sessionTime: session_time }) },
    })
    const uses = await this.#segments.uses(table, segments, new Map(), this.#knownTo(schema, call))
    const { partials } = await this.#store.scan(table, { program, segments: uses, ...options }, controlOf(call))
    const log = writeLog(partials, options.limits.traceMax, call.log)
    const count = Math.max(1, segments.length)
    const answer = new Answer(program.aggregates, count, this.#compile.resultLimits(count))
    return told(() => {
      for (const parts of partials) for (const [segment, partial] of parts.entries()) answer.absorb(partial, segment)
      const shape = {
        ...(request.sort !== undefined && { sort: request.sort }),
        ...(request.order !== undefined && { order: request.order }),
        ...(request.trim !== undefined && { trim: request.trim }),
      }
      const json = answer.json(shape)
      if (!trace) return new JsonText(json)
      const traced = JSON.stringify({ debug: answer.debug.slice(0, options.limits.traceMax), log })
      return new JsonText(`${json.toString().slice(0, -1)},${traced.slice(1)}`)
    })
  }

  /** Computes segments, in the order in which they are written; people in each, most first. */
  async querySegments(
    schema: TableSchema,
    request: { script: string; debug?: boolean },
    call: QueryCall,
  ): Promise<QueryAnswer> {
    const table = eventTableOf(schema)
    const sections = readSections(request.script)
    for (const { type, line } of sections) {
      if (type !== 'segment')
        throw new Problem('section_invalid', { line, reason: `a segment query has no @${type} section` })
    }
    for (const section of sections) await sayingColumn(section, () => this.#segmentProgram(schema, section, call))
    if (request.debug) {
      const sources = sections.map((section) => this.#segmentProgram(schema, section, call).source)
      return { debug: sources.join('\n') }
    }
    const own: RequestSegments = new Map()
    const control = this.#control(schema, call)
    const nodes: ResultNode[] = []
    try {
      for (const section of sections) {
        const people = await sayingColumn(section, () => this.#segments.define(table, section, own, control))
        nodes.push(countNode(section.name, [people]))
      }
    } finally {
      await this.#segments.release(table, own)
    }
    return { _: sortByCount(nodes, 'desc') }
  }

  /** People by value of a column. */
  async queryColumn(schema: TableSchema, request: ColumnRequest, call: QueryCall): Promise<Result> {
    const uses = await this.#uses(schema, request.segments, call)
    return this.#column(schema, request, uses, call)
  }

  /** The events of one person, folded so that inserting the reply gives the same rows; undefined when there is nobody. */
  async queryPerson(schema: TableSchema, person: PersonId, call: QueryCall): Promise<FoldedRow[] | undefined> {
    const table = eventTableOf(schema)
    const columns = this.#visible(schema, call)
    const sets = new Set(columns.filter(({ isSet }) => isSet).map(({ name }) => name))
    const rows = await this.#store.person(
      table,
      person,
      columns.map(({ name }) => name),
    )
    let list = '_'
    while (table.columns.some(({ name }) => name === list)) list += '_'
    return rows && foldRows(rows, { isSet: (name) => sets.has(name), list, rowsPerEventMax: this.#rowsPerEventMax })
  }

  /** People by a number that a script returns for each of them. */
  async queryHistogram(schema: TableSchema, request: HistogramRequest, call: QueryCall): Promise<QueryAnswer> {
    const uses = await this.#uses(schema, request.segments, call)
    return this.#histogram(schema, request, uses, call)
  }

  /** Several segments, columns and histograms, answered in the order written; one that fails says so in its place. */
  async queryBatch(
    schema: TableSchema,
    request: { script: string; session_time?: number },
    call: QueryCall,
  ): Promise<Result> {
    const table = eventTableOf(schema)
    const own: RequestSegments = new Map()
    const nodes: ResultNode[] = []
    const { charactersMax } = this.#compile.settings.scan
    let segments: readonly string[] = []
    let characters = 0
    // All sections together are one result.
    const fitting = (node: ResultNode): ResultNode => {
      const together = characters + charactersOf(node)
      if (together > charactersMax)
        throw new Problem('result_too_large', { limit: charactersMax, advice: 'ask for some sections by themselves' })
      characters = together
      return node
    }
    try {
      for (const section of readSections(request.script)) {
        if (section.type === 'use')
          segments = notTooMany(section.words.flatMap((word) => word.split(',')).filter((name) => name !== ''))
        else
          nodes.push(
            await inItsPlace(section, async () =>
              fitting(await this.#answer(schema, table, section, segments, own, request, call)),
            ),
          )
      }
    } finally {
      await this.#segments.release(table, own)
    }
    return { _: nodes }
  }

  /** The stored segments that the caller may know of. */
  async listSegments(
    schema: TableSchema,
    call: Pick<QueryCall, 'view'>,
  ): Promise<(SegmentDefinition & { people: number })[]> {
    return this.#segments.list(eventTableOf(schema), this.#knownTo(schema, call))
  }

  async dropSegment(
    schema: TableSchema,
    name: string,
    call: Begun & Pick<QueryCall, 'view' | 'caller'>,
  ): Promise<void> {
    const who = { columns: this.#knownTo(schema, call), maker: makerOf(schema, call) }
    await this.#segments.drop(eventTableOf(schema), name, call, who)
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

  async #answer(
    schema: TableSchema,
    table: EventTable,
    section: Section,
    segments: readonly string[],
    own: RequestSegments,
    request: { session_time?: number },
    call: QueryCall,
  ): Promise<ResultNode> {
    if (section.type === 'segment') {
      this.#segmentProgram(schema, section, call)
      return countNode(section.name, [await this.#segments.define(table, section, own, this.#control(schema, call))])
    }
    const { segments: named, ...fields } = fieldsOf(section)
    const names = named === undefined ? segments : namesOf(named)
    const uses = await this.#segments.uses(table, names, own, this.#knownTo(schema, call))
    const answer =
      section.type === 'column'
        ? await this.#column(schema, { ...fields, column: section.name }, uses, call)
        : await this.#histogram(
            schema,
            { ...request, ...fields, name: section.name, script: section.script },
            uses,
            call,
          )
    return (
      ('_' in answer ? answer._[0] : undefined) ?? countNode(section.name, uses.length === 0 ? [0] : uses.map(() => 0))
    )
  }

  async #column(
    schema: TableSchema,
    request: ColumnRequest,
    segments: Awaited<ReturnType<Segments['uses']>>,
    call: QueryCall,
  ): Promise<Result> {
    if (UNCOUNTED.includes(request.column)) return NO_ANSWER
    const column = this.#columnNamed(schema, request.column, call)
    const { bucket, order = 'desc' } = request
    const filter = filterOf(request, column)
    // Values that nobody in the segments has are told, too: with 0.
    const counted = segments.length === 0 || segments.some(({ name }) => name === EVERYONE)
    const tree = await this.#store.column(
      eventTableOf(schema),
      {
        column: column.name,
        segments: counted ? segments : [...segments, { name: EVERYONE }],
        ...(bucket !== undefined && { bucket }),
        ...(filter !== undefined && { filter }),
      },
      controlOf(call),
    )
    if (tree.values.length === 0 && tree.people.every((count) => count === 0)) return NO_ANSWER
    const asked = (counts: number[]) => counts.slice(0, Math.max(1, segments.length))
    const { nodesMax, charactersMax } = this.#compile.resultLimits(segments.length)
    if (tree.values.length > nodesMax) {
      throw new Problem('script_limit', {
        reason: `The column has more than ${nodesMax} values (setting events.result_nodes_max): use a bucket or a filter.`,
      })
    }
    let characters = 0
    for (const { value } of tree.values) characters += typeof value === 'string' ? value.length : 1
    if (characters > charactersMax)
      throw new Problem('result_too_large', { limit: charactersMax, advice: 'use a filter' })
    const children = sortByCount(
      tree.values.map(({ value, counts }) => countNode(value, asked(counts))),
      order,
    )
    return { _: [countNode(column.name, asked(tree.people), trim(children, request.trim))] }
  }

  async #histogram(
    schema: TableSchema,
    request: HistogramRequest,
    segments: Awaited<ReturnType<Segments['uses']>>,
    call: QueryCall,
  ): Promise<QueryAnswer> {
    const table = eventTableOf(schema)
    const { foreach, bucket, session_time, trace = false } = request
    const program = this.#program(schema, call, request, 'histogram', foreach !== undefined)
    if (request.debug) return { debug: program.source }
    const each = foreach === undefined ? undefined : await this.#values(schema, program, foreach, call)
    const options = this.#compile.scanOptions({
      ...{ trace, segments: segments.length, ...(session_time !== undefined && { sessionTime: session_time }) },
    })
    const { partials } = await this.#store.scan(
      table,
      { program, segments, ...options, ...(bucket !== undefined && { bucket }), ...(each && { each }) },
      controlOf(call),
    )
    const log = writeLog(partials, options.limits.traceMax, call.log)
    const count = Math.max(1, segments.length)
    const histogram = new Histogram(count, this.#compile.resultLimits(count))
    return told(() => {
      for (const parts of partials) for (const [segment, partial] of parts.entries()) histogram.absorb(partial, segment)
      const { name, min, max, order } = request
      const reply = histogram.reply({
        name,
        each: each !== undefined,
        ...(bucket !== undefined && { bucket }),
        ...(min !== undefined && { min }),
        ...(max !== undefined && { max }),
        ...(order !== undefined && { order }),
        ...(request.trim !== undefined && { trim: request.trim }),
      })
      return trace ? { ...reply, debug: histogram.debug.slice(0, options.limits.traceMax), log } : reply
    })
  }

  /** The distinct values of the column of foreach. */
  async #values(schema: TableSchema, program: Program, foreach: string, call: QueryCall): Promise<Scalar[]> {
    const column = this.#columnNamed(schema, foreach, call)
    if (!program.readsEach) {
      throw new Problem('script_invalid', {
        reason: "The 'each_value' variable was not found: a histogram with foreach uses it.",
      })
    }
    const tree = await this.#store.column(eventTableOf(schema), { column: column.name, segments: [] }, controlOf(call))
    return sortByGroup(
      tree.values.map(({ value }) => countNode(value, [0])),
      'asc',
    ).map(({ g }) => g)
  }

  #program(
    schema: TableSchema,
    call: QueryCall,
    request: ScriptRequest,
    mode: 'event' | 'histogram',
    each = false,
  ): Program {
    const parameters = told(() => parametersOf(Object.entries(request)))
    return this.#compile.compile(this.#visible(schema, call), request.script, mode, { parameters, each })
  }

  /** A script may name only columns that its caller may see; what is hidden is unknown. */
  #segmentProgram(schema: TableSchema, section: Section, call: QueryCall): Program {
    return this.#compile.compile(this.#visible(schema, call), section.script, 'segment')
  }

  async #uses(schema: TableSchema, segments: Common['segments'], call: QueryCall) {
    return this.#segments.uses(eventTableOf(schema), namesOf(segments), new Map(), this.#knownTo(schema, call))
  }

  #control(schema: TableSchema, call: QueryCall): SegmentControl {
    return { ...controlOf(call), columns: this.#knownTo(schema, call), maker: makerOf(schema, call) }
  }

  /** Names of the columns that the caller may know; undefined when these are all. */
  #knownTo(schema: TableSchema, call: Pick<QueryCall, 'view'>): readonly string[] | undefined {
    const visible = this.#visible(schema, call)
    if (visible.length === eventTableOf(schema).columns.length) return undefined
    return [...visible.map(({ name }) => name), ACTION_COLUMN.name]
  }

  #visible({ database, name, ...schema }: TableSchema, { view }: Pick<QueryCall, 'view'>): readonly EventColumn[] {
    const { columns } = eventTableOf({ database, name, ...schema } as TableSchema)
    return columns.filter((column) => view.seesColumn(database, name, column.name))
  }

  #columnNamed(schema: TableSchema, name: string, call: QueryCall): EventColumn {
    const columns = [...this.#visible(schema, call), ACTION_COLUMN]
    const column = columns.find((known) => known.name === name)
    if (column) return column
    const names = columns.map((known) => known.name)
    throw new Problem('event_column_unknown', { column: name, table: schema.name, suggestion: nearest(name, names) })
  }
}

function controlOf({ signal, progress, log }: QueryCall): SegmentControl {
  return { signal, ...(progress && { progress }), ...(log && { log }) }
}

function makerOf({ database }: TableSchema, { caller }: Pick<QueryCall, 'caller'>): Maker | undefined {
  if (!caller) return undefined
  const { username, since, rights } = caller
  return { username, since, mayBuild: mayChangeStructure(rights, database) }
}

/** A list, or names separated by commas. */
function namesOf(segments: Common['segments']): string[] {
  const names = typeof segments === 'string' ? segments.split(',') : (segments ?? []).map(String)
  return notTooMany(names.map((name) => name.trim()).filter((name) => name !== ''))
}

/** Each is a run of the script and a number in every group. @throws Problem invalid_request */
function notTooMany(segments: string[]): string[] {
  if (segments.length <= SEGMENTS_MAX) return segments
  const reason = `A question is asked for at most ${SEGMENTS_MAX} segments at once, not ${segments.length}.`
  throw new Problem('invalid_request', { reason })
}

/** Errors of PyQL as problems. */
function told<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw problemOf(error)
  }
}

/** What a section comes to; its error where it fails by itself. */
async function inItsPlace(section: Section, run: () => Promise<ResultNode>): Promise<ResultNode> {
  try {
    return await sayingColumn(section, run)
  } catch (error) {
    if (!(error instanceof Problem) || error.code === 'query_cancelled' || error.code === 'statement_timeout')
      throw error
    return { g: section.name, c: [null], error: error.toJSON() } as ResultNode
  }
}
