import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { sorted } from '../support/memory-tables.js'
import { type TestNode, withNode } from '../support/node.js'

/** Recorded from the original; not part of this repository. */
const FILE = '../shared/conformance/pyql-cluster.json'

type Row = Record<string, unknown>

interface Expectation {
  status?: number
  status_class?: string
  message?: string
  message_contains?: string
  columns?: Record<string, string[]>
  primary_key?: Record<string, string>
  tables_include?: string[]
  data_equals?: Row[]
  data_length?: number
  min_data_length?: number
  data_contains?: Row[]
  first_row?: Row
  row_keys?: string[]
}

interface Step {
  request: { method: string; path: string; body?: unknown }
  expect: Expectation
}

interface Case extends Step {
  name: string
  level: string
  tables: Record<string, unknown>[]
  rows: Record<string, Row[]>
  then?: Step[]
}

describe('the cases recorded from pyql-rest', () => {
  for (const prefix of ['/db/company', '/cluster/company'])
    it(`pass under ${prefix}`, async function () {
      if (!existsSync(FILE)) this.skip()
      const cases = (JSON.parse(readFileSync(FILE, 'utf8')) as Case[]).filter(({ level }) => level === 'rest')
      await withNode(async (node) => {
        for (const one of cases) await run(node, one, prefix)
      })
    })
})

async function run(node: TestNode, one: Case, prefix: string): Promise<void> {
  const send = (method: string, path: string, body?: unknown) =>
    node.send(method, path.replace('/db/company', prefix), body)
  for (const table of one.tables) await expectOk(one.name, await send('POST', '/db/company/table/create', table))
  for (const [table, records] of Object.entries(one.rows))
    await expectOk(one.name, await node.post({ operation: 'insert', database: 'company', table, records }))
  for (const { request, expect: wanted } of [one, ...(one.then ?? [])]) {
    const { status, body } = await send(request.method, request.path, request.body)
    const where = `${one.name}: ${request.method} ${request.path} ${JSON.stringify(request.body)}: ${JSON.stringify(body)}`
    check(wanted, status, body as Row, where)
  }
  await node.post({ operation: 'drop_database', database: 'company' })
}

async function expectOk(name: string, { status, body }: { status: number; body: unknown }): Promise<void> {
  expect(status, `${name}: ${JSON.stringify(body)}`).to.equal(200)
}

function check(wanted: Expectation, status: number, body: Row, where: string): void {
  if (wanted.status !== undefined) expect(status, where).to.equal(wanted.status)
  if (wanted.status_class !== undefined) expect(status, where).to.equal(400)
  if (wanted.message !== undefined) expect(body['message'], where).to.equal(wanted.message)
  if (wanted.message_contains !== undefined) expect(body['message'], where).to.include(wanted.message_contains)
  checkTables(wanted, body, where)
  checkData(wanted, body['data'] as Row[], where)
}

function checkTables(wanted: Expectation, body: Row, where: string): void {
  for (const [table, names] of Object.entries(wanted.columns ?? {})) {
    const { columns } = body[table] as { columns: { name: string }[] }
    expect(
      columns.map(({ name }) => name),
      where,
    ).to.have.members(names)
  }
  for (const [table, key] of Object.entries(wanted.primary_key ?? {}))
    expect((body[table] as Row)['primary_key'], where).to.equal(key)
  if (!wanted.tables_include) return
  const listed = body['tables'] === undefined ? Object.keys(body) : (body['tables'] as Row[]).flatMap(Object.keys)
  expect(listed, where).to.include.members(wanted.tables_include)
}

function checkData(wanted: Expectation, data: Row[], where: string): void {
  const texts = data?.map(sorted)
  if (wanted.data_equals) expect(texts.sort(), where).to.deep.equal(wanted.data_equals.map(sorted).sort())
  if (wanted.data_length !== undefined) expect(data, where).to.have.length(wanted.data_length)
  if (wanted.min_data_length !== undefined) expect(data.length, where).to.be.at.least(wanted.min_data_length)
  if (wanted.data_contains) expect(texts, where).to.include.members(wanted.data_contains.map(sorted))
  if (wanted.first_row) expect(data[0], where).to.deep.equal(wanted.first_row)
  if (wanted.row_keys) for (const row of data) expect(row, where).to.have.all.keys(wanted.row_keys)
}
