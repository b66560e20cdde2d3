import { expect } from 'chai'
import fc from 'fast-check'
import type { Row } from '../../../src/tables/reader.js'
import { Queries, type SelectRequest } from '../../../src/tables/select/index.js'
import { type MemoryTable, type MemoryTables, sorted } from '../../support/memory-tables.js'
import { asker, limits, textOf } from './asker.js'
import { type PlainSelect, plainSelect } from './plain.js'
import {
  build,
  distinctQuery,
  groupQuery,
  plainQuery,
  rows,
  tellingQuery,
  valuesQuery,
  type World,
  world,
} from './random.js'

interface Page {
  data: Record<string, unknown>[]
  complete: boolean
  next?: string
}

/** How the server is set up. */
type Setup = Pick<World, 'costs' | 'slice_ms'>

async function ask(tables: MemoryTables, request: Omit<SelectRequest, 'database'>, setup: Setup): Promise<Page> {
  const { costs, slice_ms } = setup
  const answer = await new Queries(() => tables, { ...limits, slice_ms }, costs).select(
    { database: 'dev', ...request },
    asker,
  )
  return JSON.parse(await textOf(answer)) as Page
}

/** All pages of a query, one after the other; `between` runs before each but the first. */
async function pages(
  tables: MemoryTables,
  query: PlainSelect,
  limit: number,
  setup: Setup,
  between = (_: number) => {},
): Promise<Page['data']> {
  const data: Page['data'] = []
  let cursor: string | undefined
  for (let number = 0; ; number++) {
    if (number > 0) between(number)
    const page = await ask(tables, { ...query, limit, ...(cursor && { cursor }) }, setup)
    expect(page.data.length).to.be.at.most(limit)
    data.push(...page.data)
    expect(page.complete).to.equal(page.next === undefined)
    if (page.complete) return data
    expect(page.data.length).to.equal(limit)
    cursor = page.next
  }
}

const asSet = (data: readonly unknown[]) => data.map(sorted).sort()
const bareRows = (data: Page['data']) => JSON.parse(JSON.stringify(data)) as Page['data']

/** Without an order, any order is right. */
function expectSame(data: Page['data'], expected: Page['data'], isOrdered: boolean): void {
  if (isOrdered) expect(data).to.deep.equal(bareRows(expected))
  else expect(asSet(data)).to.deep.equal(asSet(expected))
}

/** Random tests run with another seed each time and print the seed of a failure. */
const runs = (count: number) => ({ numRuns: Number(process.env['FC_RUNS'] ?? count) })

/** Queries whose results have an order of their own. */
const expectAlike = (queries: fc.Arbitrary<PlainSelect>, count: number) =>
  fc.assert(
    fc.asyncProperty(world, queries, async (given, query) => {
      const { data } = await ask(build(given), query, given)
      expectSame(data, plainSelect(query, given.rows), true)
    }),
    runs(count),
  )

describe('select, against a plain evaluator', () => {
  it('finds, joins and orders the same rows', () =>
    fc.assert(
      fc.asyncProperty(world, plainQuery, async (given, query) => {
        const { data, complete } = await ask(build(given), query, given)
        expect(complete).to.equal(true)
        expectSame(data, plainSelect(query, given.rows), query.orderby !== undefined)
      }),
      runs(2_000),
    ))

  it('groups, counts and sums the same', () => expectAlike(groupQuery, 1_000))

  it('counts and finds the least and the greatest the same where an index tells', () =>
    expectAlike(tellingQuery, 2_000))

  it('groups and counts the values of one column the same where its index tells them', () =>
    expectAlike(valuesQuery, 2_000))

  it('tells the same results apart', () =>
    fc.assert(
      fc.asyncProperty(world, distinctQuery, async (given, query) => {
        const { data } = await ask(build(given), query, given)
        expectSame(data, plainSelect(query, given.rows), true)
      }),
      runs(500),
    ))

  it('gives every row once, page after page, and the rows of an offset', () =>
    fc.assert(
      fc.asyncProperty(
        world,
        fc.oneof(plainQuery, groupQuery, distinctQuery),
        fc.integer({ min: 1, max: 7 }),
        async (given, query, limit) => {
          const expected = plainSelect(query, given.rows)
          const isOrdered = query.orderby !== undefined || query.distinct === true || query.groupby !== undefined
          const tables = build(given)
          expectSame(await pages(tables, query, limit, given), expected, isOrdered)
          const part = await ask(tables, { ...query, limit, offset: 2 }, given)
          if (isOrdered) expect(part.data).to.deep.equal(bareRows(expected.slice(2, 2 + limit)))
          expect(part.complete).to.equal(expected.length <= 2 + limit)
        },
      ),
      runs(2_000),
    ))

  it('gives every row that was there once, while rows are inserted between pages', () =>
    fc.assert(
      fc.asyncProperty(world, plainQuery, fc.integer({ min: 1, max: 5 }), rows, async (given, plain, limit, late) => {
        const query = { ...plain, select: ['t', ...Object.keys(plain.join ?? {})].map((table) => `${table}.id`) }
        const isLeft = Object.values(query.join ?? {}).some(({ type }) => type === 'left')
        const expected = plainSelect(query, given.rows)
        const tables = build(given)
        const all = structuredClone(given.rows) as Record<string, Row[]>
        const insert = (number: number) => {
          const row = late[number - 1]
          // A row more in a table that is joined to the left takes the place of null.
          const name = isLeft ? 't' : (['t', 'u', 'v'][number % 3] as string)
          if (!row || all[name]!.some(({ id }) => id === row['id'])) return
          ;(tables.table('dev', name) as MemoryTable).put(row)
          all[name]!.push(row)
        }
        const data = await pages(tables, query, limit, given, insert)
        const found = asSet(data)
        expect(new Set(found).size, 'no row twice').to.equal(found.length)
        expect(found).to.include.members(asSet(expected))
        expect(asSet(plainSelect(query, all))).to.include.members(found)
      }),
      runs(2_000),
    ))
})
