import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { readBackup, restoreFolder } from '../../src/backup/index.js'
import { connect } from '../../src/client/index.js'
import { loadConfig } from '../../src/config/index.js'
import { ADMIN, onNode, type TestNode } from '../support/node.js'

const { storage: settings } = loadConfig()

describe('a backup for which there is no space', () => {
  let base: string
  const mounted: string[] = []

  beforeEach(function () {
    base = mkdtempSync(join(tmpdir(), 'trellis-full-'))
    for (const [folder, megabytes] of Object.entries({ data: 40, backups: 2, roomy: 64, target: 2 })) {
      mkdirSync(join(base, folder))
      const size = `size=${megabytes}m`
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'tmpfs', join(base, folder)]).status !== 0) this.skip()
      mounted.push(join(base, folder))
    }
  })
  afterEach(() => {
    for (const folder of mounted.splice(0)) execFileSync('umount', [folder])
    rmSync(base, { recursive: true, force: true })
  })

  const on = <Result>(backups: string, test: (node: TestNode) => Promise<Result>) =>
    onNode(join(base, 'data/node'), test, { 'backup.dir': join(base, backups) })

  /** The message of a job's end. */
  async function outcome(node: TestNode, request: object): Promise<string> {
    const client = connect({ url: node.url, ...ADMIN })
    const { status, body } = await node.post(request)
    if (status !== 200) return (body as { detail: string }).detail // not even the job can be stored
    const { job_id } = body as { job_id: string }
    return await client.waitForJob(job_id).then(
      ({ message }) => String(message),
      (error: Error) => error.message,
    )
  }

  it('says so and leaves nothing, wherever it is missing; the node goes on', async () => {
    const item = { database: 'dev', table: 'item' }
    await on('backups', async (node) => {
      await node.ok({ operation: 'create_table', ...item, primary_key: 'id' })
      const records = Array.from({ length: 2000 }, (_, id) => ({ id, note: 'x'.repeat(2000) }))
      await node.ok({ operation: 'insert', ...item, records })
      expect(await outcome(node, { operation: 'create_backup', file: 'x.tar' }), 'in backup.dir').to.match(
        /disk is full/i,
      )
      expect(readdirSync(join(base, 'backups'))).to.deep.equal([])
    })
    await on('roomy', async (node) => {
      expect(await outcome(node, { operation: 'create_backup', file: 'x.tar' })).to.match(/^wrote/)
      // Now there is no space for the copy beside the data.
      writeFileSync(join(base, 'data/ballast'), Buffer.alloc(freeOf(join(base, 'data')) - (5 << 20)))
      for (const request of [
        { operation: 'create_backup', file: 'y.tar' },
        { operation: 'backup_verify', file: 'x.tar' },
        { operation: 'restore_backup', file: 'x.tar', database: 'dev', as: 'copy' },
      ])
        expect(await outcome(node, request), request.operation).to.match(/disk is full/i)
      expect(readdirSync(join(base, 'data/node/scratch'))).to.deep.equal([])
      expect(readdirSync(join(base, 'roomy'))).to.deep.equal(['x.tar'])
      rmSync(join(base, 'data/ballast'))
      await node.ok({ operation: 'insert', ...item, records: [{ id: 'later' }] })
      expect(await outcome(node, { operation: 'backup_verify', file: 'x.tar' })).to.contain('is whole')
    })
    const folder = join(base, 'target/restored')
    const refused = await restoreFolder({ backup: readBackup(join(base, 'roomy/x.tar')), folder, settings }).catch(
      (error: unknown) => error,
    )
    expect(refused).to.have.property('code', 'disk_full')
    expect(readdirSync(join(base, 'target'))).to.deep.equal([])
  })
})

function freeOf(folder: string): number {
  const [, free] = execFileSync('df', ['-B1', '--output=avail', folder], { encoding: 'utf8' }).split('\n')
  return Number(free)
}
