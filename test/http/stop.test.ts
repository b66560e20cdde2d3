import { once } from 'node:events'
import { expect } from 'chai'
import { ADMIN, basic } from '../support/node.js'
import { withProcess } from '../support/process.js'

describe('a node that is told to stop', () => {
  it('finishes what runs, keeps what it acknowledged, takes nothing new, and ends with code 0', async function () {
    this.timeout(60_000)
    await withProcess(async ({ url, child }) => {
      const post = (body: unknown) =>
        fetch(url, { method: 'POST', headers: { authorization: basic(ADMIN) }, body: JSON.stringify(body) })
      await post({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      const records = Array.from({ length: 10_000 }, (_, id) => ({ id, name: `dog ${id}` }))
      const running = post({ operation: 'insert', database: 'dev', table: 'dog', records })
      await new Promise((resolve) => setTimeout(resolve, 50))
      child.kill('SIGTERM')
      const answer = await running
      expect(answer.status).to.equal(200)
      expect(((await answer.json()) as { inserted_hashes: unknown[] }).inserted_hashes).to.have.length(10_000)
      if (child.exitCode === null) await once(child, 'exit')
      expect(child.exitCode).to.equal(0)
      const late = await post({ operation: 'ping' }).catch((error: unknown) => error)
      expect(late).to.be.instanceOf(Error)
    })
  })

  it('stops an operation whose client has left', async function () {
    this.timeout(60_000)
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
      await new Promise((resolve) => setTimeout(resolve, 500))
      expect(await running(post), 'it runs').to.equal(2)
      client.abort()
      await asked
      for (let tries = 0; tries < 100 && (await running(post)) > 1; tries++)
        await new Promise((resolve) => setTimeout(resolve, 50))
      expect(await running(post), 'it is over').to.equal(1)
    })
  })
})

/** How many operations run, with the one that asks. */
async function running(post: (body: unknown) => Promise<Response>): Promise<number> {
  const answer = await post({ operation: 'metrics' })
  return Number(/^trellis_operations_running (\d+)$/m.exec(await answer.text())![1])
}
