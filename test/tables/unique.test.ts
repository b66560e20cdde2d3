import { expect } from 'chai'
import fc from 'fast-check'
import { Problem } from '../../src/lib/index.js'
import { allRights, everything } from '../../src/lib/view.js'
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

const unique = (type: string) => ({ name: type, type, unique: true })

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
      const writer = { ...author, view: everything, rights: allRights, signal: new AbortController().signal }
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

  it('of objects are the same whatever the order of their members', async () => {
    await withStore(async (store) => {
      const columns = [{ name: 'id', type: 'int' }, ...['json', 'any', 'text'].map((type) => unique(type))]
      await store.catalog.createTable({ ...SEAT, table: 'box', primaryKey: 'id', columns })
      const insert = (records: Record<string, unknown>[]) =>
        change(store, (batch) => batch.insert('dev', 'box', records))
      for (const name of ['json', 'any', 'text']) {
        const id = name.length * 100
        await insert([{ id, [name]: { a: 1, b: { c: [{ x: 1, y: 2 }], d: 2 } } }])
        const again = { [name]: { b: { d: 2, c: [{ y: 2, x: 1 }] }, a: 1 } }
        expect((await refusal(insert([{ id: id + 1, ...again }]))).code, name).to.equal('value_taken')
        await change(store, (batch) => batch.update('dev', 'box', [{ id, ...again }]))
        await change(store, (batch) => batch.delete('dev', 'box', [id]))
        await insert([{ id: id + 2, ...again }])
      }
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

  it('go to the same records on all nodes, in whatever order their changes arrive', () =>
    withNodes(['a', 'b', 'c'], async (nodes) => {
      let tables = 0
      const columns = [...SEAT.columns, { ...SEAT.columns[1]!, name: 'other' }]
      const code = fc.constantFrom('x', 'y', null)
      const row = { key: fc.integer({ min: 1, max: 4 }), code, other: code }
      const step = fc.record({
        on: fc.nat(2),
        to: fc.nat(2),
        what: fc.constantFrom('put', 'put', 'delete', 'ship'),
        ...row,
      })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const table = `seat${tables++}`
          for (const { store } of nodes) await store.catalog.createTable({ ...SEAT, table, columns })
          for (const { code, key, on, other, to, what } of steps) {
            const { store } = nodes[on]!
            if (what === 'ship') await ship(nodes[on]!, nodes[to]!, 2)
            else
              await change(store, (batch) =>
                what === 'put'
                  ? batch.upsert('dev', table, [{ id: key, code, other }])
                  : batch.delete('dev', table, [key], { atomic: false }),
              ).catch(() => 'the value is taken there')
          }
          for (const from of nodes) for (const to of nodes) await ship(from, to, Number.POSITIVE_INFINITY)
          const [first, ...others] = nodes.map(({ store }) => rowsOf(store, { database: 'dev', name: table }))
          for (const rows of others) expect(rows).to.deep.equal(first)
          for (const { store } of nodes) expectSound(store)
        }),
        { numRuns: 40 },
      )
    }))
})

interface Node {
  name: string
  store: Store
  /** By node: how far its changes have come here. */
  read: Map<string, number>
}

async function withNodes(names: string[], test: (nodes: Node[]) => Promise<void>, before: Node[] = []): Promise<void> {
  const [name, ...rest] = names
  if (name === undefined) return await test(before)
  await withStore(async (store) => await withNodes(rest, test, [...before, { name, store, read: new Map() }]), {
    node: name,
  })
}

/** Carries changes of one node to another one, as many as that. */
async function ship(from: Node, to: Node, count: number): Promise<void> {
  if (from === to) return
  for (let left = count; left > 0; left--) {
    const [entry] = from.store.tables.changes.next(to.read.get(from.name) ?? 0)
    if (!entry) return
    to.read.set(from.name, entry.sequence)
    if (entry.origin !== from.name) continue
    const { time, origin, user, operation, keys, records, table } = entry
    to.store.tables.clock.observe(time)
    await to.store.storage.write((transaction) =>
      to.store.tables.replica.apply(
        transaction,
        'dev',
        table,
        { version: { time, origin }, user, operation, keys, records },
        { logLost: false },
      ),
    )
  }
}

