import type { Batch } from './batch.js'
import { GrowingColumn } from './growing-column.js'
import { type EventColumn, type PersonId, storageOf } from './schema.js'

/** Numbers texts within a batch, from 1. */
class Numbering {
  readonly texts: string[] = ['']
  readonly #codes = new Map<string, number>()

  of(text: string): number {
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
    return {
      people: this.#people,
      partitionOf: Uint16Array.from(this.#partitions),
      rows,
      event: this.#event,
      person: this.#person,
      stamp: this.#stamp,
      action: this.#action,
      actions: this.#actions.texts,
      columns: [...this.#columns.values()].map(({ column, values, numbering }) => ({
        id: column.id,
        storage: values.storage,
        isSet: values.isSet,
        values: values.values(rows),
        texts: numbering.texts,
      })),
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

function larger<T extends Uint32Array | Float64Array>(values: T): T {
  const more = new (values.constructor as new (length: number) => T)(values.length * 2)
  more.set(values)
  return more
}
