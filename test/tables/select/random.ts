import fc from 'fast-check'
import type { Row } from '../../../src/tables/reader.js'
import type { Costs } from '../../../src/tables/select/index.js'
import { MemoryTables, schemaOf } from '../../support/memory-tables.js'
import type { PlainSelect } from './plain.js'

const long = 'x'.repeat(199)

/** Few values, so that rows meet: of every kind, with texts that an index cannot tell apart. */
export const anyValue = fc.constantFrom<unknown>(
  ...[
    null,
    0,
    1,
    2,
    0.5,
    -1,
    true,
    false,
    '',
    'a',
    'b',
    'ab',
    'B',
    'a*',
    '😀',
    '\u212ax',
    '\u0130',
    'K',
    '\uffff',
    '1',
  ],
  ...[`${long}aa`, `${long}ab`, `${long}a`, `${long}b`, [1, 'a'], ['b'], [], { x: 1 }, { y: [2], x: 1 }],
)
const number = fc.constantFrom<unknown>(null, 0, 1, 2, 3, 4)
const text = fc.constantFrom<unknown>(null, 'a', 'ab', 'Abc', 'b', `${long}aa`, `${long}ab`)

/** One row without its key. */
const fields = fc.record({ n: number, s: text, m: anyValue, d: fc.integer({ min: 0, max: 3 }), r: number })

export const names = ['id', 'n', 's', 'm', 'd', 'r'] as const
export const tableNames = ['t', 'u', 'v'] as const

/** Rows of one table: keys are numbers, or texts, or both. */
export const rows = fc
  .uniqueArray(
    fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 0, max: 40 }) },
      { weight: 1, arbitrary: fc.constantFrom('a', 'b', '1', '') },
    ),
    {
      maxLength: 25,
    },
  )
  .chain((ids) => fc.tuple(...ids.map((id) => fields.map((rest): Row => ({ id, ...rest })))))

/** Costs under which small tables are read in every way that large ones are. */
const costs: fc.Arbitrary<Costs> = fc.record({
  few: fc.constantFrom(0, 100),
  sorted: fc.constantFrom(1, 1_000),
  shared: fc.constantFrom(0, 400),
  counted: fc.constant(20_000),
  guessed: fc.constantFrom(0, 1, 500),
})

export interface World {
  costs: Costs
  /** 0: the query pauses, and may plan anew, after every few rows. */
  slice_ms: number
  rows: Record<string, readonly Row[]>
  indexed: Record<string, readonly string[]>
}

export const world: fc.Arbitrary<World> = fc.record({
  costs,
  slice_ms: fc.constantFrom(0, 5, 5, 5),
  rows: fc.record({ t: rows, u: rows, v: rows }),
  indexed: fc.record({
    t: fc.subarray(['n', 's', 'm', 'd', 'r']),
    u: fc.subarray(['n', 'm', 'r']),
    v: fc.subarray(['n']),
  }),
})

/** The tables of a world; column d is never null, and column r names a row of the next table. */
export function build({ rows: all, indexed }: Pick<World, 'rows' | 'indexed'>): MemoryTables {
  const tables = new MemoryTables()
  for (const [name, list] of Object.entries(all)) {
    const columns = names.map((column) => ({
      name: column,
      type: column === 'd' ? ('int' as const) : ('any' as const),
      notNull: column === 'd' || column === 'id',
      indexed: indexed[name]!.includes(column),
    }))
    const next = { t: 'u', u: 'v' }[name]
    tables.add(schemaOf(name, columns, next ? [{ column: 'r', table: next }] : []), list)
  }
  return tables
}

/** A column of one of the tables, as "table.column". */
function column(tables: readonly string[]): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...tables), fc.constantFrom(...names)).map(([table, name]) => `${table}.${name}`)
}

const scalar = fc.constantFrom<unknown>(0, 1, 2, 3, 'a', 'ab', 'b', true, false, `${long}ab`)

function test(tables: readonly string[], columns = column(tables)): fc.Arbitrary<unknown> {
  // Column d is declared int: other values are refused there.
  const name = columns.filter((it) => !it.endsWith('.d'))
  const int = fc.constantFrom(...tables.map((table) => `${table}.d`))
  const value = anyValue.filter((it) => it !== null)
  const operand = fc.oneof(
    { weight: 6, arbitrary: scalar },
    { weight: 1, arbitrary: name.map((other) => ({ column: other })) },
  )
  return fc.oneof(
    fc.tuple(name, fc.constantFrom('=', '!='), fc.oneof(operand, value)),
    fc.tuple(name, fc.constantFrom('<', '<=', '>', '>='), operand),
    fc.tuple(name, fc.constantFrom('in', 'not in'), fc.array(value, { maxLength: 4 })),
    fc.tuple(name, fc.constantFrom('between', 'not between'), fc.tuple(scalar, scalar)),
    fc.tuple(
      name,
      fc.constantFrom('like', 'not like'),
      fc.constantFrom('a', 'a*', 'AB*', '*b', 'x*A', '*', 'B', '1', '1*', 'k*', 'i*', '-*', '*2'),
    ),
    fc.tuple(name, fc.constantFrom('is null', 'is not null')),
    fc.tuple(name, anyValue).map(([key, it]) => ({ [key]: it })),
    fc.tuple(int, fc.constantFrom('=', '!=', '<', '>='), fc.integer({ min: 0, max: 3 })),
  )
}

/** A where of a few tests under nested groups. */
export function where(tables: readonly string[]): fc.Arbitrary<unknown> {
  const leaf = test(tables)
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((items) => ({ and: items })),
      fc.array(tie('tree'), { minLength: 0, maxLength: 3 }).map((items) => ({ or: items })),
      tie('tree').map((item) => ({ not: item })),
    ),
  }))
  return fc.array(tree, { maxLength: 3 })
}

