// Joins: reads the JSON of `join` and finds, for the rows so far, the rows of one more table.
import type { ForeignKey } from '../../catalog/index.js'
import { Problem, type View } from '../../lib/index.js'
import type { IndexRange, Row, Snapshot, TableReader } from '../reader.js'
import type { Budget } from './budget.js'
import type { Condition, Test } from './condition.js'
import { type Frame, openSource, type Ref, refTo, Scope, type Source } from './scope.js'
import { equalValues, identity, isScalar, rank, weight } from './value.js'
import { type Stage, type Tally, TICK } from './walk.js'

/** Two columns that must be equal: one of the tables before, one of the joined table. */
interface Pair {
  readonly before: Ref
  readonly own: Ref
  /** PYQL leaves the column on the value side out of "*" when it is the joined table's. */
  readonly ownIsValue: boolean
}

export interface Join {
  readonly source: number
  readonly left: boolean
  readonly pairs: readonly Pair[]
  /** How rows are found. */
  readonly by: 'primary_key' | 'index' | 'hash'
  /** The pair that rows are found by. */
  readonly lead: Pair
}

/** A join as it is asked for. */
interface Wish {
  readonly alias: string
  readonly table: string
  readonly left: boolean
  /** Absent: by the foreign key. */
  readonly on?: Record<string, unknown>
  /** The foreign key's column, when the wish names that instead of a table. */
  readonly column?: string
}

function malformed(reason: string): Problem {
  return new Problem('select_malformed', { part: 'join', reason })
}

/** Opens the tables of `join`, in an order in which each refers only to those before it. */
export function readJoins(
  join: unknown,
  base: Source,
  snapshot: Snapshot,
  view: View,
): { sources: Source[]; joins: Join[] } {
  const sources = [base]
  const joins: Join[] = []
  let waiting = wishesOf(join, base, view).map((wish) => ({ wish, source: openWish(wish, base, snapshot, view) }))
  while (waiting.length > 0) {
    const next = waiting.find(({ wish, source }) => isReady(wish, source, sources))
    if (!next) throw untied(waiting[0]!.wish, waiting[0]!.source, sources)
    waiting = waiting.filter((it) => it !== next)
    if (sources.some(({ alias }) => alias === next.wish.alias))
      throw malformed(
        `Two tables are called '${next.wish.alias}'; give one another name: {"other": {"table": "${next.wish.table}", "on": {…}}}.`,
      )
    sources.push(next.source)
    joins.push(joinOf(next.wish, sources))
  }
  return { sources, joins }
}

function openWish(wish: Wish, base: Source, snapshot: Snapshot, view: View): Source {
  return openSource(snapshot, view, base.reader.schema.database, wish.table, wish.alias)
}

function wishesOf(join: unknown, base: Source, view: View): Wish[] {
  if (join === undefined || join === null) return []
  if (Array.isArray(join)) return join.flatMap((item) => wishesOf(item, base, view))
  if (typeof join === 'string') return [wishOfName(join, base, view)]
  if (typeof join !== 'object') throw malformed('A join is the name of a table, an object, or a list of both.')
  return Object.entries(join).map(([alias, spec]) => wishOfObject(alias, spec))
}

/** The name of a table that a foreign key refers to, or of the foreign key's column where it is the clearer word. */
function wishOfName(name: string, base: Source, view: View): Wish {
  const { database, foreignKeys } = base.reader.schema
  const key = foreignKeys.find(
    ({ column, table }) => column === name && base.columns.has(column) && view.seesTable(database, table),
  )
  const isTable = foreignKeys.some(({ table }) => table === name)
  return key && !isTable
    ? { alias: key.table, table: key.table, left: false, column: name }
    : { alias: name, table: name, left: false }
}

function wishOfObject(alias: string, spec: unknown): Wish {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec))
    throw malformed(`The join of '${alias}' is an object: {"${alias}": {"table.column": "${alias}.column"}}.`)
  const names = Object.keys(spec)
  const isSpec = names.some((name) => name === 'on' || name === 'type' || name === 'table')
  if (!isSpec)
    return { alias, table: alias, left: false, ...(names.length > 0 && { on: spec as Record<string, unknown> }) }
  const { on, type = 'inner', table = alias, ...rest } = spec as Record<string, unknown>
  const [extra] = Object.keys(rest)
  if (extra !== undefined) throw malformed(`The join of '${alias}' has 'on', 'type' and 'table', not '${extra}'.`)
  if (type !== 'inner' && type !== 'left') throw malformed(`The type of a join is 'inner' or 'left'.`)
  if (typeof table !== 'string') throw malformed(`The table of a join is a text.`)
  if (on !== undefined && (typeof on !== 'object' || on === null || Array.isArray(on)))
    throw malformed(`'on' is an object: {"table.column": "${alias}.column"}.`)
  return { alias, table, left: type === 'left', ...(on !== undefined && { on: on as Record<string, unknown> }) }
}

