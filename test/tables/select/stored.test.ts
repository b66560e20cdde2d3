import { expect } from 'chai'
import fc from 'fast-check'
import type { Row } from '../../../src/tables/reader.js'
import { Queries } from '../../../src/tables/select/index.js'
import { sorted } from '../../support/memory-tables.js'
import { author, expectSound, read, type Store, slowToRead, withStore } from '../../support/store.js'
import { asker, limits, textOf } from './asker.js'
import { type PlainSelect, plainSelect } from './plain.js'
import {
  groupQuery,
  names,
  plainQuery,
  rows,
  tableNames,
  tellingQuery,
  valuesQuery,
  type World,
  world,
} from './random.js'

/** What happens to a table between two rounds of questions. */
interface Change {
  table: string
  what: 'upsert' | 'update' | 'delete' | 'columns'
  rows: readonly Row[]
  value: number | undefined
}
type Model = Record<string, Map<unknown, Row>>

const change: fc.Arbitrary<Change> = fc.record({
  table: fc.constantFrom(...tableNames),
  what: fc.constantFrom('upsert', 'update', 'delete', 'columns'),
  rows,
  value: fc.constantFrom(undefined, 1, 2),
})
const question = fc.oneof(
  { weight: 3, arbitrary: plainQuery },
  { weight: 1, arbitrary: groupQuery },
  tellingQuery,
  valuesQuery,
)

/** How much is kept in memory: nothing, so little that it is always pushed out, or everything. */
const memory = fc.constantFrom(0, 20_000, undefined)

/** Several lots of keys. */
const COUNT = 500

/** A text that is empty is no key of a stored record. */
const storable = (all: readonly Row[]) => all.filter(({ id }) => id !== '').map((row) => ({ ...row }))

async function fill(store: Store, given: World): Promise<Model> {
  const model: Model = {}
  for (const table of tableNames) {
    const columns = names.map((name) => ({
      name,
      type: name === 'd' ? ('int' as const) : ('any' as const),
      indexed: given.indexed[table]!.includes(name),
    }))
    await store.catalog.createTable({ database: 'dev', table, primaryKey: 'id', columns })
    model[table] = new Map()
    await apply(store, model, { table, what: 'upsert', rows: given.rows[table]!, value: undefined })
  }
  return model
}

async function apply(store: Store, model: Model, { table, what, rows, value }: Change): Promise<void> {
  const { tables } = store
  const records = storable(rows)
  const before = model[table]!
  if (what === 'columns') {
    await tables.dropColumn('dev', table, 'm')
    // Records are read, and kept, while they have no such column.
    read(store, (snapshot) => {
      for (const key of before.keys()) snapshot.table('dev', table)!.get(key as number)
    })
    const more = value === undefined ? {} : { default: value }
    await tables.addColumn('dev', table, { name: 'm', type: 'any', ...more })
    for (const row of before.values()) (row as Record<string, unknown>)['m'] = value ?? null
  } else if (what === 'delete') {
    const ids = records.map(({ id }) => id as number)
    await tables.transact(author, (batch) => batch.delete('dev', table, ids))
    for (const id of ids) before.delete(id)
  } else {
    await tables.transact(author, (batch) => batch[what]('dev', table, structuredClone(records)))
    for (const row of records) if (what === 'upsert' || before.has(row.id)) before.set(row.id, row)
  }
}

