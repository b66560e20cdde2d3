import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import { EventStore, type EventTable, type SegmentUse } from '../../src/analytics/index.js'
import { Problem } from '../../src/lib/index.js'
import {
  Answer,
  compareScalars,
  compile,
  Histogram,
  type PartialResult,
  type Program,
  type ReplyNode,
} from '../../src/pyql/index.js'
import { parse } from '../../src/pyql/parser.js'
import { settings } from '../analytics/settings.js'
import { oracleColumns, Random, randomPeople, ScriptGenerator } from '../support/pyql-generator.js'
import { groupsOf, interpret, OracleError, OracleTired } from '../support/pyql-oracle.js'
import { limits, scanOptions } from '../support/pyql-oracle-limits.js'
import type { Person, Row } from '../support/pyql-people.js'

/** Tables for each number of partitions, and the seed of the first: TRELLIS_EVENT_TABLES=500 TRELLIS_EVENT_SEED=1001. */
const TABLES = Number(process.env.TRELLIS_EVENT_TABLES ?? 2)
const FIRST_SEED = Number(process.env.TRELLIS_EVENT_SEED ?? 1)
const SCRIPTS = 12
/** Tables that are compared at once: much of the time is waiting for threads and for the disk. */
const AT_ONCE = 4
const modes = ['event', 'event', 'segment', 'histogram'] as const
type Mode = (typeof modes)[number]

interface Sent {
  person: string | number
  stamp: number
  action: string
  /** What the rows share, and under `_` the rows where there are several. */
  _: Record<string, Cell | readonly Row['cells'][]>
}

type Cell = Row['cells'][string]
type PlainRow = Row & { cells: Record<string, Cell> }

/** People as the store must see them: rows in the order of stamps, actions, then of arrival; repeats are nothing. */
class PlainPeople {
  readonly #rows = new Map<string | number, PlainRow[]>()
  readonly #live = new Set(oracleColumns.map(({ name }) => name))
  readonly #table: Pick<EventTable, 'zOrder' | 'foldCase'>
  #people: Person[] | undefined

  constructor(table: Pick<EventTable, 'zOrder' | 'foldCase'>) {
    this.#table = table
  }

  insert({ person, stamp, action, _: { _: rows, ...shared } }: Sent): void {
    const id = this.#table.foldCase && typeof person === 'string' ? person.toLowerCase() : person
    const own = this.#rows.get(id) ?? []
    for (const cells of (rows as Row['cells'][] | undefined) ?? [{}]) {
      const kept = Object.entries({ ...shared, ...cells }).filter(
        ([name, cell]) => this.#live.has(name) && !isNothing(cell),
      )
      const row = { stamp, action, cells: Object.fromEntries(kept) as Row['cells'] }
      if (!own.some((other) => keyOf(other) === keyOf(row))) own.push(row)
    }
    this.#rows.set(id, own)
    this.#people = undefined
  }

  drop(column: string): void {
    this.#live.delete(column)
    for (const { cells } of [...this.#rows.values()].flat()) delete cells[column]
    this.#people = undefined
  }

  add(column: string): void {
    this.#live.add(column)
  }

  /** The same list until something is inserted or dropped. */
  people(): Person[] {
    this.#people ??= this.#sorted()
    return this.#people
  }

  #sorted(): Person[] {
    const all = new Map(oracleColumns.map(({ name, isSet }): [string, Cell] => [name, isSet ? [] : null]))
    const { zOrder } = this.#table
    const rank = (action: string) => (zOrder.includes(action) ? zOrder.indexOf(action) : zOrder.length)
    return [...this.#rows].map(([id, rows]) => ({
      id,
      rows: rows
        .map(({ cells, ...row }) => ({ ...row, cells: { ...Object.fromEntries(all), ...cells } }))
        .sort((one, other) => one.stamp - other.stamp || rank(one.action) - rank(other.action)),
    }))
  }
}

function isNothing(cell: unknown): boolean {
  return cell === null || (Array.isArray(cell) && cell.length === 0)
}

function keyOf({ stamp, action, cells }: Row): string {
  return JSON.stringify([stamp, action, Object.entries(cells).sort(([one], [other]) => (one < other ? -1 : 1))])
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const rest = [...values]
  return Array.from(values, () => rest.splice(random.below(rest.length), 1)[0]!)
}

