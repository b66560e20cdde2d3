import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Contract, type Example, readContracts } from '../../src/contracts/index.js'
import { Replays } from '../../src/storage/index.js'
import { withCluster } from '../support/cluster.js'
import { eventually } from '../support/eventually.js'
import { type Hook, openHook } from '../support/hook.js'
import { basic, type TestNode, withFreshNode, withNode } from '../support/node.js'

type Request = Record<string, unknown>

const place = { database: 'dev', table: 'clicks', trigger: 'bought' }

/** Requests of operations whose examples need what examples cannot have: ids, files, a web-hook. */
const prepared: Record<string, (node: TestNode, folder: string, hook: Hook) => Promise<Request>> = {
  drop_api_key: async ({ ok }) => ({ id: (await ok<Request>({ operation: 'add_api_key', name: 'k' }))['id'] }),
  share_database: async ({ ok, post }) => {
    await ok({ operation: 'create_database', database: 'dev' })
    await post({
      operation: 'add_user',
      username: 'ann',
      password: 'a-password-of-ann',
      role: 'super_user',
      active: true,
    })
    return { database: 'dev', username: 'ann', level: 'read' }
  },
  unshare_database: async (node, folder, hook) => {
    await node.ok({ operation: 'share_database', ...(await prepared['share_database']!(node, folder, hook)) })
    return { database: 'dev', username: 'ann' }
  },
  cancel_job: async ({ ok }, folder, hook) => {
    await prepared['csv_file_load']!({ ok } as TestNode, folder, hook)
    const lines = Array.from({ length: 200_000 }, (_, id) => id)
    writeFileSync(join(folder, 'long.csv'), `id\n${lines.join('\n')}`)
    const load = { operation: 'csv_file_load', database: 'dev', table: 'dog', file_path: 'long.csv' }
    return { id: (await ok<Request>(load))['job_id'] }
  },
  csv_file_load: async ({ ok }, folder) => {
    await ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
    writeFileSync(join(folder, 'dogs.csv'), 'id,name\n1,Penny\n,Harper\n')
    return { database: 'dev', table: 'dog', file_path: 'dogs.csv' }
  },
  restore_backup: async (node) => {
    const { ok } = node
    await ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
    await ok({ operation: 'create_backup', file: 'all.tar' })
    await settled(node)
    return { file: 'all.tar', database: 'dev', as: 'again' }
  },
  subscribe_trigger: async ({ ok }, _, { port }) => {
    const columns = [{ name: 'event', type: 'text' }]
    await ok({ operation: 'create_table', ...place, trigger: undefined, kind: 'events', columns })
    await ok({ operation: 'create_trigger', ...place, script: 'def on_insert():\n    emit("x")\n' })
    return { ...place, subscriber: 'shop', host: '127.0.0.1', port, path: '/' }
  },
  unsubscribe_trigger: async (node, folder, hook) => {
    await node.ok({ operation: 'subscribe_trigger', ...(await prepared['subscribe_trigger']!(node, folder, hook)) })
    return { ...place, subscriber: 'shop' }
  },
  resend_dead_letters: async (node, folder, hook) => {
    await node.ok({ operation: 'subscribe_trigger', ...(await prepared['subscribe_trigger']!(node, folder, hook)) })
    return { ...place, subscriber: 'shop' }
  },
}

const changing = readContracts().filter(({ changes }) => changes)

