import { RE2JS } from 're2js'
import type { Population } from '../pyql/index.js'
import { type ColumnValues, isSet, type Scalars } from './codec.js'
import type { Snapshot } from './partition.js'
import { has } from './populations.js'
import type { ColumnFilter, ColumnPart } from './protocol.js'
import { columnOfUnit, rowsOfUnit, type Scratch, type Unit } from './scan-reader.js'
import { type EventColumn, storageOf } from './schema.js'

type Value = string | number | boolean

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
  #known: ((element: number) => number) | undefined
  /** By value: the last person counted, so that each counts once. */
  #last = new Int32Array(256)
  /** Which populations the present person is in. */
  readonly #inside: boolean[]

  constructor(column: EventColumn, segments: number, bucket: number | undefined, filter: ColumnFilter | undefined) {
    this.#column = column
    this.#segments = segments
    this.#bucket = bucket
    this.#passes = filter ? passing(filter) : () => true
    this.#people = new Array<number>(segments).fill(0)
    this.#inside = new Array<boolean>(segments).fill(false)
    this.#counts = new Uint32Array(256 * segments)
  }

  /** Counts the people of a unit. `populations`: undefined is everyone. */
  count(snapshot: Snapshot, unit: Unit, populations: readonly (Population | undefined)[], scratch: Scratch): void {
    const { rowStart, plan } = rowsOfUnit(snapshot, unit, scratch)
    const values = columnOfUnit(snapshot, unit, plan, this.#column, scratch)
    if (values === undefined) return
    this.#known ??= this.#indexer(snapshot, values)
    const indexOf = this.#known
    const { offsets, elements } = isSet(values)
      ? { offsets: values.offsets, elements: values.values }
      : { offsets: undefined, elements: values }
    for (let person = 0; person < unit.people; person++) {
      const from = rowStart[person]!
      const to = rowStart[person + 1]!
      const any = this.#person(
        elements,
        offsets ? offsets[from]! : from,
        offsets ? offsets[to]! : to,
        indexOf,
        unit.first + person,
        populations,
      )
      if (any) for (let at = 0; at < this.#segments; at++) if (this.#inside[at]) this.#people[at]!++
    }
  }

  /** Numbers of people and codes of texts are those of a partition: the next one begins anew. */
  endPartition(): void {
    this.#last.fill(-1)
    this.#known = undefined
  }

  finish(): ColumnPart {
    return {
      people: this.#people,
      values: this.#values,
      counts: this.#counts.slice(0, this.#values.length * this.#segments),
    }
  }

  /** Counts one person's values; says whether there is any. */
  #person(
    elements: Scalars,
    from: number,
    to: number,
    indexOf: (element: number) => number,
    person: number,
    populations: readonly (Population | undefined)[],
  ): boolean {
    let any = false
    for (let at = from; at < to; at++) {
      const index = indexOf(elements[at]!)
      if (index === NONE) continue
      if (!any) {
        any = true
        for (let of = 0; of < this.#segments; of++) this.#inside[of] = !populations[of] || has(populations[of]!, person)
      }
      if (index === FILTERED || this.#last[index] === person) continue
      this.#last[index] = person
      for (let of = 0; of < this.#segments; of++) if (this.#inside[of]) this.#counts[index * this.#segments + of]!++
    }
    return any
  }

  /** From an element as it is stored to the index of its value. */
  #indexer(snapshot: Snapshot, values: ColumnValues): (element: number) => number {
    const storage = storageOf(this.#column.type)
    const scalars = isSet(values) ? values.values : values
    if (storage === 'number' || scalars instanceof Float64Array) {
      const known = new Map<number, number>()
      return (element) => {
        if (Number.isNaN(element)) return NONE
        let index = known.get(element)
        if (index === undefined) {
          index = this.#index(element)
          known.set(element, index)
        }
        return index
      }
    }
    if (storage === 'bool') return (element) => (element === 0 ? NONE : this.#index(element === 2))
    const texts = snapshot.partition.texts(this.#column.id)
    const known = new Int32Array(texts.size + 1).fill(UNKNOWN)
    return (element) => {
      if (element === 0) return NONE
      const index = known[element]!
      return index === UNKNOWN ? (known[element] = this.#index(texts.textOf(element))) : index
    }
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
  }
}

const NONE = -1
const FILTERED = -2
const UNKNOWN = -3

/** The multiple of `size` at or next to the value toward zero. */
export function bucketOf(value: number, size: number): number {
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
