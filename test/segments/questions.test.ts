import { expect } from 'chai'
import type { EventTable } from '../../src/analytics/index.js'
import { compareScalars } from '../../src/pyql/index.js'
import { Chance, type PlainRow, PlainStore } from '../analytics/plain-store.js'
import { type TestNode, withNode } from '../support/node.js'
import { oracleColumns, Random, randomPeople } from '../support/pyql-generator.js'

/** Random questions to each of some tables, and the seed of the first: TRELLIS_QUESTION_TABLES=100 TRELLIS_EVENT_SEED=101. */
const TABLES = Number(process.env.TRELLIS_QUESTION_TABLES ?? 3)
const FIRST_SEED = Number(process.env.TRELLIS_EVENT_SEED ?? 1)
const QUESTIONS = 40

type Scalar = string | number | boolean
type Options = Record<string, unknown>
interface Node {
  g: Scalar
  counts: number[]
  _?: Node[]
}

/** A table, asked over HTTP, and its people as plain lists. */
class Table {
  readonly name: string
  readonly #chance: Chance
  readonly #node: TestNode
  readonly #plain = new PlainStore()
  readonly #table: EventTable
  /** Who is in each segment; everyone first. */
  readonly #segments = new Map<string, Set<string | number>>()

  constructor(node: TestNode, seed: number) {
    this.name = `t${seed}`
    this.#node = node
    this.#chance = new Chance(seed)
    const columns = oracleColumns.map((column, at) => ({ ...column, id: at + 1 }))
    const partitions = this.#chance.of([1, 2, 7, 16])
    this.#table = { id: seed, version: 1, partitions, zOrder: [], foldCase: false, columns }
  }

  async fill(seed: number): Promise<void> {
    const columns = oracleColumns.map(({ name, type, isSet }) => ({ name, type, is_set: isSet }))
    const { partitions } = this.#table
    await this.#ask('create_table', { kind: 'events', columns, partitions })
    const sent = randomPeople(new Random(seed), 40).flatMap(({ id, rows }) =>
      rows.map(({ stamp, action, cells }) => ({ person: id, stamp, action, _: cells as Record<string, unknown> })),
    )
    while (sent.length > 0) {
      const events = Array.from({ length: Math.min(sent.length, 40) }, () =>
        sent.splice(this.#chance.below(sent.length), 1),
      ).flat()
      this.#plain.insert(this.#table, events)
      await this.#ask('insert_events', { events })
    }
    this.#segments.set('*', new Set(this.#plain.people.keys()))
  }

  /** A segment of a script, and one made of others. */
  async define(): Promise<void> {
    for (const name of ['a', 'b']) {
      const fruit = this.#chance.of(['apple', 'pear', '1', ''])
      const rows = (person: string | number) => this.#rows(person)
      const isIn = (person: string | number) => rows(person).some(({ values }) => values.fruit === fruit)
      this.#segments.set(name, new Set([...this.#everyone()].filter(isIn)))
      await this.#segment(name, `match where fruit == "${fruit}":\n        tally`)
    }
    const [a, b] = ['a', 'b'].map((name) => this.#segments.get(name)!) as [Set<unknown>, Set<unknown>]
    const [text, isIn] = this.#chance.of<[string, (person: unknown) => boolean]>([
      ['union(a, b)', (person) => a.has(person) || b.has(person)],
      ['intersection(a, b)', (person) => a.has(person) && b.has(person)],
      ['difference(a, b)', (person) => a.has(person) && !b.has(person)],
      ['complement(b)', (person) => !b.has(person)],
    ])
    this.#segments.set('c', new Set([...this.#everyone()].filter(isIn)))
    await this.#segment('c', text)
  }

