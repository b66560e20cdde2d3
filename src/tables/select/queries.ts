// The service behind the reading operations: from a request to JSON text.
import type { ColumnType, TableSchema } from '../../catalog/index.js'
import { everything, JsonStream, JsonText, untilAborted, type View } from '../../lib/index.js'
import { keyOfType } from '../keys.js'
import type { Key, Snapshot } from '../reader.js'
import type { Access, Costs } from './access.js'
import type { Control } from './budget.js'
import { flat, type Output, rowWriter, shown } from './output.js'
import { type Query, type QueryLimits, Run } from './query.js'
import { openSource, Scope, type Source } from './scope.js'
import { readAttributes, readConditions, readSort, readValue } from './search.js'
import { readSelectRequest, type SelectRequest, type TableName } from './select-request.js'

/** Who asks: what they may read, and a signal that they wait no more. */
export interface Asker extends Control {
  readonly view: View
}

interface SearchRequest extends TableName {
  get_attributes?: readonly string[] | undefined
  limit?: number | undefined
  offset?: number | undefined
  explain?: boolean | undefined
}
export interface SearchByIdRequest extends SearchRequest {
  ids: readonly Key[]
}
export interface SearchByValueRequest extends SearchRequest {
  attribute: string
  value: unknown
  desc?: boolean | undefined
}
export interface SearchByConditionsRequest extends SearchRequest {
  conditions: readonly object[]
  operator?: string | undefined
  sort?: object | undefined
}

export type Answer = JsonText | JsonStream

/** A reading operation and what it asks. */
export type Reading =
  | { readonly operation: 'select'; readonly request: SelectRequest }
  | { readonly operation: 'search_by_id'; readonly request: SearchByIdRequest }
  | { readonly operation: 'search_by_value'; readonly request: SearchByValueRequest }
  | { readonly operation: 'search_by_conditions'; readonly request: SearchByConditionsRequest }

/** All rows of an answer at one moment. It pins pages of the store: dispose of it soon. */
export interface Rows extends Disposable {
  readonly columns: readonly string[]
  /** Members that some rows may have beside the columns. */
  readonly unnamed: readonly string[]
  /** Rows as lines of JSON, in pieces of whole lines. */
  lines(control: Control): AsyncIterable<string>
}

/** Ids that are read in one go. */
const IDS_AT_ONCE = 100
/** Shapes that are remembered for one schema. */
const SHAPES_MAX = 100

/** Answers select and the searches, each on one snapshot. */
export class Queries {
  readonly #open: () => Snapshot
  readonly #limits: QueryLimits
  readonly #costs: Costs | undefined

  /** `costs`: for tests, to see every plan on small tables. */
  constructor(open: () => Snapshot, limits: QueryLimits, costs?: Costs) {
    this.#open = open
    this.#limits = limits
    this.#costs = costs
  }

  select(request: SelectRequest, asker: Asker): Promise<Answer> {
    return this.#answer(this.#select(request, asker.view), asker, 'object')
  }

