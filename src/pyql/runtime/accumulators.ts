import type { Scalar } from '../program.js'
import { compareScalars, type ResultLimits, tooLong } from './groups.js'

/** One aggregate of all nodes, by node number. `columns` is what a partial result carries and `absorb` takes back. */
export interface Accumulator {
  grow(capacity: number): void
  columns(size: number): AccumulatorColumns
  /** Takes over the columns of another scan, whose node i is node `nodes[i]` here. */
  absorb(columns: AccumulatorColumns, nodes: Int32Array): void
  /** What is shown; null for nothing. */
  value(node: number): Scalar
}

export type AccumulatorColumns = Readonly<Record<string, Float64Array | Scalar[]>>

function grown(array: Float64Array<ArrayBuffer>, capacity: number, filler = 0): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity).fill(filler, array.length)
  larger.set(array)
  return larger
}

/** The first of an array that is not written to any more: all of it needs no copy. */
export function firstOf<T extends Int32Array | Float64Array>(array: T, size: number): T {
  return array.length === size ? array : (array.slice(0, size) as T)
}

function finite(x: number): Scalar {
  return Number.isNaN(x) ? null : x + 0
}

/** Characters of the texts that the accumulators of a result hold, those of all groups together. */
export class HeldTexts {
  readonly #charactersMax: number
  #characters = 0

  constructor({ charactersMax }: ResultLimits) {
    this.#charactersMax = charactersMax
  }

  /** A value is held in the place of another one. */
  replace(old: Scalar | undefined, value: Scalar): void {
    this.#characters += lengthOf(value) - lengthOf(old)
    // Of a group both the value so far and that of the person at hand may be held; one of them is shown.
    if (this.#characters > 2 * this.#charactersMax) throw tooLong(this.#charactersMax)
  }
}

function lengthOf(value: Scalar | undefined): number {
  return typeof value === 'string' ? value.length : 0
}

/** Compiled programs write `n` themselves. */
export class Counts implements Accumulator {
  n = new Float64Array(0)

  grow(capacity: number): void {
    this.n = grown(this.n, capacity)
  }

  columns(size: number): AccumulatorColumns {
    return { n: firstOf(this.n, size) }
  }

  absorb(columns: AccumulatorColumns, nodes: Int32Array): void {
    const n = columns.n as Float64Array
    for (let i = 0; i < n.length; i++) this.n[nodes[i]!]! += n[i]!
  }

  value(node: number): Scalar {
    return this.n[node]!
  }
}

/**
 * Sum and average. The sum is kept as the unevaluated sum of two doubles (Knuth's TwoSum: Dekker 1971, Ogita, Rump and
 * Oishi 2005, algorithm Sum2), so that it does not depend on the order, and so neither on partitions nor on workers.
 * Compiled programs write `n`, `sum` and `rest` themselves.
 */
export class Sums implements Accumulator {
  readonly #average: boolean
  n = new Float64Array(0)
  sum = new Float64Array(0)
  rest = new Float64Array(0)

  constructor(average: boolean) {
    this.#average = average
  }

  grow(capacity: number): void {
    this.n = grown(this.n, capacity)
    this.sum = grown(this.sum, capacity)
    this.rest = grown(this.rest, capacity)
  }

  add(node: number, x: number): void {
    const a = this.sum[node]!
    const s = a + x
    const z = s - a
    this.sum[node] = s
    this.rest[node]! += a - (s - z) + (x - z)
  }

  columns(size: number): AccumulatorColumns {
    return { n: firstOf(this.n, size), sum: firstOf(this.sum, size), rest: firstOf(this.rest, size) }
  }

  absorb(columns: AccumulatorColumns, nodes: Int32Array): void {
    const [n, sum, rest] = [columns.n, columns.sum, columns.rest] as Float64Array[]
    for (let i = 0; i < n!.length; i++) {
      const node = nodes[i]!
      this.n[node]! += n![i]!
      this.add(node, sum![i]!)
      this.rest[node]! += rest![i]!
    }
  }

  value(node: number): Scalar {
    if (this.n[node] === 0) return null
    const sum = this.sum[node]! + this.rest[node]!
    // Beyond the range of doubles the rest is NaN, the sum is infinite.
    const total = !Number.isNaN(sum) ? sum : this.sum[node]!
    return finite(this.#average ? total / this.n[node]! : total)
  }
}

/** Least or greatest number; NaN for none. Compiled programs write `n` themselves. */
export class Extremes implements Accumulator {
  readonly #sign: 1 | -1
  n = new Float64Array(0)

  constructor(greatest: boolean) {
    this.#sign = greatest ? 1 : -1
  }

  grow(capacity: number): void {
    this.n = grown(this.n, capacity, Number.NaN)
  }

  columns(size: number): AccumulatorColumns {
    return { n: firstOf(this.n, size) }
  }

