import { expect } from 'chai'
import type { Batch } from '../../src/tables/index.js'
import { Queries } from '../../src/tables/select/index.js'
import { author, expectSound, type Store, withStore } from '../support/store.js'
import { asker, limits, textOf } from './select/asker.js'

const DOG = { database: 'dev', table: 'dog', primaryKey: 'id' }

function contents({ catalog }: Store): Record<string, unknown> {
  const { columns } = catalog.current.table('dev', 'dog')!
  return Object.fromEntries(
    columns.filter(({ name }) => !/^(id|__.*)$/.test(name)).map(({ name, content }) => [name, content]),
  )
}

const transact = (store: Store, run: (batch: Batch) => void) => store.tables.transact(author, run)
const insert = (store: Store, ...records: object[]) =>
  transact(store, (batch) => batch.insert('dev', 'dog', structuredClone(records) as never))

async function planOf(store: Store, request: object): Promise<Record<string, unknown>> {
  const queries = new Queries(() => store.tables.snapshot(), limits)
  const all = { database: 'dev', table: 'dog', select: ['id'], explain: true, ...request }
  return (JSON.parse(await textOf(await queries.select(all, asker))) as { plan: Record<string, unknown> }).plan
}

describe('what a column holds', () => {
  it('is known from the first record on, and widens with what is written', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await insert(store, { id: 1, a: 1, b: 'x', c: true, d: [1], e: 1 }, { id: 2, a: 2, b: null, c: false, d: 2 })
      expect(contents(store)).to.deep.equal({ a: 'scalar', b: 'nullable', c: 'scalar', d: undefined, e: 'nullable' })
      await insert(store, { id: 3, a: 3, b: 'y', c: 0, d: 1, e: 5, f: 6 })
      expect(contents(store), 'one that came later').to.include({ a: 'scalar', f: 'nullable' })
      await transact(store, (batch) => batch.update('dev', 'dog', [{ id: 1, b: { x: 1 }, c: null }]))
      expect(contents(store)).to.include({ a: 'scalar', b: undefined, c: 'nullable' })
      await transact(store, (batch) => batch.delete('dev', 'dog', [1, 2, 3]))
      expect(contents(store), 'it never narrows').to.include({ a: 'scalar', b: undefined, c: 'nullable' })
      expectSound(store)
    }))

  it('counts what the same transaction has written before', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await transact(store, (batch) => {
        batch.insert('dev', 'dog', [{ id: 1, a: 1 }])
        batch.insert('dev', 'dog', [{ id: 2, b: 1 }])
      })
      expect(contents(store)).to.deep.equal({ a: 'nullable', b: 'nullable' })
      expectSound(store)
    }))

  it('stays as it was where a write is refused', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await insert(store, { id: 1, a: 1 })
      const refused = transact(store, (batch) => {
        batch.insert('dev', 'dog', [{ id: 2, a: [] }])
        throw new Error('given up')
      })
      await refused.catch(() => {})
      expect(contents(store)).to.deep.equal({ a: 'scalar' })
      await Promise.all([insert(store, { id: 3, a: null }), insert(store, { id: 4, a: {} })])
      expect(contents(store)).to.deep.equal({ a: undefined })
      expectSound(store)
    }))

  it('is known of columns that are added to a table with records', () =>
    withStore(async (store) => {
      const columns = [{ name: 'id', type: 'int' }, { name: 'a', type: 'text' }, { name: 'j' }]
      await store.catalog.createTable({ ...DOG, columns })
      await insert(store, { id: 1, a: 'x', j: 1 })
      await store.tables.addColumn('dev', 'dog', { name: 'b', type: 'int' })
      await store.tables.addColumn('dev', 'dog', { name: 'c', type: 'int', default: 3 })
      await store.tables.addColumn('dev', 'dog', { name: 'd', default: { x: 1 } })
      expect(contents(store)).to.deep.equal({ a: 'scalar', j: 'scalar', b: 'nullable', c: 'scalar', d: undefined })
      await insert(store, { id: 2, a: 'y', j: 2 })
      await transact(store, (batch) => batch.update('dev', 'dog', [{ id: 1, c: null }]))
      expect(contents(store)).to.include({ a: 'scalar', c: 'nullable' })
      expectSound(store)
    }))

  it('lets a query read an index in its order, however many records have nothing there', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      const records = Array.from({ length: 4000 }, (_, id) => ({ id, age: id % 50, ...(id % 10 > 0 && { due: id }) }))
      await insert(store, ...records)
      const first = { order: 'index', rows_read: 6 }
      expect(await planOf(store, { orderby: '__createdtime__ desc', limit: 5 })).to.include(first)
      expect(await planOf(store, { orderby: 'age', limit: 5 })).to.include(first)
      expect(await planOf(store, { orderby: 'due desc', limit: 5 })).to.include(first)
      expect(await planOf(store, { orderby: 'due', limit: 5 }), 'nine of ten rows passed').to.include({ rows_read: 51 })
      const rare = { where: [['age', 'like', '*7']], orderby: 'due desc', limit: 5 }
      expect(await planOf(store, rare)).to.include({ order: 'index' })
      const none = { where: [['age', 'like', '*x']], orderby: 'due desc', limit: 5 }
      expect(await planOf(store, none), 'given up soon').to.include({ order: 'sort', access: 'scan' })
      expect(await planOf(store, { select: [{ max: 'due' }] })).to.include({ rows_read: 1 })
      expect(await planOf(store, { select: [{ min: 'due' }] })).to.include({ rows_read: 1 })
      const young = { select: [{ count: '*' }], where: [['age', '<', 10]] }
      expect(await planOf(store, young)).to.include({ keys_read: 800, rows_read: 0, rows_kept: 800 })
      await insert(store, { id: 5000, due: { year: 2026 } })
      expect(await planOf(store, { orderby: 'due desc', limit: 5 })).to.include({ order: 'sort' })
    }))

  it('is no way to the few rows that conditions or joins leave, whichever end of the order they are at', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await store.catalog.createTable({ ...DOG, table: 'owner' })
      const records = Array.from({ length: 40_000 }, (_, id) => ({ id, breed: id % 20, ...(id > 0 && { due: -id }) }))
      for (let at = 0; at < records.length; at += 10_000) await insert(store, ...records.slice(at, at + 10_000))
      await transact(store, (batch) => batch.insert('dev', 'owner', [{ id: 0, name: 'x' }]))
      const sorted = { order: 'sort', rows_read: 2000 }
      const where = [['breed', '=', 7]]
      expect(await planOf(store, { where, orderby: 'due', limit: 5 }), 'behind those with nothing').to.include(sorted)
      const none = [...where, ['due', 'like', 'x*y']]
      expect(await planOf(store, { where: none, orderby: 'id', limit: 5 }), 'by key').to.include(sorted)
      const few = [{ or: [{ due: -1 }, { due: -2 }] }]
      const two = { access: 'union', order: 'sort', rows_read: 2 }
      expect(await planOf(store, { where: few, orderby: 'breed', limit: 5 }), 'a union').to.include(two)
      expect(await planOf(store, { where: few, orderby: 'id desc', limit: 5 }), 'and by key').to.include(two)
      const join = { owner: { on: { 'dog.breed': 'owner.id' }, type: 'inner' } }
      const nobody = { select: ['dog.id'], join, where: [['owner.name', 'like', '*y']], limit: 5 }
      const scan = { access: 'scan', order: 'sort' }
      expect(await planOf(store, { ...nobody, orderby: 'dog.due desc' }), 'a join').to.include(scan)
    }))

  it('is not looked through for as many rows as there are', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await insert(store, ...Array.from({ length: 8000 }, (_, id) => ({ id, breed: id % 4, due: -id })))
      const read: string[] = []
      const look = () => {
        const snapshot = store.tables.snapshot()
        const reader = snapshot.table('dev', 'dog')!
        const range = reader.range.bind(reader)
        reader.range = (of) => {
          read.push(of.attribute)
          return range(of)
        }
        return { table: () => reader, [Symbol.dispose]: () => snapshot[Symbol.dispose]() }
      }
      const request = { database: 'dev', table: 'dog', select: ['id'], where: [['breed', '=', 3]], orderby: 'due' }
      await textOf(await new Queries(look, limits).select({ ...request, limit: 2000 }, asker))
      expect(read).to.deep.equal(['breed'])
    }))

  it('leads the last page of an order to its end soon', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      const records = Array.from({ length: 10_000 }, (_, id) => ({ id, breed: Math.floor(id / 1200), due: id }))
      await insert(store, ...records)
      const queries = new Queries(() => store.tables.snapshot(), limits)
      const request = { database: 'dev', table: 'dog', select: ['id'], where: [['breed', '=', 0]], orderby: 'due' }
      const found: { id: number }[] = []
      for (let cursor: string | undefined; ; ) {
        const asked = { ...request, limit: 700, explain: true, ...(cursor && { cursor }) }
        const { data, next, plan } = JSON.parse(await textOf(await queries.select(asked, asker)))
        found.push(...data)
        if (found.length === 1200) expect(plan).to.include({ order: 'sort', rows_read: 1200 })
        else expect(plan).to.include({ order: 'index', rows_read: 701 })
        cursor = next
        if (!cursor) break
      }
      expect(found.map(({ id }) => id)).to.deep.equal(Array.from({ length: 1200 }, (_, id) => id))
    }))

  it('counts records of nodes that declare the table otherwise', () =>
    withStore(async (store) => {
      const declared = ['id', 'n'].map((name) => ({ name, type: 'int', not_null: true }))
      await store.catalog.createTable({ ...DOG, columns: declared })
      const remote = (...records: { id: number; [name: string]: unknown }[]) =>
        transact(store, ({ transaction }) => {
          const change = { version: { time: 1, origin: 'e' }, user: '', operation: 'insert' as const }
          const keys = records.map(({ id }) => id)
          store.tables.replica.apply(transaction, 'dev', 'dog', { ...change, keys, records }, { logLost: true })
        })
      await remote({ id: 1, n: 5, later: 1 }, { id: 2, n: null, later: null }, { id: 3, later: { x: 1 } })
      expect(contents(store)).to.deep.equal({ n: 'nullable' })
      const queries = new Queries(() => store.tables.snapshot(), limits)
      const request = { database: 'dev', table: 'dog', select: ['id'], orderby: ['n', 'id'] }
      const { data } = JSON.parse(await textOf(await queries.select(request, asker))) as { data: { id: number }[] }
      expect(data.map(({ id }) => id)).to.deep.equal([2, 3, 1])
      await store.tables.addColumn('dev', 'dog', { name: 'later' })
      expectSound(store)
      expect(await planOf(store, { where: [['later', '=', 1]] })).to.include({ access: 'index', rows_kept: 1 })
      await store.tables.dropColumn('dev', 'dog', 'later')
      await store.tables.cleaning.run()
      await store.tables.addColumn('dev', 'dog', { name: 'later', default: 7 })
      expectSound(store)
    }))
})
