import { expect } from 'chai'
import { withNode } from '../support/node.js'

describe('the limit of records in one operation', () => {
  it('refuses more of them in every operation that takes records or keys, and stores nothing', async () => {
    await withNode(
      async ({ post, ok }) => {
        const table = { database: 'dev', table: 'dog' }
        await ok({ operation: 'create_table', ...table, primary_key: 'id' })
        await ok({ operation: 'insert', ...table, records: [{ id: 0 }] })
        const records = Array.from({ length: 4 }, (_, id) => ({ id }))
        const bodies = [
          ...['insert', 'update', 'upsert', 'replace_records'].map((operation) => ({ operation, ...table, records })),
          { operation: 'delete', ...table, ids: [0, 1, 2, 3] },
          { operation: 'transaction', database: 'dev', operations: [{ operation: 'insert', table: 'dog', records }] },
        ]
        for (const body of bodies) {
          const answer = await post(body)
          expect(answer.status, body.operation).to.equal(413)
          expect(answer.body, body.operation).to.include({ code: 'batch_too_large', limit: 3 })
        }
        expect(await ok({ operation: 'select', ...table, select: ['id'] })).to.deep.include({ data: [{ id: 0 }] })
      },
      { 'tables.records_max': '3' },
    )
  })
})
