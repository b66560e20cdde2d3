import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { JobView } from '../../src/jobs/index.js'
import { withClock } from '../support/clock.js'
import { basic, type TestNode, withNode } from '../support/node.js'

const PASSWORD = 'a-password-of-owners'
/** So many that a load of them is far from its end when its first rows are there. */
const ROWS = 200_000
const csv = (rows: number) => `id,name\n${Array.from({ length: rows }, (_, id) => `${id},name ${id}`).join('\n')}`

async function look(node: TestNode, id: string): Promise<JobView> {
  const [job] = await node.ok<JobView[]>({ operation: 'get_job', id })
  return job!
}

async function until(node: TestNode, id: string, holds: (job: JobView) => boolean): Promise<JobView> {
  for (;;) {
    const job = await look(node, id)
    if (holds(job)) return job
    await sleep(5)
  }
}

/** Ann owns dev.dog and bob may write it; answers what starts a load as one of them. */
async function prepare(node: TestNode) {
  for (const username of ['ann', 'bob'])
    await node.ok({ operation: 'add_user', username, password: PASSWORD, role: 'member' })
  const as = async (username: string, body: object) => {
    const answer = await node.post(body, { authorization: basic({ username, password: PASSWORD }) })
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
    return answer.body as { job_id: string }
  }
  await as('ann', { operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
  await as('ann', { operation: 'share_database', database: 'dev', username: 'bob', level: 'write' })
  return async (username: string, rows = ROWS) =>
    (await as(username, { operation: 'csv_data_load', database: 'dev', table: 'dog', data: csv(rows) })).job_id
}

const CHANGES: Record<string, object> = {
  dropped: { operation: 'drop_user', username: 'bob' },
  disabled: { operation: 'alter_user', username: 'bob', active: false },
  'no longer allowed': { operation: 'unshare_database', database: 'dev', username: 'bob' },
}

describe('a job whose user is', () => {
  for (const [name, change] of Object.entries(CHANGES))
    it(`${name} ends while it runs and before it begins, and says why`, () =>
      withNode(
        async (node) => {
          const load = await prepare(node)
          const running = await load('bob')
          const waiting = await load('bob')
          await until(node, running, ({ progress }) => progress.rows > 0)
          await node.ok(change)
          for (const id of [running, waiting]) {
            const job = await until(node, id, ({ end_datetime }) => end_datetime !== undefined)
            expect(job.status).to.equal('ERROR')
            expect(job.message).to.match(/^User 'bob', who started the job .*, may no longer do it: /)
            expect(job.progress.rows).to.be.lessThan(ROWS)
          }
          expect((await look(node, waiting)).progress.rows).to.equal(0)
        },
        { 'jobs.running_max': '1' },
      ))

  it('no longer allowed to write one of its columns ends, whatever the format', () =>
    withNode(
      async (node) => {
        await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
        await node.ok({ operation: 'insert', database: 'dev', table: 'dog', records: [{ id: -1, name: 'x', chip: 1 }] })
        const rights = { read: true, insert: true, update: true }
        const permissionFor = (...names: string[]) => {
          const attribute_permissions = names.map((attribute_name) => ({ attribute_name, ...rights }))
          return { dev: { tables: { dog: { ...rights, delete: false, attribute_permissions } } } }
        }
        await node.ok({ operation: 'add_role', role: 'loader', permission: permissionFor('name', 'chip') })
        await node.ok({ operation: 'add_user', username: 'bob', password: PASSWORD, role: 'loader', active: true })
        const rows = Array.from({ length: ROWS / 2 }, (_, id) => id)
        const loads = [
          { format: 'csv', data: `id,name,chip\n${rows.map((id) => `${id},n,1`).join('\n')}` },
          { format: 'ndjson', data: rows.map((id) => `{"id":${id},"name":"n","chip":1}`).join('\n') },
        ]
        const ids: string[] = []
        for (const load of loads) {
          const request = { operation: 'csv_data_load', database: 'dev', table: 'dog', ...load }
          const { body } = await node.post(request, { authorization: basic({ username: 'bob', password: PASSWORD }) })
          ids.push((body as { job_id: string }).job_id)
        }
        await node.ok({ operation: 'alter_role', id: 'loader', permission: permissionFor('name') })
        for (const id of ids) {
          const job = await until(node, id, ({ end_datetime }) => end_datetime !== undefined)
          expect([job.status, job.message]).to.deep.equal(['ERROR', job.message])
          expect(job.message).to.match(/^User 'bob', who started the job .*, may no longer do it: /)
        }
      },
      { 'jobs.running_max': '1' },
    ))

  it('made anew, or another user’s, is not theirs; a new password ends nothing', () =>
    withNode(
      async (node) => {
        const load = await prepare(node)
        const kept = await load('ann', 30_000)
        const lost = await load('bob')
        await node.ok({ operation: 'alter_user', username: 'ann', password: `${PASSWORD}-2` })
        await node.ok({ operation: 'drop_user', username: 'bob' })
        await node.ok({ operation: 'add_user', username: 'bob', password: PASSWORD, role: 'super_user' })
        expect((await until(node, kept, ({ end_datetime }) => end_datetime !== undefined)).status).to.equal('COMPLETE')
        const job = await until(node, lost, ({ end_datetime }) => end_datetime !== undefined)
        expect(job.status).to.equal('ERROR')
        expect(job.progress.rows).to.be.lessThan(ROWS)
      },
      { 'jobs.running_max': '1' },
    ))
})

describe('a job that was started with a key for programs', () => {
  const isOver = ({ end_datetime }: JobView) => end_datetime !== undefined
  const keyOf = (node: TestNode, more: object = {}) =>
    node.ok<{ id: string; key: string }>({ operation: 'add_api_key', name: 'loader', username: 'bob', ...more })

  /** Starts a load with a key. */
  async function loadWith(node: TestNode, { key }: { key: string }): Promise<string> {
    const body = { operation: 'csv_data_load', database: 'dev', table: 'dog', action: 'upsert', data: csv(ROWS) }
    const answer = await node.post(body, { authorization: `Bearer ${key}` })
    expect(answer.status, JSON.stringify(answer.body)).to.equal(200)
    return (answer.body as { job_id: string }).job_id
  }

  function expectEnded({ status, message, progress }: JobView): void {
    expect(status).to.equal('ERROR')
    expect(message).to.match(
      /^User 'bob', who started the job .*, may no longer do it: The key for programs is unknown/,
    )
    expect(progress.rows).to.be.lessThan(ROWS)
  }

  it('ends when the key is dropped, and one of another key goes on', () =>
    withNode(
      async (node) => {
        await prepare(node)
        const dropped = await keyOf(node)
        const running = await loadWith(node, dropped)
        const other = await loadWith(node, await keyOf(node))
        await until(node, running, ({ progress }) => progress.rows > 0)
        await node.ok({ operation: 'drop_api_key', id: dropped.id })
        expectEnded(await until(node, running, isOver))
        expect((await until(node, other, isOver)).status).to.equal('COMPLETE')
      },
      { 'jobs.running_max': '2' },
    ))

  it('ends with the time of the key, also before it begins', () =>
    withClock(({ pass }) =>
      withNode(
        async (node) => {
          const load = await prepare(node)
          const before = [await load('ann'), await load('ann'), await load('ann')]
          const waiting = await loadWith(node, await keyOf(node, { ttl_s: 3600 }))
          pass(3_601_000)
          for (const id of before) if (!isOver(await look(node, id))) await node.post({ operation: 'cancel_job', id })
          expectEnded(await until(node, waiting, isOver))
        },
        { 'jobs.running_max': '1' },
      ),
    ))
})
