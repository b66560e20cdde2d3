import {
  type Access,
  type Care,
  type Costs,
  chooseAccess,
  type Leg,
  learn,
  ORDER_WITH_NULLS,
  type Wanted,
} from './access.js'
import { Awaited, Budget, type Control, Slices } from './budget.js'
import { type Condition, compile, compileAll, conjuncts, lastSource } from './condition.js'
import { type CursorForm, type Position, writeCursor } from './cursor.js'
import { type Grouping, Groups, grouped } from './group.js'
import { carriedOver, isAbsence, type Join, joined } from './join.js'
import { isExact, LONG_TEXT } from './lookup.js'
import { FrameOrder, inOrder, Sorter, sorted, type Term } from './order.js'
import { type Aggregate, type Output, rowWriter } from './output.js'
import { Page, rowsWanted, tooManyRows } from './page.js'
import { baseConditions } from './reached.js'
import type { Frame, Scope } from './scope.js'
import { shortRows } from './short.js'
import { compareValues, isScalar } from './value.js'
import { accessTo, groupedByIndex, type Told, toldBy } from './values.js'
import { type Resume, type Stage, type Tally, type Walk, walk } from './walk.js'

/** Limits of queries: the settings under `select`, with their names. */
export interface QueryLimits {
  readonly memory_bytes_max: number
  readonly result_rows_max: number
  readonly groups_max: number
  readonly conditions_max: number
  readonly slice_ms: number
  readonly stream_above_bytes: number
}

export interface Query {
  readonly scope: Scope
  readonly joins: readonly Join[]
  readonly where: Condition
  readonly outputs: readonly Output[]
  readonly grouping?: Grouping
  readonly having?: Condition
  readonly terms: readonly Term[]
  readonly offset: number
  readonly limit?: number
  /** Where the page before ended. */
  readonly position?: Position
  /** Set where answers carry `complete` and `next`. */
  readonly cursors?: CursorForm
  /** The way to the rows, where there is nothing to choose. */
  readonly access?: Access
  readonly explain: boolean
  readonly costs?: Costs | undefined
}

/** Sorted rows are compared by their columns, so the whole index must be in their order. */
const ALWAYS_INDEXED = new Set(['int', 'double', 'bool', 'timestamp'])

/** How a run has ended. */
interface Written {
  readonly run: Run
  readonly page: Page
  readonly text: string
}

/** One run of one query. */
export class Run {
  readonly #query: Query
  readonly #limits: QueryLimits
  readonly #budget: Budget
  readonly #awaited = new Awaited()
  readonly #frame: Frame = []
  readonly #tally: Tally = { keysRead: 0, walked: 0, rowsRead: 0, kept: [] }
  readonly #access: Access
  readonly #order: FrameOrder
  readonly #mode: 'stream' | 'ordered' | 'sort'
  readonly #base: readonly Condition[]
  readonly #later: readonly Condition[]
  readonly #end: End | undefined
  readonly #told: Told | undefined
  readonly #parts: readonly Run[] | undefined
  readonly #care: Care
  #walk: Walk | undefined