/** What an example does is done once, however often its request comes, and the answer is the first one each time. */
describe('a repeated request with an idempotency key', () => {
  it('is there for every operation that changes something', () => {
    expect(changing.length).to.be.greaterThan(40)
    for (const { operation, examples } of changing)
      expect(prepared[operation] ?? successOf(examples), operation).to.not.equal(undefined)
  })

  for (const group of new Set(changing.map((contract) => contract.group))) {
    const ofGroup = changing.filter((contract) => contract.group === group)
    const names = ofGroup.map(({ operation }) => operation)
    it(`answers the first time again and does nothing: ${names.join(', ')}`, async () => {
      if (group === 'mesh') await withCluster(['node1', 'node2'], (nodes) => repeatAll(nodes, ofGroup))
      else await withFolders((settings, folder) => withNode((node) => repeatAll([node], ofGroup, folder), settings))
    })
  }

  it('of routes that were interrupted is what was about to be answered', async () => {
    await withCluster(['a'], async ([node], folder) => {
      const file = join(folder, 'a', 'mesh', 'routes.json')
      const routes = [{ host: '127.0.0.1', port: 1 }]
      const send = (operation: string, key: string) => {
        const server = operation === 'cluster_set_routes' ? { server: 'hub' } : {}
        return node!.post({ operation, ...server, routes }, { headers: { 'idempotency-key': key } })
      }
      for (const [operation, outcome] of [
        ['cluster_set_routes', 'set'],
        ['cluster_delete_routes', 'deleted'],
      ] as const) {
        rmSync(file, { force: true })
        mkdirSync(file) // so that the routes are in effect and cannot be stored
        expect((await send(operation, `${operation} one`)).status).to.equal(500)
        rmSync(file, { recursive: true })
        expect((await send(operation, `${operation} two`)).body).to.deep.include({ [outcome]: routes })
        const repeat = await send(operation, `${operation} one`)
        expect(repeat.body).to.deep.include({ [outcome]: routes, skipped: [] })
        expect((await send(operation, `${operation} one`)).body).to.deep.equal(repeat.body)
      }
    })
  })

  it('of a removal and a purge that were interrupted does what was left of them, and nothing that was undone since', async () => {
    await withCluster(['a', 'b'], async ([a]) => {
      const dog = { database: 'dev', table: 'dog' }
      const subscriptions = [{ ...dog, publish: true, subscribe: true }]
      const add = () => a!.ok({ operation: 'add_node', node_name: 'b', subscriptions })
      await a!.ok({ operation: 'create_table', ...dog, primary_key: 'id' })
      await add()
      const { mesh, peers } = a!.node.services.clustering.replication
      const keyed = (request: object, key: string) => a!.post(request, { headers: { 'idempotency-key': key } })
      // As if the node were killed behind the change and before its answer was stored.
      const interrupted = async (request: object, key: string) => {
        const { store } = Replays.prototype
        Replays.prototype.store = () => Promise.reject(new Error('killed'))
        expect((await keyed(request, key)).status).to.equal(500)
        Replays.prototype.store = store
      }
      const purge = { operation: 'purge_stream', ...dog, options: { keep: 1 } }
      const messages = async () => (await mesh.outbox.ensure()).messages
      for (const id of [1, 2, 3]) {
        const before = await messages()
        await a!.ok({ operation: 'insert', ...dog, records: [{ id }] })
        await eventually('it is in the stream', async () => (await messages()) > before)
      }
      const count = await mesh.outbox.countPurged('dev.dog', {})
      expect(count).to.equal(await messages())
      expect(await mesh.outbox.countPurged('dev.dog', { seq: 3 })).to.equal(2)
      await interrupted(purge, 'purge')
      await eventually('one is left, and what is told behind it', async () => (await messages()) === 2)
      expect((await keyed(purge, 'purge')).body).to.have.property('purged', count - 1)

      const remove = { operation: 'remove_node', node_name: 'b', everywhere: true }
      const answer = { message: "Successfully removed 'b' from manifest", removed_on: [], not_removed_on: [] }
      await interrupted(remove, 'one')
      expect(peers.removed.has('b')).to.equal(true)
      await add()
      expect((await keyed(remove, 'one')).body).to.deep.equal(answer)
      expect(peers.peers.has('b'), 'what was added again stays').to.equal(true)
      await interrupted(remove, 'two')
      expect((await keyed(remove, 'two')).body).to.deep.equal(answer)
      expect(peers.peers.has('b')).to.equal(false)
    })
  })

  it('is found by one key of the same user only, and refused for another request', () =>
    withNode(async (node) => {
      const create = (table: string) => ({ operation: 'create_table', table, primary_key: 'id' })
      const headers = { 'idempotency-key': 'one' }
      const [first, second] = await Promise.all([
        node.post(create('dog'), { headers }),
        node.post(create('dog'), { headers }),
      ])
      expect([first.status, second.status], 'at the same moment').to.deep.equal([200, 200])
      expect(second.body).to.deep.equal(first.body)
      expect((await node.post(create('cat'), { headers })).body).to.have.property('code', 'idempotency_key_reused')
      expect((await node.post(create('dog'), { headers: { 'idempotency-key': 'two' } })).body).to.have.property(
        'code',
        'table_exists',
      )
      expect((await node.post({ ...create('dog'), idempotency_key: 'one' })).status, 'as a field').to.equal(200)
    }))

  it('is not found by a later user of the same name, nor by another key of the same user', () =>
    withNode(async (node) => {
      const bob = { username: 'bob', password: 'a-password-of-bob' }
      const asBob = { authorization: basic(bob) }
      await node.ok({ operation: 'add_user', ...bob, role: 'super_user' })
      const first = await node.post({ operation: 'add_api_key', name: 'k', idempotency_key: 'one' }, asBob)
      expect((first.body as { key: string }).key).to.match(/^trellis_/)
      const again = await node.post({ operation: 'add_api_key', name: 'k', idempotency_key: 'one' }, asBob)
      expect(again.body).to.deep.equal(first.body)
      const made = await node.post({ operation: 'add_api_key', name: 'weak', operations: ['insert'] }, asBob)
      const weak = { authorization: `Bearer ${(made.body as { key: string }).key}` }
      const request = { operation: 'add_api_key', name: 'k', idempotency_key: 'one' }
      expect((await node.post(request, weak)).status, 'a key that may not make keys').to.equal(403)
      await node.ok({ operation: 'drop_user', username: 'bob' })
      await node.ok({ operation: 'add_user', ...bob, role: 'super_user' })
      const later = await node.post({ operation: 'add_api_key', name: 'k', idempotency_key: 'one' }, asBob)
      expect(later.status).to.equal(200)
      expect((later.body as { key: string }).key).not.to.equal((first.body as { key: string }).key)
    }))

  it('runs anew when the first one failed', () =>
    withNode(async (node) => {
      const insert = { operation: 'insert', table: 'dog', records: [{ id: 1 }], idempotency_key: 'one' }
      expect((await node.post(insert)).body).to.have.property('code', 'table_not_found')
      await node.ok({ operation: 'create_table', table: 'dog', primary_key: 'id' })
      expect(await node.ok(insert)).to.have.deep.property('inserted_hashes', [1])
    }))
})

