import { expect } from 'chai'
import { basic, type TestNode, withNode } from '../../support/node.js'

const dog = { database: 'dev', table: 'dog' }
const where = [['id', '>', 1]]

async function withDogs(test: (node: TestNode) => Promise<void>): Promise<void> {
  await withNode(async (node) => {
    await node.ok({ operation: 'create_table', ...dog, primary_key: 'id' })
    const records = [1, 2, 3].map((id) => ({ id, age: id, weight: 2 }))
    await node.ok({ operation: 'insert', ...dog, records })
    await test(node)
  })
}

const agesIn = async ({ ok }: TestNode) =>
  (await ok<{ age: number }[]>({ operation: 'search_by_id', ...dog, ids: [1, 2, 3], get_attributes: ['age'] })).map(
    ({ age }) => age,
  )

describe('writes', () => {
  it('leave the database of the node alone, and say so', () =>
    withDogs(async (node) => {
      const place = { database: 'system', table: 'hdb_info' }
      const refused = [
        { operation: 'insert', ...place, records: [{ id: 1 }] },
        { operation: 'delete', ...place, ids: [1] },
        { operation: 'create_table', ...place, primary_key: 'id' },
        { operation: 'drop_table', ...place },
        { operation: 'drop_database', database: 'system' },
      ]
      for (const request of refused) {
        const { status, body } = await node.post(request)
        expect([status, (body as { code: string }).code], request.operation).to.deep.equal([403, 'database_reserved'])
      }
    }))

  it('replace all records by others of different keys, or store nothing', () =>
    withDogs(async (node) => {
      const records = [
        { id: 1, age: 7 },
        { id: 1, age: 8 },
      ]
      const { status, body } = await node.post({ operation: 'replace_records', ...dog, records })
      expect(status).to.equal(409)
      expect(body).to.include({ code: 'record_exists', index: 1, key: '1' })
      expect(await agesIn(node)).to.deep.equal([1, 2, 3])
    }))

  it('are not made impossible by a foreign key whose values can never be those of its parent', () =>
    withDogs(async (node) => {
      const number = { name: 'id', type: 'int' }
      await node.ok({
        operation: 'create_table',
        database: 'dev',
        table: 'breed',
        primary_key: 'id',
        columns: [number],
      })
      const create = (table: string, type: string) => {
        const columns = [number, { name: 'breed', type, indexed: true }]
        const foreign_keys = [{ column: 'breed', table: 'breed', references: 'id' }]
        return node.post({
          operation: 'create_table',
          database: 'dev',
          table,
          primary_key: 'id',
          columns,
          foreign_keys,
        })
      }
      const { status, body } = await create('cat', 'text')
      expect([status, (body as { code: string }).code]).to.deep.equal([400, 'invalid_column'])
      expect((body as { error: string }).error).to.contain("holds text, and 'breed.id' int")
      expect((await create('bird', 'double')).status).to.equal(200)
    }))

  it('refuse a new key that JSON has rounded, instead of making two keys one', () =>
    withDogs(async (node) => {
      for (const operation of ['insert', 'upsert']) {
        const sent = `{"operation":"${operation}","database":"dev","table":"dog","records":[{"id":9007199254740993}]}`
        const { status, body } = await node.post(sent)
        expect([status, (body as { code: string }).code], operation).to.deep.equal([400, 'key_invalid'])
      }
    }))

  it('refuse a key of an earlier operation where it would not be read', () =>
    withDogs(async (node) => {
      const first = { operation: 'insert', table: 'dog', records: [{ id: 4, age: 4 }] }
      const reference = { $key: [0, 0] }
      const others = [
        { operation: 'update', table: 'dog', set: { age: 9 }, where: { id: reference } },
        { operation: 'delete', table: 'dog', where: [{ or: [['id', '=', reference]] }] },
        { operation: 'update', table: 'dog', records: [{ id: 1, age: 9 }], if: [['id', '=', reference]] },
      ]
      const ask = async (other: object) =>
        (await node.post({ operation: 'transaction', database: 'dev', operations: [first, other] })).body as Record<
          string,
          unknown
        >
      for (const other of others) {
        const body = await ask(other)
        expect(body).to.include({ code: 'invalid_request' })
        expect(body['detail']).to.match(/stands in records, set or ids, not in '(where|if)'/)
      }
      for (const value of [[reference], { friends: [7, { first: reference }] }])
        for (const part of [{ records: [{ id: 1, age: 9, value }] }, { set: { value }, ids: [1] }]) {
          const body = await ask({ operation: 'update', table: 'dog', ...part })
          expect(body).to.include({ code: 'invalid_request' })
          expect(body['detail']).to.include('stands for a whole value of a record, not inside of one')
        }
      expect(await ask({ operation: 'insert', table: 'dog', records: [reference] })).to.include({
        code: 'invalid_request',
      })
      const other = { $key: 'of something else' }
      expect(
        await ask({ operation: 'insert', table: 'dog', records: [{ id: 5, other: [other] }] }),
      ).to.not.have.property('code')
    }))

  it('refer to records of earlier operations by their place, also where one was left alone', () =>
    withDogs(async (node) => {
      const refer = (records: number[], id: number) =>
        records.map((record, place) => ({ id: id + place, age: { $key: [0, record] } }))
      const operations = [
        { operation: 'insert', table: 'dog', records: [{ id: 3 }, { id: 4, age: 1 }, { id: 2 }], atomic: false },
        { operation: 'insert', table: 'dog', records: refer([0, 1, 2], 5) },
      ]
      await node.ok({ operation: 'transaction', database: 'dev', operations })
      const rows = await node.ok({ operation: 'search_by_id', ...dog, ids: [5, 6, 7], get_attributes: ['age'] })
      expect(rows).to.deep.equal([{ age: 3 }, { age: 4 }, { age: 2 }])
    }))

  it('refuse parts that do not go together instead of leaving one of them unread', () =>
    withDogs(async (node) => {
      const records = [{ id: 1, age: 9 }]
      const set = { age: 9 }
      const refused = [
        { operation: 'update', records, where },
        { operation: 'update', records, set, where },
        { operation: 'update', ids: [1], where, set },
        { operation: 'update', where, set, if: where },
        { operation: 'update', where },
        { operation: 'update', set },
        { operation: 'update' },
        { operation: 'delete', ids: [1], where },
        { operation: 'delete', where, if: where },
        { operation: 'delete' },
      ]
      const { database, ...table } = dog
      for (const request of refused) {
        const alone = await node.post({ ...request, ...dog })
        expect(alone.body, JSON.stringify(request)).to.have.property('code', 'invalid_request')
        const step = await node.post({ operation: 'transaction', database, operations: [{ ...request, ...table }] })
        expect(step.body, `a step of ${JSON.stringify(request)}`).to.have.property('code', 'invalid_request')
      }
      for (const operation of ['insert', 'upsert']) {
        for (const more of [{ where }, { ids: [1] }, { set }]) {
          const operations = [{ operation, ...table, records, ...more }]
          const { body } = await node.post({ operation: 'transaction', database, operations })
          expect(body, JSON.stringify(operations)).to.have.property('code', 'invalid_request')
        }
      }
      expect(await agesIn(node), 'nothing was changed').to.deep.equal([1, 2, 3])
    }))

  it('of a transaction are written as by themselves, about its database', () =>
    withNode(async (node) => {
      const table = { database: 'dev', table: 'dog' }
      await node.ok({ operation: 'create_table', ...table, primary_key: 'id' })
      const records = [{ id: 1 }, { id: 2 }, { id: 3 }]
      const insert = { operation: 'insert', ...table, records }
      const update = { operation: 'update', schema: 'dev', table: 'dog', hash_values: [2], set: { age: 5 } }
      const remove = { operation: 'delete', table: 'dog', hash_values: [1, { $key: [0, 2] }] }
      await node.ok({ operation: 'transaction', database: 'dev', operations: [insert, update, remove] })
      const rows = await node.ok({ operation: 'search_by_id', ...table, ids: [1, 2, 3], get_attributes: ['id', 'age'] })
      expect(rows).to.deep.equal([{ id: 2, age: 5 }])
      for (const [wrong, reason] of [
        [{ ...remove, ids: [1] }, "operations[0]: 'hash_values' and 'ids' are two names of one field"],
        [
          { ...remove, schema: 'other' },
          "operations[0]: a transaction is about one database, which is 'dev' and not 'other'",
        ],
        [{ ...remove, database: 'other' }, "operations[0]: a transaction is about one database, which is 'dev'"],
      ] as const) {
        const { status, body } = await node.post({ operation: 'transaction', database: 'dev', operations: [wrong] })
        expect(status).to.equal(400)
        expect((body as { error: string }).error).to.include(reason)
      }
    }))

  it('of a transaction that name another database are told so also to who has no rights in that of the transaction', () =>
    withDogs(async (node) => {
      const tables = { dog: { read: true, insert: true, update: true, delete: true, attribute_permissions: [] } }
      await node.ok({ operation: 'add_role', role: 'keeper', permission: { dev: { tables } } })
      const keeper = { username: 'kim', password: 'a-password-of-kim' }
      await node.ok({ operation: 'add_user', ...keeper, role: 'keeper', active: true })
      const insert = { operation: 'insert', schema: 'dev', table: 'dog', records: [{ id: 9 }] }
      const send = (more: object) =>
        node.post({ operation: 'transaction', operations: [insert], ...more }, { authorization: basic(keeper) })
      const { status, body } = await send({})
      expect(status).to.equal(400)
      expect(body).to.have.property('detail').that.includes("about one database, which is 'data' and not 'dev'")
      expect((await send({ database: 'prod' })).status).to.equal(400)
      expect((await send({ database: 'dev' })).status).to.equal(200)
      const other = { ...insert, table: 'cat' }
      expect((await send({ database: 'dev', operations: [insert, other] })).status).to.equal(403)
    }))

  it('by ids move records to a new key also under a condition, or say that they did not', () =>
    withDogs(async (node) => {
      const move = (more: object) => node.post({ operation: 'update', ...dog, ...more })
      const keys = async () => {
        const rows = await node.ok<{ data: { id: number }[] }>({ operation: 'select', ...dog, select: ['id'] })
        return rows.data.map(({ id }) => id)
      }
      const refused = async (more: object) => ((await move(more)).body as { code: string }).code
      expect(await refused({ ids: [1], set: { id: 7 }, if: { weight: 3 } })).to.equal('condition_failed')
      expect(await refused({ ids: [9], set: { id: 7 }, atomic: true })).to.equal('record_not_found')
      expect(await refused({ ids: [1, 2], set: { id: 7 } })).to.equal('record_exists')
      expect(await refused({ ids: [1], set: { id: 2 } })).to.equal('record_exists')
      expect(await refused({ ids: [1], set: { id: 2 ** 53 } })).to.equal('key_invalid')
      expect(await keys()).to.deep.equal([1, 2, 3])
      const { body } = await move({ ids: [1], set: { id: 7, age: 9 }, if: { weight: 2 } })
      expect(body).to.deep.include({ update_hashes: [7], skipped_hashes: [] })
      expect(await keys()).to.deep.equal([2, 3, 7])
    }))

  it('of a transaction that fails say which one it was', () =>
    withDogs(async (node) => {
      const insert = (id: number) => ({ operation: 'insert', table: 'dog', records: [{ id }] })
      const { database } = dog
      const { body } = await node.post({
        operation: 'transaction',
        database,
        operations: [insert(7), insert(8), insert(2)],
      })
      expect(body).to.include({ code: 'record_exists', step: 2, index: 0 })
    }))

  it('by pyql aliases compare with columns by their bare name, as selects there do, and need the record of a path', () =>
    withDogs(async (node) => {
      const path = '/db/dev/table/dog'
      const body = { set: { age: 9 }, where: [['id', '=', 'weight']] }
      expect((await node.send('POST', `${path}/update`, body)).status).to.equal(200)
      expect(await agesIn(node)).to.deep.equal([1, 9, 3])
      expect(await node.send('POST', `${path}/delete`, { where: [['id', '>', 'weight']] })).to.have.property(
        'status',
        200,
      )
      expect(await agesIn(node)).to.deep.equal([1, 9])
      expect((await node.send('POST', `${path}/1`, { age: 8 })).status).to.equal(200)
      expect(await agesIn(node)).to.deep.equal([8, 9])
      expect((await node.send('POST', `${path}/7`, { age: 8 })).body).to.have.property('code', 'record_not_found')
      // Without the alias a text is a value.
      const request = { operation: 'update', ...dog, set: { age: 0 }, where: [['name', '=', 'weight']] }
      await node.ok({ operation: 'insert', ...dog, records: [{ id: 4, name: 'weight', age: 4 }] })
      expect(await node.ok(request)).to.have.deep.property('update_hashes', [4])
    }))
})
