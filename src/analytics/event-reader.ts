import { Problem } from '../lib/index.js'
import type { Batch } from './batch.js'
import { BatchBuilder } from './batch-builder.js'
import { type EventColumn, type EventTable, type PersonId, partitionOf } from './schema.js'
import { readStamp } from './stamps.js'

/** Bounds of what one event may be; see schemas/config.json, `events`. */
export interface EventLimits {
  readonly personCharactersMax: number
  readonly textCharactersMax: number
  readonly setElementsMax: number
  readonly rowsPerEventMax: number
  readonly depthMax: number
}

export interface Rejection {
  readonly index: number
  readonly reason: string
}

export interface Reading {
  /** By owner; undefined where nothing goes. */
  readonly batches: (Batch | undefined)[]
  readonly rejected: Rejection[]
  readonly warnings: string[]
}

const EVENT_FIELDS = new Set(['person', 'id', 'stamp', 'stamp_iso', 'action', 'event', '_', 'attr'])
const WARNINGS_MAX = 100

type Fields = Record<string, unknown>
type Entry = readonly [name: string, value: unknown]

/** Refusal of one event, caught by the reader and answered by name. */
class Refusal {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** Checks events and turns them into rows in columns, one batch for each owner of partitions. */
export class EventReader {
  readonly #table: EventTable
  readonly #limits: EventLimits
  /** By partition. */
  readonly #ownerOf: Uint8Array
  readonly #columns: ReadonlyMap<string, EventColumn>
  /** Whoever inserts may not fill all columns: one that is not theirs refuses all instead of being left out. */
  readonly #isBound: boolean
  readonly #builders: BatchBuilder[]
  readonly #warnings = new Map<string, number>()

  /** `ownerOf`: the owner that a partition goes to. `only`: names of the columns that may be filled. */
  constructor(
    table: EventTable,
    owners: number,
    ownerOf: (partition: number) => number,
    limits: EventLimits,
    only?: readonly string[],
  ) {
    this.#table = table
    this.#ownerOf = Uint8Array.from({ length: table.partitions }, (_, partition) => ownerOf(partition))
    this.#limits = limits
    const columns = table.columns.filter(({ name }) => only?.includes(name) ?? true)
    this.#columns = new Map(columns.map((column) => [column.name, column]))
    this.#isBound = only !== undefined
    this.#builders = Array.from({ length: owners }, () => new BatchBuilder())
  }

