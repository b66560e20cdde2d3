import {
  EVERYONE,
  type EventStore,
  type PersonId,
  problemOf,
  type ScanQuery,
  type SegmentUse,
} from '../analytics/index.js'
import type { TableSchema } from '../catalog/index.js'
import { firstInOrder, JsonText, Problem, type Steps, withPauses } from '../lib/index.js'
import {
  Answer,
  Histogram,
  type Mode,
  type PartialResult,
  type Program,
  parametersOf,
  type Scalar,
} from '../pyql/index.js'
import { type FilterRequest, filterOf } from './column-filter.js'
import type { Compile } from './compile.js'
import { type FoldedRow, foldRows } from './person-reply.js'
import {
  byCount,
  charactersOf,
  compareGroups,
  countNode,
  jsonOf,
  type Order,
  type Result,
  type ResultNode,
  sortByCount,
} from './result.js'
import { writeLog } from './script-log.js'
import { fieldsOf } from './section-fields.js'
import { readSections, type Section, sayingColumn } from './sections.js'
import type { RequestSegments } from './segment-scripts.js'
import type { Segments } from './segments.js'
import { type QueryCall, VisibleTable } from './visible-table.js'

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

export interface SegmentsRequest {
  script: string
  debug?: boolean
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

export interface BatchRequest {
  script: string
  session_time?: number
}

/** A result, with what the script traced; or the text of the compiled program. */
export type QueryAnswer = (Result & { debug?: unknown[]; log?: string[] }) | { debug: string }

export interface QuestionsOptions {
  readonly store: EventStore
  readonly segments: Segments
  readonly compile: Compile
  readonly rowsPerEventMax: number
}

const NO_ANSWER: Result = { _: [] }
/** Between two pauses of work on this thread. */
const SLICE_MS = 5
/** The values of foreach are not part of an answer. */
const NO_LIMITS = { valuesMax: Number.POSITIVE_INFINITY, charactersMax: Number.POSITIVE_INFINITY }
/** As the contracts say of lists. */
const SEGMENTS_MAX = 100
/** Columns of every event that are not counted by value. */
const UNCOUNTED = ['__stamp', '__uuid', '__session', '__triggers', '__emit', '__segment']

/** What can be asked of event tables. */
export class Questions {
  readonly #store: EventStore
  readonly #segments: Segments
  readonly #compile: Compile
  readonly #rowsPerEventMax: number

  constructor({ store, segments, compile, rowsPerEventMax }: QuestionsOptions) {
    this.#store = store
    this.#segments = segments
    this.#compile = compile
    this.#rowsPerEventMax = rowsPerEventMax
  }

