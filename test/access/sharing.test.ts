import { expect } from 'chai'
import { basic, type TestNode, withNode } from '../support/node.js'

const PASSWORD = 'a-password-of-sharing'
const as = (username: string) => ({ authorization: basic({ username, password: PASSWORD }) })
const code = ({ body }: { body: unknown }) => (body as { code?: string }).code

async function members(node: TestNode, ...names: string[]): Promise<void> {
  for (const username of names) await node.ok({ operation: 'add_user', username, password: PASSWORD, role: 'member' })
}

describe('databases of users', () => {
  it('belong to their maker; to others they do not exist, until they are shared', async () => {
    await withNode(async (node) => {
      await members(node, 'alice', 'bob')
      const create = { operation: 'create_table', database: 'data1', table: 'stocks', primary_key: 'id' }
      expect((await node.post(create, as('alice'))).status).to.equal(200)
      const describe = { operation: 'describe_table', database: 'data1', table: 'stocks' }
      const hidden = await node.post(describe, as('bob'))
      const missing = await node.post({ ...describe, database: 'data2' }, as('bob'))
      expect(hidden.status).to.equal(404)
      expect(JSON.stringify(hidden.body).replaceAll('data1', 'data2')).to.equal(JSON.stringify(missing.body))
      expect((await node.post({ operation: 'describe_all' }, as('bob'))).body).to.deep.equal({})
      expect(code(await node.post({ operation: 'list_tables', database: 'data1' }, as('bob')))).to.equal(
        'database_not_found',
      )
      expect(code(await node.post({ operation: 'create_database', database: 'data1' }, as('bob')))).to.equal(
        'database_taken',
      )
      for (const operation of ['drop_database', 'share_database'])
        expect(
          (
            await node.post(
              { operation, database: 'data1', ...(operation === 'share_database' && { username: 'bob' }) },
              as('bob'),
            )
          ).status,
        ).to.be.oneOf([404, 409])

      const share = { operation: 'share_database', database: 'data1', username: 'bob' }
      expect((await node.post(share, as('alice'))).status).to.equal(200)
      expect((await node.post(describe, as('bob'))).status).to.equal(200)
      expect(code(await node.post({ ...describe, operation: 'drop_table' }, as('bob')))).to.equal('forbidden')
      expect(code(await node.post({ ...share, username: 'alice' }, as('bob')))).to.equal('not_owner')
      expect((await node.post({ ...share, operation: 'unshare_database' }, as('alice'))).status).to.equal(200)
      expect((await node.post(describe, as('bob'))).status).to.equal(404)
    })
  })

  it('are not found by others on paths that name them, as if they were not there', async () => {
    await withNode(async (node) => {
      await members(node, 'alice', 'bob')
      const body = { stocks: { columns: [{ name: 'id', type: 'int' }], primary_key: 'id' } }
      expect((await node.send('POST', '/cluster/data1/table/create', body, as('alice'))).status).to.equal(200)
      const paths: [method: string, path: string, body?: object][] = [
        ['GET', '/tables'],
        ['GET', '/table/stocks'],
        ['GET', '/table/stocks/1'],
        ['GET', '/table/stocks/config'],
        ['POST', '/table/stocks/select', { select: '*' }],
        ['POST', '/table/stocks', { id: 1 }],
        ['POST', '/table/stocks/update', { set: { id: 2 }, where: { id: 1 } }],
        ['DELETE', '/table/stocks/1'],
      ]
      for (const root of ['/cluster', '/db'])
        for (const [method, path, sent] of paths) {
          const ask = (database: string) => node.send(method, `${root}/${database}${path}`, sent, as('bob'))
          const [hidden, missing] = [await ask('data1'), await ask('data2')]
          expect(hidden.status, `${method} ${path}`).to.equal(404)
          expect(JSON.stringify(hidden.body).replaceAll('data1', 'data2')).to.equal(JSON.stringify(missing.body))
        }
      // Who may read is told that writing is forbidden.
      await node.post({ operation: 'share_database', database: 'data1', username: 'bob' }, as('alice'))
      const refused = await node.send('POST', '/cluster/data1/table/stocks', { id: 1 }, as('bob'))
      expect([refused.status, code(refused)]).to.deep.equal([403, 'forbidden'])
    })
  })

  it('are noted as whose they are in the commit that makes them', async () => {
    await withNode(async (node) => {
      await members(node, 'alice', 'bob')
      const { catalog } = node.node.services
      const failed = await catalog
        .createDatabase('data1', undefined, () => {
          throw new Error('no owner could be noted')
        })
        .catch((error: Error) => error.message)
      expect(failed).to.equal('no owner could be noted')
      expect(catalog.hasDatabase('data1')).to.equal(false)
      for (let round = 0; round < 5; round++) {
        const create = (table: string, user: string) =>
          node.post({ operation: 'create_table', database: `both${round}`, table, primary_key: 'id' }, as(user))
        const answers = await Promise.all([create('a', 'alice'), create('b', 'bob'), create('c', 'alice')])
        const [first, second, third] = answers.map(({ status }) => status)
        // Whoever came second was let in when there was no such database, and must not build in another's.
        expect([first, third], 'both of one user').to.deep.equal(second === 200 ? [409, 409] : [200, 200])
        expect(second, 'the other').to.be.oneOf([200, 409])
        for (const answer of answers) if (answer.status !== 200) expect(code(answer)).to.equal('database_taken')
        const owned = await node.ok<{ target: string }[]>({ operation: 'read_audit_log', changed_by: 'own_database' })
        expect(owned.filter(({ target }) => target === `both${round}`)).to.have.length(1)
      }
    })
  })

  it('are not built in by who was let in before they became another’s', async () => {
    await withNode(async (node) => {
      await members(node, 'alice', 'bob')
      await node.ok({ operation: 'create_table', database: 'dev', table: 'big', primary_key: 'id' })
      const records = Array.from({ length: 10_000 }, (_, id) => ({ id, text: 'x'.repeat(50) }))
      // While a long write goes on both wait, each let in as there is no such database.
      const long = node.ok({ operation: 'insert', database: 'dev', table: 'big', records })
      await new Promise((resolve) => setTimeout(resolve, 20))
      const create = (table: string, user: string) =>
        node.post({ operation: 'create_table', database: 'new', table, primary_key: 'id' }, as(user))
      const answers = await Promise.all([create('a', 'alice'), create('b', 'bob')])
      await long
      expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 409])
      const all = await node.ok<{ new: object }>({ operation: 'describe_all' })
      expect(Object.keys(all.new)).to.have.length(1)
    })
  })

  it('leave nothing to a later database of the same name, nor to a later user', async () => {
    await withNode(async (node) => {
      await members(node, 'alice', 'bob', 'carl')
      await node.post({ operation: 'create_database', database: 'data1' }, as('alice'))
      await node.post({ operation: 'share_database', database: 'data1', username: 'bob', level: 'write' }, as('alice'))
      await node.ok({ operation: 'drop_user', username: 'bob' })
      await members(node, 'bob')
      expect((await node.post({ operation: 'describe_all' }, as('bob'))).body).to.deep.equal({})
      await node.post({ operation: 'share_database', database: 'data1', username: 'bob', level: 'write' }, as('alice'))
      expect((await node.post({ operation: 'drop_database', database: 'data1' }, as('alice'))).status).to.equal(200)
      expect((await node.post({ operation: 'create_database', database: 'data1' }, as('carl'))).status).to.equal(200)
      for (const username of ['alice', 'bob'])
        expect((await node.post({ operation: 'describe_all' }, as(username))).body, username).to.deep.equal({})
      expect((await node.post({ operation: 'describe_all' }, as('carl'))).body).to.deep.equal({ data1: {} })
    })
  })

  it('are their maker’s alone also where a role has named an earlier one, until the role is changed anew', async () => {
    await withNode(async (node) => {
      await members(node, 'alice')
      const items = { database: 'shop', table: 'items' }
      const all = { read: true, insert: true, update: true, delete: true, attribute_permissions: [] }
      const roles = { clerk: { shop: { tables: { items: all } } }, builder: { structure_user: ['shop'] } }
      const make = (options?: object) =>
        node.post({ operation: 'create_table', ...items, primary_key: 'id' }, options as ReturnType<typeof as>)
      const permitted = async (user: string) => {
        const reads = await node.post({ operation: 'select', ...items, select: '*' }, as(user))
        const builds = await node.post(
          { operation: 'add_column', ...items, column: `by_${user}`, job: false },
          as(user),
        )
        const known = await node.post({ operation: 'describe_all' }, as(user))
        return [reads.status === 200, builds.status === 200, JSON.stringify(known.body).includes('items')]
      }
      await make()
      for (const [role, permission] of Object.entries(roles)) {
        await node.ok({ operation: 'add_role', role, permission })
        await node.ok({ operation: 'add_user', username: `the_${role}`, password: PASSWORD, role })
      }
      const expectCovered = async () => {
        expect(await permitted('the_clerk')).to.deep.equal([true, false, true])
        expect(await permitted('the_builder')).to.deep.equal([false, true, true])
      }
      await expectCovered()
      await node.ok({ operation: 'drop_database', database: 'shop' })
      await make()
      await expectCovered()
      await node.ok({ operation: 'drop_database', database: 'shop' })
      expect((await make(as('alice'))).status).to.equal(200)
      expect(await permitted('alice')).to.deep.equal([true, true, true])
      for (const user of ['the_clerk', 'the_builder'])
        expect(await permitted(user), user).to.deep.equal([false, false, false])
      for (const [id, permission] of Object.entries(roles)) await node.ok({ operation: 'alter_role', id, permission })
      await expectCovered()
    })
  })

  it('cannot take the names of the system', async () => {
    await withNode(async (node) => {
      await members(node, 'alice')
      for (const database of ['pyql', 'system', 'cluster'])
        expect((await node.post({ operation: 'create_database', database }, as('alice'))).status, database).to.equal(
          403,
        )
    })
  })
})

describe('explain_access', () => {
  it('names the rule that allows or denies', async () => {
    await withNode(async (node) => {
      await members(node, 'alice', 'bob')
      await node.post({ operation: 'create_database', database: 'data1' }, as('alice'))
      const ask = async (username: string, asked_operation: string, caller = username) =>
        (
          await node.post(
            { operation: 'explain_access', username, asked_operation, database: 'data1', table: 't' },
            as(caller),
          )
        ).body as { allowed: boolean; reasons: { rule: string }[] }
      expect((await ask('alice', 'drop_table')).reasons[0]!.rule).to.equal("'alice' owns database 'data1'")
      const denied = await ask('bob', 'drop_table')
      expect(denied.allowed).to.equal(false)
      expect(denied.reasons[0]!.rule).to.include("role 'member'")
      expect(await ask('alice', 'drop_table', 'bob')).to.have.property('code', 'forbidden')
    })
  })
})
