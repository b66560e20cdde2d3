import { expect } from 'chai'
import { onNode, type TestNode, withNode } from '../support/node.js'
import { withFolder } from '../support/store.js'

const table = { database: 'data', table: 'clicks' }
const columns = [{ name: 'page', type: 'text' }]
const event = { person: 'ann', stamp: 1_700_000_000, action: 'visit', _: { page: 'x' } }
/** The threads open their files when they start. */
const haveStarted = ({ node }: TestNode) => node.services.events.files.length > 0

describe('the threads of events', () => {
  it('start with the first events, and with a node that has event tables', () =>
    withNode(async (first) => {
      await first.ok({ operation: 'create_table', table: 'dog', primary_key: 'id' })
      await first.ok({ operation: 'metrics' })
      await first.ok({ operation: 'describe_all' })
      expect((await first.send('POST', '/', { operation: 'create_backup' })).status).to.equal(200)
      expect(await first.node.services.events.measure()).to.include({ fileBytes: 0 })
      expect(haveStarted(first)).to.equal(false)
      await first.node[Symbol.asyncDispose]()
      await onNode(first.folder, async (second) => {
        expect(haveStarted(second), 'after a start').to.equal(false)
        await second.ok({ operation: 'create_table', ...table, kind: 'events', columns })
        await second.ok({ operation: 'insert_events', ...table, events: [event] })
        expect(haveStarted(second)).to.equal(true)
      })
      await onNode(first.folder, async (third) => {
        expect(await third.ok({ operation: 'insert_events', ...table, events: [event] })).to.include({ duplicates: 1 })
      })
    }))

  it('are not missed by a backup of an event table without events', () =>
    withFolder((folder) =>
      withNode(
        async (node) => {
          await node.ok({ operation: 'create_table', ...table, kind: 'events', columns })
          const settled = async (request: object) => {
            const { job_id: id } = await node.ok<{ job_id: string }>(request)
            for (;;) {
              const [job] = await node.ok<[{ status: string; message: string }]>({ operation: 'get_job', id })
              if (['COMPLETE', 'ERROR'].includes(job.status))
                return expect(job.status, job.message).to.equal('COMPLETE')
              await new Promise((resolve) => setTimeout(resolve, 20))
            }
          }
          await settled({ operation: 'create_backup', file: 'all.tar' })
          expect(haveStarted(node)).to.equal(false)
          await settled({ operation: 'backup_verify', file: 'all.tar' })
          await settled({ operation: 'restore_backup', file: 'all.tar', database: 'data', as: 'again' })
          const inserted = await node.ok({ operation: 'insert_events', ...table, database: 'again', events: [event] })
          expect(inserted).to.include({ inserted: 1 })
        },
        { 'backup.dir': folder },
      ),
    ))
})
