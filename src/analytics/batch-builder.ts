import type { Batch } from './batch.js'
import { type ColumnValues, isSet, type Scalars } from './codec.js'
import { GrowingColumn } from './growing-column.js'
import { packed } from './packed.js'
import { type EventColumn, type PersonId, storageOf } from './schema.js'

/** Numbers texts within a batch, from 1. */
class Numbering {
  readonly texts: string[] = ['']
  readonly #codes = new Map<string, number>()
  /** Events in a row often have the same text. */
  #last = ''
  #lastCode = 0

  of(text: string): number {
    if (this.#lastCode > 0 && text === this.#last) return this.#lastCode
    this.#last = text
    this.#lastCode = this.#codeOf(text)
    return this.#lastCode
  }

  #codeOf(text: string): number {
    let code = this.#codes.get(text)
    if (code === undefined) {
      code = this.texts.push(text) - 1
      this.#codes.set(text, code)
    }
    return code
  }
}

interface Building {
  readonly column: EventColumn
  readonly values: GrowingColumn
  readonly numbering: Numbering
}

/** Collects the rows of one owner. */
export class BatchBuilder {
  #rows = 0
  #event = new Uint32Array(256)
  #person = new Uint32Array(256)
  #stamp = new Float64Array(256)
  #action = new Uint32Array(256)
  readonly #people: PersonId[] = []
  readonly #partitions: number[] = []
  readonly #personIndex = new Map<PersonId, number>()
  readonly #actions = new Numbering()
  readonly #columns = new Map<number, Building>()

  /** A new row; values that follow belong to it. */
  begin(event: number, person: PersonId, partition: number, stamp: number, action: string): void {
    const row = this.#rows++
    if (row === this.#event.length) this.#grow()
    let index = this.#personIndex.get(person)
    if (index === undefined) {
      index = this.#people.push(person) - 1
      this.#partitions.push(partition)
      this.#personIndex.set(person, index)
    }
    this.#event[row] = event
    this.#person[row] = index
    this.#stamp[row] = stamp
    this.#action[row] = this.#actions.of(action)
  }

  put(column: EventColumn, value: string | number): void {
    const { values, numbering } = this.#building(column)
    values.put(this.#rows - 1, typeof value === 'string' ? numbering.of(value) : value)
  }

  push(column: EventColumn, value: string | number): void {
    const { values, numbering } = this.#building(column)
    values.push(this.#rows - 1, typeof value === 'string' ? numbering.of(value) : value)
  }

  finish(): Batch | undefined {
    const rows = this.#rows
    if (rows === 0) return undefined
    const building = [...this.#columns.values()]
    const held = building.map(({ values }) => values.values(rows))
    const [event, person, stamp, action, partitionOf, ...arrays] = packed([
      ...([this.#event, this.#person, this.#stamp, this.#action] as const).map((array) => [array, rows] as const),
      [Uint16Array.from(this.#partitions), this.#partitions.length],
      ...held.flatMap((values) => partsOf(values, rows)),
    ])
    return {
      people: this.#people,
      partitionOf: partitionOf as Uint16Array,
      rows,
      event: event as Uint32Array,
      person: person as Uint32Array,
      stamp: stamp as Float64Array,
      action: action as Uint32Array,
      actions: this.#actions.texts,
      columns: building.map(({ column, values, numbering }) => {
        const first = arrays.shift()!
        const own = values.isSet ? { offsets: first as Uint32Array, values: arrays.shift()! } : first
        return { id: column.id, storage: values.storage, isSet: values.isSet, values: own, texts: numbering.texts }
      }),
    }
  }

  #building(column: EventColumn): Building {
    let building = this.#columns.get(column.id)
    if (!building) {
      building = { column, values: new GrowingColumn(storageOf(column.type), column.isSet), numbering: new Numbering() }
      this.#columns.set(column.id, building)
    }
    return building
  }

  #grow(): void {
    this.#event = larger(this.#event)
    this.#person = larger(this.#person)
    this.#stamp = larger(this.#stamp)
    this.#action = larger(this.#action)
  }
}

function partsOf(values: ColumnValues, rows: number): (readonly [Scalars, number])[] {
  if (!isSet(values)) return [[values, rows]]
  return [
    [values.offsets, rows + 1],
    [values.values, values.offsets[rows]!],
  ]
}

function larger<T extends Uint32Array | Float64Array>(values: T): T {
  const more = new (values.constructor as new (length: number) => T)(values.length * 2)
  more.set(values)
  return more
}
