import { atOnce, didYouMean, firstInOrder, type Steps } from '../lib/index.js'
import { PyqlError } from './errors.js'
import { type Children, childrenOf, inOrder, MergedGroups } from './group-merge.js'
import { JsonTexts, JsonWriter } from './json-writer.js'
import { groupStart, OrderedKeys } from './ordered-keys.js'
import type { Aggregate, PartialResult, Scalar } from './program.js'
import { type Accumulator, Counts, HeldTexts } from './runtime/accumulators.js'
import { compareScalars, KeyPool, type ResultLimits, tooLong } from './runtime/groups.js'
import { accumulatorOf } from './runtime/runtime.js'

/** A group in a reply: its key, its aggregates for the first, second … segment, and the groups within it. */
export interface ReplyNode {
  g: Scalar
  c: Scalar[]
  [more: `c${number}`]: Scalar[]
  _?: ReplyNode[]
}

export interface Reply {
  _: ReplyNode[]
}

export interface ReplyOptions {
  /** The alias of an aggregate, or `key` or `g` for the group's key. Default: the first aggregate. */
  readonly sort?: string
  readonly order?: 'asc' | 'desc'
  /** Keeps so many groups of every list. */
  readonly trim?: number
}

/** What stands between groups. The comma behind the last of a list is taken back. */
const MARKS = JsonTexts.of(['{"_":[', '],"_":[', ']},', ']}'])
const [ALL, WITHIN, GROUP_END, ALL_END] = [0, 1, 2, 3] as const
const COMMA = 44
/** Groups that are taken in, put in order or written without a pause. */
const GROUPS_AT_ONCE = 1_000

/** Values below this are put in order digit by digit, each of at most so many bits: not more places than groups. */
const WHOLE_END = 2 ** 32
const DIGIT_BITS_MAX = 11

/** Puts the partial results of blocks, workers and nodes together, in any order; the answer is always the same. */
export class Answer {
  readonly #aggregates: readonly Aggregate[]
  readonly #segments: number
  readonly #pool: KeyPool
  readonly #charactersMax: number
  readonly #tree: MergedGroups
  /** By segment and aggregate. */
  readonly #accumulators: Accumulator[][]
  /** Found once for a reply, since sorting and writing both ask for them: places of keys in their order, and values by node. */
  #ordered: OrderedKeys | undefined
  readonly #numbersOf = new Map<Accumulator, Float64Array | undefined>()
  readonly debug: unknown[] = []
  readonly log: string[] = []
  #capacity = 0

  constructor(aggregates: readonly Aggregate[], segments: number, limits: ResultLimits) {
    this.#pool = new KeyPool(limits)
    this.#charactersMax = limits.charactersMax
    this.#aggregates = aggregates
    this.#segments = segments
    this.#tree = new MergedGroups(limits)
    const texts = new HeldTexts(limits)
    this.#accumulators = Array.from({ length: segments }, () => aggregates.map((one) => accumulatorOf(one, texts)))
    this.#grow()
  }