/** Inserts people's rows in pieces out of order, some of them twice; columns go and come back, folds and restarts between. */
class World {
  table: EventTable
  readonly sent: Sent[]
  /** Events that are left for inserts while questions are asked. */
  readonly late: Sent[]
  /** What was inserted since columns have come or gone: it is stored as it was sent. */
  recent: Sent[] = []
  readonly plain: PlainPeople
  readonly #random: Random
  readonly #folder = mkdtempSync(join(tmpdir(), 'events-'))
  #columns = oracleColumns.length
  store!: EventStore

  constructor(seed: number, partitions: number) {
    this.#random = new Random(seed)
    const columns = oracleColumns.map((column, at) => ({ ...column, id: at + 1 }))
    const zOrder = this.#random.chance(0.5) ? [] : ['leave', 'view']
    this.table = { id: 1, version: 1, partitions, zOrder, foldCase: this.#random.chance(0.25), columns }
    this.plain = new PlainPeople(this.table)
    const events = randomPeople(this.#random, 30).flatMap(({ id, rows }) => rows.map((row) => this.#event(id, row)))
    const mixed = shuffled(events, this.#random)
    this.late = mixed.splice(0, 4)
    this.sent = [...mixed, ...mixed.slice(0, 5)]
  }

  async insert(): Promise<void> {
    await this.#open()
    let rest = this.sent
    while (rest.length > 0) {
      const size = 1 + this.#random.below(20)
      await this.add(rest.slice(0, size))
      rest = rest.slice(size)
      if (this.#random.chance(0.15)) await this.store.fold(this.table)
      if (this.#random.chance(0.05)) await this.restart()
      if (this.#random.chance(0.1)) this.#dropColumn()
      if (this.#random.chance(0.3)) this.#restoreColumns()
    }
    this.#restoreColumns()
  }

  async add(events: readonly Sent[]): Promise<void> {
    for (const event of events) this.plain.insert(event)
    this.recent.push(...events)
    await this.store.insert(this.table, JSON.stringify(events))
  }

  async restart(): Promise<void> {
    await this.store[Symbol.asyncDispose]()
    await this.#open()
  }

  async end(): Promise<void> {
    await this.store[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** A row as an event: some make several rows, and some write their person in another way where that is the same. */
  #event(id: Person['id'], { stamp, action, cells }: Row): Sent {
    const person = this.table.foldCase && this.#random.chance(0.5) ? String(id).toUpperCase() : id
    const sent = typeof id === 'number' ? id : person
    if (!this.#random.chance(0.2)) return { person: sent, stamp, action, _: cells }
    const { qty = null, tags = [], ...shared } = cells
    const others: Row['cells'][] = [{ qty, tags }, { qty: this.#random.below(3) }, { tags: ['apple', 'x'] }, {}]
    return { person: sent, stamp, action, _: { ...shared, _: others.slice(0, 1 + this.#random.below(4)) } }
  }

  #dropColumn(): void {
    const { name } = this.#random.pick(this.table.columns)
    this.plain.drop(name)
    this.#useColumns(this.table.columns.filter((column) => column.name !== name))
  }

  #restoreColumns(): void {
    const missing = oracleColumns.filter(({ name }) => !this.table.columns.some((column) => column.name === name))
    for (const { name } of missing) this.plain.add(name)
    this.#useColumns([...this.table.columns, ...missing.map((column) => ({ ...column, id: ++this.#columns }))])
  }

  #useColumns(columns: EventTable['columns']): void {
    if (columns.length !== this.table.columns.length) this.recent = []
    this.table = { ...this.table, version: this.table.version + 1, columns }
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

let limited = 0

async function answered(world: World, script: Script): Promise<Outcome | 'fails' | 'limited'> {
  const { store, table } = world
  const { mode } = script
  const program = compiled(script)
  if (program.setMath) return 'fails'
  const name = `members ${++names}`
  const keep = mode === 'segment' ? { keep: { name } } : {}
  try {
    const { partials } = await store.scan(table, { program, segments: [], ...scanOptions, ...keep })
    const outcome = outcomeOf(partials.flat(), program, mode)
    if (mode !== 'segment') return outcome
    const members = await membersOf(world, { name })
    await store.forget(table, [name])
    return { ...outcome, members }
  } catch (error) {
    if (error instanceof Problem && error.code === 'script_failed') return 'fails'
    // The interpreter has no bound of memory; such scripts are a few of ten thousand.
    if (error instanceof Problem && error.code === 'script_limit' && ++limited <= 2 + TABLES / 10) return 'limited'
    throw error
  }
}

/** Populations of checks that run at once have names of their own. */
let names = 0

function compiled(script: Script): Program {
  script.program ??= compile(script.text, { mode: script.mode, columns: oracleColumns })
  return script.program
}

function outcomeOf(partials: readonly PartialResult[], program: Program, mode: Mode): Outcome {
  const answer = new Answer(program.aggregates, 1, limits)
  const histogram = new Histogram(1, limits)
  for (const partial of partials) {
    if (mode === 'event') answer.absorb(partial, 0)
    else if (mode === 'histogram') histogram.absorb(partial, 0)
  }
  const values = mode === 'histogram' ? (histogram.reply({ name: 'h', each: false })._[0]?._ ?? []) : []
  const debug = partials.flatMap((partial) => partial.debug.map((value) => JSON.stringify(value))).sort()
  const groups = mode === 'event' ? byKey(answer.reply()._) : values.map(({ g, c }) => [g, c[0]]).reverse()
  return { groups, members: [], debug }
}

const everyId = compile('tally(person)\n', { mode: 'event', columns: oracleColumns })

/** Ids of the people of a segment. */
async function membersOf({ store, table }: World, segment: SegmentUse): Promise<unknown[]> {
  const { partials } = await store.scan(table, { program: everyId, segments: [segment], ...scanOptions })
  const answer = new Answer(everyId.aggregates, 1, limits)
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
      this.timeout(300_000 + TABLES * 10_000)
      const seeds = Array.from({ length: TABLES }, (_, at) => FIRST_SEED + at)
      const lane = async () => {
        for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift())
          await compare(seed * 1000 + partitions, partitions)
      }
      await Promise.all(Array.from({ length: AT_ONCE }, lane))
    })
  }
})

async function compare(seed: number, partitions: number): Promise<void> {
  const world = new World(seed, partitions)
  try {
    await world.insert()
    const random = new Random(seed)
    const scripts = scriptsOf(random)
    const keptUp = await keepSegments(world, random)
    await check(world, scripts, `seed ${seed}`)
    const folding = world.store.fold(world.table)
    await check(world, scripts, `seed ${seed}, while folding`)
    await folding
    await check(world, scripts, `seed ${seed}, folded`)
    await checkSegments(world, scripts, keptUp, `seed ${seed}, folded`)
    // Rows that are there already change nothing.
    let go = true
    const inserting = (async () => {
      const events = [...world.recent]
      while (go) await world.store.insert(world.table, events)
    })()
    await check(world, scripts, `seed ${seed}, with repeated inserts going on`)
    go = false
    await inserting
    for (const event of world.late) await checkDuring(world, scripts, keptUp, event, `seed ${seed}, during an insert`)
    await checkSegments(world, scripts, keptUp, `seed ${seed}, after more inserts`)
    await world.restart()
    await check(world, scripts, `seed ${seed}, after a restart`)
    await checkSegments(world, scripts, keptUp, `seed ${seed}, after a restart`)
  } finally {
    await world.end()
  }
}

interface Script {
  readonly text: string
  readonly mode: Mode
  program?: Program
  /** What it comes to for people: they are asked about in several states of the store. */
  readonly wanted: WeakMap<readonly Person[], { outcome: Outcome | 'fails' | undefined }>
}

/** Random scripts that the plain interpreter does not tire of. */
function scriptsOf(random: Random, count = SCRIPTS, only?: Mode): Script[] {
  return Array.from({ length: count }, () => {
    const mode = only ?? random.pick(modes)
    return { text: new ScriptGenerator(random, mode).script(), mode, wanted: new WeakMap() }
  })
}

/** What a script must come to; undefined when that takes too long to find out. */
function wanted(script: Script, people: readonly Person[]): Outcome | 'fails' | undefined {
  let known = script.wanted.get(people)
  if (!known) {
    known = { outcome: unlessTired(script, people) }
    script.wanted.set(people, known)
  }
  return known.outcome
}

function unlessTired({ text, mode }: Script, people: readonly Person[]): Outcome | 'fails' | undefined {
  try {
    return expected(text, mode, people)
  } catch (error) {
    if (error instanceof OracleTired) return undefined
    throw error
  }
}

function same(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(one)), JSON.parse(JSON.stringify(other)))
}

async function check(world: World, scripts: readonly Script[], when: string): Promise<void> {
  const people = world.plain.people()
  const asked = scripts.map(async (script) => {
    const outcome = wanted(script, people)
    if (outcome === undefined) return
    const got = await answered(world, script)
    if (got === 'limited' || same(got, outcome)) return
    expect(JSON.parse(JSON.stringify(got)), `${when}, ${script.mode}:\n${script.text}`).to.deep.equal(
      JSON.parse(JSON.stringify(outcome)),
    )
  })
  await Promise.all(asked)
}

/** Asks while one more event is inserted: the answer is the one of before or the one of after. */
async function checkDuring(
  world: World,
  scripts: readonly Script[],
  keptUp: readonly KeptUp[],
  event: Sent,
  when: string,
): Promise<void> {
  const before = world.plain.people()
  const inserting = world.add([event])
  const after = world.plain.people()
  const asked = scripts.map(async (script) => {
    const outcomes = [wanted(script, before), wanted(script, after)]
    if (outcomes.includes(undefined) || script.mode === 'segment') return
    const got = await answered(world, script)
    if (got === 'limited') return
    expect(
      outcomes.some((outcome) => same(got, outcome)),
      `${when}, ${script.mode}:\n${script.text}`,
    ).to.equal(true)
  })
  await Promise.all([...asked, checkMembersDuring(world, keptUp, [before, after], when)])
  await inserting
}

/** A segment that is kept up on insert. */
interface KeptUp extends SegmentUse {
  script: Script
}

async function keepSegments({ store, table }: World, random: Random): Promise<KeptUp[]> {
  const kept: KeptUp[] = []
  for (const script of scriptsOf(random, 8, 'segment')) {
    const program = compiled(script)
    const name = `kept ${kept.length}`
    if (kept.length === 2 || program.setMath) continue
    try {
      await store.scan(table, { program, segments: [], ...scanOptions, keep: { name: 'making', watch: true } })
    } catch {
      continue
    }
    await store.promote(table, 'making', name, '{}')
    kept.push({ name, program, script })
  }
  return kept
}

function idsOf(script: Script, people: readonly Person[]): unknown[] | undefined {
  const outcome = wanted(script, people)
  return outcome === undefined || outcome === 'fails' ? undefined : outcome.members
}

async function checkMembersDuring(
  world: World,
  keptUp: readonly KeptUp[],
  worlds: readonly Person[][],
  when: string,
): Promise<void> {
  for (const { name, program, script } of keptUp) {
    const ids = worlds.map((people) => idsOf(script, people))
    if (ids.includes(undefined)) continue
    const got = await membersOf(world, { name, ...(program && { program }) })
    expect(
      ids.some((wantedIds) => same(got, wantedIds)),
      `${when}, members of ${name}:\n${script.text}`,
    ).to.equal(true)
  }
}

/** Every script for several segments at once: each answer is that of the people of its segment alone. */
async function checkSegments(
  world: World,
  scripts: readonly Script[],
  keptUp: readonly KeptUp[],
  when: string,
): Promise<void> {
  const people = world.plain.people()
  const populations = keptUp.flatMap(({ script, name, program }) => {
    const ids = idsOf(script, people)
    const use: SegmentUse = { name, ...(program && { program }) }
    return ids ? [{ use, people: people.filter(({ id }) => ids.includes(id)) }] : []
  })
  populations.push({ use: { name: '*' }, people })
  for (const script of scripts.filter(({ mode }) => mode !== 'segment')) {
    const outcomes = populations.map((population) => wanted(script, population.people))
    if (outcomes.some((outcome) => outcome === undefined || outcome === 'fails')) continue
    const { store, table } = world
    const program = compiled(script)
    const segments = populations.map(({ use }) => use)
    const { partials } = await store.scan(table, { program, segments, ...scanOptions })
    for (const [at, outcome] of outcomes.entries()) {
      const got = outcomeOf(
        partials.map((parts) => parts[at]!),
        program,
        script.mode,
      )
      expect(JSON.parse(JSON.stringify(got)), `${when}, segment ${at}, ${script.mode}:\n${script.text}`).to.deep.equal(
        JSON.parse(JSON.stringify(outcome)),
      )
    }
  }
}
