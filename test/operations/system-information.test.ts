import { expect } from 'chai'
import { withNode } from '../support/node.js'

interface Answer {
  disk: { total: number; free: number; used_by_node: number }
}

describe('system_information', () => {
  it('does not look at every file of the node again for each who asks', () =>
    withNode(async (node) => {
      const ask = async () => (await node.ok<Answer>({ operation: 'system_information' })).disk
      const first = await ask()
      expect(first.used_by_node).to.be.greaterThan(0)
      expect(first.total).to.be.greaterThan(first.free)
      const records = Array.from({ length: 2000 }, (_, id) => ({ id, text: 'x'.repeat(1000) }))
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      await node.ok({ operation: 'insert', database: 'dev', table: 'dog', records })
      expect(await ask()).to.deep.equal(first)
    }))
})
