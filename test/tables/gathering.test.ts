import { expect } from 'chai'
import fc from 'fast-check'
import { Problem } from '../../src/lib/index.js'
import type { Batch } from '../../src/tables/index.js'
import { Queries } from '../../src/tables/select/index.js'
import { eventually } from '../support/eventually.js'
import {
  author,
  expectSound,
  openStore,
  rowsOf,
  type Store,
  type StoreOptions,
  slowToRead,
  withFolder,
  withStore,
} from '../support/store.js'
import { asker, limits, textOf } from './select/asker.js'

const TASK = { database: 'dev', table: 'task', name: 'task', primaryKey: 'id' }
const names = { database: 'dev', table: 'task' }
/** Nothing is kept in memory, so every look-up misses. */
const COLD = { 'tables.cache_bytes_max': '0', 'tables.index_cache_bytes_max': '0' }
const EAGER: StoreOptions = { gathers: true, settings: COLD }

const task = (id: number) => ({ id, owner: `o${id % 3}`, done: id % 2 === 0, tags: [`t${id % 2}`, 'all'] })
const tasks = (count: number) => Array.from({ length: count }, (_, id) => task(id))

async function filled(store: Store, count = 30): Promise<void> {
  await store.catalog.createTable(TASK)
  await store.tables.transact(author, (batch) => batch.insert('dev', 'task', tasks(count)))
}

async function find({ tables }: Store, attribute: string, value: unknown): Promise<Record<string, unknown>[]> {
  const queries = new Queries(() => tables.snapshot(), limits)
  return JSON.parse(await textOf(await queries.searchByValue({ ...names, attribute, value }, asker)))
}

/** The values that have copies of their records now, by where these stand. */
function placesIn({ storage }: Store): string[] {
  using snapshot = storage.snapshot()
  const all = snapshot.entries(storage.keyspace('copies'), { start: '', end: '\xff' })
  return [...all].filter(([, value]) => /^\d+$/.test(value)).map(([place]) => place)
}

const copiesIn = (store: Store) => placesIn(store).length

/** Looks a value up until its records stand side by side. */
async function gathered(store: Store, attribute: string, value: unknown): Promise<void> {
  const before = copiesIn(store)
  await find(store, attribute, value)
  await eventually('there are copies', () => copiesIn(store) === before + 1)
}

const write = (store: Store, change: (batch: Batch) => unknown) => store.tables.transact(author, change)

