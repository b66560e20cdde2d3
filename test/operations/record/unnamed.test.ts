import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { connect } from '../../../src/client/index.js'
import { ADMIN, type TestNode, withNode } from '../../support/node.js'

type Fields = Record<string, unknown>

const DOG = { database: 'dev', table: 'dog' }
const NAMES = ['__proto__', 'constructor', 'prototype']
/** As text: in an object literal `__proto__` would set a prototype. */
const HARD =
  '{"id":1,"name":"rex","__proto__":{"polluted":1},"constructor":null,"prototype":[-0,{"constructor":{"__proto__":2}}]}'
const PART = '{"id":2,"name":"ben","constructor":"dog house"}'
const PLAIN = '{"id":3,"name":"tim"}'

/** Rows as texts, without the times. */
function texts(rows: unknown): string[] {
  return (rows as Fields[]).map(({ __createdtime__, __updatedtime__, ...row }) =>
    JSON.stringify(row, (_, value: unknown) => (Object.is(value, -0) ? 0 : value)),
  )
}

const stored = [HARD.replace('-0', '0'), PART, PLAIN]

async function sent(node: TestNode, operation: string, records: readonly string[]): Promise<void> {
  const text = `{"operation":"${operation}","database":"dev","table":"dog","records":[${records.join(',')}]}`
  const { status, body } = await node.send('POST', '/', text)
  expect(status, JSON.stringify(body)).to.equal(200)
}

async function withDogs(test: (node: TestNode) => Promise<void>, settings: Record<string, string> = {}): Promise<void> {
  await withNode(async (node) => {
    await node.ok({ operation: 'create_table', ...DOG, primary_key: 'id' })
    await sent(node, 'insert', [HARD, PART, PLAIN])
    await test(node)
  }, settings)
  expect(({} as Fields)['polluted']).to.equal(undefined)
}

const all = async (node: TestNode) =>
  texts(await node.ok({ operation: 'search_by_value', ...DOG, attribute: 'id', value: '*' }))

