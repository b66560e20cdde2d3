import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Client, connect, type Job } from '../../src/client/index.js'
import { startKillable } from '../support/killable-node.js'
import { ADMIN, type TestNode, withNode } from '../support/node.js'

describe('exports', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'trellis-exports-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const withExports = (test: (node: TestNode, run: (request: object) => Promise<Job>) => Promise<void>) =>
    withNode(
      async (node) => {
        const client = connect({ url: node.url, ...ADMIN })
        await test(node, async (request) => {
          const { job_id } = await node.ok<{ job_id: string }>({ database: 'dev', ...request })
          return await client.waitForJob(job_id)
        })
      },
      { 'jobs.export_dir': folder },
    )
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const hard = [
    { id: 1, name: 'Pen, "ny"', tags: ['a', 1], nested: { x: null } },
    { id: 2, name: 'two\nlines', ok: true, share: 0.5 },
    { id: 'ö', name: '日本' },
  ]

  it('write what is stored, as JSON, as lines of JSON, and as CSV that comes back', () =>
    withExports(async (node, run) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      await node.ok({ operation: 'insert', database: 'dev', table: 'dog', records: hard })
      const stored = await node.ok<{ data: object[] }>({
        operation: 'search_by_value',
        database: 'dev',
        table: 'dog',
        attribute: 'id',
        value: '*',
      })
      const table = { operation: 'export_local', table: 'dog', filename: 'dogs' }
      const job = await run({ ...table, format: 'json', path: 'sub/today' })
      expect(job.message).to.equal("exported 3 records to 'sub/today/dogs.json'")
      const json = JSON.parse(read('sub/today/dogs.json')) as Record<string, unknown>[]
      await run({ ...table, format: 'ndjson' })
      const lines = read('dogs.ndjson')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
      expect(json.map(({ __createdtime__, __updatedtime__, ...record }) => record)).to.deep.equal(hard)
      expect(json[0]!['__createdtime__']).to.be.a('number')
      expect(lines).to.deep.equal(json)
      expect(stored).to.have.length(3)

      await run({ ...table, format: 'csv' })
      expect(read('dogs.csv').split('\n')[0]).to.contain('id,__createdtime__,__updatedtime__,name')
      await node.ok({ operation: 'create_table', database: 'dev', table: 'copy', primary_key: 'id' })
      await run({ operation: 'csv_data_load', table: 'copy', data: read('dogs.csv') })
      using snapshot = node.node.services.tables.snapshot()
      const back = [...snapshot.table('dev', 'copy')!.scan()].map((row) =>
        Object.fromEntries(Object.entries(row).filter(([name, value]) => value !== null && !name.startsWith('__'))),
      )
      expect(back).to.deep.equal(hard)
    }))

  it('tell empty texts from none in CSV, where a column may have none', () =>
    withExports(async (node, run) => {
      const columns = [
        { name: 'id', type: 'int' },
        { name: 'name', type: 'text', not_null: true },
        { name: 'chip', type: 'text', unique: true },
        { name: 'photo', type: 'blob' },
        { name: 'age', type: 'int' },
      ]
      const create = { operation: 'create_table', database: 'dev', primary_key: 'id', columns }
      const none = { chip: null, photo: null, age: null }
      const records = [
        { id: 1, name: '', ...none },
        { id: 2, name: 'b', ...none, chip: '', photo: '' },
      ]
      await node.ok({ ...create, table: 'dog' })
      await node.ok({ operation: 'insert', database: 'dev', table: 'dog', records })
      await run({ operation: 'export_local', table: 'dog', filename: 'dogs', format: 'csv' })
      expect(read('dogs.csv')).to.equal('id,name,chip,photo,age\n1,"",,,\n2,b,"","",\n')
      await node.ok({ ...create, table: 'copy' })
      await run({ operation: 'csv_data_load', table: 'copy', data: read('dogs.csv') })
      await run({ operation: 'csv_data_load', table: 'copy', data: 'id,name,chip,photo,age\n3,,,,""\n' })
      const all = { select: '*', orderby: 'id', database: 'dev', table: 'copy' }
      expect((await node.ok<{ data: object[] }>({ operation: 'select', ...all })).data).to.deep.equal([
        ...records,
        { id: 3, name: '', ...none },
      ])
    }))

  it('complete the rows of declared tables', () =>
    withExports(async (node, run) => {
      await node.ok({
        operation: 'create_table',
        database: 'dev',
        table: 'dog',
        primary_key: 'id',
        columns: [{ name: 'id', type: 'int' }],
      })
      await node.ok({ operation: 'insert', database: 'dev', table: 'dog', records: [{ id: 1 }] })
      await node.ok({ operation: 'add_column', database: 'dev', table: 'dog', column: 'size', type: 'int', default: 7 })
      await run({ operation: 'export_local', table: 'dog', filename: 'dogs', format: 'ndjson' })
      expect(read('dogs.ndjson')).to.equal('{"id":1,"size":7}\n')
    }))

  it('write what a search answers, and every page of a select', () =>
    withExports(async (node, run) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      await node.ok({
        operation: 'insert',
        database: 'dev',
        table: 'dog',
        records: Array.from({ length: 100 }, (_, id) => ({ id, name: `dog ${id % 3}` })),
      })
      const search = {
        operation: 'search_by_value',
        database: 'dev',
        table: 'dog',
        search_attribute: 'name',
        search_value: 'dog 1',
        get_attributes: ['id'],
      }
      await run({ operation: 'export_local', format: 'csv', filename: 'some', search_operation: search })
      expect(read('some.csv').trim().split('\n')).to.have.length(34)
      await run({
        operation: 'export_local',
        format: 'json',
        filename: 'all',
        search_operation: { operation: 'select', database: 'dev', table: 'dog', select: ['id'] },
      })
      expect(JSON.parse(read('all.json'))).to.have.length(100)
      const wrong = await node.post({
        operation: 'export_local',
        format: 'json',
        search_operation: { operation: 'search_by_value', table: 'dog', nonsense: 1 },
      })
      expect(wrong.body).to.include({ code: 'invalid_request' })
    }))

  it('never replace a file, leave none when they fail, and stay in their folder', () =>
    withExports(async (node, run) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      const request = { operation: 'export_local', table: 'dog', filename: 'dogs', format: 'json' }
      await run(request)
      expect(read('dogs.json')).to.equal('[\n]\n')
      expect(await run(request).catch((error: Error) => error.message)).to.contain(
        "There is a file 'dogs.json' already",
      )
      expect(await run({ ...request, path: '../out' }).catch((error: Error) => error.message)).to.contain(
        'leads out of jobs.export_dir',
      )
      expect(await run({ ...request, filename: '../x' }).catch((error: Error) => error.message)).to.contain(
        "'filename' must be a name",
      )
      expect(readdirSync(folder)).to.deep.equal(['dogs.json'])
    }))
})