/** The index of unique values holds one entry for each, and no others. */
function expectUniquesOf(store: Store, count: number): void {
  const entries = read(store, () => {
    using snapshot = store.storage.snapshot()
    return snapshot.count(store.storage.keyspace('uniques'), { start: '\0', end: '\xff\xff' })
  })
  expect(entries, 'entries of unique values').to.equal(count)
}

describe('references', () => {
  const key = { name: 'id', type: 'int' }
  /** People with a boss among them, by key and by code. */
  async function withPeople(action: 'cascade' | 'set_null', test: (store: Store) => Promise<void>): Promise<void> {
    await withStore(async (store) => {
      const refers = { table: 'person', on_update: action, on_delete: action }
      await store.catalog.createTable({
        database: 'dev',
        table: 'person',
        primaryKey: 'id',
        columns: [
          key,
          { ...unique('text'), name: 'code' },
          { name: 'boss', type: 'int' },
          { name: 'boss_code' },
          { name: 'note' },
        ],
        foreignKeys: [
          { ...refers, column: 'boss', references: 'id' },
          { ...refers, column: 'boss_code', references: 'code' },
        ],
      })
      const people = [
        { id: 1, code: 'a', boss: 1, boss_code: 'a' },
        { id: 2, code: 'b', boss: 1, boss_code: 'a' },
      ]
      await change(store, (batch) => batch.insert('dev', 'person', people))
      await test(store)
      expectSound(store)
    })
  }
  const people = (store: Store) =>
    rowsOf(store, { database: 'dev', name: 'person' }).map(({ id, boss, boss_code }) => [id, boss, boss_code])

  it('to the record itself, or twice to one record, follow it', async () => {
    for (const [action, boss, code] of [
      ['cascade', 7, 'z'],
      ['set_null', null, null],
    ] as const) {
      await withPeople(action, async (store) => {
        await change(store, (batch) => [...batch.moving('dev', 'person', [1], { id: 7, code: 'z' })])
        expect(people(store), action).to.deep.equal([
          [2, boss, code],
          [7, boss, code],
        ])
      })
      await withPeople(action, async (store) => {
        const records = [
          { id: 1, code: 'z' },
          { id: 2, note: 'changed too' },
        ]
        await change(store, (batch) => batch.update('dev', 'person', records))
        expect(people(store), action).to.deep.equal([
          [1, 1, code],
          [2, 1, code],
        ])
      })
      await withPeople(action, async (store) => {
        await change(store, (batch) => batch.delete('dev', 'person', [1]))
        expect(people(store), action).to.deep.equal(action === 'cascade' ? [] : [[2, null, null]])
      })
    }
  })

  it('that lose one parent in two ways go with it, whichever of them is looked at first', () =>
    withSeats([{ id: 1, code: 'a' }], async (store) => {
      const foreignKeys = [
        { column: 'code', table: 'seat', references: 'code', on_delete: 'set_null' as const },
        { column: 'seat', table: 'seat', references: 'id', on_delete: 'cascade' as const },
      ]
      for (const [index, keys] of [foreignKeys, foreignKeys.toReversed()].entries()) {
        const columns = [key, { name: 'seat', type: 'int' }, { name: 'code', type: 'text' }]
        const names = { database: 'dev', table: `guest${index}`, primaryKey: 'id', columns }
        await store.catalog.createTable({ ...names, foreignKeys: keys })
        await change(store, (batch) => batch.insert('dev', `guest${index}`, [{ id: 1, seat: 1, code: 'a' }]))
      }
      await change(store, (batch) => batch.delete('dev', 'seat', [1]))
      for (const name of ['guest0', 'guest1']) expect(rowsOf(store, { database: 'dev', name })).to.deep.equal([])
    }))

  it('are refused where they could not be kept: objects are in no index, and replaced records name who is left', () =>
    withPeople('set_null', async (store) => {
      const object = { id: 3, boss_code: { a: 1 } }
      await change(store, (batch) => batch.insert('dev', 'person', [{ id: 4, code: 'c' }]))
      for (const [code, work] of [
        ['record_invalid', (batch: Batch) => batch.insert('dev', 'person', [object])],
        ['parent_missing', (batch: Batch) => batch.replaceAll('dev', 'person', [{ id: 2, boss: 1 }])],
        ['parent_missing', (batch: Batch) => batch.update('dev', 'person', [{ id: 4, boss_code: 'nobody' }])],
      ] as const)
        expect((await refusal(change(store, work))).code).to.equal(code)
    }))
})
