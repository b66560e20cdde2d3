import { expect } from 'chai'
import { type TestNode, withNode } from '../support/node.js'
import { turnsDuring } from '../support/turns.js'

const dog = { schema: 'dev', table: 'dog' }

describe('a change of another node', () => {
  it('that comes again on a longer way is neither a conflict nor logged twice; one that is new and too late is', async () => {
    await withNode(async ({ node, ok }) => {
      await ok({ operation: 'create_table', schema: 'dev', table: 'dog', hash_attribute: 'id' })
      const { catalog, tables } = node.services
      const apply = (time: number, origin: string, value: number) =>
        tables.transact({ user: '' }, ({ transaction }) => {
          const keys = ['rex', 'lady']
          const records = keys.map((id) => ({ id, value }))
          const change = { version: { time, origin }, user: '', operation: 'upsert' as const, keys, records }
          return tables.replica.apply(transaction, 'dev', 'dog', change, { logLost: true })
        })
      expect(await apply(1_000, 'e', 1)).to.include({ applied: 2 })
      expect(await apply(2_000, 'e', 2)).to.include({ applied: 2 })
      expect(await apply(1_000, 'e', 1)).to.include({ applied: 0, lost: 0, known: 2 })
      expect(await apply(1_500, 'd', 3)).to.include({ applied: 0, lost: 2, known: 0 })
      expect(await apply(1_000, 'd', 4)).to.include({ applied: 0, lost: 2, known: 0 })
      const log = [...tables.changes.read({ tableId: catalog.table('dev', 'dog').id, limit: 10 })]
      expect(log.map(({ lost = false, origin, time }) => [time, origin, lost])).to.deep.equal([
        [1_000, 'e', false],
        [1_000, 'd', true],
        [1_500, 'd', true],
        [2_000, 'e', false],
      ])
    })
  })

  it('of the same transaction as the one before it is no repetition of that', async () => {
    await withNode(async ({ node, ok }) => {
      await ok({ operation: 'create_table', schema: 'dev', table: 'dog', hash_attribute: 'id' })
      const { tables } = node.services
      const apply = (operation: 'insert' | 'delete', keys: string[], changed: Set<string | number>) =>
        tables.transact({ user: '' }, ({ transaction }) => {
          const records = operation === 'delete' ? [] : keys.map((id, value) => ({ id, value }))
          const change = { version: { time: 1_000, origin: 'e' }, user: '', operation, keys, records }
          return tables.replica.apply(transaction, 'dev', 'dog', change, { logLost: true, changed })
        })
      const changed = new Set<string | number>()
      expect(await apply('insert', ['rex', 'rex', 'lady'], changed)).to.include({ applied: 3 })
      expect(await apply('delete', ['lady'], changed)).to.include({ applied: 1 })
      expect(await apply('insert', ['rex', 'lady'], new Set())).to.include({ applied: 0, known: 2 })
      using snapshot = tables.snapshot()
      expect([...snapshot.table('dev', 'dog')!.scan()].map(({ id, value }) => [id, value])).to.deep.equal([['rex', 1]])
    })
  })

  it('from before a column was added is found by its default, also when it is changed and deleted', async () => {
    await withNode(async ({ node, ok }) => {
      await ok({ operation: 'create_table', ...dog, hash_attribute: 'id' })
      await ok({ operation: 'add_column', ...dog, column: 'legs', type: 'int', default: 4 })
      const { tables } = node.services
      const apply = (time: number, operation: 'upsert' | 'delete', ...records: { id: number; legs?: number }[]) =>
        tables.transact({ user: '' }, ({ transaction }) => {
          const keys = records.map(({ id }) => id)
          const rest = { operation, keys, records: operation === 'delete' ? [] : records }
          const change = { version: { time, origin: 'e' }, user: '', ...rest }
          return tables.replica.apply(transaction, 'dev', 'dog', change, { logLost: true })
        })
      const found = async (legs: number) => {
        const search = { search_attribute: 'legs', search_value: legs, get_attributes: ['id'] }
        const records = await ok<{ id: number }[]>({ operation: 'search_by_value', ...dog, ...search })
        return records.map(({ id }) => id)
      }
      await apply(1_000, 'upsert', { id: 1 }, { id: 2, legs: 3 }, { id: 3 })
      expect([await found(4), await found(3)]).to.deep.equal([[1, 3], [2]])
      await apply(2_000, 'upsert', { id: 1, legs: 3 }, { id: 2 })
      expect([await found(4), await found(3)]).to.deep.equal([[2, 3], [1]])
      await ok({ operation: 'update', ...dog, records: [{ id: 2, name: 'Rex' }] })
      await apply(3_000, 'delete', { id: 3 })
      expect(await found(4)).to.deep.equal([2])
    })
  })
})

/** The first 500 records are of 100,000 characters each. */
async function storeLong(ok: TestNode['ok']): Promise<void> {
  const text = 'x'.repeat(100_000)
  for (let id = 0; id < 500; id += 50)
    await ok({ operation: 'upsert', ...dog, records: Array.from({ length: 50 }, (_, at) => ({ id: id + at, text })) })
}

describe('a comparison of replicas', () => {
  it('lets others have their turns while it reads and hashes a large table', async () => {
    await withNode(async ({ node, ok }) => {
      await ok({ operation: 'create_table', ...dog, hash_attribute: 'id' })
      const records = Array.from({ length: 10_000 }, (_, id) => ({ id }))
      await ok({ operation: 'insert', ...dog, records })
      await storeLong(ok)
      const { catalog, tables } = node.services
      const schema = catalog.table('dev', 'dog')
      expect(await turnsDuring(() => tables.replica.digests(schema, [], true, undefined))).to.be.above(3)
      expect(await turnsDuring(() => tables.replica.contents(schema, undefined, undefined))).to.be.above(3)
    })
  })

  it('ends before the tables close', async () => {
    let digests: Promise<unknown> | undefined
    await withNode(async ({ node, ok }) => {
      await ok({ operation: 'create_table', ...dog, hash_attribute: 'id' })
      await storeLong(ok)
      const { catalog, tables } = node.services
      digests = tables.replica.digests(catalog.table('dev', 'dog'), [], true, undefined).catch((error) => error.name)
      await tables.replica[Symbol.asyncDispose]()
      expect(await digests).to.equal('AbortError')
    })
  })
})
