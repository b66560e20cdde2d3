import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { expect } from 'chai'
import { eventually } from '../support/eventually.js'
import { startKillable } from '../support/killable-node.js'
import { ADMIN, basic } from '../support/node.js'
import { withProcess } from '../support/process.js'
import { withFolder } from '../support/store.js'

describe('a node that is told to stop', () => {
  it('finishes what runs, keeps what it acknowledged, takes nothing new, and ends with code 0', async () => {
    await withProcess(async ({ url, child }) => {
      const post = (body: unknown) =>
        fetch(url, { method: 'POST', headers: { authorization: basic(ADMIN) }, body: JSON.stringify(body) })
      await post({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      const records = Array.from({ length: 10_000 }, (_, id) => ({ id, name: `dog ${id}` }))
      let isAnswered = false
      const insert = post({ operation: 'insert', database: 'dev', table: 'dog', records }).finally(() => {
        isAnswered = true
      })
      await eventually('it runs', async () => isAnswered || (await running(post)) === 2)
      child.kill('SIGTERM')
      const answer = await insert
      expect(answer.status).to.equal(200)
      expect(((await answer.json()) as { inserted_hashes: unknown[] }).inserted_hashes).to.have.length(10_000)
      if (child.exitCode === null) await once(child, 'exit')
      expect(child.exitCode).to.equal(0)
      const late = await post({ operation: 'ping' }).catch((error: unknown) => error)
      expect(late).to.be.instanceOf(Error)
    })
  })

  it('does so under load: what was acknowledged is there, no answer is lost of what had begun', async () => {
    await withFolder(async (folder) => {
      const node = await startKillable(folder)
      const dogs = { database: 'dev', table: 'dog' }
      const clicks = { database: 'dev', table: 'click' }
      const columns = [{ name: 'page', type: 'text' }]
      await node.client.createTable({ ...dogs, primary_key: 'id' })
      await node.client.createTable({ ...clicks, kind: 'events', columns })
      const agent = new Agent({ keepAlive: true })
      const post = (body: object) => begin(node.url, agent, body)
      const stored: string[] = []
      const refusals = new Set<number | string>()
      const lost: string[] = []
      const write = async (writer: number) => {
        for (let turn = 0; ; turn++) {
          const id = `${writer} ${turn}`
          const event = { person: id, stamp: 1_700_000_000, action: 'visit', _: { page: 'x' } }
          const { status, hadBegun } = await post(
            writer % 4 === 0
              ? { operation: 'insert_events', ...clicks, events: [event] }
              : { operation: 'insert', ...dogs, records: [{ id }] },
          )
          if (status === 200) stored.push(id)
          else {
            refusals.add(status)
            if (status === 'no answer' && hadBegun) lost.push(id)
            return
          }
        }
      }
      const writers = Array.from({ length: 32 }, (_, writer) => write(writer))
      await eventually('they have all written', () => stored.length > 500)
      node.child.kill('SIGTERM')
      const [code] = (await once(node.child, 'exit')) as [number | null]
      await Promise.all(writers)
      agent.destroy()
      expect(code, node.errors()).to.equal(0)
      expect(lost, 'requests that had begun before and were not answered').to.deep.equal([])
      for (const refusal of refusals) expect(refusal).to.be.oneOf([503, 'no answer'])
      await using again = await startKillable(folder)
      const ids = stored.filter((id) => Number(id.split(' ')[0]) % 4 !== 0)
      const found = await again.client.searchById({ ...dogs, ids, get_attributes: ['id'] })
      expect(found).to.have.length(ids.length)
      for (const sid of stored.filter((id) => Number(id.split(' ')[0]) % 4 === 0))
        await again.client.queryPerson({ ...clicks, sid }) // refused when there is nobody
    })
  })

  it('writes a long answer to its end for a client that reads slowly', async () => {
    await withProcess(async ({ url, child }) => {
      const send = (body: unknown) =>
        new Promise<IncomingMessage>((resolve, reject) => {
          const headers = { authorization: basic(ADMIN) }
          request(url, { method: 'POST', headers }, resolve).on('error', reject).end(JSON.stringify(body))
        })
      const table = { database: 'dev', table: 'page' }
      for await (const _ of await send({ operation: 'create_table', ...table, primary_key: 'id' }));
      // More than what the system keeps of it on the way.
      for (let part = 0; part < 4; part++) {
        const records = Array.from({ length: 80 }, (_, id) => ({ id: 80 * part + id, text: 'x'.repeat(100_000) }))
        for await (const _ of await send({ operation: 'insert', ...table, records }));
      }
      const answer = await send({ operation: 'select', ...table, select: '*' })
      const stopped = once(child, 'exit')
      child.kill('SIGTERM')
      await new Promise((resolve) => setTimeout(resolve, 1000))
      let text = ''
      for await (const chunk of answer) text += String(chunk)
      expect((JSON.parse(text) as { data: unknown[] }).data).to.have.length(320)
      expect((await stopped)[0]).to.equal(0)
    })
  })

  it('stops an operation whose client has left', async () => {
    await withProcess(async ({ url }) => {
      const post = (body: unknown, signal?: AbortSignal) =>
        fetch(url, {
          method: 'POST',
          headers: { authorization: basic(ADMIN) },
          body: JSON.stringify(body),
          ...(signal && { signal }),
        })
      await post({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      const records = Array.from({ length: 10_000 }, (_, id) => ({ id, group: id % 2 }))
      await post({ operation: 'insert', database: 'dev', table: 'dog', records })
      // Half of the table joined with half of the table: 50 million pairs, more than any time limit of this test.
      const endless = {
        operation: 'select',
        database: 'dev',
        table: 'dog',
        select: [{ count: '*', as: 'pairs' }],
        join: { other: { table: 'dog', on: { 'dog.group': 'other.group' } } },
      }
      const client = new AbortController()
      const asked = post(endless, client.signal).then(
        async (answer) => expect.fail(`answered ${answer.status} ${await answer.text()}`),
        (error: unknown) => error,
      )
      await eventually('it runs', async () => (await running(post)) === 2)
      client.abort()
      await asked
      await eventually('it is over', async () => (await running(post)) === 1)
    })
  })
})

/** Sends an operation. It has begun when the node has read its head and says that it wants the body. */
function begin(url: string, agent: Agent, body: object): Promise<{ status: number | 'no answer'; hadBegun: boolean }> {
  return new Promise((resolve) => {
    let hadBegun = false
    const headers = { authorization: basic(ADMIN), expect: '100-continue' }
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume().on('close', () => {
        resolve({ status: response.complete ? response.statusCode! : 'no answer', hadBegun })
      })
    })
    sent.on('error', () => resolve({ status: 'no answer', hadBegun }))
    sent.on('continue', () => {
      hadBegun = true
      sent.end(JSON.stringify(body))
    })
  })
}

/** How many operations run, with the one that asks. */
async function running(post: (body: unknown) => Promise<Response>): Promise<number> {
  const answer = await post({ operation: 'metrics' })
  return Number(/^trellis_operations_running (\d+)$/m.exec(await answer.text())![1])
}
