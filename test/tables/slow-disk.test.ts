import { expect } from 'chai'
import { loadConfig } from '../../src/config/index.js'
import { allRights, everything } from '../../src/lib/index.js'
import { Queries, Writes } from '../../src/tables/index.js'
import { eventually } from '../support/eventually.js'
import { author, rowsOf, slowToRead, withStore } from '../support/store.js'

const TASK = { database: 'dev', table: 'task', name: 'task', primaryKey: 'id' }
const names = { database: 'dev', table: 'task' }
const { select } = loadConfig({ flags: [] })
const writer = { user: 'admin', view: everything, rights: allRights, signal: new AbortController().signal }

describe('writes where the disk is slow', () => {
  it('fetch the records that they name, before the transaction', () =>
    withStore(async (store) => {
      const { catalog, tables, storage } = store
      await catalog.createTable(TASK)
      const writes = new Writes(tables, { ...select, records_max: 10_000 })
      const records = Array.from({ length: 300 }, (_, id) => ({ id, state: 'open' }))
      await tables.transact(author, (batch) => batch.insert('dev', 'task', records))
      const fetched = slowToRead(storage)
      const countOf = async (write: () => Promise<unknown>) => {
        fetched.length = 0
        await write()
        return fetched.length
      }
      const ids = records.slice(0, 200).map(({ id }) => id)
      expect(await countOf(() => writes.update({ ...names, set: { state: 'done' }, ids }, writer))).to.equal(200)
      const odd = [{ id: 7, state: 'odd' }, { state: 'new' }, { id: 'text', state: 'x' }]
      expect(await countOf(() => writes.upsert({ ...names, records: odd }, writer))).to.equal(2)
      expect(await countOf(() => writes.insert({ ...names, records: [{ id: 1000 }, {}] }, writer))).to.equal(1)
      const step = { operation: 'delete' as const, table: 'task', ids: [299] }
      expect(await countOf(() => writes.transaction({ database: 'dev', operations: [step] }, writer))).to.equal(1)
      expect(await countOf(() => writes.delete({ ...names, ids: [298, 5000] }, writer))).to.equal(2)
      const rows = rowsOf(store, TASK)
      expect(rows.find(({ id }) => id === 7)).to.include({ state: 'odd' })
      expect(rows.filter(({ state }) => state === 'done')).to.have.length(199)
      expect(rows.some(({ id }) => id === 298 || id === 299)).to.equal(false)
    }))

  it('are refused as ever', () =>
    withStore(async (store) => {
      slowToRead(store.storage)
      const writes = new Writes(store.tables, { ...select, records_max: 10_000 })
      let code: unknown
      await writes.insert({ ...names, records: [{ id: 1 }] }, writer).catch((error) => (code = error.code))
      expect(code).to.equal('table_not_found')
      await store.catalog.createTable(TASK)
      await writes
        .insert({ ...names, records: [{ id: 'x'.repeat(5000) }] }, writer)
        .catch((error) => (code = error.code))
      expect(code).to.equal('key_invalid')
    }))

  it('are not begun any more where nobody waits, and hold no snapshot while they wait', () =>
    withStore(async ({ storage, catalog, tables }) => {
      await catalog.createTable(TASK)
      const writes = new Writes(tables, { ...select, records_max: 10_000 })
      const queries = new Queries(() => tables.snapshot(), select)
      slowToRead(storage)
      let fetching = 0
      storage.fetch = () => {
        fetching++
        return new Promise(() => {})
      }
      let open = 0
      const { snapshot } = storage
      storage.snapshot = () => {
        const opened = snapshot.call(storage)
        const dispose = opened[Symbol.dispose].bind(opened)
        open++
        opened[Symbol.dispose] = () => {
          open--
          dispose()
        }
        return opened
      }
      const leaving = new AbortController()
      const left = { ...writer, signal: leaving.signal }
      const records = [{ id: 1 }]
      const asked = [
        writes.insert({ ...names, records }, left),
        writes.upsert({ ...names, records }, left),
        writes.delete({ ...names, ids: [1] }, left),
        queries.searchById({ ...names, ids: [1] }, left),
      ]
      const all = Promise.allSettled(asked)
      await eventually('all wait', () => fetching === asked.length)
      expect(open).to.equal(0)
      leaving.abort(new Error('left'))
      expect((await all).map((one) => one.status === 'rejected' && one.reason.message)).to.deep.equal(
        asked.map(() => 'left'),
      )
    }))
})
