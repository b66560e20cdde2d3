import { createHash } from 'node:crypto'
import { expect } from 'chai'
import { type Contract, readContracts } from '../../src/contracts/index.js'
import type { Problem } from '../../src/lib/index.js'
import { ADMIN, basic, type TestNode, withNode } from '../support/node.js'

type Kind = Contract['access'][number]

/** Who asks, and which kinds of access it has on dev.dog: the matrix, written down by hand. */
const CALLERS: Record<string, readonly Kind[]> = {
  nobody: ['public'],
  'a join token': [],
  'a member': ['public', 'user'],
  'a reader': ['public', 'user', 'read'],
  'a writer': ['public', 'user', 'insert', 'update'],
  'a deleter': ['public', 'user', 'delete'],
  'a structure user': ['public', 'user', 'structure'],
  'the owner': ['public', 'user', 'read', 'insert', 'update', 'delete', 'structure'],
  'a guest for reading': ['public', 'user', 'read'],
  'a guest for writing': ['public', 'user', 'read', 'insert', 'update', 'delete'],
  'an owner of another database': ['public', 'user'],
  'a super user': ['public', 'user', 'read', 'insert', 'update', 'delete', 'structure', 'super_user'],
}

const contracts = readContracts()
const PASSWORD = 'a-password-of-the-matrix'
const as = (username: string) => basic({ username, password: PASSWORD })

function mayCall(kinds: readonly Kind[], contract: Contract): boolean {
  if (kinds.length === 0) return contract.join_token
  return contract.access.every((kind) => kinds.includes(kind))
}

/** A request that the contract accepts, aimed at dev.dog. */
function requestFor({ examples, target, request }: Contract): Record<string, unknown> {
  const shown = (examples.find(({ problem }) => problem === undefined) ?? examples[0]!).request
  const properties = request.properties ?? {}
  return {
    ...shown,
    ...(target.database !== undefined && properties[target.database] && { [target.database]: 'dev' }),
    ...(target.table !== undefined && { [target.table]: 'dog' }),
  }
}

/** How a cell of the matrix is refused that is not allowed. */
function refusalsOf(name: string, { access }: Contract): number[] {
  if (name === 'nobody') return [401]
  // A member learns that the name of a database which it cannot see is taken: it may make databases.
  return name !== 'a join token' && access.includes('structure') ? [403, 409] : [403]
}

/** Signs everybody up; answers the Authorization header of each. */
async function signUp(node: TestNode): Promise<Map<string, string | undefined>> {
  const grant = (read: boolean, write: boolean, remove: boolean) => ({
    dev: { tables: { dog: { read, insert: write, update: write, delete: remove, attribute_permissions: [] } } },
  })
  const user = (username: string, role: string) =>
    node.ok({ operation: 'add_user', username, password: PASSWORD, role })
  await user('owner', 'member')
  await user('stranger', 'member')
  await node.post(
    { operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' },
    { authorization: as('owner') },
  )
  await node.post({ operation: 'create_database', database: 'other' }, { authorization: as('stranger') })
  for (const [role, permission] of Object.entries({
    reader: grant(true, false, false),
    writer: grant(false, true, false),
    deleter: grant(false, false, true),
    builder: { structure_user: ['dev'] },
  })) {
    await node.ok({ operation: 'add_role', role, permission })
    await user(role, role)
  }
  for (const name of ['plain', 'guest', 'helper']) await user(name, 'member')
  await node.ok({ operation: 'share_database', database: 'dev', username: 'guest', level: 'read' })
  await node.ok({ operation: 'share_database', database: 'dev', username: 'helper', level: 'write' })
  const { token } = await node.ok<{ token: string }>({ operation: 'create_token', type: 'join' })
  return new Map([
    ['nobody', undefined],
    ['a join token', `Bearer ${token}`],
    ['a member', as('plain')],
    ['a reader', as('reader')],
    ['a writer', as('writer')],
    ['a deleter', as('deleter')],
    ['a structure user', as('builder')],
    ['the owner', as('owner')],
    ['a guest for reading', as('guest')],
    ['a guest for writing', as('helper')],
    ['an owner of another database', as('stranger')],
    ['a super user', basic(ADMIN)],
  ])
}

async function contentOf(node: TestNode): Promise<string> {
  const all = [
    'describe_all',
    'list_users',
    'list_roles',
    'list_api_keys',
    'list_keys',
    'read_audit_log',
    'get_configuration',
  ]
  const answers = await Promise.all(all.map((operation) => node.ok({ operation })))
  return createHash('sha256').update(JSON.stringify(answers)).digest('hex')
}

describe('the matrix of callers and operations', () => {
  it('is as written, for every contract; what is refused changes nothing', async () => {
    await withNode(async (node) => {
      const headers = await signUp(node)
      expect([...headers.keys()]).to.deep.equal(Object.keys(CALLERS))
      const { access, contracts: compiled } = node.node.services
      const before = await contentOf(node)
      let cells = 0
      for (const [name, kinds] of Object.entries(CALLERS)) {
        const authorization = headers.get(name)
        const caller = await access.authenticate({ authorization, address: '127.0.0.1' })
        for (const contract of contracts) {
          const cell = `${name} calls ${contract.operation}`
          const request = structuredClone(requestFor(contract))
          compiled.find(contract.operation).checkRequest(request)
          let refused: string | undefined
          try {
            access.authorize(caller, contract, request)
          } catch (error) {
            refused = (error as Problem).code
          }
          const want = mayCall(kinds, contract)
          expect(refused === undefined, `${cell}: ${refused ?? 'allowed'}`).to.equal(want)
          cells++
          if (want) continue
          const answer = await node.post(
            { operation: contract.operation, ...requestFor(contract) },
            { authorization: authorization ?? null },
          )
          expect(answer.status, cell).to.be.oneOf(refusalsOf(name, contract))
        }
      }
      expect(cells).to.equal(contracts.length * Object.keys(CALLERS).length)
      expect(await contentOf(node)).to.equal(before)
    })
  })

  it('opens nothing to a join token: no operation of this version joins', async () => {
    await withNode(async (node) => {
      const { token } = await node.ok<{ token: string }>({ operation: 'create_token', type: 'join' })
      for (const contract of contracts) {
        expect(contract.join_token, contract.operation).to.equal(false)
        const request = { operation: contract.operation, ...requestFor(contract) }
        const { status, body } = await node.post(request, { authorization: `Bearer ${token}` })
        expect([status, (body as Problem).code], contract.operation).to.deep.equal([403, 'forbidden'])
      }
    })
  })

  it('has a target for every contract that needs a right on a table', () => {
    for (const { operation, access, target } of contracts) {
      if (access.some((kind) => ['read', 'insert', 'update', 'delete'].includes(kind)))
        expect(target, operation).to.include.keys('database', 'table')
      if (access.includes('structure')) expect(target, operation).to.include.keys('database')
      // The columns of events are looked at where events are read: test/access/hidden.test.ts.
      if ((access.includes('insert') || access.includes('update')) && operation !== 'insert_events')
        expect(target, `${operation}: the records whose attributes are written`).to.include.keys('records')
    }
  })
})
