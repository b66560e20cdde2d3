import { expect } from 'chai'
import fc from 'fast-check'
import type { Row } from '../../../src/tables/index.js'
import { type Costs, Queries, type SearchByConditionsRequest } from '../../../src/tables/index.js'
import { MemoryTables, order, schemaOf, sorted } from '../../support/memory-tables.js'
import { asker, limits, textOf } from './asker.js'
import { anyValue, build, world } from './random.js'

interface Sketch {
  attribute?: string | string[]
  comparator?: string
  value?: unknown
  operator?: 'and' | 'or'
  conditions?: Sketch[]
}

/** HarperDB's conditions, the plain way: an array passes when it or one of its elements does. */
function passes(row: Row, { attribute, comparator = 'equals', value, operator = 'and', conditions }: Sketch): boolean {
  if (conditions) {
    const results = conditions.map((condition) => passes(row, condition))
    return operator === 'and' ? !results.includes(false) : results.includes(true)
  }
  const found = [attribute]
    .flat()
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | null)?.[name as string] ?? null, row)
  if (comparator === 'not_equal' && value === null) return found !== null
  if (comparator === 'equals' && value === null) return found === null
  const candidates = Array.isArray(found) ? [found, ...found] : [found]
  if (comparator === 'not_equal') return found !== null && !candidates.some((it) => order(it, value) === 0)
  return candidates.some((it) => it !== null && one(it, comparator, value))
}

function one(found: unknown, comparator: string, value: unknown): boolean {
  if (comparator === 'equals') return order(found, value) === 0
  if (comparator === 'between') {
    const [low, high] = value as [unknown, unknown]
    return one(found, 'greater_than_equal', low) && one(found, 'less_than_equal', high)
  }
  if (typeof found !== typeof value) return false
  const text = String(found)
  if (comparator === 'contains') return typeof found === 'string' && text.includes(value as string)
  if (comparator === 'starts_with') return typeof found === 'string' && text.startsWith(value as string)
  if (comparator === 'ends_with') return typeof found === 'string' && text.endsWith(value as string)
  const difference = order(found, value)
  if (comparator.startsWith('greater')) return difference > 0 || (difference === 0 && comparator.endsWith('equal'))
  return difference < 0 || (difference === 0 && comparator.endsWith('equal'))
}