  absorb(columns: AccumulatorColumns, nodes: Int32Array): void {
    const n = columns.n as Float64Array
    for (let i = 0; i < n.length; i++) {
      const old = this.n[nodes[i]!]!
      if (!((n[i]! - old) * this.#sign <= 0) && !Number.isNaN(n[i])) this.n[nodes[i]!] = n[i]!
    }
  }

  value(node: number): Scalar {
    return finite(this.n[node]!)
  }
}

/** Least or greatest value of a column that holds no numbers. */
export class ScalarExtremes implements Accumulator {
  readonly #sign: 1 | -1
  readonly #texts: HeldTexts
  #values: Scalar[] = []

  constructor(greatest: boolean, texts: HeldTexts) {
    this.#sign = greatest ? 1 : -1
    this.#texts = texts
  }

  grow(): void {}

  add(node: number, value: Scalar): void {
    const old = this.#values[node] ?? null
    if (value === null || (old !== null && compareScalars(value, old) * this.#sign <= 0)) return
    this.#texts.replace(old, value)
    this.#values[node] = value
  }

  columns(size: number): AccumulatorColumns {
    return { values: Array.from({ length: size }, (_, node) => this.value(node)) }
  }

  absorb(columns: AccumulatorColumns, nodes: Int32Array): void {
    ;(columns.values as Scalar[]).forEach((value, i) => {
      this.add(nodes[i]!, value)
    })
  }

  value(node: number): Scalar {
    return this.#values[node] ?? null
  }
}

/** Of each node the last value of the person whose rows are being read; it is settled when those of another come. */
class OpenValues {
  readonly #texts: HeldTexts
  readonly #settle: (node: number, value: Scalar, stamp: number) => void
  #values: Scalar[] = []
  #stamps: number[] = []
  #people: number[] = []

  constructor(texts: HeldTexts, settle: (node: number, value: Scalar, stamp: number) => void) {
    this.#texts = texts
    this.#settle = settle
  }

  add(node: number, value: Scalar, stamp: number, person: number): void {
    if (this.#people[node] !== person) this.#close(node)
    this.#texts.replace(this.#values[node], value)
    this.#people[node] = person
    this.#values[node] = value
    this.#stamps[node] = stamp
  }

  closeAll(size: number): void {
    for (let node = 0; node < size; node++) this.#close(node)
  }

  #close(node: number): void {
    const value = this.#values[node] ?? null
    if (value === null) return
    this.#texts.replace(value, null)
    this.#values[node] = null
    this.#settle(node, value, this.#stamps[node]!)
  }
}

/**
 * The last value: of one person, that of the last tally; of several, that of the latest row, and of rows of one
 * stamp the greatest, so that it does not depend on the order of people.
 */
export class LastValues implements Accumulator {
  readonly #texts: HeldTexts
  readonly #open: OpenValues
  #values: Scalar[] = []
  #stamps: number[] = []

  constructor(texts: HeldTexts) {
    this.#texts = texts
    this.#open = new OpenValues(texts, (node, value, stamp) => this.settle(node, value, stamp))
  }

  grow(): void {}

  add(node: number, value: Scalar, stamp: number, person: number): void {
    if (value !== null) this.#open.add(node, value, stamp, person)
  }

  /** Takes the value of a person whose last one is known. */
  settle(node: number, value: Scalar, stamp: number): void {
    const old = this.#values[node] ?? null
    const later = old === null ? 1 : stamp - this.#stamps[node]! || compareScalars(value, old)
    if (later <= 0) return
    this.#texts.replace(old, value)
    this.#values[node] = value
    this.#stamps[node] = stamp
  }

  columns(size: number): AccumulatorColumns {
    this.#open.closeAll(size)
    const all = { length: size }
    return {
      values: Array.from(all, (_, node) => this.#values[node] ?? null),
      stamps: Float64Array.from(all, (_, node) => this.#stamps[node] ?? 0),
    }
  }

  absorb(columns: AccumulatorColumns, nodes: Int32Array): void {
    ;(columns.values as Scalar[]).forEach((value, i) => {
      if (value !== null) this.settle(nodes[i]!, value, (columns.stamps as Float64Array)[i]!)
    })
  }

  value(node: number): Scalar {
    return this.#values[node] ?? null
  }
}

/** What `var` carries: of one person the last value; of several the sum when all are numbers, else the last other one. */
export class CarriedValues implements Accumulator {
  readonly #sums = new Sums(false)
  readonly #others: LastValues
  readonly #open: OpenValues

  constructor(texts: HeldTexts) {
    this.#others = new LastValues(texts)
    this.#open = new OpenValues(texts, (node, value, stamp) => this.#settle(node, value, stamp))
  }

  grow(capacity: number): void {
    this.#sums.grow(capacity)
  }

  add(node: number, value: Scalar, stamp: number, person: number): void {
    if (value !== null) this.#open.add(node, value, stamp, person)
  }

  #settle(node: number, value: Scalar, stamp: number): void {
    if (typeof value === 'number') {
      this.#sums.n[node]!++
      this.#sums.add(node, value)
    } else this.#others.settle(node, value, stamp)
  }

  columns(size: number): AccumulatorColumns {
    this.#open.closeAll(size)
    return { ...this.#sums.columns(size), ...this.#others.columns(size) }
  }

  absorb(columns: AccumulatorColumns, nodes: Int32Array): void {
    this.#sums.absorb(columns, nodes)
    this.#others.absorb(columns, nodes)
  }

  value(node: number): Scalar {
    return this.#others.value(node) ?? this.#sums.value(node)
  }
}