/** Settings of a node that may read and write files, and call web-hooks of this machine. */
async function withFolders(test: (settings: Record<string, string>, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'trellis-files-'))
  const folders = { 'jobs.import_dir': folder, 'jobs.export_dir': folder, 'backup.dir': folder }
  try {
    await test({ ...folders, 'webhooks.allow': '127.0.0.1' }, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function successOf(examples: readonly Example[]): Example | undefined {
  return examples.find(({ problem, as }) => problem === undefined && as === undefined)
}

async function repeatAll(nodes: readonly TestNode[], contracts: readonly Contract[], folder = ''): Promise<void> {
  const [node] = nodes as [TestNode]
  await using hook = await openHook()
  for (const { operation, examples } of contracts) {
    const prepare = prepared[operation]
    const example = successOf(examples)
    if (prepare) await repeat(node, operation, await prepare(node, folder, hook))
    else if (example!.fresh) await withFreshNode((fresh) => repeatExample(fresh, operation, example!))
    else await repeatExample(node, operation, example!)
    for (const one of nodes) await cleanUp(one)
  }
}

async function repeatExample(node: TestNode, operation: string, { given = [], request }: Example): Promise<void> {
  for (const step of given) await node.ok(step)
  await repeat(node, operation, request)
}

async function repeat(node: TestNode, operation: string, fields: Request): Promise<void> {
  const request = { operation, ...fields }
  const options = { headers: { 'idempotency-key': `key of ${operation}` } }
  const first = await node.post(request, options)
  expect(first.status, `${operation}: ${JSON.stringify(first.body)}`).to.equal(200)
  await settled(node)
  const before = await stateOf(node)
  const second = await node.post(request, options)
  expect(second.status, `${operation} again: ${JSON.stringify(second.body)}`).to.equal(200)
  expect(second.body, operation).to.deep.equal(first.body)
  expect(await stateOf(node), `what ${operation} left`).to.deep.equal(before)
}

/** Jobs that were started have ended. */
async function settled(node: TestNode): Promise<void> {
  const { jobs } = node.node.services
  const all = () => jobs.search(0, Date.now() + 1000, { username: 'admin', since: 0, superUser: true })
  while ((await all()).some(({ end_datetime }) => !end_datetime))
    await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Everything that a second effect would show in. */
async function stateOf({ node, ok }: TestNode): Promise<unknown> {
  const { catalog, config, jobs, tables } = node.services
  const databases = [...catalog.current.databases.values()].map(({ tables: all, ...database }) => [database, ...all])
  return {
    databases,
    nextId: catalog.current.nextId,
    changes: tables.changes.committed(),
    jobs: (await jobs.search(0, Date.now() + 1000, { username: 'admin', since: 0, superUser: true })).map(
      ({ id }) => id,
    ),
    audit: await ok({ operation: 'read_audit_log' }),
    config: structuredClone(config),
    users: await ok({ operation: 'list_users' }),
  }
}

async function cleanUp(node: TestNode): Promise<void> {
  await node.post({ operation: 'configure_cluster', connections: [] })
  const databases = await node.ok<Record<string, unknown>>({ operation: 'describe_all' })
  for (const database of Object.keys(databases)) await node.ok({ operation: 'drop_database', database })
}