  #grow(): void {
    if (this.#tree.size <= this.#capacity) return
    this.#capacity = this.#tree.parent.length
    for (const accumulator of this.#accumulators.flat()) accumulator.grow(this.#capacity)
  }

  absorb(partial: PartialResult, segment: number): void {
    atOnce(this.absorbing(partial, segment))
  }

  reply(options: ReplyOptions = {}): Reply {
    return atOnce(this.replying(options))
  }

  json(options: ReplyOptions = {}): Buffer {
    return atOnce(this.writing(options))
  }

  /** Takes a partial result in, in steps; `segment` counts from 0. */
  *absorbing(partial: PartialResult, segment: number): Steps<void> {
    this.#ordered = undefined
    this.#numbersOf.clear()
    const keys = new Int32Array(partial.keys.length)
    for (let at = 0; at < keys.length; at++) {
      keys[at] = this.#pool.of(partial.keys[at]!)
      if (at % GROUPS_AT_ONCE === 0) yield
    }
    const own = new Int32Array(partial.key.length)
    for (let node = 0; node < own.length; node++) own[node] = keys[partial.key[node]!]!
    const nodes = yield* this.#tree.merge(partial.parent, own, this.#pool.keys.length)
    this.#grow()
    for (const [index, accumulator] of this.#accumulators[segment]!.entries()) {
      yield
      accumulator.absorb(partial.columns[index]!, nodes)
    }
    this.debug.push(...partial.debug)
    this.log.push(...partial.log)
  }

  *replying(options: ReplyOptions = {}): Steps<Reply> {
    const { children, sort } = yield* this.#arranged(options)
    const { trim = Number.POSITIVE_INFINITY } = options
    const shown = this.#shown.bind(this)
    let count = 0
    function* list(parent: number): Steps<ReplyNode[]> {
      const sorted = yield* sort(below(children, parent))
      const nodes: ReplyNode[] = []
      for (let at = 0; at < Math.min(sorted.length, trim); at++) {
        const node = shown(sorted[at]!)
        if (hasChildren(children, sorted[at]!)) node._ = yield* list(sorted[at]!)
        nodes.push(node)
        if (++count % GROUPS_AT_ONCE === 0) yield
      }
      return nodes
    }
    return { _: yield* list(0) }
  }

  /**
   * The reply as JSON text, in bytes: the same as that of `reply`, without an object for every group, which with many
   * groups costs more than counting them.
   */
  *writing(options: ReplyOptions = {}): Steps<Buffer> {
    const { trim = Number.POSITIVE_INFINITY } = options
    const { children, sort } = yield* this.#arranged(options)
    const { size } = this.#tree
    const texts = size > GROUPS_AT_ONCE && trim < size ? undefined : yield* this.#ordered!.texts()
    const writer = new JsonWriter(texts ? this.#bytesAbout(texts) : 0)
    const start = this.#startWriter(writer, texts)
    const values = this.#valuesWriter(writer)
    const charactersMax = this.#charactersMax
    let count = 0
    function* list(parent: number): Steps<void> {
      const nodes = yield* sort(below(children, parent))
      const end = Math.min(nodes.length, trim)
      for (let at = 0; at < end; at++) {
        const node = nodes[at]!
        start(node)
        values(node)
        if (writer.characters > charactersMax) throw tooLong(charactersMax)
        if (hasChildren(children, node)) {
          writer.text(MARKS, WITHIN)
          yield* list(node)
        }
        writer.text(MARKS, GROUP_END)
        if (++count % GROUPS_AT_ONCE === 0) yield
      }
      writer.uncomma()
    }
    writer.text(MARKS, ALL)
    yield* list(0)
    writer.text(MARKS, ALL_END)
    return writer.take()
  }

  /** Writes how a group begins. Without texts, of few among many, each by itself: most keys are not written. */
  #startWriter(writer: JsonWriter, texts: JsonTexts | undefined): (node: number) => void {
    const { key } = this.#tree
    if (texts) return (node) => writer.text(texts, key[node]!)
    return (node) => {
      const start = groupStart(this.#keyOf(node))
      writer.bytes(JsonWriter.encode(start), start.length)
    }
  }

  /** About so many bytes are written, where no group is left out: a buffer that grows is copied. */
  #bytesAbout({ bytes }: JsonTexts): number {
    const { key, size } = this.#tree
    const values = 4 + 3 * this.#aggregates.length * this.#segments
    let sum = 0
    for (let node = 1; node < size; node++) sum += bytes[key[node]!]! + values
    return sum
  }

  /** Writes the aggregates of a node, and the lists of further segments. */
  #valuesWriter(writer: JsonWriter): (node: number) => void {
    const heads = this.#accumulators.map((_, segment) => JsonWriter.encode(`],"c${segment + 1}":[`))
    const wholes = this.#accumulators.map((accumulators) => accumulators.map((_, at) => this.#wholes(accumulators, at)))
    const aggregates = this.#aggregates.length
    const [first = []] = wholes
    if (this.#segments === 1 && first.every((numbers) => numbers !== undefined)) {
      return (node) => writer.wholes(first, node)
    }
    return (node) => {
      for (let segment = 0; segment < this.#segments; segment++) {
        if (segment > 0) writer.bytes(heads[segment]!)
        for (let at = 0; at < aggregates; at++) {
          if (at > 0) writer.byte(COMMA)
          const whole = wholes[segment]![at]
          if (whole) writer.whole(whole[node]!)
          else writer.value(this.#accumulators[segment]![at]!.value(node) ?? this.#missing(at))
        }
      }
    }
  }

  #missing(aggregate: number): Scalar {
    return this.#aggregates[aggregate]!.numeric ? 0 : null
  }