  async question(): Promise<void> {
    const names = [...this.#segments.keys()].filter(() => this.#chance.in(2))
    const order = this.#chance.of(['asc', 'desc', undefined])
    const trim = this.#chance.of([undefined, 1, 2, 5])
    const options = { ...(names.length > 0 && { segments: names }), ...(order && { order }), ...(trim && { trim }) }
    const populations = (names.length > 0 ? names : ['*']).map((name) => this.#segments.get(name)!)
    const ask = this.#chance.of([this.#column, this.#histogram, this.#groups])
    await ask.call(this, options, populations)
  }

  async #column(options: Options, populations: ReadonlySet<string | number>[]): Promise<void> {
    const column = this.#chance.of(oracleColumns)
    const isNumber = column.type === 'int' || column.type === 'double'
    const bound = this.#chance.of([-2, 0, 0.25, 1, 3.5, 7])
    const bucket = isNumber && this.#chance.in(3) ? this.#chance.of([1, 2, 0.5, 0.1]) : undefined
    const [filter, passes] = this.#chance.of<[Options, (value: Scalar) => boolean]>([
      [{}, () => true],
      ...(isNumber ? boundsOf(bound) : column.type === 'text' ? TEXT_FILTERS : []),
    ])
    const valuesOf = (person: string | number) =>
      this.#rows(person).flatMap(({ values }) => (values[column.name] ?? []) as Scalar[])
    const byValue = new Map<Scalar, Set<string | number>>()
    for (const person of this.#everyone()) {
      for (const value of valuesOf(person).filter(passes)) {
        const g = bucket === undefined ? value : multipleOf(Number(value), bucket)
        byValue.set(g, (byValue.get(g) ?? new Set()).add(person))
      }
    }
    const inside = (people: ReadonlySet<string | number>) =>
      populations.map((population) => [...people].filter((person) => population.has(person)).length)
    const nodes = [...byValue].map(([g, people]): Node => ({ g, counts: inside(people) }))
    const total = inside(new Set([...this.#everyone()].filter((person) => valuesOf(person).length > 0)))
    const sorted = cut(
      ordered(nodes, options, (node) => node.counts[0]!),
      options,
    )
    const root = { g: column.name, counts: total, ...(sorted.length > 0 && { _: sorted }) }
    const none = nodes.length === 0 && total.every((count) => count === 0)
    const request = { column: column.name, ...options, ...filter, ...(bucket !== undefined && { bucket }) }
    await this.#compare('query_column', request, none ? [] : [root])
  }

  async #histogram(options: Options, populations: ReadonlySet<string | number>[]): Promise<void> {
    const each = this.#chance.in(3) ? 'fruit' : undefined
    const bucket = this.#chance.of([undefined, 1, 2, 5])
    const max = this.#chance.of([undefined, 4, 7, 9])
    const min = this.#chance.of([undefined, 0, -4])
    const numberOf = (person: string | number, value?: unknown) =>
      this.#rows(person)
        .filter(({ values }) => value === undefined || values.fruit === value)
        .reduce((sum, { values }) => sum + Number(values.qty ?? 0), 0)
    const values = new Set(
      [...this.#everyone()].flatMap((person) => this.#rows(person).flatMap(({ values }) => values.fruit ?? [])),
    )
    const bucketsOf = (value?: unknown) => {
      const found = new Map<number, number[]>()
      const add = (g: number, segment: number, count: number) => {
        const counts = found.get(g) ?? populations.map(() => 0)
        counts[segment]! += count
        found.set(g, counts)
      }
      for (const [segment, population] of populations.entries()) {
        for (const person of population) {
          const number = numberOf(person, value)
          const cut = bucket === undefined ? number : multipleOf(number, bucket)
          add(max !== undefined && number >= max ? max : Math.min(cut, max ?? Infinity), segment, 1)
        }
      }
      if (bucket !== undefined) {
        const from = multipleOf(min ?? Math.min(...found.keys()), bucket)
        const to = max ?? Math.max(...found.keys())
        for (let g = from; g <= to; g += bucket) add(g, 0, 0)
        if (max !== undefined) add(max, 0, 0)
      }
      const sign = options.order === 'asc' ? 1 : -1
      const nodes = [...found].map(([g, counts]): Node => ({ g, counts }))
      return cut(
        nodes.sort((a, b) => sign * (Number(a.g) - Number(b.g))),
        options,
      )
    }
    const counts = populations.map(({ size }) => size)
    if (counts.every((count) => count === 0) || (each && values.size === 0)) return
    const byValue = [...values].map((value): Node => ({ g: value as Scalar, counts, _: bucketsOf(value) }))
    const within = each
      ? cut(
          byValue.sort((a, b) => compareScalars(a.g, b.g)),
          options,
        )
      : bucketsOf()
    const script = `return SUM qty all${each ? ' where fruit == each_value' : ''}\n`
    const given = { name: 'h', script, bucket, min, max, foreach: each }
    const request = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    await this.#compare('query_histogram', { ...options, ...request }, [{ g: 'h', counts, _: within }])
  }

  async #groups(options: Options, populations: ReadonlySet<string | number>[]): Promise<void> {
    const keys = this.#chance.of([['fruit'], ['fruit', 'color'], ['flag', 'qty'], ['color', 'flag', 'fruit']])
    const sort = this.#chance.of([undefined, 'person', 'key'])
    const level = (depth: number, rows: { person: string | number; row: PlainRow }[]): Node[] => {
      const groups = new Map<Scalar, typeof rows>()
      for (const one of rows) {
        const g = one.row.values[keys[depth]!] as Scalar | undefined
        if (g !== undefined) groups.set(g, [...(groups.get(g) ?? []), one])
      }
      const nodes = [...groups].map(([g, own]): Node => {
        const people = new Set(own.map(({ person }) => person))
        const counts = populations.map((population) => [...people].filter((person) => population.has(person)).length)
        const below = depth + 1 < keys.length ? level(depth + 1, own) : []
        return { g, counts, ...(below.length > 0 && { _: below }) }
      })
      const shown = nodes.filter(isSeen)
      return cut(ordered(shown, options, sort === 'key' ? undefined : (node) => node.counts[0]!), options)
    }
    const all = [...this.#everyone()].flatMap((person) => this.#rows(person).map((row) => ({ person, row })))
    const script = `agg:\n    count person\nmatch:\n    tally(${keys.join(', ')})\n`
    const request = { ...options, ...(sort && { sort }), script }
    await this.#compare('query_events', request, level(0, all))
  }

  async #compare(operation: string, request: Options, wanted: readonly Node[]): Promise<void> {
    const { _ } = (await this.#ask(operation, request)) as { _: unknown }
    const told = `${this.name}, ${this.#table.partitions} partitions: ${operation} ${JSON.stringify(request)}`
    expect(_, told).to.deep.equal(wanted.map(shown))
  }

  #everyone(): Iterable<string | number> {
    return this.#plain.people.keys()
  }

  #rows(person: string | number): PlainRow[] {
    return this.#plain.rowsOf(this.#table, person)
  }

