import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { connect } from '../../src/client/index.js'
import { loadConfig } from '../../src/config/index.js'
import { Storage } from '../../src/storage/index.js'
import { eventually } from '../support/eventually.js'
import { ADMIN, onNode, type TestNode } from '../support/node.js'
import { type SmallDisk, withSmallDisk } from '../support/small-disk.js'

const COUNT = 12_000
const item = { database: 'dev', table: 'item' }
const root = { username: ADMIN.username, since: 0, superUser: true }

describe('a database of a backup', () => {
  /** Begins to restore, and fills the disk when some of the records are there. */
  async function interrupt(node: TestNode, disk: SmallDisk): Promise<void> {
    const client = connect({ url: node.url, ...ADMIN })
    await node.ok({ operation: 'create_table', ...item, primary_key: 'id' })
    const records = Array.from({ length: COUNT }, (_, id) => ({ id, note: 'x'.repeat(1000) }))
    for (let at = 0; at < COUNT; at += 2_000)
      await node.ok({ operation: 'insert', ...item, records: records.slice(at, at + 2_000) })
    const backup = await client.createBackup({ file: 'x.tar' })
    await client.waitForJob((backup as { job_id: string }).job_id)
    const request = { operation: 'restore_backup', file: 'x.tar', database: 'dev', as: 'copy' }
    const { job_id: id } = await node.ok<{ job_id: string }>(request)
    const { jobs } = node.node.services
    while (jobs.describe(id, root).progress.rows === 0) await sleep(1)
    disk.fill()
    await eventually('its end could not be stored', () => jobs.positions('restore_backup').length === 0)
    disk.free()
    const { status, message } = await client.waitForJob(id).then(
      (job) => job as unknown as { status: string; message: string },
      (error: Error) => ({ status: 'ERROR', message: error.message }),
    )
    expect([status, message]).to.deep.equal(['ERROR', message])
    expect(message).to.match(/disk is full/i)
  }

  it('leaves nothing when the disk is full before all of it is there, and not even that can be stored', async function () {
    this.timeout(60_000)
    const mayMount = await withSmallDisk(192, async (disk) => {
      const [folder, backups] = [join(disk.folder, 'node'), join(disk.folder, 'backups')]
      mkdirSync(backups)
      await onNode(folder, (node) => interrupt(node, disk), { 'backup.dir': backups })
      await onNode(folder, async (node) => {
        await eventually('all is cleaned', () => node.node.services.catalog.leftovers().length === 0)
      })
      await using storage = await Storage.open({ path: folder, settings: loadConfig().storage })
      const records = storage.keyspace('records')
      using snapshot = storage.snapshot()
      expect(snapshot.count(records, { start: '', end: '\xff' })).to.equal(COUNT)
    })
    if (!mayMount) this.skip()
  })
})