const attribute = fc.constantFrom('id', 'n', 's', 'm', 'r', ['m', 'x'])
const scalar = fc.constantFrom<unknown>(0, 1, 2, 'a', 'ab', 'b', true, `${'x'.repeat(199)}ab`)
const text = fc.constantFrom('', 'a', 'b', 'x', 'xxxxxx', `${'x'.repeat(199)}a`)
const ordered = fc.constantFrom('greater_than', 'greater_than_equal', 'less_than', 'less_than_equal')
const leaf: fc.Arbitrary<Sketch> = fc.oneof(
  fc.record({ attribute, value: anyValue }),
  fc.record({ attribute, comparator: fc.constantFrom('equals', 'not_equal'), value: fc.oneof(scalar, anyValue) }),
  fc.record({ attribute, comparator: ordered, value: scalar }),
  fc.record({ attribute, comparator: fc.constantFrom('contains', 'starts_with', 'ends_with'), value: text }),
  fc.record({ attribute, comparator: fc.constant('between'), value: fc.tuple(scalar, scalar) }),
)
const { group } = fc.letrec<{ group: Sketch }>((tie) => ({
  group: fc.record({
    operator: fc.constantFrom('and', 'or'),
    conditions: fc.array(fc.oneof({ maxDepth: 2, depthSize: 'small' }, leaf, tie('group')), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
}))
const sort = fc.option(
  fc.record({
    attribute: fc.constantFrom('n', 'm', 'd', 'id'),
    descending: fc.boolean(),
    next: fc.option(fc.record({ attribute: fc.constantFrom('s', 'd'), descending: fc.boolean() }), { nil: undefined }),
  }),
  { nil: undefined },
)

async function conditions(tables: MemoryTables, request: object, costs?: Costs): Promise<Row[]> {
  const full = { database: 'dev', table: 't', ...request } as SearchByConditionsRequest
  return JSON.parse(
    await textOf(await new Queries(() => tables, limits, costs).searchByConditions(full, asker)),
  ) as Row[]
}

describe('the searches', () => {
  it('find by conditions what a plain evaluator finds', () =>
    fc.assert(
      fc.asyncProperty(
        world,
        group,
        sort,
        fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
        async (given, wish, by, limit) => {
          const expected = given.rows['t']!.filter((row) => passes(row, wish))
          const all = await conditions(build(given), { ...wish, sort: by }, given.costs)
          expect(all.map(sorted).sort()).to.deep.equal(expected.map(sorted).sort())
          const part = await conditions(build(given), { ...wish, sort: by, limit, offset: 1 }, given.costs)
          if (by) expect(part).to.deep.equal(all.slice(1, limit === undefined ? undefined : 1 + limit))
          else expect(part.length).to.equal(Math.min(limit ?? 1e9, Math.max(0, all.length - 1)))
          for (let term: typeof by | undefined = by, i = 1; term && i < all.length; i++) {
            const difference = order(all[i - 1]![term.attribute], all[i]![term.attribute])
            expect(term.descending ? -difference : difference, 'in order').to.be.at.most(0)
          }
        },
      ),
      { numRuns: Number(process.env['FC_RUNS'] ?? 2_000) },
    ))

  const dogs = new MemoryTables()
  const columns = ['id', 'name', 'age', 'tags'].map((name) => ({ name, indexed: name !== 'id' }))
  dogs.add(schemaOf('t', columns), [
    { id: 1, name: 'Penny', age: 8, tags: ['a', 'b'] },
    { id: 2, name: 'Harper', age: 5 },
    { id: 3, name: 'Kylo', age: null, tags: ['b'] },
    { id: '1', name: 'a*b', age: 5 },
  ])
  const queries = new Queries(() => dogs, limits)
  const byValue = async (request: object) =>
    JSON.parse(
      await textOf(await queries.searchByValue({ database: 'dev', table: 't', ...request } as never, asker)),
    ) as Row[]
  const ids = (rows: readonly Row[]) => rows.map(({ id }) => id)

  it('find by value, with stars for any text', async () => {
    expect(ids(await byValue({ attribute: 'name', value: 'Ky*' }))).to.deep.equal([3])
    expect(ids(await byValue({ attribute: 'name', value: '*er' }))).to.deep.equal([2])
    expect(ids(await byValue({ attribute: 'name', value: '*e*' }))).to.deep.equal([1, 2])
    expect(ids(await byValue({ attribute: 'name', value: 'a\\**' }))).to.deep.equal(['1'])
    expect(ids(await byValue({ attribute: 'name', value: '*' }))).to.deep.equal([1, 2, 3, '1'])
    expect(ids(await byValue({ attribute: 'tags', value: 'b' }))).to.deep.equal([1, 3])
    expect(ids(await byValue({ attribute: 'age', value: 5 }))).to.deep.equal([2, '1'])
    expect(ids(await byValue({ attribute: 'age', value: '5' }))).to.deep.equal([])
    expect(ids(await byValue({ attribute: 'age', value: null }))).to.deep.equal([3])
    expect(ids(await byValue({ attribute: 'age', value: '*', desc: true, limit: 2 }))).to.deep.equal([1, '1'])
  })

  it('give absent attributes as null, and only those that are asked for', async () => {
    expect(await byValue({ attribute: 'name', value: 'Harper', get_attributes: ['tags', 'id'] })).to.deep.equal([
      { tags: null, id: 2 },
    ])
  })

  it('find by id in the order of the ids, leaving out those that are not there', async () => {
    const request = { database: 'dev', table: 't', ids: ['1', 7, 2, 1], get_attributes: ['id'] }
    expect(JSON.parse(await textOf(await queries.searchById(request, asker)))).to.deep.equal([
      { id: '1' },
      { id: 2 },
      { id: 1 },
    ])
  })

  it('refuse what they do not know', async () => {
    const refusals: [object, string][] = [
      [{ conditions: [] }, 'condition_malformed'],
      [{ conditions: [{ attribute: 'nope', value: 1 }] }, 'column_unknown'],
      [{ conditions: [{ attribute: 'age', comparator: 'equal', value: 1 }] }, 'operator_unknown'],
      [{ conditions: [{ attribute: 'age', comparator: 'constructor', value: 1 }] }, 'operator_unknown'],
      [{ conditions: [{ attribute: 'age', comparator: 'between', value: [1] }] }, 'condition_malformed'],
      [{ conditions: [{ attribute: 'age', comparator: 'less_than', value: null }] }, 'condition_malformed'],
      [{ conditions: [{ attribute: 'age' }] }, 'condition_malformed'],
      [{ conditions: [{ attribute: 'age', operator: 'greater_than', value: 1 }] }, 'condition_malformed'],
      [{ conditions: [{ conditions: [{ attribute: 'age', value: 1 }], attribute: 'name' }] }, 'condition_malformed'],
      [{ conditions: [{ attribute: 'age', comparator: 'not_equal' }] }, 'condition_malformed'],
      [{ conditions: [{ attribute: 'age', value: 1 }], operator: 'xor' }, 'condition_malformed'],
      [{ conditions: [{ attribute: 'age', value: 1 }], get_attributes: ['toString'] }, 'column_unknown'],
      [{ conditions: [{ attribute: 'age', value: 1 }], table: 'nope' }, 'table_not_found'],
    ]
    for (const [request, code] of refusals) {
      const refused = await conditions(dogs, request).then(
        () => 'answered',
        (error: { code: string }) => error.code,
      )
      expect(refused, JSON.stringify(request)).to.equal(code)
    }
  })
})
