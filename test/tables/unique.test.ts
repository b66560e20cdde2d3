import { expect } from 'chai'
import fc from 'fast-check'
import { Problem } from '../../src/lib/index.js'
import { everything } from '../../src/lib/view.js'
import { type Batch, Writes } from '../../src/tables/index.js'
import { author, expectSound, read, rowsOf, type Store, withStore } from '../support/store.js'

const SEAT = {
  database: 'dev',
  table: 'seat',
  name: 'seat',
  primaryKey: 'id',
  columns: [
    { name: 'id', type: 'int' },
    { name: 'code', type: 'text', unique: true },
  ],
}

type Seat = { id: number; code: string | null }

async function withSeats(seats: Seat[], test: (store: Store) => Promise<void>): Promise<void> {
  await withStore(async (store) => {
    await store.catalog.createTable(SEAT)
    await store.tables.transact(author, (batch) => batch.insert('dev', 'seat', seats))
    await test(store)
  })
}

function change(store: Store, work: (batch: Batch) => unknown): Promise<unknown> {
  return store.tables.transact(author, work)
}

const codes = (store: Store) => rowsOf(store, SEAT).map(({ code }) => code)

async function refusal(work: Promise<unknown>): Promise<Problem> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).to.be.instanceOf(Problem)
  return error as Problem
}

describe('unique values', () => {
  const three = [
    { id: 1, code: 'a' },
    { id: 2, code: 'b' },
    { id: 3, code: 'c' },
  ]

  it('may be swapped and rotated within one operation, and are known afterwards', () =>
    withSeats(three, async (store) => {
      await change(store, (batch) =>
        batch.update('dev', 'seat', [
          { id: 1, code: 'b' },
          { id: 2, code: 'a' },
        ]),
      )
      expect(codes(store)).to.deep.equal(['b', 'a', 'c'])
      const rotated = ['a', 'c', 'b'].map((code, at) => ({ id: at + 1, code }))
      await change(store, (batch) => batch.upsert('dev', 'seat', rotated))
      expect(codes(store)).to.deep.equal(['a', 'c', 'b'])
      expectSound(store)
      const { code, facts } = await refusal(
        change(store, (batch) => batch.insert('dev', 'seat', [{ id: 4, code: 'c' }])),
      )
      expect(code).to.equal('value_taken')
      expect(facts).to.include({ index: 0, column: 'code' })
    }))

  it('may be swapped in steps of one transaction, and are refused when its end leaves one twice', () =>
    withSeats(three, async (store) => {
      const limits = { slice_ms: 5, records_max: 100, conditions_max: 100, joins_max: 4 }
      const writes = new Writes(store.tables, limits as never)
      const writer = { ...author, view: everything, signal: new AbortController().signal }
      const step = (id: number, code: string) => ({
        operation: 'update' as const,
        table: 'seat',
        records: [{ id, code }],
      })
      await writes.transaction({ database: 'dev', operations: [step(1, 'c'), step(3, 'a')] }, writer)
      expect(codes(store)).to.deep.equal(['c', 'b', 'a'])
      const twice = writes.transaction({ database: 'dev', operations: [step(1, 'b'), step(3, 'x')] }, writer)
      expect((await refusal(twice)).code).to.equal('value_taken')
      expect(codes(store), 'nothing was stored').to.deep.equal(['c', 'b', 'a'])
    }))

  it('are accepted exactly when the state at the end of the operation has each once', async () => {
    const seat = fc.record({ id: fc.integer({ min: 1, max: 5 }), code: fc.constantFrom('a', 'b', 'c', 'd', null) })
    const operation = fc.record({
      kind: fc.constantFrom('upsert' as const, 'delete' as const),
      seats: fc.array(seat, { minLength: 1, maxLength: 6 }),
    })
    await withSeats([], async (store) => {
      const model = new Map<number, string | null>()
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 3 }), async (operations) => {
          const after = new Map(model)
          for (const { kind, seats } of operations)
            for (const { id, code } of seats) kind === 'upsert' ? after.set(id, code) : after.delete(id)
          const taken = [...after.values()].filter((code) => code !== null)
          const isSound = new Set(taken).size === taken.length
          const written = change(store, (batch) => {
            for (const { kind, seats } of operations) {
              if (kind === 'upsert') batch.upsert('dev', 'seat', structuredClone(seats))
              else
                batch.delete(
                  'dev',
                  'seat',
                  seats.map(({ id }) => id),
                )
            }
          })
          if (!isSound) expect((await refusal(written)).code).to.equal('value_taken')
          else {
            await written
            model.clear()
            for (const [id, code] of after) model.set(id, code)
          }
          expect(new Map(rowsOf(store, SEAT).map(({ id, code }) => [id, code]))).to.deep.equal(model)
          expectUniquesOf(store, [...model.values()].filter((code) => code !== null).length)
        }),
        { numRuns: 500 },
      )
      expectSound(store)
    })
  })

  it('that parents swap take the children along', () =>
    withSeats(three, async (store) => {
      await store.catalog.createTable({
        database: 'dev',
        table: 'guest',
        primaryKey: 'id',
        columns: [
          { name: 'id', type: 'int' },
          { name: 'seat', type: 'text' },
        ],
        foreignKeys: [{ column: 'seat', table: 'seat', references: 'code', on_update: 'cascade' }],
      })
      const guests = [
        { id: 1, seat: 'a' },
        { id: 2, seat: 'b' },
      ]
      await change(store, (batch) => batch.insert('dev', 'guest', guests))
      await change(store, (batch) =>
        batch.update('dev', 'seat', [
          { id: 1, code: 'b' },
          { id: 2, code: 'a' },
        ]),
      )
      expect(rowsOf(store, { database: 'dev', name: 'guest' })).to.deep.equal([
        { id: 1, seat: 'b' },
        { id: 2, seat: 'a' },
      ])
      expectSound(store)
    }))

  it('are swapped on other nodes too, whether in one change or in two', () =>
    withSeats(three, async (there) =>
      withSeats([], async (here) => {
        await change(there, (batch) =>
          batch.update('dev', 'seat', [
            { id: 1, code: 'b' },
            { id: 2, code: 'a' },
          ]),
        )
        await change(there, (batch) => {
          batch.update('dev', 'seat', [{ id: 1, code: 'c' }])
          batch.update('dev', 'seat', [{ id: 3, code: 'b' }])
        })
        for (const { sequence: _, ...entry } of there.tables.changes.next(0)) {
          const { time, origin, user, operation, keys, records } = entry
          const sent = { version: { time, origin }, user, operation, keys, records }
          await here.storage.write((transaction) =>
            here.tables.replica.apply(transaction, 'dev', 'seat', sent, { logLost: false }),
          )
        }
        expect(codes(here)).to.deep.equal(codes(there)).and.to.deep.equal(['c', 'a', 'b'])
        expectSound(here)
        expectUniquesOf(here, 3)
      }),
    ))
})

/** The index of unique values holds one entry for each, and no others. */
function expectUniquesOf(store: Store, count: number): void {
  const entries = read(store, () => {
    using snapshot = store.storage.snapshot()
    return snapshot.count(store.storage.keyspace('uniques'), { start: '\0', end: '\xff\xff' })
  })
  expect(entries, 'entries of unique values').to.equal(count)
}
