import { RE2JS } from 're2js'
import type { Population } from '../pyql/index.js'
import { isSet, type Scalars } from './codec.js'
import { NumberMap } from './number-map.js'
import type { Snapshot } from './partition.js'
import { has } from './populations.js'
import type { ColumnFilter, ColumnPart } from './protocol.js'
import { columnOfUnit, rowsOfUnit, type Scratch, type Unit } from './scan-reader.js'
import { type EventColumn, storageOf } from './schema.js'
import type { Texts } from './texts.js'

type Value = string | number | boolean

/** The index of an element that the filter leaves out, and of one that was not looked at yet. */
const FILTERED = -1
const UNKNOWN = -2

/** Counts the distinct people of each value of a column, for some populations at once. */
export class ColumnCount {
  readonly #column: EventColumn
  readonly #segments: number
  readonly #bucket: number | undefined
  readonly #passes: (value: Value) => boolean
  readonly #people: number[]
  readonly #indexOf = new Map<Value, number>()
  readonly #values: Value[] = []
  #counts: Uint32Array
  /** By value: the last person counted, so that each counts once. */
  #last = new Int32Array(256).fill(-1)
  /** Index by code, of the present partition. */
  #codes: Int32Array | undefined
  readonly #numbers = new NumberMap(UNKNOWN)
  /** Distinct indexes of the present person. */
  #hits = new Int32Array(256)

  constructor(column: EventColumn, segments: number, bucket: number | undefined, filter: ColumnFilter | undefined) {
    this.#column = column
    this.#segments = segments
    this.#bucket = bucket
    this.#passes = filter ? passing(filter) : () => true
    this.#people = new Array<number>(segments).fill(0)
    this.#counts = new Uint32Array(256 * segments)
  }

  /** Counts the people of a unit. `populations`: undefined is everyone. */
  count(snapshot: Snapshot, unit: Unit, populations: readonly (Population | undefined)[], scratch: Scratch): void {
    const { rowStart, plan } = rowsOfUnit(snapshot, unit)
    const values = columnOfUnit(snapshot, unit, plan, this.#column, scratch)
    if (values === undefined) return
    const elements = isSet(values) ? values.values : values
    const offsets = isSet(values) ? values.offsets : undefined
    const hit = this.#hitsOf(snapshot, elements)
    for (let person = 0; person < unit.people; person++) {
      const from = offsets ? offsets[rowStart[person]!]! : rowStart[person]!
      const to = offsets ? offsets[rowStart[person + 1]!]! : rowStart[person + 1]!
      const number = unit.first + person
      const hits = hit(elements, from, to, number)
      if (hits >= 0) this.#add(hits, number, populations)
    }
  }

  /** Numbers of people and codes of texts are those of a partition: the next one begins anew. */
  endPartition(): void {
    this.#last.fill(-1)
    this.#codes = undefined
  }

  finish(): ColumnPart {
    const counts = this.#counts.slice(0, this.#values.length * this.#segments)
    return { people: this.#people, values: this.#values, counts }
  }

  #add(hits: number, person: number, populations: readonly (Population | undefined)[]): void {
    for (let segment = 0; segment < this.#segments; segment++) {
      if (populations[segment] && !has(populations[segment]!, person)) continue
      this.#people[segment]!++
      for (let at = 0; at < hits; at++) this.#counts[this.#hits[at]! * this.#segments + segment]!++
    }
  }

  /**
   * Finds the distinct indexes of a person's elements, puts them into `#hits` and answers how many they are: none when
   * the filter leaves all out, -1 when there is no element at all.
   */
  #hitsOf(
    snapshot: Snapshot,
    elements: Scalars,
  ): (elements: Scalars, from: number, to: number, person: number) => number {
    if (elements instanceof Float64Array) return this.#hitsOfNumbers
    const texts = storageOf(this.#column.type) === 'bool' ? undefined : snapshot.partition.texts(this.#column.id)
    this.#codes ??= new Int32Array((texts?.size ?? 2) + 1).fill(UNKNOWN)
    const codes = this.#codes
    return (codesOfRows, from, to, person) => this.#hitsOfCodes(codesOfRows, from, to, person, codes, texts)
  }

  #hitsOfCodes(
    elements: Scalars,
    from: number,
    to: number,
    person: number,
    indexes: Int32Array,
    texts: Texts | undefined,
  ): number {
    let hits = -1
    for (let at = from; at < to; at++) {
      const code = elements[at]!
      if (code === 0) continue
      if (hits < 0) hits = 0
      let index = indexes[code]!
      if (index === UNKNOWN) {
        index = this.#index(texts ? texts.textOf(code) : code === 2)
        indexes[code] = index
      }
      if (index === FILTERED || this.#last[index] === person) continue
      this.#last[index] = person
      this.#hits[hits++] = index
    }
    return hits
  }

  readonly #hitsOfNumbers = (elements: Scalars, from: number, to: number, person: number): number => {
    let hits = -1
    for (let at = from; at < to; at++) {
      const number = elements[at]!
      if (Number.isNaN(number)) continue
      if (hits < 0) hits = 0
      let index = this.#numbers.get(number)
      if (index === UNKNOWN) {
        index = this.#index(number)
        this.#numbers.set(number, index)
      }
      if (index === FILTERED || this.#last[index] === person) continue
      this.#last[index] = person
      this.#hits[hits++] = index
    }
    return hits
  }

  #index(value: Value): number {
    if (!this.#passes(value)) return FILTERED
    const kept = this.#bucket !== undefined && typeof value === 'number' ? bucketOf(value, this.#bucket) : value
    let index = this.#indexOf.get(kept)
    if (index === undefined) {
      index = this.#values.push(kept) - 1
      this.#indexOf.set(kept, index)
      if (index >= this.#last.length) this.#grow()
      this.#last[index] = -1
    }
    return index
  }

  #grow(): void {
    const last = new Int32Array(this.#last.length * 2).fill(-1)
    last.set(this.#last)
    this.#last = last
    const counts = new Uint32Array(last.length * this.#segments)
    counts.set(this.#counts)
    this.#counts = counts
    const hits = new Int32Array(last.length)
    hits.set(this.#hits)
    this.#hits = hits
  }
}

/** The multiple of `size` at or next to the value toward zero. */
function bucketOf(value: number, size: number): number {
  const bucket = Math.trunc(value / size) * size
  // Multiples of decimal sizes are rounded to where the error of the product cannot be seen.
  return Number.isInteger(bucket) ? bucket + 0 : Number(bucket.toPrecision(12))
}

function passing(filter: ColumnFilter): (value: Value) => boolean {
  const { gt, gte, lt, lte, eq, part } = filter
  const pattern = filter.pattern === undefined ? undefined : RE2JS.compile(filter.pattern)
  return (value) =>
    (gt === undefined || (value as number) > gt) &&
    (gte === undefined || (value as number) >= gte) &&
    (lt === undefined || (value as number) < lt) &&
    (lte === undefined || (value as number) <= lte) &&
    (eq === undefined || value === eq) &&
    (part === undefined || (value as string).includes(part)) &&
    (pattern === undefined || pattern.matches(value as string))
}
