import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { EventStore, type EventTable } from '../../src/analytics/index.js'
import { Problem } from '../../src/lib/index.js'
import { Answer, compareScalars, compile, Histogram, type ReplyNode } from '../../src/pyql/index.js'
import { parse } from '../../src/pyql/parser.js'
import { settings } from '../analytics/settings.js'
import { oracleColumns, Random, randomPeople, ScriptGenerator } from '../support/pyql-generator.js'
import { groupsOf, interpret, OracleError, OracleTired } from '../support/pyql-oracle.js'
import type { Person, Row } from '../support/pyql-people.js'

/** Tables for each number of partitions; more with TRELLIS_EVENT_TABLES=200. */
const TABLES = Number(process.env.TRELLIS_EVENT_TABLES ?? 2)
const SCRIPTS = 12
const limits = {
  stepsMax: 10_000_000,
  memoryMax: 10_000_000,
  nodesMax: 100_000,
  charactersMax: 100_000_000,
  depthMax: 64,
  traceMax: 100_000,
}
const scanOptions = { now: 1_600_000_000_000, sessionTime: 1_800_000, trace: true, limits }
const modes = ['event', 'event', 'segment', 'histogram'] as const
type Mode = (typeof modes)[number]

interface Sent {
  person: string | number
  stamp: number
  action: string
  _: Row['cells']
}

/** The people as the store must see them: in the order of stamps, then of arrival; repeats are nothing. */
function peopleOf(sent: readonly Sent[]): Person[] {
  const rows = new Map<string | number, Row[]>()
  const seen = new Set<string>()
  for (const { person, stamp, action, _ } of sent) {
    const cells = Object.fromEntries(Object.entries(_).filter(([, cell]) => cell !== null && !isEmpty(cell)))
    const key = JSON.stringify([typeof person, person, stamp, action, cells])
    if (seen.has(key)) continue
    seen.add(key)
    const own = rows.get(person)
    if (own) own.push({ stamp, action, cells: _ })
    else rows.set(person, [{ stamp, action, cells: _ }])
  }
  return [...rows].map(([id, list]) => ({ id, rows: list.sort((a, b) => a.stamp - b.stamp) }))
}

function isEmpty(cell: unknown): boolean {
  return Array.isArray(cell) && cell.length === 0
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const rest = [...values]
  return Array.from(values, () => rest.splice(random.below(rest.length), 1)[0]!)
}

/** Inserts people's rows in pieces out of order, some of them twice, with folds and a restart between. */
class World {
  readonly table: EventTable
  readonly people: Person[]
  readonly sent: Sent[]
  readonly #random: Random
  readonly #folder = mkdtempSync(join(tmpdir(), 'events-'))
  store!: EventStore