  async #segment(name: string, script: string): Promise<void> {
    const people = this.#segments.get(name)!.size
    const answer = await this.#ask('query_segments', { script: `@segment ${name} ttl=1h:\n    ${script}\n` })
    expect(answer, `${this.name}: ${script}`).to.deep.equal({ _: [{ g: name, c: [people] }] })
  }

  async #ask(operation: string, more: Options): Promise<unknown> {
    return this.#node.ok({ operation, table: this.name, ...more })
  }
}

/** What nobody has who is asked about is no part of an answer. */
const isSeen = ({ counts }: Node) => counts.some((count) => count > 0)

const TEXT_FILTERS: [Options, (value: Scalar) => boolean][] = [
  [{ eq: 'apple' }, (value) => value === 'apple'],
  [{ sub: 'p' }, (value) => String(value).includes('p')],
  [{ rx: '[a-o].*' }, (value) => /^[a-o].*$/s.test(String(value))],
]

function boundsOf(bound: number): [Options, (value: Scalar) => boolean][] {
  return [
    [{ gt: bound }, (value) => Number(value) > bound],
    [{ gte: bound }, (value) => Number(value) >= bound],
    [{ lt: bound }, (value) => Number(value) < bound],
    [{ lte: bound }, (value) => Number(value) <= bound],
    [{ eq: bound }, (value) => value === bound],
    [{ between: bound, and: bound + 2 }, (value) => Number(value) >= bound && Number(value) < bound + 2],
  ]
}

/** The multiple of the size next to a number in the direction of zero, both as they are written in decimals. */
function multipleOf(number: number, size: number): number {
  const times = Math.trunc(Number((number / size).toFixed(9)))
  return Number((times * size).toFixed(9)) + 0
}

/** By a number or by key; what is equal is ordered by key. */
function ordered(nodes: Node[], { order }: Options, numberOf?: (node: Node) => number): Node[] {
  const sign = order === 'asc' ? 1 : -1
  return nodes.sort((a, b) =>
    numberOf ? sign * (numberOf(a) - numberOf(b)) || compareScalars(a.g, b.g) : sign * compareScalars(a.g, b.g),
  )
}

function cut(nodes: Node[], { trim }: Options): Node[] {
  return trim === undefined ? nodes : nodes.slice(0, trim as number)
}

function shown({ g, counts, _ }: Node): Options {
  const named = counts.map((count, at) => [at === 0 ? 'c' : `c${at + 1}`, [count]])
  return { g, ...Object.fromEntries(named), ...(_ && { _: _.map(shown) }) }
}

describe('random questions over random tables, against plain lists', () => {
  it('are answered the same: columns, histograms, groups and segments, with all that they can be asked with', () =>
    withNode(async (node) => {
      for (let seed = FIRST_SEED; seed < FIRST_SEED + TABLES; seed++) {
        const table = new Table(node, seed)
        await table.fill(seed)
        await table.define()
        for (let count = 0; count < QUESTIONS; count++) await table.question()
      }
    })).timeout(300_000 + TABLES * 10_000)
})
