import { request } from 'node:http'
import { expect } from 'chai'
import { ADMIN, basic, type TestNode, withNode } from '../../support/node.js'

const rows = 8_000

async function fill(node: TestNode): Promise<void> {
  await node.ok({ operation: 'create_table', database: 'dev', table: 'big', primary_key: 'id' })
  for (let start = 0; start < rows; start += 2_000) {
    const records = Array.from({ length: 2_000 }, (_, i) => ({ id: start + i, text: 'x'.repeat(2_000) }))
    await node.ok({ operation: 'insert', database: 'dev', table: 'big', records })
  }
}

/** Asks for everything, waits before reading the answer, and tells whether all of it came. */
function readLate(node: TestNode, milliseconds: number): Promise<boolean> {
  const headers = { authorization: basic(ADMIN) }
  return new Promise((resolve, reject) => {
    const sent = request(`${node.url}/db/dev/table/big`, { headers }, (response) => {
      response.pause()
      response.on('error', () => {})
      response.on('close', () => resolve(response.complete))
      setTimeout(() => response.resume(), milliseconds)
    })
    sent.on('error', reject)
    sent.end()
  })
}

describe('a large answer of select', () => {
  it('comes in pieces and is whole', () =>
    withNode(async (node) => {
      await fill(node)
      const { headers, body } = await node.send('GET', '/db/dev/table/big')
      expect(headers['transfer-encoding']).to.equal('chunked')
      const { data, complete } = body as { data: { id: number }[]; complete: boolean }
      expect(complete).to.equal(true)
      expect(data.map(({ id }) => id)).to.deep.equal(Array.from({ length: rows }, (_, id) => id))
      expect(await readLate(node, 100)).to.equal(true)
    }))

  it('is broken off, never ended as if it were whole, when the reader is too slow', () =>
    withNode(async (node) => {
      await fill(node)
      await node.ok({ operation: 'set_configuration', 'http.statement_timeout_ms': 3_000 })
      expect(await readLate(node, 6_000)).to.equal(false)
    }))
})

describe('what a query means', () => {
  it('is not changed by attributes of later records, whatever they are called', () =>
    withNode(async (node) => {
      const dog = { database: 'dev', table: 'dog' }
      await node.ok({ operation: 'create_table', ...dog, primary_key: 'id' })
      const records = [1, 2, 3].map((id) => ({ id, age: 10 - id }))
      await node.ok({ operation: 'insert', ...dog, records })
      const ask = (request: object) => node.ok({ operation: 'select', ...dog, ...request })
      const queries = [
        { select: ['id'], orderby: 'age desc' },
        { select: ['dog.age'], where: { 'dog.age': 8 } },
        { select: ['age', { count: '*', as: 'n' }], groupby: 'age', orderby: ['n desc', 'age desc'] },
        { select: ['id'], where: [['dog.age', '<', 9]], orderby: ['dog.age desc'] },
      ]
      const before = await Promise.all(queries.map(ask))
      const odd = { 'age desc': 5, 'dog.age': 8, 'n desc': 1, 'dog.age desc': 2 }
      await node.ok({ operation: 'update', ...dog, records: [{ id: 3, ...odd }] })
      for (const [n, query] of queries.entries())
        expect(await ask(query), JSON.stringify(query)).to.deep.equal(before[n])
      const own = { select: ['id', 'dog.dog.age'], where: { 'dog.dog.age': 8 }, orderby: { column: 'age desc' } }
      expect(await ask(own)).to.deep.include({ data: [{ id: 3, 'dog.dog.age': 8 }] })
    }))
})

describe('a star', () => {
  it('is every column, also where an attribute is called so', () =>
    withNode(async (node) => {
      const dog = { database: 'dev', table: 'dog' }
      await node.ok({ operation: 'create_table', ...dog, primary_key: 'id' })
      const records = [{ id: 1, name: 'Rex', '*': 5, 'dog.*': 6 }]
      await node.ok({ operation: 'insert', ...dog, records })
      const search = { attribute: 'name', value: 'Rex' }
      const { data } = await node.ok<{ data: object[] }>({ operation: 'select', ...dog, select: '*' })
      expect(data[0]).to.include(records[0])
      for (const request of [
        { operation: 'select', select: ['*'] },
        { operation: 'select', select: ['dog.*'] },
        { operation: 'select', select: ['*', 'name'] },
        { operation: 'select', select: ['*'], where: { name: 'Rex' } },
      ])
        expect(await node.ok({ ...dog, ...request }), JSON.stringify(request)).to.deep.include({ data })
      for (const request of [
        { operation: 'search_by_id', ids: [1], get_attributes: ['*'] },
        { operation: 'search_by_id', ids: [1], get_attributes: ['name', '*'] },
        { operation: 'search_by_value', ...search },
        { operation: 'search_by_conditions', conditions: [search], get_attributes: ['*'] },
      ])
        expect(await node.ok({ ...dog, ...request }), JSON.stringify(request)).to.deep.equal(data)
      const own = {
        operation: 'select',
        ...dog,
        select: [
          { column: '*', as: 'star' },
          { count: 'id', as: 'n' },
        ],
      }
      expect(await node.ok({ ...own, groupby: '*' })).to.deep.include({ data: [{ star: 5, n: 1 }] })
    }))
})