  /** `care`: how the way to the rows is chosen; with more only when what was chosen with less takes long. */
  constructor(query: Query, limits: QueryLimits, care: Care = 'guess') {
    this.#query = query
    this.#limits = limits
    this.#care = care
    this.#budget = new Budget(limits.memory_bytes_max)
    const { scope, joins, grouping } = query
    this.#tally.kept = scope.sources.map(() => 0)
    this.#end = endOf(query)
    const all = [...conjuncts(query.where), ...(this.#end ? [this.#end.isThere] : [])]
    this.#base = joins.length === 0 ? all : baseConditions(query, [...all, ...carriedOver(all, joins)], this.#tally)
    this.#later = joins.length === 0 ? [] : all.filter((it) => lastSource(it) > 0)
    const terms = this.#end ? [this.#end.term] : grouping ? [] : query.terms
    this.#order = new FrameOrder(terms, scope.sources)
    this.#told = toldBy(query, this.#base)
    this.#parts = this.#told ? undefined : this.#partsOf()
    const parts = this.#parts && accessTo(this.#parts.flatMap((part) => part.#access.indexes))
    this.#access = this.#told?.access ?? parts ?? query.access ?? this.#choose(terms, care)
    const unordered = grouping ? 'stream' : 'sort'
    this.#mode = terms.length === 0 ? 'stream' : this.#access.ordered ? 'ordered' : unordered
  }

  /** Several ends of indexes, and what is known anyway, are asked for one after the other. */
  #partsOf(): Run[] | undefined {
    const { grouping, joins } = this.#query
    const isPlain = joins.length === 0 && this.#base.length === 0 && grouping?.keys.length === 0
    if (!isPlain || grouping.aggregates.length < 2 || grouping.aggregates.some(isSum)) return undefined
    if (this.#isCountOfAll(grouping)) return undefined
    const { having: _, position: __, ...query } = this.#query
    const parts = grouping.aggregates.map(
      (it) => new Run({ ...query, terms: [], offset: 0, grouping: grouping.alone(it) }, this.#limits, this.#care),
    )
    return parts.every((part) => part.#isTold) ? parts : undefined
  }

  /** Whether the answer is found without reading more than a few records. */
  get #isTold(): boolean {
    const isEnd = this.#end !== undefined && this.#mode === 'ordered'
    return isEnd || this.#told !== undefined || this.#isCountOfAll(this.#query.grouping!)
  }

  *#eachPart(parts: readonly Run[], out: Frame): Stage {
    const row: Record<string, unknown> = {}
    for (const [number, part] of parts.entries()) {
      const { stage, frame } = part.#stages(1)
      for (const ready of stage) {
        if (ready) row[`a${number}`] = frame[0]!['a0']
        else yield false
      }
      const { keysRead, rowsRead } = part.#tally
      this.#tally.keysRead += keysRead
      this.#tally.rowsRead += rowsRead
    }
    out[0] = row
    yield true
  }

  #choose(terms: readonly Term[], care: Care): Access {
    const { scope, joins, grouping, limit, offset, position, costs } = this.#query
    const { reader } = scope.base
    const wanted = this.#wanted(terms)
    const most = this.#end ? 1 : limit === undefined || grouping ? undefined : offset + limit
    const access = grouping ? undefined : position?.access
    return chooseAccess({
      reader,
      conditions: this.#base,
      refuses: this.#later.length > 0 || joins.some(({ left }) => !left),
      care,
      ...(wanted && { wanted }),
      ...(most !== undefined && { limit: most }),
      ...(access !== undefined && { access }),
      ...(costs && { costs }),
    })
  }

  #wanted([first]: readonly Term[]): Wanted | undefined {
    if (first?.ref.source !== 0 || !first.ref.whole) return undefined
    const { reader, columns } = this.#query.scope.base
    const column = columns.get(first.ref.name)
    const isNeverNull = column?.notNull === true && ALWAYS_INDEXED.has(column.type) && reader.isIndexed(column.name)
    // Of what is known, records of nodes that declare it otherwise are a part.
    return { ...first, content: reader.contentOf?.(first.ref.name) ?? (isNeverNull ? 'never null' : undefined) }
  }

