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
