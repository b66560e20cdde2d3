import { atOnce, firstInOrder, type Steps } from '../lib/index.js'
import { Answer, type Reply, type ReplyNode } from './answer.js'
import { PyqlError } from './errors.js'
import type { Aggregate, PartialResult } from './program.js'
import type { ResultLimits } from './runtime/groups.js'
import { bucketOf } from './runtime/numbers.js'

export interface HistogramOptions {
  readonly name: string
  readonly bucket?: number
  /** Buckets are filled in from here; values below stay. */
  readonly min?: number
  /** Buckets are filled in up to here; values from here on are counted here. */
  readonly max?: number
  readonly order?: 'asc' | 'desc'
  readonly trim?: number
  /** Whether there is a level for the values of foreach. */
  readonly each: boolean
}

const people: Aggregate = { kind: 'count', alias: 'person', type: 'int', numeric: true, carried: false }

/** Buckets that are filled without a pause. */
const BUCKETS_AT_ONCE = 1_000

/** The answer to a histogram: name, the values of foreach if there are any, then values or buckets of them. */
export class Histogram {
  readonly #answer: Answer
  readonly #segments: number
  readonly #nodesMax: number
  /** Buckets of this answer, of all values of foreach together. */
  #filled = 0

  constructor(segments: number, limits: ResultLimits) {
    const { nodesMax } = limits
    this.#answer = new Answer([people], segments, limits)
    this.#segments = segments
    this.#nodesMax = nodesMax
  }

  get debug(): unknown[] {
    return this.#answer.debug
  }

  absorb(partial: PartialResult, segment: number): void {
    atOnce(this.absorbing(partial, segment))
  }

  reply(options: HistogramOptions): Reply {
    return atOnce(this.replying(options))
  }

  absorbing(partial: PartialResult, segment: number): Steps<void> {
    return this.#answer.absorbing(partial, segment)
  }

  /** In steps: a histogram may have a million buckets. */
  *replying(options: HistogramOptions): Steps<Reply> {
    const [root] = (yield* this.#answer.replying())._
    if (!root) return { _: [] }
    this.#filled = 0
    const values = root._ ?? []
    const within = options.each ? yield* this.#each(values, options) : yield* this.#buckets(values, options)
    return { _: [{ ...root, g: options.name, _: within }] }
  }

  *#each(values: readonly ReplyNode[], options: HistogramOptions): Steps<ReplyNode[]> {
    const each: ReplyNode[] = []
    for (const value of values) each.push({ ...value, _: yield* this.#buckets(value._ ?? [], options) })
    return options.trim === undefined ? each : each.slice(0, options.trim)
  }

  *#buckets(values: readonly ReplyNode[], options: HistogramOptions): Steps<ReplyNode[]> {
    const { order = 'desc', trim } = options
    const buckets = new Map<number, ReplyNode>()
    for (const [at, value] of values.entries()) {
      this.#add(buckets, value, options.max)
      if (at % BUCKETS_AT_ONCE === 0) yield
    }
    if (options.bucket) yield* this.#fill(buckets, options.bucket, options)
    const sign = order === 'asc' ? 1 : -1
    const all = [...buckets.values()]
    return yield* firstInOrder(
      all.length,
      (at) => all[at]!,
      (a, b) => sign * (Number(a.g) - Number(b.g)),
      trim,
    )
  }

  #add(buckets: Map<number, ReplyNode>, value: ReplyNode, max: number | undefined): void {
    const g = max === undefined ? Number(value.g) : Math.min(Number(value.g), max)
    const old = buckets.get(g)
    buckets.set(g, old ? this.#summed(old, value) : { ...value, g })
  }

  #summed(a: ReplyNode, b: ReplyNode): ReplyNode {
    const sum: ReplyNode = { g: a.g, c: [] }
    for (const c of this.#columns()) sum[c as 'c'] = [(a[c as 'c'][0] as number) + (b[c as 'c'][0] as number)]
    return sum
  }

  #columns(): string[] {
    return Array.from({ length: this.#segments }, (_, segment) => (segment === 0 ? 'c' : `c${segment + 1}`))
  }

  *#fill(buckets: Map<number, ReplyNode>, size: number, { min, max }: HistogramOptions): Steps<void> {
    const [least, most] = ends(buckets.keys())
    const from = bucketOf(min ?? least, size)
    const to = max ?? most
    const count = Math.floor((to - from) / size + 1e-9)
    this.#filled += Math.max(0, count)
    if (this.#filled > this.#nodesMax) {
      const told = `The histogram would have ${this.#filled} buckets; at most ${this.#nodesMax} are allowed.`
      throw new PyqlError('limit', told)
    }
    for (let i = 0; i <= count; i++) {
      this.#fillOne(buckets, bucketOf(from + i * size, size))
      if (i % BUCKETS_AT_ONCE === 0) yield
    }
    if (max !== undefined) this.#fillOne(buckets, max)
  }

  #fillOne(buckets: Map<number, ReplyNode>, g: number): void {
    if (buckets.has(g)) return
    const empty: ReplyNode = { g, c: [] }
    for (const c of this.#columns()) empty[c as 'c'] = [0]
    buckets.set(g, empty)
  }
}

/** The least and the greatest of numbers, which may be too many for the arguments of a call. */
function ends(numbers: Iterable<number>): [least: number, most: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const number of numbers) {
    least = Math.min(least, number)
    most = Math.max(most, number)
  }
  return [least, most]
}