describe('select on stored records', () => {
  it('finds what a plain evaluator finds, whatever is kept in memory while records and columns come and go', () =>
    fc.assert(
      fc.asyncProperty(
        world,
        memory,
        fc.boolean(),
        fc.boolean(),
        fc.array(question, { minLength: 1, maxLength: 6 }),
        fc.array(change, { maxLength: 4 }),
        async (given, bytes, isSlow, gathers, questions, changes) => {
          const kept = { 'tables.cache_bytes_max': String(bytes), 'tables.index_cache_bytes_max': String(bytes) }
          const settings = bytes === undefined ? {} : kept
          await withStore(
            async (store) => {
              if (isSlow) slowToRead(store.storage)
              const model = await fill(store, given)
              const queries = new Queries(
                () => store.tables.snapshot(),
                { ...limits, slice_ms: given.slice_ms },
                given.costs,
              )
              const ask = async (query: PlainSelect) => {
                const answer = await queries.select({ database: 'dev', ...query }, asker)
                const { data } = JSON.parse(await textOf(answer)) as { data: Record<string, unknown>[] }
                return data
              }
              // Without an order, any order is right.
              const listed = (query: PlainSelect, data: Record<string, unknown>[]) =>
                query.orderby ? data.map(sorted) : data.map(sorted).sort()
              for (const next of [...changes, undefined]) {
                const all = Object.fromEntries(tableNames.map((table) => [table, [...model[table]!.values()]]))
                // Twice: what the first one has read is in memory for the second one.
                for (const query of [...questions, ...questions])
                  expect(listed(query, await ask(query))).to.deep.equal(listed(query, plainSelect(query, all)))
                if (next) await apply(store, model, next)
              }
              expectSound(store)
            },
            { settings, gathers },
          )
        },
      ),
      { numRuns: Number(process.env['FC_RUNS'] ?? 40) },
    ))

  it('keeps rows without an attribute that is called as one that every object inherits, in its order', () =>
    withStore(async (store) => {
      await store.catalog.createTable({ database: 'dev', table: 't', primaryKey: 'id' })
      const records: Row[] = [{ id: 1, valueOf: 1 }, { id: 2 }, { id: 3, valueOf: 0 }]
      // Of the first records all have it, so what comes then is known to be nothing.
      for (const record of records) await store.tables.transact(author, (batch) => batch.insert('dev', 't', [record]))
      const queries = new Queries(() => store.tables.snapshot(), limits)
      const request = { database: 'dev', table: 't', select: ['id'], orderby: 'valueOf', limit: 5, explain: true }
      const { data, plan } = JSON.parse(await textOf(await queries.select(request, asker)))
      expect(plan.order).to.equal('index')
      expect(data).to.deep.equal([{ id: 2 }, { id: 3 }, { id: 1 }])
    }))

  it('finds numbers that another node has in a column of text, by how they are written', () =>
    withStore(async ({ catalog, tables }) => {
      const columns = [{ name: 'id' }, { name: 'code', type: 'text' }]
      await catalog.createTable({ database: 'dev', table: 't', primaryKey: 'id', columns })
      const version = { time: tables.clock.now(), origin: 'e' }
      const records = ['12', 12, -12, '3', 3].map((code, id) => ({ id, code }))
      const change = { version, user: '', operation: 'upsert' as const, keys: [0, 1, 2, 3, 4], records }
      await tables.transact(author, ({ transaction }) =>
        tables.replica.apply(transaction, 'dev', 't', change, { logLost: false }),
      )
      const queries = new Queries(() => tables.snapshot(), limits)
      const found = async (pattern: string) => {
        const where = [['code', 'like', pattern]]
        const request = { database: 'dev', table: 't', select: ['id'], where, explain: true }
        const { data, plan } = JSON.parse(await textOf(await queries.select(request, asker)))
        expect(plan.access).to.equal('index')
        return data.map(({ id }: { id: number }) => id).sort()
      }
      expect([await found('1*'), await found('-*')]).to.deep.equal([[0, 1], [2]])
    }))

  it('fetches what it reads where the disk is slow, and nothing that is in memory', () =>
    withStore(async (store) => {
      const { catalog, tables, storage } = store
      await catalog.createTable({ database: 'dev', table: 't', primaryKey: 'id' })
      const records = Array.from({ length: COUNT }, (_, id) => ({ id, group: id % 2 }))
      await tables.transact(author, (batch) => batch.insert('dev', 't', structuredClone(records)))
      const queries = new Queries(() => tables.snapshot(), limits)
      const name = { database: 'dev', table: 't', get_attributes: ['id'] }
      const questions = [
        () => queries.searchById({ ...name, ids: [7, 9] }, asker),
        () => queries.searchById({ ...name, ids: records.map(({ id }) => id) }, asker),
        () => queries.searchByValue({ ...name, attribute: 'group', value: 1 }, asker),
        () => queries.searchByConditions({ ...name, conditions: [{ attribute: 'group', value: 0 }], limit: 3 }, asker),
      ]
      const ask = async () => {
        const answers: string[] = []
        for (const question of questions) answers.push(await textOf(await question()))
        return answers
      }
      const fetched = slowToRead(storage)
      const slow = await ask()
      // Two records, the others, and where the index begins for each value.
      expect(fetched).to.have.length(COUNT + 2)
      expect(await ask()).to.deep.equal(slow)
      expect(fetched).to.have.length(COUNT + 2)
      Object.defineProperty(storage, 'isSlowToRead', { value: false })
      expect(await ask()).to.deep.equal(slow)
      const ids = (answer: string) => (JSON.parse(answer) as { id: number }[]).map(({ id }) => id)
      expect(ids(slow[2]!)).to.deep.equal(records.filter(({ group }) => group === 1).map(({ id }) => id))
      expect(ids(slow[3]!)).to.deep.equal([0, 2, 4])
    }))

  it('fetches the page of the index where it goes on, in both directions', () =>
    withStore(
      async ({ tables, catalog, storage }) => {
        const columns = [
          { name: 'id', type: 'int' as const },
          { name: 'at', type: 'int' as const, notNull: true, indexed: true },
        ]
        await catalog.createTable({ database: 'dev', table: 't', primaryKey: 'id', columns })
        const records = Array.from({ length: 40 }, (_, id) => ({ id, at: 100 + id }))
        await tables.transact(author, (batch) => batch.insert('dev', 't', records))
        const queries = new Queries(() => tables.snapshot(), limits)
        const fetched = slowToRead(storage)
        for (const order of ['asc', 'desc']) {
          const places: string[] = []
          const seen: number[] = []
          let cursor: string | undefined
          do {
            fetched.length = 0
            const request = {
              database: 'dev',
              table: 't',
              select: ['at'],
              where: [['at', '>=', 0]],
              orderby: `at ${order}`,
              limit: 10,
              cursor,
            }
            const { data, next } = JSON.parse(await textOf(await queries.select(request, asker)))
            seen.push(...data.map(({ at }: { at: number }) => at))
            places.push(fetched[0]!)
            cursor = next
          } while (cursor)
          const wanted = records.map(({ at }) => at)
          expect(seen).to.deep.equal(order === 'asc' ? wanted : wanted.toReversed())
          const upwards = places.toSorted()
          expect(places).to.deep.equal(order === 'asc' ? upwards : upwards.toReversed())
          expect(new Set(places).size).to.equal(4)
        }
      },
      { settings: { 'tables.cache_bytes_max': '0', 'tables.index_cache_bytes_max': '0' } },
    ))
})