  /** An aggregate by node, when all its values are whole numbers and none is below zero. */
  #wholes(accumulators: readonly Accumulator[], at: number): Float64Array | undefined {
    const numbers = this.#numbers(accumulators[at]!, this.#missing(at))
    return numbers && areWhole(numbers, 0, Number.MAX_SAFE_INTEGER) ? numbers : undefined
  }

  /** The groups within each other, and what puts siblings in order: they are already, or in that of their keys. */
  *#arranged(options: ReplyOptions): Steps<{ children: Children; sort: (nodes: Int32Array) => Steps<Int32Array> }> {
    this.#ordered ??= yield* OrderedKeys.of(this.#pool.keys)
    const compare = this.#comparison(options, this.#ordered)
    const { sort, order = 'desc' } = options
    const { parent, key, size } = this.#tree
    const { rank } = this.#ordered
    const ranks = new Int32Array(size)
    for (let node = 0; node < size; node++) ranks[node] = rank[key[node]!]!
    yield
    const byKey = inOrder(ranks, rank.length)
    yield
    const index = sort === undefined ? 0 : this.#aggregates.findIndex(({ alias }) => alias === sort)
    const values = index < 0 ? undefined : this.#wholeNumbers(index)
    if (!values) return { children: childrenOf(parent, size, byKey), sort: (nodes) => sorted(nodes, compare) }
    const byValue = yield* orderedByWholes(byKey, values, order === 'asc' ? 1 : -1)
    return { children: childrenOf(parent, size, byValue), sort: asTheyAre }
  }

  /** The values of an aggregate by node, when they are whole and not too large. */
  #wholeNumbers(index: number): Float64Array | undefined {
    const numbers = this.#numbers(this.#accumulators[0]![index]!, this.#aggregates[index]!.numeric ? 0 : null)
    return numbers && areWhole(numbers, -WHOLE_END, WHOLE_END) ? numbers : undefined
  }

  #shown(node: number): ReplyNode {
    const shown: ReplyNode = { g: this.#keyOf(node) ?? 'n/a', c: this.#values(node, 0) }
    for (let segment = 1; segment < this.#segments; segment++) shown[`c${segment + 1}`] = this.#values(node, segment)
    return shown
  }

  #values(node: number, segment: number): Scalar[] {
    const accumulators = this.#accumulators[segment]!
    const values: Scalar[] = []
    for (let at = 0; at < accumulators.length; at++) {
      values.push(accumulators[at]!.value(node) ?? (this.#aggregates[at]!.numeric ? 0 : null))
    }
    return values
  }

  #keyOf(node: number): Scalar {
    return this.#pool.keys[this.#tree.key[node]!]!
  }

  /** Ties are broken by the key, always upwards. */
  #comparison({ sort, order = 'desc' }: ReplyOptions, ordered: OrderedKeys): (a: number, b: number) => number {
    const sign = order === 'asc' ? 1 : -1
    const byKey = this.#byKey(ordered)
    const index = sort === undefined ? 0 : this.#aggregates.findIndex(({ alias }) => alias === sort)
    if (index !== -1) {
      const values = this.#accumulators[0]![index]!
      const missing = this.#aggregates[index]!.numeric ? 0 : null
      const numbers = this.#numbers(values, missing)
      if (numbers) return (a, b) => sign * (numbers[a]! - numbers[b]!) || byKey(a, b)
      return (a, b) => sign * compareScalars(values.value(a) ?? missing, values.value(b) ?? missing) || byKey(a, b)
    }
    if (sort !== 'key' && sort !== 'g') throw this.#unknownSort(sort!)
    return (a, b) => sign * compareFolded(this.#keyOf(a), this.#keyOf(b)) || sign * byKey(a, b)
  }

  /** Compares nodes by key. Keys are far fewer than comparisons: they are put in order once. */
  #byKey({ rank }: OrderedKeys): (a: number, b: number) => number {
    const { key } = this.#tree
    return (a, b) => rank[key[a]!]! - rank[key[b]!]!
  }

  /** The value of every node, when all of them are finite numbers. */
  #numbers(values: Accumulator, missing: Scalar): Float64Array | undefined {
    if (!this.#numbersOf.has(values)) this.#numbersOf.set(values, numbersOf(values, missing, this.#tree.size))
    return this.#numbersOf.get(values)
  }

  #unknownSort(sort: string): PyqlError {
    const names = [...this.#aggregates.map(({ alias }) => alias), 'key']
    return new PyqlError(
      'unknown_name',
      `There is no aggregate '${sort}' to sort by; there are ${names.join(', ')}.${didYouMean(sort, names)}`,
    )
  }
}