describe('members of records that no column can be named like', () => {
  for (const [where, bytes] of Object.entries({ 'in memory': '10000000', 'on disk': '0' }))
    it(`are shown with whole records, which lie ${where}`, () =>
      withDogs(
        async (node) => {
          const search = async (operation: string, request: object) =>
            texts(await node.ok({ operation, ...DOG, get_attributes: ['*'], ...request }))
          // more than once: what is asked for again is answered with a text that is kept
          for (let times = 0; times < 3; times++) {
            expect(await search('search_by_id', { ids: [1, 2, 3] })).to.deep.equal(stored)
            const rex = { attribute: 'name', value: 'rex' }
            expect(await search('search_by_value', rex)).to.deep.equal(stored.slice(0, 1))
            const range = { conditions: [{ attribute: 'id', comparator: 'between', value: [1, 3] }] }
            expect(await search('search_by_conditions', range)).to.deep.equal(stored)
          }
          const select = async (request: object) =>
            texts((await node.ok<{ data: unknown }>({ operation: 'select', ...DOG, ...request })).data)
          expect(await select({ select: '*', orderby: 'id' })).to.deep.equal(stored)
          expect(await select({ select: '*', where: { name: 'ben' } })).to.deep.equal([PART])
          expect(await select({ select: ['*', { column: 'id', as: 'x' }], where: { id: 2 } })).to.deep.equal([
            '{"id":2,"name":"ben","x":2,"constructor":"dog house"}',
          ])
          expect(await select({ select: ['id', 'name'], where: { id: 2 } })).to.deep.equal(['{"id":2,"name":"ben"}'])
        },
        { 'tables.cache_bytes_max': bytes, 'tables.index_cache_bytes_max': bytes },
      ))

  it('tell rows of a join, and distinct rows, apart', () =>
    withDogs(async (node) => {
      const select = async (request: object) =>
        (await node.ok<{ data: Fields[] }>({ operation: 'select', ...DOG, ...request })).data
      const distinct = await select({ select: '*', distinct: true })
      // `null` and nothing are one value to a group
      expect(texts(distinct).sort()).to.deep.equal([stored[0]!.replace(',"constructor":null', ''), PART, PLAIN].sort())
      await node.ok({ operation: 'create_table', database: 'dev', table: 'home', primary_key: 'id' })
      await node.ok({
        operation: 'insert',
        database: 'dev',
        table: 'home',
        records: [
          { id: 7, dog: 2 },
          { id: 8, dog: 9 },
        ],
      })
      const joined = await select({
        table: 'home',
        select: ['dog.*', 'home.id'],
        join: { dog: { type: 'left', on: { 'home.dog': 'dog.id' } } },
        orderby: 'home.id',
      })
      expect(joined.map((row) => row['dog.constructor'])).to.deep.equal(['dog house', undefined])
    }))

  it('are kept by writers as any other member, and are in the log', () =>
    withDogs(async (node) => {
      await sent(node, 'update', ['{"id":2,"__proto__":[1]}', '{"id":3,"name":"tom"}'])
      await sent(node, 'upsert', ['{"id":1,"constructor":5}', '{"id":4,"prototype":{}}'])
      await node.ok({ operation: 'update', ...DOG, ids: [4], set: { name: 'new' } })
      const now = await all(node)
      expect(now).to.deep.equal([
        stored[0]!.replace('"constructor":null', '"constructor":5'),
        '{"id":2,"name":"ben","__proto__":[1],"constructor":"dog house"}',
        '{"id":3,"name":"tom"}',
        '{"id":4,"name":"new","prototype":{}}',
      ])
      const log = JSON.stringify(await node.ok({ operation: 'read_transaction_log', ...DOG }))
      expect(log).to.contain('"__proto__":{"polluted":1}').and.to.contain('"constructor":"dog house"')
      expect(log).to.contain('"__proto__":[1]')
      const [first] = (await node.ok({ operation: 'read_transaction_log', ...DOG, limit: 1 })) as {
        records: Fields[]
      }[]
      expect(first!.records[0]!['prototype']).to.deep.equal([-0, { constructor: JSON.parse('{"__proto__":2}') }])
    }))

  it('are no attributes: nothing can name them, and no table describes them', () =>
    withDogs(async (node) => {
      for (const name of NAMES) {
        const group = { select: '*', distinct: true }
        for (const request of [
          { operation: 'search_by_id', ids: [1], get_attributes: [name] },
          { operation: 'search_by_id', ids: [1], get_attributes: ['*', name] },
          { operation: 'search_by_value', attribute: name, value: '*' },
          { operation: 'search_by_conditions', conditions: [{ attribute: name, value: 1 }] },
          { operation: 'search_by_conditions', conditions: [{ attribute: 'id', value: 1 }], sort: { attribute: name } },
          { operation: 'select', select: [name] },
          { operation: 'select', select: '*', orderby: name },
          { operation: 'select', select: '*', where: [[name, '=', 1]] },
          { operation: 'select', ...group, orderby: name },
          { operation: 'select', ...group, having: [[name, '=', 1]] },
          { operation: 'update', ids: [1], set: { name: 'x' }, if: [[name, 'is not', null]] },
        ]) {
          const { status } = await node.post({ ...DOG, ...request })
          expect(status, JSON.stringify(request)).to.equal(400)
        }
      }
      const { attributes } = await node.ok<{ attributes: { attribute: string }[] }>({
        operation: 'describe_table',
        ...DOG,
      })
      expect(attributes.map(({ attribute }) => attribute)).to.have.members([
        'id',
        'name',
        '__createdtime__',
        '__updatedtime__',
      ])
      const columns = attributes.map(({ attribute }) => attribute)
      const grouped = await node.ok<{ data: unknown[] }>({ operation: 'select', ...DOG, select: '*', groupby: columns })
      expect(texts(grouped.data)).to.have.length(3)
    }))

  it('are not shown to a role that may read some attributes only', () =>
    withDogs(async (node) => {
      const rights = { read: true, insert: false, update: false, delete: false }
      const seen = { attribute_name: 'name', read: true, insert: false, update: false }
      const permission = { dev: { tables: { dog: { ...rights, attribute_permissions: [seen] } } } }
      await node.ok({ operation: 'add_role', role: 'some', permission })
      await node.ok({
        operation: 'add_role',
        role: 'whole',
        permission: { dev: { tables: { dog: { ...rights, attribute_permissions: [] } } } },
      })
      for (const role of ['some', 'whole']) {
        const user = { username: role, password: 'a-long-password' }
        await node.ok({ operation: 'add_user', ...user, role, active: true })
        const client = connect({ url: node.url, ...user })
        const rows = await client.searchById({ ...DOG, ids: [2], get_attributes: ['*'] })
        expect(JSON.stringify(rows).includes('dog house'), role).to.equal(role === 'whole')
      }
    }))

  it('are in exports of every format; those of CSV have a column for each that occurs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-unnamed-'))
    try {
      await withDogs(
        async (node) => {
          await sent(node, 'insert', ['{"id":4,"toString":"x"}'])
          const client = connect({ url: node.url, ...ADMIN })
          const search_operation = { operation: 'search_by_value', ...DOG, attribute: 'id', value: '*' }
          for (const [filename, what] of Object.entries({ table: DOG, search: { search_operation } }))
            for (const format of ['ndjson', 'csv']) {
              const started = await node.ok<{ job_id: string }>({
                operation: 'export_local',
                ...what,
                format,
                filename,
                path: '',
              })
              const job = await client.waitForJob(started.job_id)
              expect(job.message).to.contain('exported 4 records')
              const lines = readFileSync(join(folder, `${filename}.${format}`), 'utf8')
                .trimEnd()
                .split('\n')
              if (format === 'ndjson') {
                expect(lines[0]).to.contain('"__proto__":{"polluted":1}').and.to.contain('[-0,{"constructor"')
                expect(lines[1]).to.contain('"constructor":"dog house"').and.not.to.contain('__proto__')
                continue
              }
              const head = lines[0]!.split(',')
              expect(head.slice(0, 5)).to.have.members(['id', 'name', 'toString', '__createdtime__', '__updatedtime__'])
              expect(head.slice(5)).to.deep.equal(NAMES)
              expect(lines).to.have.length(5)
              expect(lines[1]).to.contain('"{""polluted"":1}",,"[')
              expect(lines[2]!.endsWith(',,dog house,')).to.equal(true)
              expect(lines[3], 'no toString of every object').to.match(/tim,,,,$/)
            }
        },
        { 'jobs.export_dir': folder },
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
