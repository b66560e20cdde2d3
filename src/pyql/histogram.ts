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
    this.#answer.absorb(partial, segment)
  }

  reply(options: HistogramOptions): Reply {
    const [root] = this.#answer.reply()._
    if (!root) return { _: [] }
    this.#filled = 0
    const values = (root._ ?? []) as ReplyNode[]
    const within = options.each
      ? cut(
          values.map((value) => ({ ...value, _: this.#buckets(value._ ?? [], options) })),
          options,
        )
      : this.#buckets(values, options)
    return { _: [{ ...root, g: options.name, _: within }] }
  }

  #buckets(values: ReplyNode[], options: HistogramOptions): ReplyNode[] {
    const { order = 'desc' } = options
    const buckets = new Map<number, ReplyNode>()
    for (const value of values) this.#add(buckets, value, options.max)
    if (options.bucket) this.#fill(buckets, options.bucket, options)
    const sign = order === 'asc' ? 1 : -1
    return cut(
      [...buckets.values()].sort((a, b) => sign * (Number(a.g) - Number(b.g))),
      options,
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

  #fill(buckets: Map<number, ReplyNode>, size: number, { min, max }: HistogramOptions): void {
    const [least, most] = ends(buckets.keys())
    const from = bucketOf(min ?? least, size)
    const to = max ?? most
    const count = Math.floor((to - from) / size + 1e-9)
    this.#filled += Math.max(0, count)
    if (this.#filled > this.#nodesMax) {
      const told = `The histogram would have ${this.#filled} buckets; at most ${this.#nodesMax} are allowed.`
      throw new PyqlError('limit', told)
    }
    for (let i = 0; i <= count; i++) this.#fillOne(buckets, bucketOf(from + i * size, size))
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

function cut(nodes: ReplyNode[], { trim }: HistogramOptions): ReplyNode[] {
  return trim === undefined ? nodes : nodes.slice(0, trim)
}