  /** Runs a script over the events of people: groups and their aggregates. */
  async query(schema: TableSchema, request: EventRequest, call: QueryCall): Promise<QueryAnswer | JsonText> {
    const asked = new VisibleTable(schema, call)
    const program = this.#program(asked, request, 'event')
    if (request.debug) return { debug: program.source }
    const segments = await this.#uses(asked, namesOf(request.segments))
    const scanned = await this.#scan(asked, request, { program, segments })
    const count = Math.max(1, segments.length)
    const answer = new Answer(program.aggregates, count, this.#compile.resultLimits(count))
    const { sort, order, trim } = request
    const json = await inSteps(
      asked,
      answering(answer, scanned.partials, () => answer.writing({ sort, order, trim })),
    )
    if (!request.trace) return new JsonText(json)
    const traced = JSON.stringify({ debug: answer.debug.slice(0, scanned.traceMax), log: scanned.log })
    return new JsonText(Buffer.concat([json.subarray(0, -1), Buffer.from(`,${traced.slice(1)}`)]))
  }

  /** Computes segments, in the order in which they are written; people in each, most first. */
  async querySegments(schema: TableSchema, request: SegmentsRequest, call: QueryCall): Promise<QueryAnswer> {
    const asked = new VisibleTable(schema, call)
    const sections = readSections(request.script)
    for (const { type, line } of sections) {
      if (type !== 'segment')
        throw new Problem('section_invalid', { line, reason: `a segment query has no @${type} section` })
    }
    const programs: Program[] = []
    for (const section of sections)
      programs.push(await sayingColumn(section, () => this.#segmentProgram(asked, section)))
    if (request.debug) return { debug: programs.map(({ source }) => source).join('\n') }
    return this.#withSegments(asked, async (own) => {
      const nodes: ResultNode[] = []
      for (const section of sections) nodes.push(await sayingColumn(section, () => this.#define(asked, section, own)))
      return { _: sortByCount(nodes, 'desc') }
    })
  }

  /** People by value of a column. */
  async queryColumn(schema: TableSchema, request: ColumnRequest, call: QueryCall): Promise<JsonText> {
    const asked = new VisibleTable(schema, call)
    const answer = await this.#column(asked, request, await this.#uses(asked, namesOf(request.segments)))
    return inSteps(asked, jsonOf(answer))
  }

  /** The events of one person, folded so that inserting the reply gives the same rows; undefined when there is nobody. */
  async queryPerson(schema: TableSchema, person: PersonId, call: QueryCall): Promise<FoldedRow[] | undefined> {
    const { table, columns } = new VisibleTable(schema, call)
    const sets = new Set(columns.filter(({ isSet }) => isSet).map(({ name }) => name))
    const names = columns.map(({ name }) => name)
    const rows = await this.#store.person(table, person, names)
    let list = '_'
    while (table.columns.some(({ name }) => name === list)) list += '_'
    return rows && foldRows(rows, { isSet: (name) => sets.has(name), list, rowsPerEventMax: this.#rowsPerEventMax })
  }

  /** People by a number that a script returns for each of them. */
  async queryHistogram(schema: TableSchema, request: HistogramRequest, call: QueryCall): Promise<JsonText> {
    const asked = new VisibleTable(schema, call)
    const answer = await this.#histogram(asked, request, await this.#uses(asked, namesOf(request.segments)))
    return inSteps(asked, jsonOf(answer))
  }

  /** Several segments, columns and histograms, answered in the order written; one that fails says so in its place. */
  async queryBatch(schema: TableSchema, request: BatchRequest, call: QueryCall): Promise<JsonText> {
    const asked = new VisibleTable(schema, call)
    const { charactersMax } = this.#compile.settings.scan
    let characters = 0
    // All sections together are one result.
    const fitting = async (node: ResultNode): Promise<ResultNode> => {
      const together = characters + (await inSteps(asked, charactersOf(node)))
      if (together > charactersMax)
        throw new Problem('result_too_large', { limit: charactersMax, advice: 'ask for some sections by themselves' })
      characters = together
      return node
    }
    const answer = await this.#withSegments(asked, async (own) => {
      const nodes: ResultNode[] = []
      let used: readonly string[] = []
      for (const section of readSections(request.script)) {
        if (section.type === 'use') used = usedBy(section)
        else {
          const answer = async () => fitting(await this.#section(asked, section, { request, used, own }))
          nodes.push(await inItsPlace(section, answer))
        }
      }
      return { _: nodes }
    })
    return inSteps(asked, jsonOf(answer))
  }

  /** What a section of a batch comes to. */
  async #section(
    asked: VisibleTable,
    section: Section,
    { request, used, own }: { request: BatchRequest; used: readonly string[]; own: RequestSegments },
  ): Promise<ResultNode> {
    if (section.type === 'segment') {
      this.#segmentProgram(asked, section)
      return this.#define(asked, section, own)
    }
    const { name, script } = section
    const { segments, ...fields } = fieldsOf(section)
    const uses = await this.#uses(asked, segments === undefined ? used : namesOf(segments), own)
    const answer =
      section.type === 'column'
        ? await this.#column(asked, { ...fields, column: name }, uses)
        : await this.#histogram(asked, { ...request, ...fields, name, script }, uses)
    const node = '_' in answer ? answer._[0] : undefined
    return node ?? countNode(name, uses.length === 0 ? [0] : uses.map(() => 0))
  }

  async #define(asked: VisibleTable, section: Section, own: RequestSegments): Promise<ResultNode> {
    return countNode(section.name, [await this.#segments.define(asked.table, section, own, asked.control)])
  }

  /** Lets go at the end of the segments that live as long as a request. */
  async #withSegments<T>({ table }: VisibleTable, run: (own: RequestSegments) => Promise<T>): Promise<T> {
    const own: RequestSegments = new Map()
    try {
      return await run(own)
    } finally {
      await this.#segments.release(table, own)
    }
  }

  async #column(asked: VisibleTable, request: ColumnRequest, segments: readonly SegmentUse[]): Promise<Result> {
    if (UNCOUNTED.includes(request.column)) return NO_ANSWER
    const column = asked.column(request.column)
    const filter = filterOf(request, column)
    // Values that nobody in the segments has are told, too: with 0.
    const isEveryoneIn = segments.length === 0 || segments.some(({ name }) => name === EVERYONE)
    const counted = isEveryoneIn ? segments : [...segments, { name: EVERYONE }]
    const { nodesMax, charactersMax } = this.#compile.resultLimits(segments.length)
    const limits = { valuesMax: nodesMax, charactersMax }
    const query = { column: column.name, segments: counted, bucket: request.bucket, filter, limits }
    const tree = await this.#store.column(asked.table, query, asked.control)
    if (tree.values.length === 0 && tree.people.every((count) => count === 0)) return NO_ANSWER
    const own = (counts: number[]) => counts.slice(0, Math.max(1, segments.length))
    const { order = 'desc', trim } = request
    const node = (at: number) => countNode(tree.values[at]!.value, own(tree.values[at]!.counts))
    const children = await inSteps(asked, firstInOrder(tree.values.length, node, byCount(order), trim))
    return { _: [countNode(column.name, own(tree.people), children)] }
  }

  async #histogram(
    asked: VisibleTable,
    request: HistogramRequest,
    segments: readonly SegmentUse[],
  ): Promise<QueryAnswer> {
    const { foreach, bucket, max } = request
    const program = this.#program(asked, request, 'histogram', foreach !== undefined)
    if (request.debug) return { debug: program.source }
    const each = foreach === undefined ? undefined : await this.#values(asked, program, foreach)
    const scanned = await this.#scan(asked, request, { program, segments, bucket, max, each })
    const count = Math.max(1, segments.length)
    const histogram = new Histogram(count, this.#compile.resultLimits(count))
    const { name, min, order, trim } = request
    const options = { name, each: each !== undefined, bucket, min, max, order, trim }
    const reply = await inSteps(
      asked,
      answering(histogram, scanned.partials, () => histogram.replying(options)),
    )
    return request.trace ? { ...reply, debug: histogram.debug.slice(0, scanned.traceMax), log: scanned.log } : reply
  }

  /** The distinct values of the column of foreach. */
  async #values(asked: VisibleTable, program: Program, foreach: string): Promise<Scalar[]> {
    const column = asked.column(foreach)
    if (!program.readsEach) {
      throw new Problem('script_invalid', {
        reason: "The 'each_value' variable was not found: a histogram with foreach uses it.",
      })
    }
    const query = { column: column.name, segments: [], limits: NO_LIMITS }
    const { values } = await this.#store.column(asked.table, query, asked.control)
    return inSteps(
      asked,
      firstInOrder(values.length, (at) => values[at]!.value, compareGroups),
    )
  }

  /** Runs a program over people, and writes into the log what it says there. */
  async #scan(
    { table, control }: VisibleTable,
    { session_time, trace = false }: ScriptRequest,
    scan: Pick<ScanQuery, 'program' | 'segments' | 'bucket' | 'max' | 'each'>,
  ): Promise<{ partials: readonly PartialResult[][]; log: string[]; traceMax: number }> {
    const { length } = scan.segments
    const options = this.#compile.scanOptions({ trace, segments: length, sessionTime: session_time })
    const { partials } = await this.#store.scan(table, { ...scan, ...options }, control)
    const { traceMax } = options.limits
    return { partials, log: writeLog(partials, traceMax, control.log), traceMax }
  }

