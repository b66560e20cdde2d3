import { expect } from 'chai'
import fc from 'fast-check'
import { atOnce, Problem } from '../../src/lib/index.js'
import type { Batch, Key } from '../../src/tables/index.js'
import { compareValues } from '../../src/tables/select/value.js'
import { author, expectSound, read, rowsOf, type Store, withStore } from '../support/store.js'

type Fields = Record<string, unknown>
type Step = { operation: 'insert' | 'update' | 'upsert'; records: Fields[] } | { operation: 'delete'; ids: Key[] }

const key = fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constantFrom('0', 'a', 'é'))
const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.constantFrom(-0, 0, 1, 1.5, -3, 1e300),
  fc.constantFrom('', 'x', 'y\0z', '\ud800', 'é', 'long '.repeat(400)),
)
const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.record({ deep: fc.jsonValue({ maxDepth: 2 }) }))
const record = fc.record({ id: key, a: value, b: value, c: scalar }, { requiredKeys: ['id'] })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    operation: fc.constantFrom('insert', 'update', 'upsert'),
    records: fc.array(record, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ operation: fc.constant('delete' as const), ids: fc.array(key, { minLength: 1, maxLength: 3 }) }),
)

const PLAIN = { database: 'dev', table: 'plain', name: 'plain', primaryKey: 'id' }

function run(batch: Batch, table: string, step: Step) {
  if (step.operation === 'delete') return batch.delete('dev', table, step.ids)
  return batch[step.operation]('dev', table, structuredClone(step.records))
}

/** What a dynamic table should do, over a map. */
function runModel(model: Map<unknown, Fields>, step: Step): unknown[] {
  if (step.operation === 'delete') return step.ids.filter((id) => model.delete(id))
  return step.records.flatMap((record) => {
    const id = record['id']
    const before = model.get(id)
    if (step.operation === 'insert' ? before : step.operation === 'update' && !before) return []
    model.set(id, { ...before, ...record })
    return [id]
  })
}

function withoutTimes(row: Fields): Fields {
  const { __createdtime__: _, __updatedtime__: __, ...rest } = row
  return rest
}

describe('records of a dynamic table', () => {
  it('are what a map would hold after the same writes, and so are indexes and log', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(0, 4, 100_000), fc.array(step, { maxLength: 12 }), (waiting, steps) =>
        withStore(
          async (store) => {
            const { id: tableId } = await store.catalog.createTable(PLAIN)
            const model = new Map<unknown, Fields>()
            // all at once: they pass through the same groups of commits
            const answers = await Promise.all(
              steps.map((step) => store.tables.transact(author, (batch) => run(batch, 'plain', step))),
            )
            for (const [n, step] of steps.entries()) expect(answers[n]!.done).to.deep.equal(runModel(model, step))
            const rows = rowsOf(store, PLAIN)
            expect(rows.map(withoutTimes)).to.deep.equal(inOrder(model))
            expectSound(store)
            expect(inOrder(replayed(store, tableId))).to.deep.equal(rows)
          },
          { settings: { 'tables.postponed_entries_max': String(waiting) } },
        ),
      ),
      { numRuns: 40 },
    )
  })
})

/** Records in the order of their keys. */
function inOrder(rows: Map<unknown, Fields>): Fields[] {
  return [...rows.values()].sort((a, b) => compareValues(a['id'], b['id']))
}

/** The table that the change log tells of. */
function replayed({ tables }: Store, tableId: number): Map<unknown, Fields> {
  const rows = new Map<unknown, Fields>()
  for (const { operation, keys, records } of tables.changes.read({ tableId, limit: 10_000 })) {
    if (operation === 'delete') for (const key of keys) rows.delete(key)
    for (const record of records) rows.set(record['id'], record)
  }
  return rows
}

const parents = fc.record({ id: fc.integer({ min: 1, max: 4 }), code: fc.constantFrom('p', 'q', 'r', null) })
const children = fc.record({
  id: fc.integer({ min: 1, max: 5 }),
  parent: fc.option(fc.integer({ min: 1, max: 4 })),
  code: fc.constantFrom('p', 'q', 'r', null),
})
const typedStep = fc.oneof(
  fc.record({
    table: fc.constant('parent'),
    operation: fc.constantFrom('insert', 'upsert', 'update'),
    records: fc.array(parents, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    table: fc.constant('child'),
    operation: fc.constantFrom('insert', 'upsert', 'update'),
    records: fc.array(children, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    table: fc.constantFrom('parent', 'child'),
    operation: fc.constant('delete'),
    ids: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 2 }),
  }),
  fc.record({
    table: fc.constant('parent'),
    operation: fc.constant('move'),
    from: fc.integer({ min: 1, max: 4 }),
    to: fc.integer({ min: 1, max: 4 }),
  }),
)

function move(batch: Batch, { from, to }: { from: number; to: number }): void {
  const meant = { database: 'dev', table: 'parent', keys: [from], test: () => true }
  atOnce(batch.updatingWhere(meant, { id: to }))
}

const actions = fc.constantFrom('restrict' as const, 'cascade' as const, 'set_null' as const)

describe('records of declared tables', () => {
  it('keep unique values unique and foreign keys whole, and a refused write leaves nothing', async () => {
    await fc.assert(
      fc.asyncProperty(actions, actions, fc.array(typedStep, { maxLength: 15 }), (onDelete, onUpdate, steps) =>
        withStore(async (store) => {
          await createFamily(store, onDelete, onUpdate)
          for (const step of steps) {
            const before = contents(store)
            const refusal = await store.tables
              .transact(author, (batch) => {
                if ('from' in step) move(batch, step)
                else run(batch, step.table, step as Step)
              })
              .catch((error: unknown) => error)
            if (refusal !== undefined) {
              expect(refusal).to.be.instanceOf(Problem)
              expect(contents(store)).to.deep.equal(before)
            }
            expectFamily(store)
          }
          expectSound(store)
        }),
      ),
      { numRuns: 40 },
    )
  })
})

type Action = 'restrict' | 'cascade' | 'set_null'

async function createFamily({ catalog }: Store, on_delete: Action, on_update: Action): Promise<void> {
  const columns = [
    { name: 'id', type: 'int' },
    { name: 'code', type: 'text', unique: true },
  ]
  await catalog.createTable({ database: 'dev', table: 'parent', primaryKey: 'id', columns })
  const foreign = (column: string, references: string) => ({
    column,
    table: 'parent',
    references,
    on_delete,
    on_update,
  })
  await catalog.createTable({
    database: 'dev',
    table: 'child',
    primaryKey: 'id',
    columns: [
      { name: 'id', type: 'int' },
      { name: 'parent', type: 'int' },
      { name: 'code', type: 'text' },
    ],
    foreignKeys: [foreign('parent', 'id'), foreign('code', 'code')],
  })
}

function contents(store: Store) {
  return ['parent', 'child'].map((name) => rowsOf(store, { database: 'dev', name }))
}

function expectFamily(store: Store): void {
  const [parents, children] = contents(store) as [Fields[], Fields[]]
  const codes = parents.map((row) => row['code']).filter((code) => code !== null)
  expect(new Set(codes).size, 'unique codes').to.equal(codes.length)
  for (const child of children) {
    if (child['parent'] !== null) expect(parents.map((row) => row['id'])).to.include(child['parent'])
    if (child['code'] !== null) expect(codes).to.include(child['code'])
  }
  read(store, (snapshot) => expect(snapshot.table('dev', 'child')!.count()).to.equal(children.length))
}