/** True when all that a join refers to is open. */
function isReady(wish: Wish, own: Source, sources: readonly Source[]): boolean {
  if (!wish.on) return sources.some((source) => keysTo(source, wish).length > 0)
  const sides = Object.entries(wish.on).flat()
  return sides.length > 0 && sides.every((name) => isOpen(name, own, sources))
}

/** Whether a side of a pair may name a column of the tables so far: as "table.column", or alone. */
function isOpen(name: unknown, own: Source, sources: readonly Source[]): boolean {
  const text = String(name)
  return [...sources, own].some(({ alias, columns }) => text.startsWith(`${alias}.`) || columns.has(text))
}

/** Why a join cannot be done. */
function untied({ alias, on }: Wish, own: Source, sources: readonly Source[]): Problem {
  const example = `{"${alias}": {"${sources[0]!.alias}.column": "${alias}.column"}}`
  if (!on) return malformed(`No foreign key leads to '${alias}'; say which columns are equal: ${example}.`)
  const unknown = Object.entries(on)
    .flat()
    .find((name) => !isOpen(name, own, sources))
  if (unknown === undefined) return malformed(`'on' of '${alias}' is empty; say which columns are equal: ${example}.`)
  return malformed(`'${String(unknown)}' is no column of '${alias}' or of a table before it.`)
}

function keysTo(source: Source, wish: Wish): ForeignKey[] {
  return source.reader.schema.foreignKeys.filter(
    (key) =>
      key.table === wish.table &&
      source.columns.has(key.column) &&
      (wish.column === undefined || key.column === wish.column),
  )
}

function joinOf(wish: Wish, sources: readonly Source[]): Join {
  const source = sources.length - 1
  const { reader } = sources[source]!
  const pairs = wish.on
    ? Object.entries(wish.on).map((pair) => pairOf(pair, wish, sources))
    : [pairOfKey(wish, sources)]
  const byKey = pairs.find(({ own }) => own.name === reader.schema.primaryKey)
  const byIndex = byKey ?? pairs.find(({ own }) => reader.isIndexed(own.name))
  return {
    source,
    left: wish.left,
    pairs,
    by: byKey ? 'primary_key' : byIndex ? 'index' : 'hash',
    lead: byIndex ?? pairs[0]!,
  }
}

function pairOfKey(wish: Wish, sources: readonly Source[]): Pair {
  const own = sources.length - 1
  for (const [number, source] of sources.slice(0, own).entries()) {
    const [key, second] = keysTo(source, wish)
    if (!key) continue
    if (second)
      throw malformed(
        `'${source.alias}' has several foreign keys to '${wish.table}': join by '${key.column}' or '${second.column}'.`,
      )
    const column = sources[own]!.columns.get(key.references)
    if (!column) break
    return { before: refTo(number, source.columns.get(key.column)!), own: refTo(own, column), ownIsValue: true }
  }
  throw malformed(`No foreign key leads to '${wish.table}'.`)
}

function pairOf([name, other]: [string, unknown], wish: Wish, sources: readonly Source[]): Pair {
  if (typeof other !== 'string') throw malformed(`"${name}" must be paired with a column, "table.column".`)
  const scope = new Scope(sources)
  const [a, b] = [scope.find(name), scope.find(other)]
  const own = sources.length - 1
  if (a.source === own && b.source !== own) return { before: b, own: a, ownIsValue: false }
  if (b.source === own && a.source !== own) return { before: a, own: b, ownIsValue: true }
  throw malformed(`The pair "${name}": "${other}" must tie '${wish.alias}' to a table before it.`)
}