  constructor(seed: number, partitions: number) {
    this.#random = new Random(seed)
    const columns = oracleColumns.map((column, at) => ({ ...column, id: at + 1 }))
    this.table = { id: 1, version: 1, partitions, zOrder: [], foldCase: false, columns }
    const events = randomPeople(this.#random, 30).flatMap(({ id, rows }) =>
      rows.map(({ stamp, action, cells }): Sent => ({ person: id, stamp, action, _: cells })),
    )
    const mixed = shuffled(events, this.#random)
    this.sent = [...mixed, ...mixed.slice(0, 5)]
    this.people = peopleOf(this.sent)
  }

  async insert(): Promise<void> {
    await this.#open()
    let rest = this.sent
    while (rest.length > 0) {
      const size = 1 + this.#random.below(20)
      await this.store.insert(this.table, JSON.stringify(rest.slice(0, size)))
      rest = rest.slice(size)
      if (this.#random.chance(0.15)) await this.store.fold(this.table)
      if (this.#random.chance(0.05)) await this.restart()
    }
  }

  async restart(): Promise<void> {
    await this.store[Symbol.asyncDispose]()
    await this.#open()
  }

  async end(): Promise<void> {
    await this.store[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #open(): Promise<void> {
    const workers = 1 + this.#random.below(2)
    this.store = await EventStore.open({ folder: this.#folder, settings, workers }, [this.table])
  }
}

interface Outcome {
  groups: unknown
  members: unknown[]
  debug: string[]
}

function expected(text: string, mode: Mode, people: readonly Person[]): Outcome | 'fails' {
  const known = (name: string) => oracleColumns.some((column) => column.name === name)
  const script = parse(text, new Map(), known)
  const options = { mode, columns: oracleColumns, now: scanOptions.now, sessionTime: scanOptions.sessionTime }
  try {
    const result = interpret(script, people, options)
    const numbers = result.returned
      .filter((value) => value !== null && value !== undefined)
      .map((value) => (typeof value === 'string' ? 0 : Number(value) + 0))
    return {
      groups: mode === 'event' ? groupsOf(script, result, options) : mode === 'histogram' ? counted(numbers) : [],
      members: mode === 'segment' ? sorted(result.members.map((at) => people[at]!.id)) : [],
      debug: result.debug.map((value) => JSON.stringify(value)).sort(),
    }
  } catch (error) {
    if (error instanceof OracleError) return 'fails'
    throw error
  }
}

async function answered(world: World, text: string, mode: Mode): Promise<Outcome | 'fails'> {
  const { store, table } = world
  const program = compile(text, { mode, columns: oracleColumns })
  if (program.setMath) return 'fails'
  const keep = mode === 'segment' ? { keep: { name: 'kept' } } : {}
  try {
    const { partials } = await store.scan(table, { program, segments: [], ...scanOptions, ...keep })
    const answer = new Answer(program.aggregates, 1, limits)
    const histogram = new Histogram(1, limits)
    for (const [partial] of partials) {
      if (mode === 'event') answer.absorb(partial!, 0)
      else if (mode === 'histogram') histogram.absorb(partial!, 0)
    }
    const values = mode === 'histogram' ? histogram.reply({ name: 'h', each: false })._[0]?._ : []
    const debug = partials.flatMap(([partial]) => partial!.debug)
    return {
      groups: mode === 'event' ? byKey(answer.reply()._) : (values ?? []).map(({ g, c }) => [g, c[0]]).reverse(),
      members: mode === 'segment' ? await membersOf(world) : [],
      debug: debug.map((value) => JSON.stringify(value)).sort(),
    }
  } catch (error) {
    if (error instanceof Problem && error.code === 'script_failed') return 'fails'
    throw error
  }
}

/** Ids of the people of the segment that was kept last. */
async function membersOf({ store, table }: World): Promise<unknown[]> {
  const program = compile('match 1:\n    tally(person)\n', { mode: 'event', columns: oracleColumns })
  const { partials } = await store.scan(table, { program, segments: [{ name: 'kept' }], ...scanOptions })
  const answer = new Answer(program.aggregates, 1, limits)
  for (const [partial] of partials) answer.absorb(partial!, 0)
  return sorted(answer.reply()._.map(({ g }) => g))
}

function sorted(values: readonly unknown[]): unknown[] {
  return [...values].sort((a, b) => compareScalars(a as string, b as string))
}

function counted(numbers: readonly number[]): [number, number][] {
  const counts = new Map<number, number>()
  for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => a - b)
}

function byKey(nodes: readonly ReplyNode[]): unknown {
  const list = [...nodes].sort((a, b) => compareScalars(a.g, b.g))
  return list.map((node) => ({ ...node, ...(node._ ? { _: byKey(node._) } : {}) }))
}

describe('random scripts over random tables, against a plain interpreter', () => {
  for (const partitions of [1, 2, 7, 16]) {
    it(`answer the same at ${partitions} partitions, before and after folding and a restart, with inserts going on`, async function () {
      this.timeout(30_000 + TABLES * 10_000)
      for (let seed = 1; seed <= TABLES; seed++) await compare(seed * 1000 + partitions, partitions)
    })
  }
})

async function compare(seed: number, partitions: number): Promise<void> {
  const world = new World(seed, partitions)
  try {
    await world.insert()
    const scripts = scriptsOf(seed, world.people)
    await check(world, scripts, `seed ${seed}`)
    const folding = world.store.fold(world.table)
    await check(world, scripts, `seed ${seed}, while folding`)
    await folding
    await check(world, scripts, `seed ${seed}, folded`)
    // Rows that are there already change nothing.
    let go = true
    const inserting = (async () => {
      while (go) await world.store.insert(world.table, world.sent)
    })()
    await check(world, scripts, `seed ${seed}, with inserts going on`)
    go = false
    await inserting
    await world.restart()
    await check(world, scripts, `seed ${seed}, after a restart`)
  } finally {
    await world.end()
  }
}

interface Wanted {
  text: string
  mode: Mode
  outcome: Outcome | 'fails'
}

function scriptsOf(seed: number, people: readonly Person[]): Wanted[] {
  const random = new Random(seed)
  const scripts: Wanted[] = []
  while (scripts.length < SCRIPTS) {
    const mode = random.pick(modes)
    const text = new ScriptGenerator(random, mode).script()
    try {
      scripts.push({ text, mode, outcome: expected(text, mode, people) })
    } catch (error) {
      if (!(error instanceof OracleTired)) throw error
    }
  }
  return scripts
}

async function check(world: World, scripts: readonly Wanted[], when: string): Promise<void> {
  for (const { text, mode, outcome } of scripts) {
    const got = await answered(world, text, mode)
    expect(JSON.parse(JSON.stringify(got)), `${when}, ${mode}:\n${text}`).to.deep.equal(
      JSON.parse(JSON.stringify(outcome)),
    )
  }
}
