import { expect } from 'chai'
import { basic, withNode } from '../support/node.js'

describe('a role that may write a table and not read it', () => {
  it('changes records that it names, and is told that conditions need reading', () =>
    withNode(async (node) => {
      const table = 'dog'
      await node.ok({ operation: 'create_table', table, primary_key: 'id' })
      await node.ok({ operation: 'insert', table, records: [{ id: 1, age: 7 }] })
      const rights = { read: false, insert: true, update: true, delete: true, attribute_permissions: [] }
      await node.ok({ operation: 'add_role', role: 'writer', permission: { data: { tables: { dog: rights } } } })
      const user = { username: 'rita', password: 'a-password' }
      await node.ok({ operation: 'add_user', ...user, role: 'writer', active: true })
      const ask = (body: Record<string, unknown>) => node.post({ table, ...body }, { authorization: basic(user) })
      const where = { age: 7 }
      for (const change of [
        { operation: 'update', set: { age: 8 }, where },
        { operation: 'update', set: { age: 8 }, ids: [1], if: where },
        { operation: 'update', records: [{ id: 1, age: 8 }], if: where },
        { operation: 'upsert', records: [{ id: 1, age: 8 }], if: where },
        { operation: 'delete', where },
        { operation: 'delete', ids: [1], if: where },
      ]) {
        const refused = [
          { schema: 'data', table, required_table_permissions: ['read'], required_attribute_permissions: [] },
        ]
        const { body } = await ask(change)
        expect(body, JSON.stringify(change)).to.deep.include({ code: 'forbidden', unauthorized_access: refused })
        const step = { operation: 'transaction', operations: [{ table, ...change }], table: undefined }
        expect((await ask(step)).body).to.deep.include({ code: 'forbidden', unauthorized_access: refused })
      }
      expect((await ask({ operation: 'update', set: { age: 9 }, ids: [1] })).status).to.equal(200)
      expect((await ask({ operation: 'delete', ids: [1] })).status).to.equal(200)
    }))
})
