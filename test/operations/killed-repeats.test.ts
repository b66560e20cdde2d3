import { expect } from 'chai'
import { type KillableNode, startKillable } from '../support/killable-node.js'
import { ADMIN, basic } from '../support/node.js'
import { withFolder } from '../support/store.js'

const ROUNDS = 3
const WRITERS = 8

type Body = Record<string, unknown>
interface Sent {
  request: Body
  key: string
  /** The answer, as far as it came before the end. */
  first?: unknown
}

/** Changes of catalog, access, triggers and records, each of which a second time would be refused or seen. */
function requestsOf(writer: number, turn: number): Body[] {
  const name = `n_${writer}_${turn}`
  const table = { database: 'dev', table: name }
  const events = { kind: 'events', columns: [{ name: 'event', type: 'text' }], partitions: 1 }
  return [
    { operation: 'create_database', database: name },
    { operation: 'create_table', ...table, primary_key: 'id' },
    { operation: 'add_column', ...table, column: 'extra', type: 'int' },
    { operation: 'insert', ...table, records: [{ name }, { name }] },
    { operation: 'drop_column', ...table, column: 'extra' },
    { operation: 'add_role', role: name, permission: { super_user: true } },
    { operation: 'add_api_key', name },
    { operation: 'drop_role', id: name },
    { operation: 'drop_table', ...table },
    ...(turn % 5 === 0 ? [{ operation: 'create_table', ...table, table: `${name}_events`, ...events }] : []),
    { operation: 'drop_database', database: name },
  ]
}

async function send({ url }: KillableNode, { request, key }: Sent): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: basic(ADMIN), 'content-type': 'application/json', 'idempotency-key': key }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request) })
  return { status: response.status, body: await response.json() }
}

/** Sends one change after the other until the node is gone. */
async function write(node: KillableNode, writer: number, from: number, sent: Sent[]): Promise<void> {
  for (let turn = from; ; turn++) {
    for (const [step, request] of requestsOf(writer, turn).entries()) {
      const one: Sent = { request, key: `${writer} ${turn} ${step}` }
      sent.push(one)
      try {
        const { status, body } = await send(node, one)
        expect(status, JSON.stringify(body)).to.equal(200)
        one.first = body
      } catch (error) {
        if ((error as Error).name === 'AssertionError') throw error
        return
      }
    }
  }
}

describe('changes whose answer was lost when the node was killed', () => {
  it('are answered when they are sent again as if nothing had been, and done once', async function () {
    this.timeout(180_000)
    await withFolder(async (folder) => {
      let lost = 0
      for (let round = 0; round < ROUNDS; round++) {
        const sent: Sent[][] = Array.from({ length: WRITERS }, () => [])
        const node = await startKillable(folder)
        const writers = sent.map((list, writer) => write(node, writer, round * 10_000, list))
        await new Promise((resolve) => setTimeout(resolve, 700 + 400 * Math.random()))
        await node.kill()
        await Promise.all(writers)
        await using again = await startKillable(folder)
        for (const list of sent) {
          const last = list.at(-1)!
          if (last.first === undefined) lost++
          for (const one of list.slice(-12)) {
            const { status, body } = await send(again, one)
            expect(status, `${JSON.stringify(one.request)}: ${JSON.stringify(body)}`).to.equal(200)
            if (one.first !== undefined) expect(body).to.deep.equal(one.first)
          }
        }
      }
      expect(lost, 'answers that were lost').to.be.greaterThan(ROUNDS)
    })
  })
})
