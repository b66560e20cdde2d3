import { expect } from 'chai'
import { withNode } from '../support/node.js'

const REFUSED = ['.', '..', '__proto__', 'constructor', 'prototype', '', 'a/b', 'a`b', 'a\nb', 'é', 'x'.repeat(251)]
const TAKEN = ['...', '.a', 'a.b', '-', ' ', '%2e', 'x'.repeat(250), '"; drop table dog; --']

describe('names', () => {
  it('of databases, tables and columns that would be something else in a path or a program are refused', () =>
    withNode(async ({ ok, post }) => {
      await ok({ operation: 'create_table', table: 'dog', primary_key: 'id' })
      const create = (table: string, ...columns: string[]) => ({
        operation: 'create_table',
        table,
        columns: ['id', ...columns].map((column) => ({ name: column, type: 'text' })),
        primary_key: 'id',
      })
      const requests = (name: string) => [
        { operation: 'create_database', database: name },
        { operation: 'create_table', table: name, primary_key: 'id' },
        { operation: 'create_table', table: 'cat', primary_key: name },
        create('cat', name),
        { operation: 'add_column', table: 'dog', column: name, type: 'text' },
      ]
      for (const name of REFUSED)
        for (const request of requests(name)) {
          const { status, body } = await post(request)
          expect(status, `${JSON.stringify(request)}: ${JSON.stringify(body)}`).to.equal(400)
        }
      // In a record `__proto__` and its like are data, kept as sent.
      for (const name of ['.', '..', 'a/b']) {
        const { body } = await post({ operation: 'insert', table: 'dog', records: [{ id: 1, [name]: 1 }] })
        expect(body, name).to.have.property('code', 'invalid_name')
      }
      for (const name of TAKEN) {
        await ok({ operation: 'create_database', database: name })
        await ok(create(name, name))
        await ok({ operation: 'insert', table: name, records: [{ id: name, [name]: 'x' }] })
      }
    }))
})