describe('delete_records_before', () => {
  it('deletes what was made before a time and leaves what came later', () =>
    withNode(async (node) => {
      const client = connect({ url: node.url, ...ADMIN })
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      await node.ok({
        operation: 'insert',
        database: 'dev',
        table: 'dog',
        records: Array.from({ length: 1234 }, (_, id) => ({ id })),
      })
      await new Promise((resolve) => setTimeout(resolve, 5))
      const date = new Date().toISOString()
      await new Promise((resolve) => setTimeout(resolve, 5))
      await node.ok({ operation: 'insert', database: 'dev', table: 'dog', records: [{ id: 'late' }] })
      const request = { database: 'dev', table: 'dog', date }
      const first = await client.waitForJob((await client.deleteRecordsBefore(request)).job_id)
      expect(first.message).to.equal('1234 records successfully deleted')
      const second = await client.waitForJob((await client.deleteRecordsBefore(request)).job_id)
      expect(second.message).to.equal('No records found to delete')
      using snapshot = node.node.services.tables.snapshot()
      expect([...snapshot.table('dev', 'dog')!.scan()].map(({ id }) => id)).to.deep.equal(['late'])
    }))

  it('looks at every record where the times have no index, and refuses a table without times', () =>
    withNode(async (node) => {
      const client = connect({ url: node.url, ...ADMIN })
      const dog = { database: 'dev', table: 'dog' }
      await client.createTable({
        ...dog,
        primary_key: 'id',
        columns: [
          { name: 'id', type: 'int' },
          { name: '__createdtime__', type: 'timestamp', indexed: false },
        ],
      })
      const made = (id: number) => ({ id, __createdtime__: id % 3 === 0 ? null : id % 2 === 0 ? 1e12 : 2e12 })
      for (let from = 0; from < 12_000; from += 6000)
        await client.insert({ ...dog, records: Array.from({ length: 6000 }, (_, n) => made(from + n)) })
      const { job_id } = await client.deleteRecordsBefore({ ...dog, date: '2010-01-01T00:00:00Z' })
      expect((await client.waitForJob(job_id)).message).to.equal('4000 records successfully deleted')
      using snapshot = node.node.services.tables.snapshot()
      const left = [...snapshot.table('dev', 'dog')!.scan()].map(({ id }) => id as number)
      expect(left).to.deep.equal(Array.from({ length: 12_000 }, (_, n) => n).filter((n) => n % 3 === 0 || n % 2 === 1))
      await client.createTable({ ...dog, table: 'plain', primary_key: 'id', columns: [{ name: 'id', type: 'int' }] })
      const refused = await client
        .deleteRecordsBefore({ ...dog, table: 'plain', date: '2010-01-01T00:00:00Z' })
        .catch((error: unknown) => error)
      expect(refused).to.have.property('code', 'no_times')
    }))
})