describe('copies of records with the same value', () => {
  it('are made behind a look-up that has read them one by one, and answer the next ones', () =>
    withStore(async (store) => {
      await filled(store)
      const before = await find(store, 'owner', 'o1')
      await eventually('there are copies', () => copiesIn(store) === 1)
      // What stands there is what is answered.
      const place = `${placesIn(store)[0]!}\0`
      await store.storage.write((transaction) => {
        const space = store.storage.keyspace('copies')
        transaction.put(space, place, transaction.get(space, place)!.replace('"id":4,', '"id":4.5,'))
      })
      const after = await find(store, 'owner', 'o1')
      expect(after.map(({ id }) => id)).to.deep.equal(before.map(({ id }) => (id === 4 ? 4.5 : id)))
    }, EAGER))

  const changes: [string, (batch: Batch) => unknown][] = [
    ['a new record', (batch) => batch.insert('dev', 'task', [{ id: 100, owner: 'o1' }])],
    ['a deleted record', (batch) => batch.delete('dev', 'task', [4])],
    ['another attribute', (batch) => batch.update('dev', 'task', [{ id: 4, done: 'perhaps' }])],
    ['a record that leaves', (batch) => batch.update('dev', 'task', [{ id: 4, owner: 'o2' }])],
    ['a record that comes', (batch) => batch.update('dev', 'task', [{ id: 5, owner: 'o1' }])],
    ['an array with the value', (batch) => batch.upsert('dev', 'task', [{ id: 5, owner: ['x', 'o1'] }])],
  ]
  for (const [what, change] of changes)
    it(`go in the transaction of a change: ${what}`, () =>
      withStore(async (store) => {
        await filled(store)
        await gathered(store, 'owner', 'o1')
        await write(store, change)
        expect(copiesIn(store)).to.equal(0)
        const rows = rowsOf(store, TASK).filter(({ owner }) => [owner].flat().includes('o1'))
        const found = await find(store, 'owner', 'o1')
        expect(found.map(({ id, done }) => [id, done ?? null])).to.deep.equal(
          rows.map(({ id, done }) => [id, done ?? null]),
        )
      }, EAGER))

  it('stay where the change is about other values, and where it is refused', () =>
    withStore(async (store) => {
      await filled(store)
      await gathered(store, 'owner', 'o1')
      await write(store, (batch) => batch.update('dev', 'task', [{ id: 5, done: 'perhaps' }]))
      await write(store, (batch) => {
        batch.delete('dev', 'task', [4])
        throw new Error('on second thoughts')
      }).catch(() => {})
      expect(copiesIn(store)).to.equal(1)
      expect(await find(store, 'owner', 'o1')).to.have.length(10)
    }, EAGER))

  it('are what the records are, whatever is written and looked up at the same time, before and after a restart', () => {
    const key = fc.integer({ min: 0, max: 8 })
    const many = { minLength: 1, maxLength: 6 }
    const scalars = ['a', 'long '.repeat(300), true, null, -0, 'é\n"\\']
    const scalar = fc.constantFrom(...scalars)
    const value = fc.oneof(
      { weight: 4, arbitrary: scalar },
      { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
    )
    const record = fc.record({ id: key, a: value, b: value }, { requiredKeys: ['id'] })
    const step = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ what: fc.constantFrom('insert', 'update', 'upsert'), records: fc.array(record, many) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ what: fc.constant('delete' as const), ids: fc.array(key, { maxLength: 3 }) }),
      },
      {
        weight: 6,
        arbitrary: fc.record({
          what: fc.constant('find' as const),
          attribute: fc.constantFrom('a', 'b'),
          value: scalar,
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ what: fc.constantFrom('drop', 'wait'), attribute: fc.constantFrom('a', 'b') }),
      },
    )
    type Step = typeof step extends fc.Arbitrary<infer S> ? S : never
    const run = async (store: Store, step: Step): Promise<void> => {
      if ('records' in step)
        await write(store, (batch) => batch[step.what]('dev', 'task', structuredClone(step.records)))
      else if ('ids' in step) await write(store, (batch) => batch.delete('dev', 'task', step.ids))
      else if (step.what === 'wait') await new Promise((resolve) => setTimeout(resolve, 3))
      else if (step.what === 'drop') await store.tables.dropColumn('dev', 'task', step.attribute).catch(unlessUnknown)
      else if ('value' in step) await find(store, step.attribute, step.value).catch(unlessUnknown)
    }
    let most = 0
    return fc
      .assert(
        fc.asyncProperty(
          fc.constantFrom(0, 4, 1000),
          fc.array(step, { maxLength: 40, size: 'max' }),
          (waiting, steps) =>
            withFolder(async (folder) => {
              const options = { ...EAGER, settings: { ...COLD, 'tables.postponed_entries_max': String(waiting) } }
              for (const half of [steps.slice(0, 20), steps.slice(20)]) {
                const store = await openStore(folder, options)
                try {
                  if (!store.catalog.find('dev', 'task')) await store.catalog.createTable(TASK)
                  // Look-ups go on beside what follows.
                  const under: Promise<void>[] = []
                  for (const step of half) {
                    const done = run(store, step)
                    under.push(done)
                    if (step.what !== 'find') await done
                  }
                  await Promise.all(under)
                  most = Math.max(most, copiesIn(store))
                  expectSound(store)
                  for (const attribute of ['a', 'b'])
                    for (const value of scalars) await expectFound(store, attribute, value)
                } finally {
                  await store.close()
                }
              }
            }),
        ),
        { numRuns: Number(process.env['FC_RUNS'] ?? 25) },
      )
      .then(() => expect(most, 'copies that were compared').to.be.greaterThan(1))
  })

  it('are made for values that are looked up again and again, of records that are not in memory', () =>
    withStore(
      async (store) => {
        await filled(store)
        await find(store, 'owner', 'o1')
        await find(store, 'owner', 'o2')
        await new Promise((resolve) => setTimeout(resolve, 50))
        expect(copiesIn(store), 'once each').to.equal(0)
        await gathered(store, 'owner', 'o1')
      },
      { settings: COLD },
    ))

  it('are not made of records that are in memory, of very many, or where there is to be no room for them', async () => {
    for (const [settings, count] of [
      [{}, 30],
      [COLD, 3000],
      [{ ...COLD, 'tables.gathered_bytes_max': '0' }, 30],
    ] as const)
      await withStore(
        async (store) => {
          await filled(store, count)
          for (let n = 0; n < 4; n++) await find(store, 'owner', 'o1')
          await new Promise((resolve) => setTimeout(resolve, 50))
          expect(copiesIn(store)).to.equal(0)
        },
        { settings },
      )
  })

  it('are fetched before they are read where the disk is slow, and the records are not', () =>
    withStore(async (store) => {
      await filled(store)
      await gathered(store, 'owner', 'o1')
      const [place] = placesIn(store)
      const fetched = slowToRead(store.storage)
      expect(await find(store, 'owner', 'o1')).to.have.length(10)
      expect(fetched).to.include.members([place, `${place}\0`])
      expect(
        fetched.some((key) => key.length < place!.length && key !== place),
        'records',
      ).to.equal(false)
    }, EAGER))

  it('go when others need the room of the disk, and are not made where little is free', () =>
    withStore(async (store) => {
      await filled(store)
      const findAll = async () => {
        for (const owner of ['o0', 'o1', 'o2']) await find(store, 'owner', owner)
      }
      await findAll()
      await eventually('there are copies', () => copiesIn(store) === 3)
      const free = (bytes: number) =>
        Object.defineProperty(store.storage, 'freeBytes', { value: () => bytes, configurable: true })
      free(1e9)
      await store.tables.cleaning.run()
      expect(copiesIn(store)).to.equal(3)
      free(60e6)
      await store.tables.cleaning.run()
      expect(copiesIn(store)).to.equal(0)
      expect(store.storage.keyspace('copies').bytes()).to.equal(0)
      await findAll()
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(copiesIn(store)).to.equal(0)
      free(1e9)
      await findAll()
      await eventually('there are copies again', () => copiesIn(store) === 3)
      expectSound(store)
    }, EAGER))

  it('keep to the room that there is for them: others go', () =>
    withStore(
      async (store) => {
        await store.catalog.createTable(TASK)
        const records = Array.from({ length: 400 }, (_, id) => ({ id, owner: id >> 1, note: 'x'.repeat(2000) }))
        await write(store, (batch) => batch.insert('dev', 'task', records))
        for (let owner = 0; owner < 200; owner++) await find(store, 'owner', owner)
        await eventually('there are copies', () => copiesIn(store) > 10)
        await new Promise((resolve) => setTimeout(resolve, 100))
        expect(store.storage.keyspace('copies').bytes()).to.be.below(300_000)
        expectSound(store)
      },
      { ...EAGER, settings: { ...COLD, 'tables.gathered_bytes_max': '200000' } },
    ))
})

/** Looked up twice, of the second time perhaps in copies. */
async function expectFound(store: Store, attribute: string, value: unknown): Promise<void> {
  const schema = store.catalog.find('dev', 'task')!
  if (!schema.columns.some(({ name }) => name === attribute)) return
  const has = (row: Record<string, unknown>) => [row[attribute]].flat().includes(value)
  const shown = (row: Record<string, unknown>) => schema.columns.map(({ name }) => row[name] ?? null)
  const rows = rowsOf(store, TASK).filter((row) => (value === null ? (row[attribute] ?? null) === null : has(row)))
  for (let time = 0; time < 2; time++) {
    expect((await find(store, attribute, value)).map(shown)).to.deep.equal(rows.map(shown))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

function unlessUnknown(error: unknown): void {
  if (!(error instanceof Problem && error.code.startsWith('column_'))) throw error
}