const joins = fc.constantFrom<PlainSelect['join'] | undefined>(
  undefined,
  undefined,
  { u: { on: { 't.r': 'u.id' }, type: 'inner' } },
  { u: { on: { 't.r': 'u.id' }, type: 'left' } },
  { u: { on: { 'u.n': 't.n' }, type: 'inner' } },
  { u: { on: { 't.m': 'u.m', 'u.d': 't.d' }, type: 'left' } },
  { u: { on: { 't.m': 'u.m' }, type: 'inner' } },
  { u: { on: { 't.r': 'u.id' }, type: 'left' }, v: { on: { 'u.r': 'v.id' }, type: 'left' } },
  { u: { on: { 't.n': 'u.n' }, type: 'inner' }, v: { on: { 'v.d': 't.d', 'u.n': 'v.n' }, type: 'inner' } },
)

const direction = fc.constantFrom('asc' as const, 'desc' as const)

function orderBy(columns: fc.Arbitrary<string>): fc.Arbitrary<PlainSelect['orderby'] | undefined> {
  const term = fc.record({ column: columns, order: direction })
  return fc.option(fc.array(term, { minLength: 1, maxLength: 3 }), { nil: undefined })
}

/** A select of columns, with joins and an order. */
export const plainQuery: fc.Arbitrary<PlainSelect> = joins.chain((join) => {
  const tables = ['t', ...Object.keys(join ?? {})]
  return fc
    .record({
      select: fc.uniqueArray(column(tables), { minLength: 1, maxLength: 4 }),
      where: where(tables),
      orderby: orderBy(column(tables)),
    })
    .map((parts) => clean({ table: 't', join, ...parts }))
})

/** A select with groups, counts, sums and having; or distinct results. */
export const groupQuery: fc.Arbitrary<PlainSelect> = joins.chain((join) => {
  const tables = ['t', ...Object.keys(join ?? {})]
  const aggregate = fc.oneof(
    fc.constant({ count: '*', as: 'all' }),
    column(tables).map((name) => ({ count: name, as: 'some' })),
    column(tables).map((name) => ({ count: name, distinct: true, as: 'different' })),
    column(tables).map((name) => ({ min: name, as: 'least' })),
    column(tables).map((name) => ({ max: name, as: 'most' })),
    fc.constantFrom('t.d', 't.n', 't.r').map((name) => ({ sum: name, as: 'sum' })),
    fc.constantFrom('t.d', 't.n').map((name) => ({ avg: name, as: 'mean' })),
  )
  const aggregates = fc.uniqueArray(aggregate, { minLength: 1, maxLength: 3, selector: (item) => item.as })
  return fc
    .record({
      groupby: fc.uniqueArray(column(tables), { maxLength: 2 }),
      aggregates,
      where: where(tables),
      by: fc.boolean(),
      least: fc.integer({ min: 0, max: 3 }),
      order: direction,
    })
    .map(({ groupby, aggregates: items, by, least, order, where: tests }) => {
      const first = (items[0] as { as: string }).as
      return clean({
        table: 't',
        join,
        select: [...groupby, ...items],
        where: tests,
        groupby,
        having: least > 0 ? [[first, '>=', least]] : undefined,
        orderby: by ? [{ column: first, order }] : undefined,
      })
    })
})

/** What an index may tell alone: how many rows, the least and the greatest value. */
export const tellingQuery: fc.Arbitrary<PlainSelect> = fc
  .record({
    what: fc.uniqueArray(
      fc.oneof(
        fc.constant({ count: '*', as: 'all' }),
        column(['t']).map((name) => ({ count: name, as: 'some' })),
        column(['t']).map((name) => ({ min: name, as: 'least' })),
        column(['t']).map((name) => ({ max: name, as: 'most' })),
      ),
      { minLength: 1, maxLength: 3, selector: (item) => item.as },
    ),
    where: fc.array(test(['t']), { maxLength: 1 }),
  })
  .map(({ what, where: tests }) => ({ table: 't', select: what, where: tests }))

/** Groups and distinct values of one column, under conditions on it: its index may tell them without the records. */
export const valuesQuery: fc.Arbitrary<PlainSelect> = fc.constantFrom('t.n', 't.s', 't.m', 't.r').chain((name) => {
  const aggregate = fc.constantFrom<Record<string, unknown>>(
    ...[
      { count: '*', as: 'all' },
      { count: name, as: 'some' },
      { count: name, distinct: true, as: 'different' },
    ],
    ...[
      { min: name, as: 'least' },
      { max: name, as: 'most' },
    ],
  )
  return fc
    .record({
      aggregates: fc.uniqueArray(aggregate, { maxLength: 3, selector: (item) => item['as'] }),
      isGrouped: fc.boolean(),
      where: fc.array(test(['t'], fc.constant(name)), { maxLength: 2 }),
    })
    .map(({ aggregates, isGrouped, where: tests }) => {
      if (aggregates.length === 0) return clean({ table: 't', select: [name], where: tests, distinct: true })
      const keys = isGrouped ? [name] : []
      return clean({
        table: 't',
        select: [...keys, ...aggregates],
        where: tests,
        groupby: isGrouped ? keys : undefined,
      })
    })
})

export const distinctQuery: fc.Arbitrary<PlainSelect> = plainQuery.map(({ orderby, ...query }) => {
  const selected = query.select as string[]
  return clean({ ...query, distinct: true, orderby: orderby?.filter((term) => selected.includes(term.column)) })
})

function clean(query: object): PlainSelect {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as unknown as PlainSelect
}