/** A node whose indexes take their time, and a table with `rows` records. */
async function withSlowIndexes(rows: number, test: (node: TestNode, client: Client) => Promise<void>) {
  await withNode(
    async (node) => {
      const client = connect({ url: node.url, ...ADMIN })
      await client.createTable({ ...dog, primary_key: 'id' })
      await client.insert({ ...dog, records: Array.from({ length: rows }, (_, id) => ({ id })) })
      await test(node, client)
    },
    { 'tables.cleaning_step_max': '10' },
  )
}

const dog = { database: 'dev', table: 'dog' }

describe('the building of an index', () => {
  it('stops when it is cancelled; the column stays, and nothing of the index', () =>
    withSlowIndexes(10_000, async (node, client) => {
      const column = { ...dog, column: 'good', type: 'text', default: 'yes' }
      const { job_id } = await client.addColumn({ ...column, job: true })
      const rowsDone = async () => ((await client.getJob({ id: job_id! }))[0]!['progress'] as { rows: number }).rows
      while ((await rowsDone()) < 100) await new Promise((resolve) => setTimeout(resolve, 2))
      await client.cancelJob({ id: job_id! })
      const [job] = await client.getJob({ id: job_id! })
      expect(job).to.have.property('status', 'CANCELLED')
      expect(await rowsDone()).to.be.below(10_000)
      const { catalog, tables } = node.node.services
      const schema = catalog.table('dev', 'dog')
      const good = schema.columns.find(({ name }) => name === 'good')!
      expect(good).to.include({ indexed: false }).and.not.have.property('building')
      await tables.cleaning.run()
      expect(catalog.leftovers()).to.deep.equal([])
      await client.insert({ ...dog, records: [{ id: -1, good: 'no' }] })
      const select = { ...dog, select: [{ count: 'id', as: 'dogs' }], explain: true }
      const yes = await client.select({ ...select, where: { good: 'yes' } })
      expect(yes).to.have.nested.property('data[0].dogs', 10_000)
      expect(yes).to.have.nested.property('plan.full_scan', true)
      expect(await client.select({ ...select, where: { good: 'no' } })).to.have.nested.property('data[0].dogs', 1)
    }))

  it('ends when the column or the table is dropped meanwhile', () =>
    withSlowIndexes(5000, async (_, client) => {
      const { job_id } = await client.addColumn({ ...dog, column: 'good', default: 'yes', job: true })
      await client.dropTable(dog)
      const error = await client.waitForJob(job_id!).catch((caught: unknown) => caught)
      expect(error)
        .to.have.property('message')
        .that.match(/does not exist|was dropped/)
    }))
})

describe('an export of a search', () => {
  it('holds no more than a piece of it: a heap of 64 MB is enough for 150 MB', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-large-'))
    try {
      const environment = {
        TRELLIS_JOBS_EXPORT_DIR: folder,
        TRELLIS_TABLES_CACHE_BYTES_MAX: '1048576',
        NODE_OPTIONS: '--max-old-space-size=64',
      }
      await using node = await startKillable(join(folder, 'data'), environment)
      await node.client.createTable({ ...dog, primary_key: 'id' })
      const note = 'x'.repeat(15_000)
      for (let from = 0; from < 10_000; from += 200)
        await node.client.insert({ ...dog, records: Array.from({ length: 200 }, (_, n) => ({ id: from + n, note })) })
      for (const format of ['json', 'csv'] as const) {
        const { job_id } = await node.client.exportLocal({
          format,
          filename: 'large',
          search_operation: { operation: 'search_by_value', ...dog, attribute: 'note', value: 'x*' },
        })
        const job = await node.client.waitForJob(job_id)
        expect(job.message).to.equal(`exported 10000 records to 'large.${format}'`)
        expect(statSync(join(folder, `large.${format}`)).size).to.be.greaterThan(150e6)
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('other long work', () => {
  it('is done by jobs: building an index, and forgetting old changes', () =>
    withNode(async (node) => {
      const client = connect({ url: node.url, ...ADMIN })
      const dog = { database: 'dev', table: 'dog' }
      await client.createTable({ ...dog, primary_key: 'id' })
      for (let batch = 0; batch < 3; batch++)
        await client.insert({ ...dog, records: Array.from({ length: 1000 }, (_, id) => ({ id: batch * 1000 + id })) })
      const { job_id: index } = await client.addColumn({
        ...dog,
        column: 'good',
        type: 'bool',
        default: true,
        job: true,
      })
      const built = await client.waitForJob(index!)
      expect((built['progress'] as { rows: number }).rows).to.equal(3000)
      const found = await client.searchByValue({ ...dog, attribute: 'good', value: true, get_attributes: ['id'] })
      expect(found).to.have.length(3000)
      const { job_id: log } = await client.deleteTransactionLogsBefore({ ...dog, timestamp: Date.now() + 1000 })
      expect((await client.waitForJob(log)).message).to.match(/^[23] changes of dev\.dog were deleted$/)
      expect(await client.readTransactionLog(dog)).to.have.length.below(2)
    }))
})
