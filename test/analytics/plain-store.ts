import type { EventTable, PersonId } from '../../src/analytics/index.js'

/** A seeded source of chance (mulberry32). */
export class Chance {
  #state: number
  constructor(seed: number) {
    this.#state = seed
  }

  /** 0 up to 1 (exclusive). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let hash = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    hash = (hash + Math.imul(hash ^ (hash >>> 7), 61 | hash)) ^ hash
    return ((hash ^ (hash >>> 14)) >>> 0) / 4294967296
  }

  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  in(one: number): boolean {
    return this.next() < 1 / one
  }
}

export interface PlainRow {
  readonly stamp: number
  readonly action: string
  readonly values: Record<string, unknown>
}

type Fields = Record<string, unknown>

/** The plain, slow, obviously right twin of the store: a list of rows for each person. */
export class PlainStore {
  readonly people = new Map<
    PersonId,
    { columns: Map<number, unknown>; stamp: number; action: string; arrival: number }[]
  >()
  #arrivals = 0

  insert(table: EventTable, events: readonly { person: PersonId; stamp: number; action: string; _: Fields }[]) {
    const answer = { inserted: 0, duplicates: 0 }
    for (const { person, stamp, action, _ } of events) {
      const rows = this.people.get(person) ?? []
      this.people.set(person, rows)
      let fresh = 0
      for (const values of expand(table, _)) {
        const columns = new Map<number, unknown>()
        for (const { id, name, isSet } of table.columns) {
          const value = values[name]
          if (value === undefined || value === null) continue
          if (!isSet) columns.set(id, value)
          else if (Array.isArray(value) ? value.length > 0 : true)
            columns.set(id, Array.isArray(value) ? value : [value])
        }
        const live = (row: Map<number, unknown>) => JSON.stringify(table.columns.map(({ id }) => row.get(id) ?? null))
        const isRepeat = rows.some(
          (row) => row.stamp === stamp && row.action === action && live(row.columns) === live(columns),
        )
        if (isRepeat) continue
        rows.push({ columns, stamp, action, arrival: this.#arrivals++ })
        fresh++
      }
      if (fresh > 0) answer.inserted++
      else answer.duplicates++
    }
    return answer
  }

  rowsOf(table: EventTable, person: PersonId): PlainRow[] {
    const rank = (action: string) =>
      table.zOrder.includes(action) ? table.zOrder.indexOf(action) : table.zOrder.length
    return [...(this.people.get(person) ?? [])]
      .sort((a, b) => a.stamp - b.stamp || rank(a.action) - rank(b.action) || a.arrival - b.arrival)
      .map(({ stamp, action, columns }) => ({
        stamp,
        action,
        values: Object.fromEntries(
          table.columns.flatMap(({ id, name }) => (columns.has(id) ? [[name, columns.get(id)]] : [])),
        ),
      }))
  }

  /** People by value of a column, and people with any value. */
  column(table: EventTable, name: string, member: (person: PersonId) => boolean = () => true) {
    const byValue = new Map<unknown, number>()
    let people = 0
    for (const person of this.people.keys()) {
      const values = new Set(this.rowsOf(table, person).flatMap(({ values }) => values[name] ?? []))
      for (const value of values) byValue.set(value, (byValue.get(value) ?? 0) + (member(person) ? 1 : 0))
      if (values.size > 0 && member(person)) people++
    }
    return { people, byValue }
  }
}

/** Nested values as flat rows. */
function expand(table: EventTable, values: Fields): Fields[] {
  let rows: Fields[] = [{}]
  for (const [name, value] of Object.entries(values)) {
    const isSet = table.columns.find((column) => column.name === name)?.isSet
    let choices: Fields[]
    if (Array.isArray(value) && !isSet) {
      choices = value.flatMap((element) => (isObject(element) ? expand(table, element) : [{ [name]: element }]))
      if (choices.length === 0) choices = [{}]
    } else choices = isObject(value) ? expand(table, value) : [{ [name]: value }]
    rows = rows.flatMap((row) => choices.map((choice) => ({ ...row, ...choice })))
  }
  return rows
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