  /** The whole answer of a plain question that few keys answer; undefined when it is not such a one. */
  short(shape: 'object' | 'array'): string | undefined {
    const { joins, grouping, position, explain } = this.#query
    if (joins.length > 0 || grouping || position || explain || this.#mode !== 'stream') return undefined
    const plain = { query: this.#query, limits: this.#limits, access: this.#access, conditions: this.#base }
    const rows = shortRows(plain, (read, kept) => this.#noteLong(read, kept))
    if (rows === undefined) return undefined
    return `${shape === 'object' ? '{"data":[' : '['}${rows}${this.#tail(shape, true, undefined)}`
  }

  /** A run that was not short counts as begun: what it has read tells how long the way is. */
  #noteLong(read: number, kept: number): void {
    Object.assign(this.#tally, { keysRead: read, walked: read, rowsRead: read, kept: [kept] })
  }

  /** The answer as JSON text in pieces: an object with data, or only its rows. */
  async *pages(control: Control, shape: 'object' | 'array'): AsyncGenerator<string, void> {
    const head = shape === 'object' ? '{"data":[' : '['
    const { run, page, text } = yield* this.#pieces(control, head, (run) => run.#page(rowWriter(run.#query.outputs)))
    if (page.isCut && !this.#query.cursors) throw tooManyRows(this.#limits.result_rows_max)
    yield text + run.#tail(shape, !page.isCut, page.last)
  }

  /** Every row as a line of JSON, however many they are, in pieces of whole lines. */
  async *lines(control: Control): AsyncGenerator<string, void> {
    const { text } = yield* this.#pieces(control, '', (run) => run.#endless())
    if (text !== '') yield text
  }

  /** Text as it is ready; in the end the rest of it, and the run that has written it. */
  async *#pieces(control: Control, head: string, begin: (run: Run) => Page): AsyncGenerator<string, Written> {
    const slices = new Slices(control, this.#limits.slice_ms, this.#awaited)
    let { patience = Number.POSITIVE_INFINITY } = this.#access
    if (this.#tally.walked > patience) return yield* (await this.#planned(slices)).#pieces(control, head, begin)
    const page = begin(this)
    let before = head
    try {
      for (;;) {
        const pause = page.fill(slices)
        if (pause === 'end') {
          this.#learn()
          return { run: this, page, text: before + page.text }
        }
        if (this.#tally.walked > patience) break
        if (pause === 'rest') await slices.rest()
        if (pause === 'piece') {
          yield before + page.text
          page.text = before = ''
          patience = Number.POSITIVE_INFINITY
        }
      }
    } finally {
      page.close()
    }
    return yield* (await this.#planned(slices)).#pieces(control, head, begin)
  }

  /**
   * The same query, planned with care now that a guess has turned out to be long. Where several read in vain, one reads
   * on, and the others wait for the filter that is being built: else all of them would take its time away.
   */
  async #planned(slices: Slices): Promise<Run> {
    const filter = this.#learn()
    if (filter && slices.isContended) await slices.rest(filter)
    return new Run(this.#query, this.#limits, this.#care === 'guess' ? 'count' : 'sort')
  }

  #learn(): Promise<unknown> | undefined {
    return learn(this.#query.scope.base.reader, this.#access, this.#tally.rowsRead, this.#tally.kept[0]!)
  }

  /** Searches with a limit need not know whether there is more. */
  #page(write: (frame: Frame) => string): Page {
    const { offset, cursors } = this.#query
    const limit = rowsWanted(this.#query, this.#limits)
    const { stage, frame, positionOf } = this.#stages(limit)
    const isAsked = cursors !== undefined || this.#query.limit === undefined
    return new Page({ stage, frame, write, separator: ',', offset, limit, ...(isAsked && { positionOf }) })
  }

  #endless(): Page {
    const { limit = Number.MAX_SAFE_INTEGER, offset, outputs } = this.#query
    const { stage, frame } = this.#stages(limit)
    const write = rowWriter(outputs)
    return new Page({ stage, frame, write: (frame) => `${write(frame)}\n`, separator: '', offset, limit })
  }

  #tail(shape: 'object' | 'array', complete: boolean, last: Position | undefined): string {
    if (shape === 'array') return ']'
    const { cursors, explain } = this.#query
    let text = cursors ? `],"complete":${complete}` : ']'
    if (!complete && last && cursors) text += `,"next":${JSON.stringify(writeCursor(last, cursors))}`
    if (explain) text += `,"plan":${JSON.stringify(this.#plan())}`
    return `${text}}`
  }

  /** The rows of the result, one after the other in a frame, and where the current one is. */
  #stages(limit: number): { stage: Stage; frame: Frame; positionOf: () => Position } {
    const { grouping } = this.#query
    return grouping ? this.#groups(grouping, limit) : this.#paged(this.#rows(), limit)
  }

  /** All rows that meet `where`, joins done, in the order of the access. */
  #rows(): Stage {
    const { scope, joins } = this.#query
    const { reader } = scope.base
    const [frame, tally, budget] = [this.#frame, this.#tally, this.#budget]
    const test = compileAll(this.#base)
    const resume = this.#resume()
    const [access, awaited] = [this.#access, this.#awaited]
    const isCount = this.#isCountOfEntries()
    const state: Walk = {
      reader,
      access,
      frame,
      test,
      tally,
      budget,
      awaited,
      isCount,
      leg: 0,
      ...(resume && { resume }),
    }
    this.#walk = state
    let stage = walk(state)
    for (const join of joins) {
      const own = this.#later.filter((condition) => lastSource(condition) === join.source)
      const joinedReader = scope.sources[join.source]!.reader
      const test = compileAll(own)
      const state = { join, reader: joinedReader, frame, test, isAbsence: isAbsence(join, own, joinedReader) }
      stage = joined(stage, { ...state, tally, budget })
    }
    return stage
  }

  #resume(): Resume | undefined {
    const { position: given, grouping, joins } = this.#query
    // What was planned anew has other legs: it is walked from its beginning.
    if (!given || grouping || this.#mode === 'sort' || given.access !== this.#access.id) return undefined
    const position = joins.length > 0 ? this.#placeNow(given) : given
    const [value] = position.values
    const isLong = typeof value === 'string' && value.length >= LONG_TEXT
    const isRough = this.#mode === 'ordered' && (this.#order.terms.length > 1 || isLong)
    return { position, again: isRough ? 'value' : joins.length > 0 ? 'row' : 'no' }
  }

  /** What joined tables say about the base table may be more or less than it was for the page before. */
  #placeNow(position: Position): Position {
    const { id, legs, ordered } = this.#access
    const [value] = position.values
    if (!id.startsWith('index:') || !isScalar(value) || !legs.every(isPoint)) return position
    const direction = ordered && this.#order.terms[0]!.descending ? -1 : 1
    const leg = legs.findIndex(({ range }) => compareValues(range.from!.value, value) * direction >= 0)
    return { ...position, leg: leg < 0 ? legs.length : leg }
  }

  #paged(rows: Stage, limit: number): { stage: Stage; frame: Frame; positionOf: () => Position } {
    const { position, offset } = this.#query
    const [frame, order] = [this.#frame, this.#order]
    const most = limit + offset + 1
    const sorter = () => new Sorter(order.compare, most, this.#budget)
    let stage = position ? kept(rows, () => this.#isBehind(position)) : rows
    if (this.#mode === 'ordered') stage = inOrder(stage, frame, order, sorter())
    if (this.#mode === 'sort') stage = sorted(stage, frame, sorter())
    return { stage, frame, positionOf: () => this.#position() }
  }

  #isBehind(position: Position): boolean {
    if (this.#mode !== 'stream') return this.#order.isBehind(this.#frame, position)
    // Without an order, rows come as the access has them, which has left those before out already. What keys are looked
    // for may have changed where a joined table tells them: they come in their order.
    if (this.#access.by === 'primary_key') return this.#order.isBehindKeys(this.#frame, position.keys)
    const key = this.#order.keys(this.#frame)[0]
    return key !== position.keys[0] || this.#order.isBehindKeys(this.#frame, position.keys)
  }

  #position(): Position {
    const keys = this.#order.keys(this.#frame)
    const { id: access, legs } = this.#access
    if (this.#mode === 'stream') {
      const leg = legs[this.#walk!.leg]!
      const values = leg.by === 'range' ? [this.#frame[0]![leg.range.attribute]] : []
      return { access, leg: this.#walk!.leg, values, keys }
    }
    const values = this.#order.values(this.#frame)
    return { access, leg: this.#mode === 'sort' ? 0 : this.#legOf(values[0]), values, keys }
  }

  /** Sorting within equal values reads ahead, so the leg of a row is found by its value. */
  #legOf(value: unknown): number {
    const { id, legs } = this.#access
    if (legs.length === 1) return 0
    const isThere = (leg: Access['legs'][number]) =>
      leg.by === 'range' && leg.range.from !== undefined && compareValues(leg.range.from.value, value) === 0
    if (!id.startsWith(ORDER_WITH_NULLS)) return Math.max(0, legs.findIndex(isThere))
    return legs.findIndex((leg) => (leg.by === 'range') === (value !== null))
  }

  #groups(grouping: Grouping, limit: number): { stage: Stage; frame: Frame; positionOf: () => Position } {
    const { having, position, offset } = this.#query
    const frame: Frame = []
    const keys = grouping.keyRefs.map((ref) => ({ ref, descending: false }))
    const order = new FrameOrder([...this.#query.terms, ...keys], [])
    const most = limit + offset + 1
    let stage = this.#groupStage(grouping, frame)
    const test = having && compile(having)
    if (test || position)
      stage = kept(stage, () => (!test || test(frame)) && (!position || order.isBehind(frame, position)))
    if (order.terms.length > 0) stage = sorted(stage, frame, new Sorter(order.compare, most, this.#budget))
    const positionOf = () => ({ access: 'groups', leg: 0, values: order.values(frame), keys: [] })
    return { stage, frame, positionOf }
  }

  #groupStage(grouping: Grouping, out: Frame): Stage {
    const { reader } = this.#query.scope.base
    if (this.#isCountOfAll(grouping)) return countOfAll(reader.count(), grouping, out)
    if (this.#parts) return this.#eachPart(this.#parts, out)
    const groups = new Groups(grouping, { groupsMax: this.#limits.groups_max, budget: this.#budget })
    if (this.#told) return groupedByIndex(reader, this.#told, { groups, frame: this.#frame, out, tally: this.#tally })
    const rows = this.#rows()
    return grouped(this.#end ? this.#endmost(rows) : rows, this.#frame, groups, out)
  }

  /** Of rows in the order of the column the first one has its least or greatest value. */
  #endmost(rows: Stage): Stage {
    if (this.#mode !== 'ordered') return rows
    return first(inOrder(rows, this.#frame, this.#order, new Sorter(this.#order.compare, 1, this.#budget)))
  }

  /** The table knows how many rows it has. */
  #isCountOfAll({ keys, aggregates }: Grouping): boolean {
    const isPlain = this.#query.joins.length === 0 && this.#base.length === 0 && keys.length === 0
    return isPlain && aggregates.every(({ run, ref }) => run === 'count' && !ref)
  }

  /** The index alone tells how many rows there are. */
  #isCountOfEntries(): boolean {
    const { joins, grouping, scope } = this.#query
    if (!grouping || joins.length > 0 || grouping.keys.length > 0) return false
    if (!grouping.aggregates.every(({ run, ref }) => run === 'count' && !ref)) return false
    const [condition, another] = this.#base
    if (!condition || another || !isExact(condition)) return false
    return this.#access.by === 'index' && scope.base.reader.contentOf?.(condition.ref.name) !== undefined
  }

  #plan(): Record<string, unknown> {
    const { scope, joins, grouping } = this.#query
    const { schema } = scope.base.reader
    const { keysRead, rowsRead, kept } = this.#tally
    return {
      table: `${schema.database}.${schema.name}`,
      access: this.#access.by,
      indexes: this.#access.indexes,
      full_scan:
        this.#access.by === 'scan' && this.#access.legs.every((leg) => leg.by === 'scan' && !leg.from && !leg.to),
      order: grouping ? 'groups' : { stream: 'none', ordered: 'index', sort: 'sort' }[this.#mode],
      joins: joins.map(({ source, by, left, lead }) => ({
        table: scope.sources[source]!.reader.schema.name,
        type: left ? 'left' : 'inner',
        by,
        column: lead.own.name,
      })),
      keys_read: keysRead,
      rows_read: rowsRead,
      rows_kept: kept.at(-1),
    }
  }
}

/** The least or the greatest value of a column, which stands at an end of its index. */
interface End {
  readonly term: Term
  /** Null is no such value. */
  readonly isThere: Condition
}

/** What a query asks for that wants nothing but such a value. */
function endOf({ joins, grouping }: Query): End | undefined {
  if (!grouping || joins.length > 0 || grouping.keys.length > 0) return undefined
  const [{ run, ref } = {}, another] = grouping.aggregates
  if (another || !ref?.whole || (run !== 'min' && run !== 'max')) return undefined
  return { term: { ref, descending: run === 'max' }, isThere: { test: 'null', ref, negated: true } }
}

/** Whether a leg is one value of an index, met as it is and not in arrays. */
function isPoint(leg: Leg): leg is Extract<Leg, { by: 'range' }> {
  return leg.by === 'range' && !leg.elements && leg.range.from !== undefined && leg.range.from === leg.range.to
}

/** Every value is needed for it. */
function isSum({ run }: Aggregate): boolean {
  return run === 'sum' || run === 'avg'
}

function* countOfAll(count: number, { aggregates }: Grouping, out: Frame): Stage {
  out[0] = Object.fromEntries(aggregates.map((_, number) => [`a${number}`, count]))
  yield true
}

function* first(before: Stage): Stage {
  for (const ready of before) {
    yield ready
    if (ready) return
  }
}

function* kept(before: Stage, test: () => boolean): Stage {
  for (const ready of before) yield ready && test()
}