/** What a condition on a joined column says about the base table's column that must equal it. */
export function carriedOver(conditions: readonly Condition[], joins: readonly Join[]): Condition[] {
  const found = [...conditions]
  for (const { left, pairs } of joins.toReversed())
    for (const { before, own } of left ? [] : pairs)
      for (const condition of [...found]) {
        if ('all' in condition || 'any' in condition || condition.test === 'columns') continue
        if (condition.test === 'null' || condition.ref.source !== own.source || condition.ref.name !== own.name)
          continue
        found.push({ ...condition, ref: before })
      }
  return found.slice(conditions.length)
}

interface JoinState {
  readonly join: Join
  readonly reader: TableReader
  readonly frame: Frame
  /** Conditions that can be checked once this table's row is known. */
  readonly test: Test
  /** Only those rows are wanted for which the joined table has none. */
  readonly isAbsence: boolean
  readonly tally: Tally
  readonly budget: Budget
}

/** Whether conditions refuse every row for which a left join finds one: what is never null in such shall be null. */
export function isAbsence(
  { source, left, pairs }: Join,
  conditions: readonly Condition[],
  reader: TableReader,
): boolean {
  const names = [
    reader.schema.primaryKey,
    ...pairs.map(({ own }) => own).flatMap(({ whole, name }) => (whole ? name : [])),
  ]
  return (
    left &&
    conditions.some((it) => {
      if (!('test' in it) || it.test !== 'null' || it.negated) return false
      return it.ref.source === source && it.ref.whole && names.includes(it.ref.name)
    })
  )
}

/** Ties every row so far to each row of the joined table that fits; a left join to null where none does. */
export function* joined(before: Stage, state: JoinState): Stage {
  const { join, frame, test } = state
  const { source, left, pairs } = join
  const find = yield* finderOf(state)
  let idle = 0
  for (const ready of before) {
    if (!ready) {
      yield false
      continue
    }
    let found = false
    for (const row of find()) {
      state.tally.rowsRead++
      frame[source] = row
      if (pairs.every(({ before: other, own }) => same(other.read(frame), own.read(frame)))) {
        found = true
        if (state.isAbsence) break
        if (test(frame)) {
          state.tally.kept[source]!++
          yield true
          continue
        }
      }
      if (++idle % TICK === 0) yield false
    }
    if (!found && left) {
      frame[source] = null
      if (test(frame)) {
        state.tally.kept[source]!++
        yield true
        continue
      }
    }
    // Rows for which nothing was found are work, too.
    if (++idle % TICK === 0) yield false
  }
}

function same(a: unknown, b: unknown): boolean {
  return rank(a) > 0 && equalValues(a, b)
}

type Find = () => Iterable<Row>

function* finderOf(state: JoinState): Generator<boolean, Find> {
  const { join, reader, frame, tally } = state
  const { before, own } = join.lead
  if (join.by === 'hash') {
    const table = yield* hashed(state)
    return () => table.get(identity(before.read(frame))) ?? []
  }
  if (join.by === 'primary_key')
    return () => {
      const value = before.read(frame)
      const row = typeof value === 'string' || typeof value === 'number' ? reader.get(value) : undefined
      return row ? [row] : []
    }
  return function* () {
    const value = before.read(frame)
    if (rank(value) === 0) return
    // An index has no entries for JSON values.
    if (!isScalar(value)) return yield* reader.scan()
    const end = { value, inclusive: true }
    yield* rowsOf({ attribute: own.name, from: end, to: end }, reader, tally)
  }
}

function* rowsOf(range: IndexRange, reader: TableReader, tally: Tally): Generator<Row> {
  const copies = reader.gathered?.(range)
  if (copies) {
    for (const { row } of copies) {
      tally.keysRead++
      yield row
    }
    return
  }
  let read = 0
  for (const key of reader.range(range)) {
    read++
    tally.keysRead++
    const row = reader.get(key)
    if (row) yield row
  }
  reader.wantGathered?.(range, read)
}

/** All rows of the joined table by the value that they are joined by. */
function* hashed({ join, reader, budget }: JoinState): Generator<boolean, Map<unknown, Row[]>> {
  const table = new Map<unknown, Row[]>()
  let count = 0
  for (const row of reader.scan()) {
    if (++count % TICK === 0) yield false
    const value = Object.hasOwn(row, join.lead.own.name) ? row[join.lead.own.name] : null
    if (rank(value) === 0) continue
    budget.charge(48 + weight(row), 'joined rows')
    const rows = table.get(identity(value))
    if (rows) rows.push(row)
    else table.set(identity(value), [row])
  }
  return table
}
