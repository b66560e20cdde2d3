import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { JobView } from '../../src/jobs/index.js'
import { type TestNode, withNode } from '../support/node.js'

async function ended(node: TestNode, id: string): Promise<JobView> {
  for (;;) {
    const [job] = await node.ok<JobView[]>({ operation: 'get_job', id })
    if (job!.end_datetime !== undefined) return job!
    await sleep(5)
  }
}

async function loaded(node: TestNode, request: object): Promise<JobView> {
  const { job_id } = await node.ok<{ job_id: string }>(request)
  return await ended(node, job_id)
}

const rowsOf = async (node: TestNode, table: string) => node.node.services.tables.snapshot().table('dev', table)!

describe('loads', () => {
  it('write the rows of a CSV, name the bad ones by their line, and skip those whose key exists', () =>
    withNode(async (node) => {
      const columns = [
        { name: 'id', type: 'int' },
        { name: 'name', type: 'text', not_null: true },
        { name: 'age', type: 'int' },
      ]
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id', columns })
      const data = 'id,name,age\n1,"Pen, ny",7\n2,Kato,old\n3,"two\nlines",\nx,Bad,1\n1,Again,1\n4,Odd\n5,Last,5'
      const job = await loaded(node, { operation: 'csv_data_load', database: 'dev', table: 'dog', data })
      expect(job).to.include({ status: 'COMPLETE', message: 'successfully loaded 3 of 7 records' })
      expect(job.errors.map(({ line }) => line)).to.deep.equal([8, 3, 6])
      // Other rows were stored, and the line is the only place that its author knows.
      expect(job.errors[1]!.reason).to.equal(`"old" is not a valid value of 'age', which is of type int.`)
      expect(job.progress).to.include({ rows: 4, percent: 100, errors: 3, bytes: data.length - 'id,name,age\n'.length })
      const reader = await rowsOf(node, 'dog')
      expect([...reader.scan()]).to.deep.equal([
        { id: 1, name: 'Pen, ny', age: 7 },
        { id: 3, name: 'two\nlines', age: null },
        { id: 5, name: 'Last', age: 5 },
      ])
    }))

  it('update and upsert, from lines of JSON too', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      await loaded(node, {
        operation: 'csv_data_load',
        database: 'dev',
        table: 'dog',
        data: 'id,name,owner\n1,Penny,Ann\n',
      })
      const request = { operation: 'csv_data_load', database: 'dev', table: 'dog', format: 'ndjson' }
      const update = await loaded(node, {
        ...request,
        action: 'update',
        data: '{"id":1,"name":"P"}\n{"id":2,"name":"K"}',
      })
      expect(update.message).to.equal('successfully loaded 1 of 2 records')
      const upsert = await loaded(node, {
        ...request,
        action: 'upsert',
        data: '\ufeff{"id":1,"tags":["a"]}\n{"id":2,"name":"K"}',
      })
      expect(upsert.message).to.equal('successfully loaded 2 of 2 records')
      const [first, second] = [...(await rowsOf(node, 'dog')).scan()]
      expect(first).to.include({ name: 'P', owner: 'Ann' }).and.to.have.property('tags').that.deep.equals(['a'])
      expect(second).to.include({ id: 2, name: 'K' })
    }))

  it('end when too many rows are bad, and say which', () =>
    withNode(
      async (node) => {
        await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
        const job = await loaded(node, {
          operation: 'csv_data_load',
          database: 'dev',
          table: 'dog',
          format: 'ndjson',
          data: '1\n2\n3\n4\n{"id":1}',
        })
        expect(job).to.include({ status: 'ERROR' })
        expect(job.message).to.contain('More than 3 rows')
        expect(job.errors.map(({ line }) => line)).to.deep.equal([1, 2, 3, 4])
      },
      { 'jobs.bad_rows_max': '3' },
    ))

  it('start once for an idempotency key', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      const request = {
        operation: 'csv_data_load',
        database: 'dev',
        table: 'dog',
        data: 'name\nPenny\n',
        idempotency_key: 'k',
      }
      const first = await loaded(node, request)
      const second = await loaded(node, request)
      const figures = String((await node.post({ operation: 'metrics' })).body)
      expect(figures).to.contain('trellis_jobs_ended_total{type="csv_data_load",status="COMPLETE"} 1')
      expect(figures).to.match(/^trellis_jobs\{state="running"\} 0$/m)
      expect(second.id).to.equal(first.id)
      expect((await rowsOf(node, 'dog')).count()).to.equal(1)
    }))

  it('are refused at once where they name more columns than a table has, and read files with many', async () => {
    const imports = mkdtempSync(join(tmpdir(), 'trellis-imports-'))
    try {
      const names = Array.from({ length: 3_000 }, (_, index) => `a_column_of_many_in_a_long_line_${index}`)
      writeFileSync(join(imports, 'wide.csv'), `id,${names.join(',')}\n1,${names.map(() => 'x').join(',')}\n`)
      await withNode(
        async (node) => {
          const dog = { database: 'dev', table: 'dog' }
          await node.ok({ operation: 'create_table', ...dog, primary_key: 'id' })
          const job = await loaded(node, { operation: 'csv_file_load', ...dog, file_path: 'wide.csv' })
          expect([job.message, job.errors]).to.deep.equal(['successfully loaded 1 of 1 records', []])
          // Looking for each name in all of them would take hours, in which nobody else is answered.
          const data = Array.from({ length: 1_000_000 }, (_, index) => `c${index}`).join(',')
          for (const request of [{ data }, { format: 'ndjson', data: `{"${data.replaceAll(',', '":1}\n{"')}":1}` }]) {
            const many = await node.post({ operation: 'csv_data_load', ...dog, ...request })
            expect(many.body).to.include({ status: 400, code: 'too_many', limit: 4096 })
          }
        },
        { 'jobs.import_dir': imports, 'http.body_bytes_max': String(32 << 20) },
      )
    } finally {
      rmSync(imports, { recursive: true })
    }
  })

  it('take files of the import folder, with more rows than one transaction', async () => {
    const imports = mkdtempSync(join(tmpdir(), 'trellis-imports-'))
    try {
      mkdirSync(join(imports, 'today'))
      writeFileSync(join(imports, 'today/n.csv'), `n\n${Array.from({ length: 40_000 }, (_, n) => n).join('\r\n')}\r\n`)
      await withNode(
        async (node) => {
          await node.ok({ operation: 'create_table', database: 'dev', table: 'n', primary_key: 'n' })
          const job = await loaded(node, {
            operation: 'csv_file_load',
            database: 'dev',
            table: 'n',
            file_path: 'today/n.csv',
          })
          expect(job.message).to.equal('successfully loaded 40000 of 40000 records')
          expect((await rowsOf(node, 'n')).count()).to.equal(40_000)
          const out = await node.post({
            operation: 'csv_file_load',
            database: 'dev',
            table: 'n',
            file_path: '../x.csv',
          })
          expect(out.body).to.include({ status: 400, code: 'path_not_allowed' })
        },
        { 'jobs.import_dir': imports },
      )
    } finally {
      rmSync(imports, { recursive: true })
    }
  })

  it('need the rights to write the columns that they write, and show the job to its owner only', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      await loaded(node, { operation: 'csv_data_load', database: 'dev', table: 'dog', data: 'id,name,chip\n0,a,1' })
      const attribute = { read: true, insert: true, update: false }
      const table = {
        read: true,
        insert: true,
        update: false,
        delete: false,
        attribute_permissions: [{ attribute_name: 'name', ...attribute }],
      }
      await node.ok({ operation: 'add_role', role: 'writer', permission: { dev: { tables: { dog: table } } } })
      await node.ok({
        operation: 'add_user',
        username: 'wanda',
        password: 'a-long-password',
        role: 'writer',
        active: true,
      })
      const authorization = `Basic ${Buffer.from('wanda:a-long-password').toString('base64')}`
      const load = (request: object) =>
        node.post({ operation: 'csv_data_load', database: 'dev', table: 'dog', ...request }, { authorization })
      expect((await load({ data: 'id,chip\n1,2\n' })).status).to.equal(403)
      expect((await load({ format: 'ndjson', data: '{"id":1}\n{"chip":2}' })).status).to.equal(403)
      // What marks the order of bytes is not of the rows: the first one is read behind it.
      expect((await load({ format: 'ndjson', data: '\ufeff{"id":1,"chip":2}' })).status).to.equal(403)
      expect((await load({ data: 'id,name\n1,x\n', action: 'upsert' })).status).to.equal(403)
      expect((await load({ table: 'cat', data: 'id\n1\n' })).status).to.equal(403)
      const allowed = await load({ data: 'id,name\n1,x\n' })
      expect(allowed.status).to.equal(200)
      const { job_id } = allowed.body as { job_id: string }
      expect((await ended(node, job_id)).user).to.equal('wanda')
      expect((await node.post({ operation: 'get_job', id: job_id }, { authorization })).status).to.equal(200)
      const { job_id: other } = await node.ok<{ job_id: string }>({
        operation: 'csv_data_load',
        database: 'dev',
        table: 'dog',
        data: 'id\n9\n',
      })
      expect((await node.post({ operation: 'get_job', id: other }, { authorization })).status).to.equal(404)
    }))
})
