import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { connect } from '../../src/client/index.js'
import { ADMIN, onNode, type TestNode } from '../support/node.js'
import { withFolder } from '../support/store.js'

const COUNT = 12_000
const item = { database: 'dev', table: 'item' }

describe('a backup that was made while many index entries waited', () => {
  it('is verified and restored: they are put at once into the copy that it holds', async function () {
    this.timeout(60_000)
    await withFolder(async (base) => {
      const backups = join(base, 'backups')
      mkdirSync(backups)
      const run = async (node: TestNode) => {
        const client = connect({ url: node.url, ...ADMIN })
        const outcome = async (request: object) => {
          const { job_id } = await node.ok<{ job_id: string }>(request)
          return String((await client.waitForJob(job_id)).message)
        }
        await node.ok({ operation: 'create_table', ...item, primary_key: 'id' })
        for (let at = 0; at < COUNT; at += 500) {
          const records = Array.from({ length: 500 }, (_, place) => ({ id: at + place, note: 'x'.repeat(100) }))
          await node.ok({ operation: 'insert', ...item, records })
        }
        const file = 'x.tar'
        await outcome({ operation: 'create_backup', file })
        expect(await outcome({ operation: 'backup_verify', file })).to.contain(`1 tables with ${COUNT} records`)
        expect(await outcome({ operation: 'restore_backup', file, database: 'dev', as: 'copy' })).to.equal(
          `restored 1 tables with ${COUNT} records as 'copy'`,
        )
      }
      await onNode(join(base, 'node'), run, { 'backup.dir': backups })
    })
  })
})
