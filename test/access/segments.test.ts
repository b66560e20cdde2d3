import { expect } from 'chai'
import { basic, type TestNode, withNode } from '../support/node.js'

const table = { database: 'shop', table: 'visits' }
const PASSWORD = 'a-password-of-readers'
const ann = { username: 'ann', password: PASSWORD }
const ben = { username: 'ben', password: PASSWORD }
/** May change the structure of the database. */
const carl = { username: 'carl', password: PASSWORD }

const define = (script: string, flags = 'ttl=1h') => ({
  operation: 'query_segments',
  ...table,
  script: `@segment fans ${flags}:\n    ${script}\n`,
})
const some = define('match where action == "buy":\n        tally')
const drop = { operation: 'drop_segment', ...table, segment: 'fans' }

async function prepare(node: TestNode): Promise<void> {
  await node.ok({ operation: 'create_table', ...table, kind: 'events', columns: [] })
  const events = ['buy', 'view'].map((action, at) => ({ person: `p${at}`, stamp: 1_600_000_000, action, _: {} }))
  await node.ok({ operation: 'insert_events', ...table, events })
  const tables = { visits: { read: true, insert: false, update: false, delete: false, attribute_permissions: [] } }
  await node.ok({ operation: 'add_role', role: 'reading', permission: { shop: { tables } } })
  await node.ok({ operation: 'add_role', role: 'building', permission: { structure_user: true, shop: { tables } } })
  for (const user of [ann, ben]) await node.ok({ operation: 'add_user', ...user, role: 'reading' })
  await node.ok({ operation: 'add_user', ...carl, role: 'building' })
}

describe('stored segments of several users', () => {
  const status = async (node: TestNode, request: object, user: typeof ann) =>
    (await node.post(request, { authorization: basic(user) })).status
  const script = async (node: TestNode) =>
    (await node.ok<{ segments: { script: string }[] }>({ operation: 'list_segments', ...table })).segments[0]?.script

  it('are changed and dropped by who made them, and by those who may change the table', () =>
    withNode(async (node) => {
      await prepare(node)
      expect(await status(node, some, ann)).to.equal(200)
      const before = await script(node)
      for (const request of [define('tally'), define('tally', 'ttl=1s use_cached'), drop])
        expect(await status(node, request, ben)).to.equal(403)
      expect(await script(node)).to.equal(before)
      expect(await status(node, define('tally'), ann)).to.equal(200)
      expect(await status(node, some, carl)).to.equal(200)
      expect(await status(node, define('tally'), ann), 'it is still hers').to.equal(200)
      expect(await status(node, drop, carl)).to.equal(200)
      expect(await status(node, define('tally'), ben), 'the name is free').to.equal(200)
      expect(await status(node, drop, ann)).to.equal(403)
      expect(await status(node, drop, ben)).to.equal(200)
    }))

  it('can be used by all readers, and brought up to date as they are', () =>
    withNode(async (node) => {
      await prepare(node)
      expect(await status(node, some, ann)).to.equal(200)
      const more = { person: 'p7', stamp: 1_600_000_000, action: 'buy', _: {} }
      await node.ok({ operation: 'insert_events', ...table, events: [more] })
      const again = { ...some, script: some.script.replace('ttl=1h', 'ttl=5s refresh=1s') }
      const { body } = await node.post(again, { authorization: basic(ben) })
      expect(body).to.deep.equal({ _: [{ g: 'fans', c: [2] }] })
      const { segments } = await node.ok<{ segments: object[] }>({ operation: 'list_segments', ...table })
      expect(segments[0]).to.include({ ttl_ms: 3_600_000 }).and.not.to.have.property('refresh_ms')
      const asked = { operation: 'query_events', ...table, segments: 'fans', script: 'tally("all")\n' }
      expect(await status(node, asked, ben)).to.equal(200)
    }))

  it('are not those of a later user of the same name', () =>
    withNode(async (node) => {
      await prepare(node)
      expect(await status(node, some, ann)).to.equal(200)
      await node.ok({ operation: 'drop_user', username: 'ann' })
      await node.ok({ operation: 'add_user', ...ann, role: 'reading' })
      expect(await status(node, drop, ann)).to.equal(403)
    }))

  it('belong to who has started the job that computed them', () =>
    withNode(async (node) => {
      await prepare(node)
      const started = await node.post({ ...some, job: true }, { authorization: basic(ann) })
      const { job_id: id } = started.body as { job_id: string }
      const ended = async () => {
        const [job] = await node.ok<{ status: string }[]>({ operation: 'get_job', id })
        return job!.status === 'COMPLETE'
      }
      while (!(await ended())) await new Promise(setImmediate)
      expect(await status(node, drop, ben)).to.equal(403)
      expect(await status(node, drop, ann)).to.equal(200)
    }))
})
