import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Client, Job } from '../../src/client/index.js'
import { startKillable } from '../support/killable-node.js'

const endless = fileURLToPath(new URL('../support/endless-jobs-node.js', import.meta.url))
const ROWS = 30_000
const EVENTS = 20_000
const item = { database: 'dev', table: 'item' }
const columns = 'n,name,category'
const rows = () => Array.from({ length: ROWS }, (_, n) => `${n},"item, ${n}",c${n % 200}`)

/** A kind of job, what is done before it, and what must be so after it, however often its node was killed. */
interface Kind {
  type: string
  given?: (client: Client) => Promise<unknown>
  start: (client: Client) => Promise<{ job_id?: string }>
  /** The kill comes when the job has told so many rows or bytes. */
  killAt: { rows: number } | { bytes: number } | { begun: true }
  message: string | RegExp
  check: (client: Client, job: Job) => Promise<void>
}

describe('a job whose node is killed goes on after the restart as if nothing had happened', () => {
  let base: string
  let environment: Record<string, string>

  before(async () => {
    base = mkdtempSync(join(tmpdir(), 'trellis-kill-'))
    for (const folder of ['in', 'out', 'backups']) mkdirSync(join(base, folder))
    writeFileSync(join(base, 'in/rows.csv'), `${columns}\n${rows().join('\n')}\n`)
    environment = {
      TRELLIS_JOBS_IMPORT_DIR: join(base, 'in'),
      TRELLIS_JOBS_EXPORT_DIR: join(base, 'out'),
      TRELLIS_BACKUP_DIR: join(base, 'backups'),
      // Many small steps, so that there is a middle to be killed in.
      TRELLIS_TABLES_CLEANING_STEP_MAX: '250',
      TRELLIS_ACCESS_PASSWORD_HASH_PASSES: '1',
    }
    await using node = await startKillable(join(base, 'data'), environment)
    await node.client.createTable({ ...item, primary_key: 'id' })
    await node.client.createTable({
      database: 'dev',
      table: 'visit',
      kind: 'events',
      columns: [{ name: 'page', type: 'text' }],
    })
    for (let from = 0; from < EVENTS; from += 5000)
      await node.client.insertEvents({
        database: 'dev',
        table: 'visit',
        events: Array.from({ length: 5000 }, (_, n) => ({
          person: `p${(from + n) % 40}`,
          stamp: 1.6e12 + from + n,
          action: 'view',
          _: { page: `/${n % 5}` },
        })),
      })
  })
  after(() => rmSync(base, { recursive: true, force: true }))

  const countOf = async (client: Client, table: string) =>
    (await client.describeTable({ database: 'dev', table })).record_count
  const fileOf = (name: string) =>
    readFileSync(join(base, 'out', name), 'utf8')
      .trim()
      .split('\n')

  const kinds: Kind[] = [
    {
      // Without a key of their own rows that are loaded twice would be there twice.
      type: 'csv_file_load',
      start: (client) => client.csvFileLoad({ ...item, file_path: 'rows.csv' }),
      killAt: { rows: ROWS / 10 },
      message: `successfully loaded ${ROWS} of ${ROWS} records`,
      check: async (client) => expect(await countOf(client, 'item')).to.equal(ROWS) as never,
    },
    {
      type: 'csv_data_load',
      given: (client) => client.createTable({ database: 'dev', table: 'sent', primary_key: 'id' }),
      start: (client) =>
        client.csvDataLoad({ database: 'dev', table: 'sent', data: `${columns}\n${rows().join('\n')}\n` }),
      killAt: { rows: ROWS / 10 },
      message: `successfully loaded ${ROWS} of ${ROWS} records`,
      check: async (client) => expect(await countOf(client, 'sent')).to.equal(ROWS) as never,
    },
    {
      type: 'export_local',
      start: (client) => client.exportLocal({ ...item, format: 'csv', filename: 'table' }),
      killAt: { rows: ROWS / 10 },
      message: `exported ${ROWS} records to 'table.csv'`,
      check: async () => {
        expect(new Set(fileOf('table.csv'))).to.have.property('size', ROWS + 1)
      },
    },
    {
      type: 'export_local of a search',
      start: (client) =>
        client.exportLocal({
          format: 'csv',
          filename: 'search',
          search_operation: {
            operation: 'select',
            ...item,
            select: '*',
            where: [['n', '>=', 100]],
            orderby: ['category', 'name'],
          },
        }),
      killAt: { begun: true },
      message: `exported ${ROWS - 100} records to 'search.csv'`,
      check: async () => {
        expect(new Set(fileOf('search.csv'))).to.have.property('size', ROWS - 100 + 1)
      },
    },
    {
      type: 'add_column',
      start: (client) => client.addColumn({ ...item, column: 'colour', type: 'text', default: 'red', job: true }),
      killAt: { rows: ROWS / 10 },
      message: "attribute 'dev.item.colour' successfully created.",
      check: async (client) => {
        const answer = await client.select({
          ...item,
          select: [{ count: 'n', as: 'rows' }],
          where: { colour: 'red' },
          explain: true,
        })
        expect(answer).to.have.nested.property('data[0].rows', ROWS)
        expect(answer).to.have.nested.property('plan.full_scan', false)
      },
    },
    {
      type: 'delete_transaction_logs_before',
      start: (client) => client.deleteTransactionLogsBefore({ ...item, timestamp: Date.now() }),
      killAt: { begun: true },
      message: /^\d+ changes of dev.item were deleted$/,
      check: async (client) => {
        expect(await client.readTransactionLog({ ...item })).to.have.length.at.most(1)
      },
    },
    {
      type: 'create_backup',
      start: (client) => client.createBackup({ file: 'x.tar' }) as Promise<{ job_id: string }>,
      killAt: { bytes: 1 },
      message: /^wrote \d+ bytes to 'x.tar'$/,
      check: async () => {
        expect(readdirSync(join(base, 'backups'))).to.deep.equal(['x.tar'])
      },
    },
    {
      type: 'backup_verify',
      start: (client) => client.backupVerify({ file: 'x.tar' }),
      killAt: { bytes: 1 },
      message: /is whole/,
      check: async () => {},
    },
    {
      type: 'restore_backup',
      start: (client) => client.restoreBackup({ file: 'x.tar', database: 'dev', as: 'copy' }),
      killAt: { rows: 1 },
      message: `restored 3 tables with ${2 * ROWS} records and ${EVENTS} events as 'copy'`,
      check: async (client) => {
        expect((await client.describeTable({ database: 'copy', table: 'item' })).record_count).to.equal(ROWS)
        const people = await client.queryColumn({ database: 'copy', table: 'visit', column: 'page' })
        expect(people).to.deep.equal(await client.queryColumn({ database: 'dev', table: 'visit', column: 'page' }))
      },
    },
    {
      type: 'query_events',
      start: (client) =>
        client.queryEvents({
          database: 'dev',
          table: 'visit',
          script: 'match:\n    match:\n        tally(page)\n',
          job: true,
        }) as Promise<{ job_id: string }>,
      killAt: { begun: true },
      message: 'The query is done.',
      check: async (_, job) => {
        expect(job).to.have.nested.property('result._').with.length.greaterThan(0)
      },
    },
    {
      type: 'delete_records_before',
      start: (client) => client.deleteRecordsBefore({ ...item, date: new Date().toISOString() }),
      killAt: { rows: ROWS / 10 },
      message: `${ROWS} records successfully deleted`,
      check: async (client) => expect(await countOf(client, 'item')).to.equal(0) as never,
    },
  ]

  for (const { type, given, start, killAt, message, check } of kinds)
    it(type, async () => {
      const folder = join(base, 'data')
      const id = await (async () => {
        await using node = await startKillable(folder, environment, endless)
        await given?.(node.client)
        const job_id = (await start(node.client)).job_id!
        const job = await until(node.client, job_id, killAt)
        await node.kill()
        expect(job['end_datetime'], 'the kill came in the middle').to.equal(undefined)
        return job_id
      })()
      await using node = await startKillable(folder, environment)
      const job = await node.client.waitForJob(id)
      expect(job.message).to.match(
        typeof message === 'string' ? new RegExp(`^${message.replaceAll('.', '\\.')}$`) : message,
      )
      await check(node.client, job)
      const left = [...readdirSync(join(base, 'out')), ...readdirSync(join(base, 'backups'))]
      expect(left.filter((name) => name.endsWith('.part'))).to.deep.equal([])
      const scratch = join(folder, 'scratch')
      expect(existsSync(scratch) ? readdirSync(scratch) : []).to.deep.equal([])
    })
})

/** Looks until the job is so far, or has ended. */
async function until(client: Client, id: string, at: Kind['killAt']): Promise<Job> {
  for (;;) {
    const [job] = (await client.getJob({ id })) as unknown as [Job]
    const { rows, bytes } = job['progress'] as { rows: number; bytes: number }
    const isThere = 'rows' in at ? rows >= at.rows : 'bytes' in at ? bytes >= at.bytes : job.status === 'IN_PROGRESS'
    if (isThere || job['end_datetime'] !== undefined) return job
    await sleep(2)
  }
}
