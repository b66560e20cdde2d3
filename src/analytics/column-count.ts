import { re2 } from '../lib/index.js'
import { bucketNumber, bucketOf, type Population } from '../pyql/index.js'
import { isSet, type Scalars } from './codec.js'
import { ColumnSize } from './column-size.js'
import { NumberMap } from './number-map.js'
import type { Snapshot } from './partition.js'
import { has } from './populations.js'
import type { ColumnFilter, ColumnPart, ColumnRequest } from './protocol.js'
import { columnOfUnit, rowsOfUnit, type Scratch, type Unit } from './scan-reader.js'
import { type EventColumn, storageOf } from './schema.js'
import type { Texts } from './texts.js'

type Value = string | number | boolean

type Asked = Pick<ColumnRequest, 'bucket' | 'filter' | 'limits'>

/** The index of a value that the filter leaves out, and of one that was not looked at yet. */
const FILTERED = 0
const UNKNOWN = -1

/** Counts the distinct people of each value of a column, for some populations at once. */
export class ColumnCount {
  readonly #column: EventColumn
  readonly #segments: number
  readonly #bucket: number | undefined
  readonly #filters: boolean
  readonly #passes: (value: Value) => boolean
  readonly #size: ColumnSize
  readonly #people: number[]
  readonly #indexOf = new Map<Value, number>()
  /** By index; what the filter leaves out is counted as well, at the first. */
  readonly #values: Value[] = ['']
  readonly #numbers = new NumberMap(UNKNOWN)
  readonly #ofIndex: Tally[]
  /** Of the present partition: codes are its own. */
  #ofCode: Tally[]
  #texts: Texts | undefined
  /** Of the person at hand, in the segment at hand. */
  #serial = 0

  constructor(column: EventColumn, segments: number, { bucket, filter, limits }: Asked) {
    this.#column = column
    this.#size = new ColumnSize(limits)
    this.#segments = segments
    this.#bucket = bucket
    this.#filters = filter !== undefined
    this.#passes = filter ? passing(filter) : () => true
    this.#people = new Array<number>(segments).fill(0)
    this.#ofIndex = this.#tallies()
    this.#ofCode = this.#tallies()
  }