function numbersOf(values: Accumulator, missing: Scalar, size: number): Float64Array | undefined {
  if (values instanceof Counts) return values.n.subarray(0, size)
  const numbers = new Float64Array(size)
  for (let node = 1; node < size; node++) {
    const value = values.value(node) ?? missing
    if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
    numbers[node] = value
  }
  return numbers
}

function areWhole(numbers: Float64Array, least: number, most: number): boolean {
  for (let at = 0; at < numbers.length; at++) {
    const number = numbers[at]!
    if (!(number >= least && number <= most && Number.isInteger(number))) return false
  }
  return true
}

/** Puts nodes in the order of whole numbers, those of equal ones as they were: digit by digit, the lowest first. */
function* orderedByWholes(nodes: Int32Array, values: Float64Array, sign: 1 | -1): Steps<Int32Array> {
  let least = values[0]!
  let most = least
  for (let node = 1; node < values.length; node++) {
    const value = values[node]!
    if (value < least) least = value
    if (value > most) most = value
  }
  const first = sign === 1 ? least : most
  const digits = new Int32Array(values.length)
  const base = 2 ** Math.min(DIGIT_BITS_MAX, Math.ceil(Math.log2(values.length + 2)))
  let order = nodes
  for (let unit = 1; unit <= most - least; unit *= base) {
    for (let node = 0; node < values.length; node++) {
      digits[node] = ((sign * (values[node]! - first)) / unit) & (base - 1)
    }
    order = inOrder(digits, base, order)
    yield
  }
  return order
}

/** Siblings in an order. */
function* sorted(nodes: Int32Array, compare: (a: number, b: number) => number): Steps<Int32Array> {
  if (nodes.length <= GROUPS_AT_ONCE) return nodes.sort(compare)
  return Int32Array.from(yield* firstInOrder(nodes.length, (at) => nodes[at]!, compare))
}

// biome-ignore lint/correctness/useYield: siblings that are in order need no step.
function* asTheyAre(nodes: Int32Array): Steps<Int32Array> {
  return nodes
}

function hasChildren({ start }: Children, node: number): boolean {
  return start[node] !== start[node + 1]
}

function below({ start, nodes }: Children, parent: number): Int32Array {
  return nodes.subarray(start[parent], start[parent + 1])
}

/** Texts without regard to case. */
function compareFolded(a: Scalar, b: Scalar): number {
  return compareScalars(typeof a === 'string' ? a.toLowerCase() : a, typeof b === 'string' ? b.toLowerCase() : b)
}
