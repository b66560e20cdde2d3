import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { Job } from '../../src/client/index.js'
import { startKillable } from '../support/killable-node.js'

const ROWS = 120_000

describe('a load whose node is killed', () => {
  it('goes on after the restart: every row is there once', async function () {
    this.timeout(60_000)
    const base = mkdtempSync(join(tmpdir(), 'trellis-kill-'))
    try {
      // Without a key of their own rows that are loaded twice would be there twice.
      const lines = Array.from({ length: ROWS }, (_, n) => `${n},"item, ${n}",c${n % 200}`)
      writeFileSync(join(base, 'rows.csv'), `n,name,category\n${lines.join('\n')}\n`)
      const folder = join(base, 'data')
      const environment = { TRELLIS_JOBS_IMPORT_DIR: base }
      const jobId = await (async () => {
        await using node = await startKillable(folder, environment)
        await node.client.createTable({ database: 'dev', table: 'item', primary_key: 'id' })
        const { job_id } = await node.client.csvFileLoad({ database: 'dev', table: 'item', file_path: 'rows.csv' })
        let rows = 0
        while (rows < ROWS / 10) {
          await sleep(5)
          rows = rowsOf((await node.client.getJob({ id: job_id }))[0] as unknown as Job)
        }
        await node.kill()
        expect(rows, 'the kill came in the middle').to.be.below(ROWS)
        return job_id
      })()
      await using node = await startKillable(folder, environment)
      const [going] = (await node.client.getJob({ id: jobId })) as unknown as [Job]
      expect(rowsOf(going), 'what was written is known after the restart').to.be.at.least(ROWS / 10)
      const job = await node.client.waitForJob(jobId)
      expect(job.message).to.equal(`successfully loaded ${ROWS} of ${ROWS} records`)
      const { record_count } = await node.client.describeTable({ database: 'dev', table: 'item' })
      expect(record_count).to.equal(ROWS)
    } finally {
      rmSync(base, { recursive: true, force: true })
    }
  })
})

function rowsOf(job: Job): number {
  return (job['progress'] as { rows: number }).rows
}