  /** Counts the people of a unit. `populations`: undefined is everyone. */
  count(snapshot: Snapshot, unit: Unit, populations: readonly (Population | undefined)[], scratch: Scratch): void {
    const { rowStart, plan } = rowsOfUnit(snapshot, unit)
    const values = columnOfUnit(snapshot, unit, plan, this.#column, scratch)
    if (values === undefined) return
    const elements = isSet(values) ? values.values : values
    const offsets = isSet(values) ? values.offsets : undefined
    if (!(elements instanceof Float64Array)) this.#takeCodes(snapshot)
    for (let segment = 0; segment < this.#segments; segment++) {
      const population = populations[segment]
      const counting = elements instanceof Float64Array ? this.#numbersIn(segment) : this.#codesIn(segment)
      let people = 0
      for (let person = 0; person < unit.people; person++) {
        if (population && !has(population, unit.first + person)) continue
        const from = offsets ? offsets[rowStart[person]!]! : rowStart[person]!
        const to = offsets ? offsets[rowStart[person + 1]!]! : rowStart[person + 1]!
        if (counting(elements, from, to, ++this.#serial)) people++
      }
      this.#people[segment]! += people
    }
  }

  /** Codes of texts are those of a partition: what was counted by them is counted by value from now on. */
  endPartition(): void {
    const isText = storageOf(this.#column.type) === 'text'
    for (const [segment, { counts }] of this.#ofCode.entries()) {
      for (let code = 1; code < counts.length; code++) {
        if (counts[code] === 0) continue
        const index = this.#index(isText ? this.#texts!.textOf(code) : code === 2)
        const tally = this.#ofIndex[segment]!
        tally.fit(index)
        tally.counts[index]! += counts[code]!
      }
    }
    this.#ofCode = this.#tallies()
    this.#texts = undefined
  }

  finish(): ColumnPart {
    const values = this.#values.slice(1)
    const counts = new Uint32Array(values.length * this.#segments)
    for (const [segment, tally] of this.#ofIndex.entries()) {
      for (let at = 0; at < values.length; at++) counts[at * this.#segments + segment] = tally.counts[at + 1] ?? 0
    }
    return { people: this.#people, values, counts }
  }

  #tallies(): Tally[] {
    return Array.from({ length: this.#segments }, () => new Tally())
  }

  #takeCodes(snapshot: Snapshot): void {
    const isText = storageOf(this.#column.type) === 'text'
    if (isText) this.#texts = snapshot.partition.texts(this.#column.id)
    for (const tally of this.#ofCode) tally.fit(isText ? this.#texts!.size : 2)
  }

  /**
   * Counts codes in the rows of a person; whether there are any. None is counted too, at code 0, and what was counted
   * before adds nothing: there is no branch, which the processor would guess wrong.
   */
  #codesIn(segment: number): Counting {
    const { counts, last } = this.#ofCode[segment]!
    return (codes, from, to, serial) => {
      let any = 0
      for (let at = from; at < to; at++) {
        const code = codes[at]!
        any |= code
        const other = last[code]! ^ serial
        last[code] = serial
        counts[code]! += (other | -other) >>> 31
      }
      return any !== 0
    }
  }

  #numbersIn(segment: number): Counting {
    const tally = this.#ofIndex[segment]!
    let { counts, last } = tally
    // What falls into one bucket needs to be looked up once, unless the filter tells its numbers apart.
    const size = this.#filters ? undefined : this.#bucket
    return (numbers, from, to, serial) => {
      let any = false
      for (let at = from; at < to; at++) {
        const number = numbers[at]!
        if (Number.isNaN(number)) continue
        any = true
        const key = size === undefined ? number : bucketNumber(number, size)
        let index = this.#numbers.get(key)
        if (index === UNKNOWN) {
          index = this.#index(number)
          this.#numbers.set(key, index)
        }
        if (index >= counts.length) {
          tally.fit(index)
          counts = tally.counts
          last = tally.last
        }
        if (last[index] === serial) continue
        last[index] = serial
        counts[index]!++
      }
      return any
    }
  }

  #index(value: Value): number {
    if (!this.#passes(value)) return FILTERED
    const kept = this.#bucket !== undefined && typeof value === 'number' ? bucketOf(value, this.#bucket) : value
    let index = this.#indexOf.get(kept)
    if (index === undefined) {
      this.#size.add(kept)
      index = this.#values.push(kept) - 1
      this.#indexOf.set(kept, index)
    }
    return index
  }
}

/** Counts the elements `from` up to `to` of one person, each value once; whether there are any. */
type Counting = (elements: Scalars, from: number, to: number, serial: number) => boolean

/** People by value. */
class Tally {
  counts = new Uint32Array(256)
  /** By value: the last person counted, so that each counts once. */
  last = new Uint32Array(256)

  /** Makes room for a value. */
  fit(value: number): void {
    if (value < this.counts.length) return
    const length = Math.max(value + 1, this.counts.length * 2)
    const [counts, last] = [new Uint32Array(length), new Uint32Array(length)]
    counts.set(this.counts)
    last.set(this.last)
    this.counts = counts
    this.last = last
  }
}

function passing(filter: ColumnFilter): (value: Value) => boolean {
  const { gt, gte, lt, lte, eq, part } = filter
  const pattern = filter.pattern === undefined ? undefined : re2().compile(filter.pattern)
  return (value) =>
    (gt === undefined || (value as number) > gt) &&
    (gte === undefined || (value as number) >= gte) &&
    (lt === undefined || (value as number) < lt) &&
    (lte === undefined || (value as number) <= lte) &&
    (eq === undefined || value === eq) &&
    (part === undefined || (value as string).includes(part)) &&
    (pattern === undefined || pattern.matches(value as string))
}