  /** Every row that a reading operation finds, without a bound on their number: for exports. */
  rows({ operation, request }: Reading, view: View): Rows {
    const read =
      operation === 'select'
        ? this.#select(request, view)
        : operation === 'search_by_id'
          ? searched(request, view, byIds(request))
          : operation === 'search_by_value'
            ? searched(request, view, byValue(request))
            : searched(request, view, this.#byConditions(request))
    const snapshot = this.#open()
    try {
      const query = { costs: this.#costs, ...read(snapshot) }
      return {
        columns: query.outputs.filter(({ unnamed }) => !unnamed).map(({ name }) => name),
        unnamed: query.outputs.filter(({ unnamed }) => unnamed).map(({ name }) => name),
        lines: (control) => new Run(query, this.#limits).lines(control),
        [Symbol.dispose]: () => snapshot[Symbol.dispose](),
      }
    } catch (error) {
      snapshot[Symbol.dispose]()
      throw error
    }
  }

  #select(request: SelectRequest, view: View): (snapshot: Snapshot) => Query {
    return (snapshot) => readSelectRequest(request, snapshot, view, this.#limits)
  }

  /** The records of the ids, in their order; an id without a record is left out. */
  searchById(request: SearchByIdRequest, asker: Asker): Answer | Promise<Answer> {
    const { ids, explain, limit, offset } = request
    const isFew = ids.length <= IDS_AT_ONCE && !explain && limit === undefined && !offset
    return isFew ? this.#readFew(request, asker) : this.#searchByIds(request, asker)
  }

  /** So few records that there is nothing to plan, to pause or to stream. */
  #readFew(request: SearchByIdRequest, asker: Asker, isFetched = false): JsonText | Promise<JsonText> {
    const { database, table, ids, get_attributes: attributes = ['*'] } = request
    const { view } = asker
    using snapshot = this.#open()
    const source = openSource(snapshot, view, database, table)
    const { reader } = source
    const { type, outputs } = shapeOf(source, attributes, view)
    const fetching = reader.isSlow && !isFetched && reader.fetch?.(ids.map((id) => keyOfType(id, type)))
    if (fetching) return untilAborted(asker.signal, fetching).then(() => this.#readFew(request, asker, true))
    const write = rowWriter(outputs)
    const isWhole = view === everything && attributes.length === 1 && attributes[0] === '*'
    let text = ''
    for (const id of ids) {
      const key = keyOfType(id, type)
      const found = isWhole && reader.findWhole ? reader.findWhole(key) : reader.find(key)
      if (found === undefined) continue
      text += `${text === '' ? '' : ','}${typeof found === 'string' ? found : shown(found, write)}`
    }
    return new JsonText(`[${text}]`)
  }

  #searchByIds(request: SearchByIdRequest, asker: Asker): Promise<Answer> {
    return this.#search(request, asker, byIds(request))
  }

  searchByValue(request: SearchByValueRequest, asker: Asker): Promise<Answer> {
    return this.#search(request, asker, byValue(request))
  }

  searchByConditions(request: SearchByConditionsRequest, asker: Asker): Promise<Answer> {
    return this.#search(request, asker, this.#byConditions(request))
  }

  #byConditions(request: SearchByConditionsRequest): ReadSearch {
    return (scope) => ({
      where: readConditions(request.conditions, request.operator, scope, this.#limits.conditions_max),
      terms: readSort(request.sort, scope),
    })
  }

  #search(request: SearchRequest, asker: Asker, read: ReadSearch): Promise<Answer> {
    return this.#answer(searched(request, asker.view, read), asker, request.explain ? 'object' : 'array')
  }

  /** Answers with the whole text when it is short, else with a stream that holds the snapshot until its end. */
  async #answer(read: (snapshot: Snapshot) => Query, asker: Asker, shape: 'object' | 'array'): Promise<Answer> {
    const snapshot = this.#open()
    let run: Run
    try {
      run = new Run({ costs: this.#costs, ...read(snapshot) }, this.#limits)
      const short = run.short(shape)
      if (short !== undefined) {
        snapshot[Symbol.dispose]()
        return new JsonText(short)
      }
    } catch (error) {
      snapshot[Symbol.dispose]()
      throw error
    }
    const pages = this.#pages(snapshot, run, asker, shape)
    let text = ''
    for (;;) {
      const { value, done } = await pages.next()
      if (done) return new JsonText(flat(text))
      text += value
      if (text.length > this.#limits.stream_above_bytes) return new JsonStream(streamed(text, pages, asker.signal))
    }
  }

  /** Disposes of the snapshot, however it ends. */
  async *#pages(snapshot: Snapshot, run: Run, asker: Asker, shape: 'object' | 'array'): AsyncGenerator<string, void> {
    try {
      yield* run.pages(asker, shape)
    } finally {
      snapshot[Symbol.dispose]()
    }
  }
}

/** What a search adds to a query. */
type ReadSearch = (scope: Scope) => Partial<Query>

function byIds({ ids }: SearchByIdRequest): ReadSearch {
  return (scope) => {
    const { primaryKey, columns } = scope.base.reader.schema
    const type = columns.find(({ name }) => name === primaryKey)?.type
    const legs: Access['legs'] = [{ by: 'keys', keys: ids.map((id) => keyOfType(id, type)) }]
    return {
      access: {
        id: 'key',
        by: 'primary_key',
        indexes: [primaryKey],
        legs,
        keep: [],
        within: [],
        others: [],
        ordered: false,
      },
    }
  }
}

function byValue({ attribute, value, desc }: SearchByValueRequest): ReadSearch {
  return (scope) => ({
    where: readValue(attribute, value, scope),
    terms: desc ? readSort({ attribute, descending: true }, scope) : [],
  })
}

function searched(request: SearchRequest, view: View, read: ReadSearch): (snapshot: Snapshot) => Query {
  const { database, table, get_attributes: attributes = ['*'], limit, offset = 0, explain = false } = request
  return (snapshot) => {
    const scope = new Scope([openSource(snapshot, view, database, table)])
    const outputs = readAttributes(attributes, scope)
    const rest = { joins: [], where: { all: [] }, terms: [], offset, explain, ...(limit !== undefined && { limit }) }
    return { scope, outputs, ...rest, ...read(scope) }
  }
}

/** What an answer to few ids is made of. */
interface Shape {
  /** Type of the primary key. */
  type: ColumnType | undefined
  outputs: readonly Output[]
}

/** Shapes for who sees everything, by schema and attributes: the same few are asked for again and again. */
const shapes = new WeakMap<TableSchema, Map<string, Shape>>()

function shapeOf(source: Source, attributes: readonly string[], view: View): Shape {
  if (view !== everything) return newShape(source, attributes)
  const { schema } = source.reader
  let known = shapes.get(schema)
  if (!known) shapes.set(schema, (known = new Map()))
  const name = attributes.length === 1 ? `.${attributes[0]}` : JSON.stringify(attributes)
  let shape = known.get(name)
  if (!shape) {
    shape = newShape(source, attributes)
    if (known.size < SHAPES_MAX) known.set(name, shape)
  }
  return shape
}

function newShape(source: Source, attributes: readonly string[]): Shape {
  const { primaryKey, columns } = source.reader.schema
  const type = columns.find(({ name }) => name === primaryKey)?.type
  return { type, outputs: readAttributes(attributes, new Scope([source])) }
}

/** The rest of an answer. A reader that is too slow, or gone, gets an error instead of a text that looks whole. */
async function* streamed(
  head: string,
  pages: AsyncGenerator<string, void>,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  const stop = () => void pages.return()
  signal.addEventListener('abort', stop, { once: true })
  try {
    yield head
    for await (const page of pages) yield page
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', stop)
    await pages.return()
  }
}