  /** A script may name only columns that its caller may see. @throws Problem script_invalid, script_limit */
  #program({ columns }: VisibleTable, request: ScriptRequest, mode: Mode, each = false): Program {
    const parameters = asProblem(() => parametersOf(Object.entries(request)))
    return this.#compile.compile(columns, request.script, mode, { parameters, each })
  }

  #segmentProgram({ columns }: VisibleTable, section: Section): Program {
    return this.#compile.compile(columns, section.script, 'segment')
  }

  #uses(
    { table, asker }: VisibleTable,
    names: readonly string[],
    own: RequestSegments = new Map(),
  ): Promise<SegmentUse[]> {
    return this.#segments.uses(table, names, own, asker.columns)
  }
}

/** Takes in what the workers found, a partial result of each for every segment, and then answers. */
function* answering<T>(
  whole: { absorbing(partial: PartialResult, segment: number): Steps<void> },
  partials: readonly (readonly PartialResult[])[],
  answer: () => Steps<T>,
): Steps<T> {
  for (const parts of partials) {
    for (const [segment, partial] of parts.entries()) yield* whole.absorbing(partial, segment)
  }
  return yield* answer()
}

/** Work on this thread, during which others are served, and which ends when its caller gives up. */
async function inSteps<T>({ control }: VisibleTable, steps: Steps<T>): Promise<T> {
  try {
    return await withPauses(steps, SLICE_MS, () => control.signal?.throwIfAborted())
  } catch (error) {
    throw problemOf(error)
  }
}

/** The segments that a @use section names. */
function usedBy({ words }: Section): string[] {
  return notTooMany(words.flatMap((word) => word.split(',')).filter((name) => name !== ''))
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
function asProblem<T>(run: () => T): T {
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