  read(events: readonly unknown[]): Reading {
    const rejected: Rejection[] = []
    for (let index = 0; index < events.length; index++) {
      try {
        this.#event(index, events[index])
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal
        rejected.push({ index, reason: refusal.reason })
      }
    }
    const warnings = [...this.#warnings].map(([text, count]) => (count > 1 ? `${text} (${count} times)` : text))
    return { batches: this.#builders.map((builder) => builder.finish()), rejected, warnings }
  }

  #event(index: number, event: unknown): void {
    if (!isFields(event)) throw new Refusal('an event is an object')
    const person = this.#person(either(event, 'person', 'id'))
    const action = either(event, 'action', 'event')
    if (typeof action !== 'string' || action === '') throw new Refusal('the action is missing or not a text')
    if (action.length > this.#limits.textCharactersMax) throw new Refusal('the action is too long')
    // Person replies have both; a number of milliseconds in the first weeks of 1970 would be taken for seconds.
    const stamp = readStamp(event.stamp_iso ?? event.stamp)
    if (typeof stamp === 'string') throw new Refusal(stamp)
    const values = either(event, '_', 'attr')
    if (!isFields(values))
      throw new Refusal("the values are missing: '_' (or 'attr') is an object, {} when there are none")
    for (const name in event)
      if (!EVENT_FIELDS.has(name)) this.#warn(`'${name}' stands beside the values, not in them: stored without it`)
    const partition = partitionOf(person, this.#table.partitions)
    const builder = this.#builders[this.#ownerOf[partition]!]!
    if (this.#isFlat(values)) {
      this.#check(values)
      builder.begin(index, person, partition, stamp, action)
      for (const name in values) this.#put(builder, name, values[name])
      return
    }
    // Nested rows are all checked before the first is put: a refusal leaves nothing behind.
    const rows = this.#expand(values, 0)
    for (const row of rows) for (const [name, value] of row) this.#checkValue(name, value)
    for (const row of rows) {
      builder.begin(index, person, partition, stamp, action)
      for (const [name, value] of new Map(row)) this.#put(builder, name, value)
    }
  }

  #person(person: unknown): PersonId {
    if (typeof person === 'number') {
      // Beyond them several numbers are read as one, and so would be several people.
      if (Math.abs(person) > Number.MAX_SAFE_INTEGER)
        throw new Refusal('the person is a number beyond the safe integers: send it as a text')
      return person === 0 ? 0 : person
    }
    if (typeof person !== 'string' || person === '')
      throw new Refusal('the person is missing, or neither a text nor a number')
    if (person.length > this.#limits.personCharactersMax) {
      throw new Refusal(`the person's id is longer than ${this.#limits.personCharactersMax} characters`)
    }
    return this.#table.foldCase ? person.toLowerCase() : person
  }

  #isFlat(values: Fields): boolean {
    for (const name in values) {
      const value = values[name]
      if (typeof value !== 'object' || value === null) continue
      if (!Array.isArray(value) || !this.#columns.get(name)?.isSet) return false
    }
    return true
  }

  /**
   * Nested values as flat rows: members of objects join the row, every array that is not the set of a column
   * multiplies the rows. Inner values win over outer ones of the same name.
   */
  #expand(values: Fields, depth: number): Entry[][] {
    if (depth > this.#limits.depthMax) throw new Refusal(`the values are nested deeper than ${this.#limits.depthMax}`)
    const own: Entry[] = []
    let rows: Entry[][] = [own]
    for (const [name, value] of Object.entries(values)) {
      if (Array.isArray(value) && !this.#columns.get(name)?.isSet) {
        rows = this.#times(
          rows,
          value.flatMap((element) => this.#alternatives(name, element, depth + 1)),
        )
      } else if (isFields(value)) {
        rows = this.#times(rows, this.#expand(value, depth + 1))
      } else {
        for (const row of rows) row.push([name, value])
      }
    }
    return rows
  }

  #alternatives(name: string, element: unknown, depth: number): Entry[][] {
    if (depth > this.#limits.depthMax) throw new Refusal(`the values are nested deeper than ${this.#limits.depthMax}`)
    if (Array.isArray(element)) return element.flatMap((inner) => this.#alternatives(name, inner, depth + 1))
    return isFields(element) ? this.#expand(element, depth) : [[[name, element]]]
  }

  #times(rows: Entry[][], others: Entry[][]): Entry[][] {
    if (others.length === 0) return rows
    if (rows.length * others.length > this.#limits.rowsPerEventMax) {
      throw new Refusal(`the event's arrays make more than ${this.#limits.rowsPerEventMax} rows`)
    }
    return rows.flatMap((row) => others.map((other) => [...row, ...other]))
  }

  #check(values: Fields): void {
    for (const name in values) {
      const value = values[name]
      if (typeof value === 'string') {
        if (value.length > this.#limits.textCharactersMax) this.#checkValue(name, value)
      } else if (typeof value === 'number') {
        if (!Number.isSafeInteger(value)) this.#checkValue(name, value)
      } else if (typeof value === 'object') {
        this.#checkValue(name, value)
      }
    }
  }

  #checkValue(name: string, value: unknown): void {
    if (Array.isArray(value)) {
      if (value.length > this.#limits.setElementsMax) {
        throw new Refusal(`the set '${name}' has more than ${this.#limits.setElementsMax} elements`)
      }
      for (const element of value) if (!Array.isArray(element)) this.#checkValue(name, element)
    } else if (typeof value === 'string' && value.length > this.#limits.textCharactersMax) {
      throw new Refusal(`the text of '${name}' is longer than ${this.#limits.textCharactersMax} characters`)
    } else if (typeof value === 'number') {
      const type = this.#columns.get(name)?.type
      if (type === 'int' && !Number.isSafeInteger(Math.trunc(value)))
        throw new Refusal(`${value} of '${name}' is no safe integer`)
      // JSON has numbers that no double holds: they would be answered as null.
      if (type !== undefined && !Number.isFinite(value)) throw new Refusal(`the number of '${name}' is too large`)
    }
  }

  #put(builder: BatchBuilder, name: string, value: unknown): void {
    if (value === null) return
    const column = this.#columns.get(name)
    if (!column && this.#isBound) {
      const reason = `Attribute '${name}' of an event does not exist, or may not be inserted`
      throw new Problem('forbidden', {}, { unauthorized_access: [], invalid_schema_items: [reason] })
    }
    if (!column) {
      this.#warn(`there is no column '${name}': stored without it`)
      return
    }
    if (!column.isSet) {
      const coerced = coerce(column, value)
      if (coerced === undefined) this.#leaveOut(column, value)
      else builder.put(column, coerced)
      return
    }
    for (const element of Array.isArray(value) ? value : [value]) {
      const coerced = coerce(column, element)
      if (coerced !== undefined) builder.push(column, coerced)
      else if (element !== null) this.#leaveOut(column, element)
    }
  }

  #leaveOut(column: EventColumn, value: unknown): void {
    const kind = Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
    this.#warn(`column '${column.name}' takes ${column.type}, not ${kind}: stored without it`)
  }

  #warn(text: string): void {
    const count = this.#warnings.get(text)
    if (count !== undefined || this.#warnings.size < WARNINGS_MAX) this.#warnings.set(text, (count ?? 0) + 1)
  }
}

/**
 * The value as the column keeps it, or undefined when it cannot. Numbers and bools become texts; numbers become ints
 * by cutting the fraction off; texts never become numbers.
 */
function coerce({ type }: EventColumn, value: unknown): string | number | undefined {
  switch (typeof value) {
    case 'string':
      if (type === 'text') return value
      return type === 'bool' ? (value === '0' || value === '' || value === 'false' ? 1 : 2) : undefined
    case 'number':
      // -0 is 0: JSON shows both alike, and a row that differs in nothing that is shown is a repeat.
      if (type === 'double') return value + 0
      if (type === 'int') return Math.trunc(value) + 0
      return type === 'text' ? String(value) : value === 0 ? 1 : 2
    case 'boolean':
      if (type === 'text') return String(value)
      return type === 'bool' ? (value ? 2 : 1) : value ? 1 : 0
    default:
      return undefined
  }
}

function either(event: Fields, name: string, other: string): unknown {
  const value = event[name]
  const second = event[other]
  if (value === undefined) return second
  if (second !== undefined && second !== value) throw new Refusal(`the event has both '${name}' and '${other}'`)
  return value
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
