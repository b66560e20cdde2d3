import { expect } from 'chai'
import { withNode } from '../support/node.js'

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
})
