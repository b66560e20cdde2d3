import { join } from 'node:path'
import { expect } from 'chai'
import { headers } from 'nats'
import { Problem } from '../../src/lib/index.js'
import { EventOutbox } from '../../src/replication/event-outbox.js'
import { topicOf } from '../../src/replication/wire.js'
import { contentOf, withCluster, withTlsCluster } from '../support/cluster.js'
import { eventually } from '../support/eventually.js'
import { intruderOn } from '../support/mesh.js'
import { basic, type TestNode } from '../support/node.js'

const dog = { operation: 'create_table', schema: 'dev', table: 'dog', hash_attribute: 'id' }
const both = { schema: 'dev', table: 'dog', publish: true, subscribe: true }
const insert = (records: object[], table = 'dog') => ({ operation: 'insert', schema: 'dev', table, records })
const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, place) => ({ id: from + place, name: `dog ${from + place}` }))

async function share(from: TestNode, to: string, over: object = {}, more: object = {}): Promise<void> {
  const answer = await from.ok<{ skipped: unknown[] }>({
    operation: 'add_node',
    node_name: to,
    subscriptions: [{ ...both, ...over }],
    ...more,
  })
  expect(answer.skipped).to.deep.equal([])
}

/** Waits until the tables of all nodes have the same content, and so many records. */
async function same(nodes: readonly TestNode[], count: number, table = 'dog'): Promise<void> {
  await eventually(`${count} equal records`, () => {
    const contents = nodes.map((node) => contentOf(node, 'dev', table))
    const texts = contents.map((content) => JSON.stringify(content))
    return contents[0]!.length === count && texts.every((text) => text === texts[0])
  })
}

interface Status {
  connections: {
    node_name: string
    status: string
    last_error: string | null
    subscriptions: { conflicts: number; in_sync: boolean | null; entries_behind: number; full_copy: unknown }[]
  }[]
}
const statusOf = (node: TestNode) => node.ok<Status>({ operation: 'cluster_status' })

describe('shared tables', () => {
  it('have every insert, update, upsert and delete of both nodes', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(dog)
      await share(a!, 'b')
      await a!.ok(insert(numbered(1, 100)))
      await b!.ok(insert(numbered(101, 100)))
      await same([a!, b!], 200)
      await a!.ok({ operation: 'update', schema: 'dev', table: 'dog', records: [{ id: 150, name: 'renamed', age: 3 }] })
      await b!.ok({
        operation: 'upsert',
        schema: 'dev',
        table: 'dog',
        records: [{ id: 1, name: 'upserted' }, { id: 300 }],
      })
      await b!.ok({ operation: 'delete', schema: 'dev', table: 'dog', hash_values: [2, 3] })
      await same([a!, b!], 199)
      const { equal } = await a!.ok<{ equal: boolean }>({ operation: 'verify_replicas', schema: 'dev', table: 'dog' })
      expect(equal).to.equal(true)
      await eventually('b knows that it has all', async () => {
        const { connections } = await statusOf(b!)
        return connections[0]!.subscriptions[0]!.in_sync === true
      })
      const { connections } = await statusOf(b!)
      expect(connections[0]!.status).to.equal('open')
      expect(connections[0]!.subscriptions[0]).to.include({ entries_behind: 0, conflicts: 0 })
    })
  })

  it('go on when what is shared cannot be renewed for a moment, as on a full disk', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      for (const table of ['dog', 'cat']) {
        await a!.ok({ ...dog, table })
        await share(a!, 'b', { table })
      }
      const { share: real } = EventOutbox.prototype
      let failures = 2
      EventOutbox.prototype.share = function (published) {
        return failures-- > 0 ? Promise.reject(new Problem('disk_full', {})) : real.call(this, published)
      }
      try {
        await a!.ok({ operation: 'drop_table', schema: 'dev', table: 'dog' })
        await eventually('it was tried again', () => failures < 0)
      } finally {
        EventOutbox.prototype.share = real
      }
      await b!.ok(insert(numbered(1, 10), 'cat'))
      await same([a!, b!], 10, 'cat')
    })
  })

  it('are compared in requests that begin small: how long a piece takes depends on its records', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(dog)
      await share(a!, 'b')
      await a!.ok(insert(numbered(1, 2_500)))
      await eventually('b has all', () => contentOf(b!, 'dev', 'dog').length === 2_500)
      const { replica } = b!.node.services.tables
      const digests = replica.digests.bind(replica)
      const pieces: number[] = []
      replica.digests = (schema, keys, ...rest) => {
        pieces.push(keys.length)
        return digests(schema, keys, ...rest)
      }
      const { equal } = await a!.ok<{ equal: boolean }>({ operation: 'verify_replicas', schema: 'dev', table: 'dog' })
      expect(equal).to.equal(true)
      expect(pieces[0]).to.equal(1)
      expect(pieces.reduce((sum, count) => sum + count)).to.equal(3)
    })
  })

  it('go one way when they are shared one way', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(dog)
      await share(a!, 'b', { subscribe: false })
      await b!.ok(insert(numbered(1_000, 1)))
      await a!.ok(insert(numbered(1, 10)))
      await eventually('b has both', () => contentOf(b!, 'dev', 'dog').length === 11)
      expect(contentOf(a!, 'dev', 'dog')).to.have.length(10)
      const { nodes } = await a!.ok<{ nodes: { differences: unknown[] }[] }>({
        operation: 'verify_replicas',
        schema: 'dev',
        table: 'dog',
      })
      expect(nodes[0]!.differences).to.deep.equal([{ key: 1_000, state: 'missing here' }])
    })
  })

  it('catch up from a start_time, or by a full copy that keeps what only one side has', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(dog)
      await a!.ok(insert(numbered(1, 5)))
      await new Promise((resolve) => setTimeout(resolve, 20))
      const start_time = new Date().toISOString()
      await a!.ok(insert(numbered(6, 5)))
      await b!.ok(dog)
      await b!.ok(insert(numbered(100, 1)))
      await share(a!, 'b', { subscribe: false }, { start_time })
      await eventually('b has the later five', () => contentOf(b!, 'dev', 'dog').length === 6)
      const preview = await b!.ok<{ preview: unknown[] }>({
        operation: 'update_node',
        node_name: 'a',
        dry_run: true,
        subscriptions: [{ ...both, publish: false, copy: true }],
      })
      expect(preview.preview).to.deep.equal([{ schema: 'dev', table: 'dog', rows: 5, known: 5, kept: 0 }])
      expect(contentOf(b!, 'dev', 'dog')).to.have.length(6)
      await b!.ok({
        operation: 'update_node',
        node_name: 'a',
        subscriptions: [{ ...both, copy: true }],
      })
      await same([a!, b!], 11)
    })
  })

  it('take changes that are larger than a message, from the log and from the outbox', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      const large = (from: number) =>
        Array.from({ length: 90 }, (_, place) => ({ id: from + place, text: `${place}`.repeat(50_000) }))
      await a!.ok(dog)
      await a!.ok(insert(large(0)))
      await share(a!, 'b', {}, { start_time: '2020-01-01T00:00:00Z' })
      await same([a!, b!], 90)
      await a!.ok(insert(large(100)))
      await same([a!, b!], 180)
    })
  })

  it('take a change that is too large for the stream from the log, and what comes behind it', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(dog)
      const text = 'x'.repeat(9_900_000)
      for (let id = 1; id <= 7; id++) await a!.ok(insert([{ id, text }]))
      await share(a!, 'b', { copy: true })
      await eventually('b has them', () => contentOf(b!, 'dev', 'dog').length === 7)
      await a!.ok({ operation: 'update', schema: 'dev', table: 'dog', where: [['id', '>', 0]], set: { old: true } })
      await a!.ok(insert([{ id: 8, old: true }]))
      // Not the large ones again and again: reading them takes longer than they do on their way.
      const eighth = {
        operation: 'search_by_hash',
        schema: 'dev',
        table: 'dog',
        hash_values: [8],
        get_attributes: ['id'],
      }
      await eventually('b has what comes behind', async () => (await b!.ok<object[]>(eighth)).length === 1)
      expect(contentOf(b!, 'dev', 'dog').filter(({ old }) => old)).to.have.length(8)
      const { bytes } = await a!.node.services.clustering.replication.mesh.outbox.state('a')
      expect(bytes).to.be.lessThan(1_000_000)
    })
  })

  it('take a large change that was sent in two tries, with other messages between its parts', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(dog)
      await share(a!, 'b')
      await a!.ok(insert(numbered(1, 1)))
      await same([a!, b!], 1)
      const client = await intruderOn(join(a!.folder, 'mesh'))
      const sender = client.jetstream()
      const first = headers()
      first.set('Trellis-Part', '1/2')
      const { incarnation } = a!.node.services.clustering.replication
      // As if this had been stored before the first try ended: the stream does not take it a second time.
      const msgID = `${incarnation}:${a!.node.services.tables.changes.sequence + 1}:0`
      await sender.publish(`out.a.${topicOf({ database: 'dev', table: 'dog' })}`, Buffer.alloc(512 * 1024, 'x'), {
        headers: first,
        msgID,
      })
      await a!.ok({ operation: 'add_column', schema: 'dev', table: 'dog', column: 'age', type: 'int' })
      await a!.ok(insert([{ id: 2, text: 'x'.repeat(800_000) }]))
      await same([a!, b!], 2)
      await client.close()
    })
  })

  it('let the later change win, count the conflict, and keep the loser in the log', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(dog)
      await share(a!, 'b')
      await a!.ok(insert([{ id: 1, name: 'first' }]))
      await same([a!, b!], 1)
      const hub = a!.node.services.clustering.replication.mesh.servers.hub!.pid!
      process.kill(hub, 'SIGSTOP') // Cut off: both go on alone.
      try {
        await a!.ok({ operation: 'update', schema: 'dev', table: 'dog', records: [{ id: 1, name: 'of a' }] })
        await new Promise((resolve) => setTimeout(resolve, 20))
        await b!.ok({ operation: 'update', schema: 'dev', table: 'dog', records: [{ id: 1, name: 'of b' }] })
      } finally {
        process.kill(hub, 'SIGCONT')
      }
      await same([a!, b!], 1)
      expect(contentOf(a!, 'dev', 'dog')[0]).to.include({ name: 'of b' })
      await eventually('the conflict is counted on both nodes: where it lost and where it won', async () => {
        const statuses = await Promise.all([a!, b!].map(statusOf))
        return statuses.every(({ connections }) => connections[0]!.subscriptions[0]!.conflicts === 1)
      })
      for (const node of [a!, b!]) {
        const log = await node.ok<{ records?: { name?: string }[] }[]>({
          operation: 'read_transaction_log',
          schema: 'dev',
          table: 'dog',
        })
        const names = log.flatMap(({ records = [] }) => records.map(({ name }) => name))
        expect(names).to.have.members(['first', 'of a', 'of b'])
      }
      // Changes that follow each other, to and fro, are none.
      for (const [turn, [from, to]] of [[a!, b!] as const, [b!, a!] as const, [a!, b!] as const].entries()) {
        await from.ok({ operation: 'update', schema: 'dev', table: 'dog', records: [{ id: 1, name: `turn ${turn}` }] })
        await eventually('it arrives', () => contentOf(to, 'dev', 'dog')[0]!.name === `turn ${turn}`)
      }
      for (const { connections } of await Promise.all([a!, b!].map(statusOf)))
        expect(connections[0]!.subscriptions[0]!.conflicts).to.equal(1)
    })
  })

  it('get new columns, lose dropped ones, and are dropped together', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      const columns = [
        { name: 'id', type: 'int' },
        { name: 'name', type: 'text' },
      ]
      await a!.ok({ operation: 'create_table', schema: 'dev', table: 'cat', primary_key: 'id', columns })
      await share(a!, 'b', { table: 'cat' })
      await a!.ok({ operation: 'add_column', schema: 'dev', table: 'cat', column: 'age', type: 'int' })
      await a!.ok(insert([{ id: 1, name: 'Tom', age: 7 }], 'cat'))
      await same([a!, b!], 1, 'cat')
      using snapshot = b!.node.services.tables.snapshot()
      const seven = { value: 7, inclusive: true }
      expect([...snapshot.table('dev', 'cat')!.range({ attribute: 'age', from: seven, to: seven })]).to.deep.equal([1])
      await b!.ok({ operation: 'drop_column', schema: 'dev', table: 'cat', column: 'age' })
      await eventually('a has dropped the column', () => !('age' in contentOf(a!, 'dev', 'cat')[0]!))
      await a!.ok({ operation: 'drop_table', schema: 'dev', table: 'cat' })
      await eventually('b has dropped the table', async () => {
        const answer = await b!.post({ operation: 'describe_table', schema: 'dev', table: 'cat' })
        return answer.status === 404 || answer.status === 400
      })
      expect((await statusOf(b!)).connections[0]!.subscriptions).to.deep.equal([])
    })
  })

  it('are never read without attributes that came with their records', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(dog)
      await share(a!, 'b')
      for (let id = 1; id <= 40; id++) {
        await a!.ok(insert([{ id, [`name ${id}`]: 'Penny' }]))
        const found = { operation: 'search_by_id', schema: 'dev', table: 'dog', ids: [id], get_attributes: ['*'] }
        let rows: Record<string, unknown>[] = []
        while (rows.length === 0) rows = await b!.ok<Record<string, unknown>[]>(found)
        expect(rows[0]).to.include({ id, [`name ${id}`]: 'Penny' })
      }
    })
  })

  it('pass a chain and a ring when nodes republish, without echo', async () => {
    await withCluster(
      ['a', 'b', 'c'],
      async ([a, b, c]) => {
        await a!.ok(dog)
        await share(a!, 'b')
        await share(b!, 'c')
        await a!.ok(insert(numbered(1, 50)))
        await c!.ok(insert(numbered(101, 50)))
        await same([a!, b!, c!], 100)
        await share(c!, 'a') // Closes the ring.
        await b!.ok(insert(numbered(201, 50)))
        await same([a!, b!, c!], 150)
        await new Promise((resolve) => setTimeout(resolve, 300))
        for (const node of [a!, b!, c!]) {
          const log = await node.ok<{ records?: unknown[] }[]>({
            operation: 'read_transaction_log',
            schema: 'dev',
            table: 'dog',
          })
          expect(log.flatMap(({ records = [] }) => records)).to.have.length(150) // Each once.
          const { connections } = await statusOf(node)
          expect(
            connections.flatMap(({ subscriptions }) => subscriptions.map(({ conflicts }) => conflicts)),
          ).to.deep.equal([0, 0])
        }
      },
      () => ({ 'clustering.republish': 'true' }),
    )
  })

  it('end with remove_node at once, until the node is added again', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(dog)
      await share(a!, 'b')
      await a!.ok(insert(numbered(1, 1)))
      await same([a!, b!], 1)
      await a!.ok({ operation: 'remove_node', node_name: 'b' })
      await b!.ok(insert(numbered(2, 1)))
      const again = await b!.post({ operation: 'add_node', node_name: 'a', subscriptions: [both], timeout: 500 })
      expect(again.body).to.have.property('code', 'node_silent')
      expect(contentOf(a!, 'dev', 'dog')).to.have.length(1)
      await share(a!, 'b', { copy: true })
      await same([a!, b!], 2)
    })
  })

  it('end with remove_node at once also when the node is silent, and an answer of it is waited for', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(dog)
      await share(a!, 'b')
      const hub = b!.node.services.clustering.replication.mesh.servers.hub!.pid!
      process.kill(hub, 'SIGSTOP')
      const silent = performance.now()
      try {
        await new Promise((resolve) => setTimeout(resolve, 4_000)) // By now a has noticed, and asks.
        await a!.ok({ operation: 'remove_node', node_name: 'b' })
        expect(performance.now() - silent, 'what a asks ends 10 s after it was begun').to.be.lessThan(10_000)
      } finally {
        process.kill(hub, 'SIGCONT')
      }
    })
  })

  it('share users and roles when both nodes say so', async () => {
    await withCluster(
      ['a', 'b'],
      async ([a, b]) => {
        await a!.ok(dog)
        await share(a!, 'b')
        const rights = { read: true, insert: false, update: false, delete: false, attribute_permissions: [] }
        const permission = { super_user: false, dev: { tables: { dog: rights } } }
        await a!.ok({ operation: 'add_role', role: 'reader', permission })
        await a!.ok({
          operation: 'add_user',
          username: 'ann',
          password: 'a-long-password',
          role: 'reader',
          active: true,
        })
        const signIn = (password = 'a-long-password') =>
          b!.post({ operation: 'user_info' }, { authorization: basic({ username: 'ann', password }) })
        await eventually('ann signs in at b', async () => (await signIn()).status === 200)
        await a!.ok({ operation: 'alter_user', username: 'ann', password: 'another-long-password' })
        await eventually('b knows the new password', async () => {
          return (await signIn('another-long-password')).status === 200
        })
        expect((await signIn()).status).to.equal(401) // The old one.
        const search = { operation: 'search_by_id', schema: 'dev', table: 'dog', ids: [1], get_attributes: ['*'] }
        const asAnn = { authorization: basic({ username: 'ann', password: 'another-long-password' }) }
        expect((await b!.post(search, asAnn)).status).to.equal(200)
        const [role] = (await a!.ok<{ id: string; role: string }[]>({ operation: 'list_roles' })).filter(
          (one) => one.role === 'reader',
        )
        const less = { super_user: false, dev: { tables: { dog: { ...rights, read: false } } } }
        await b!.ok({ operation: 'alter_role', id: role!.id, permission: less })
        await eventually('ann may not read at a either', async () => (await a!.post(search, asAnn)).status === 403)
        await b!.ok({ operation: 'drop_user', username: 'ann' })
        await eventually('a has dropped ann', async () => {
          const users = await a!.ok<{ username: string }[]>({ operation: 'list_users' })
          return !users.some(({ username }) => username === 'ann')
        })
        expect((await signIn('another-long-password')).status).to.equal(401)
        await a!.ok({ operation: 'drop_role', id: role!.id })
        await eventually('b has dropped the role', async () => {
          const roles = await b!.ok<{ role: string }[]>({ operation: 'list_roles' })
          return !roles.some((one) => one.role === 'reader')
        })
      },
      () => ({ 'clustering.replicate_access': 'true' }),
    )
  })

  it('get no place again when their sharing has ended while a page of a copy was on its way', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      const { mesh, incarnation } = a!.node.services.clustering.replication
      const { catalog, clustering } = b!.node.services
      const { peers } = clustering.replication
      let asked = 0
      mesh.requests.serve('copy', async () => {
        asked++
        // As an agreement does it, before it ends the subscriber.
        await catalog.createDatabase(`at${asked}`, undefined, (transaction) =>
          peers.putPeer(transaction, { ...peers.peers.get('a')!, subscriptions: [] }),
        )
        return { incarnation, sequence: 0, rows: [] }
      })
      await a!.ok(dog)
      await share(b!, 'a', { copy: true })
      await eventually('b reads on', async () => {
        const { connections } = await b!.ok<{ connections: { status: string }[] }>({ operation: 'cluster_status' })
        return asked > 0 && connections[0]?.status === 'open'
      })
      expect(peers.position('a', { database: 'dev', table: 'dog' })).to.equal(undefined)
    })
  })

  it('miss nothing that is purged from the stream before a peer has read it', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      const { mesh } = a!.node.services.clustering.replication
      await a!.ok(dog)
      await a!.ok({ ...dog, table: 'cat' })
      await share(a!, 'b', { table: 'cat' })
      await share(a!, 'b')
      await a!.ok(insert(numbered(1, 1), 'cat'))
      await a!.ok(insert(numbered(1, 1)))
      await same([a!, b!], 1)
      const { lastSequence } = await mesh.outbox.state('a')
      process.kill(b!.node.services.clustering.replication.mesh.servers.hub!.pid!, 'SIGKILL')
      await a!.ok(insert(numbered(2, 1)))
      await eventually('it is in the stream', async () => {
        return (await mesh.outbox.state('a')).lastSequence > lastSequence
      })
      // What stands before it in the stream stays, so that the stream itself shows no gap at its beginning.
      await a!.ok({ operation: 'purge_stream', schema: 'dev', table: 'dog' })
      await same([a!, b!], 2)
    })
  })

  it('travel over mutual TLS without a secret, and a removed node is cut off', async () => {
    await withTlsCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(dog)
      await share(a!, 'b')
      await a!.ok(insert(numbered(1, 10)))
      await b!.ok(insert(numbered(11, 10)))
      await same([a!, b!], 20)
      await a!.ok({ operation: 'remove_node', node_name: 'b' })
      await eventually('b reaches nobody', async () => {
        const { nodes } = await b!.ok<{ nodes: unknown[] }>({ operation: 'cluster_network', timeout: 500 })
        return nodes.length === 1
      })
      await share(a!, 'b', { copy: true }, { timeout: 15_000 })
      await b!.ok(insert(numbered(21, 1)))
      await same([a!, b!], 21)
    })
  })

  it('are joined by routes that form no loop', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      const { mesh } = b!.node.services.clustering.replication
      const { config } = b!.node.services
      expect(mesh.routes.hub).to.have.length(1)
      const route = { host: '127.0.0.1', port: config.clustering.hub.leafnode_port }
      const answer = await a!.post({ operation: 'cluster_set_routes', server: 'leaf', routes: [route] })
      expect(answer.body).to.include({ code: 'route_loop', leaf: 'a', hub: 'b' })
      expect(a!.node.services.clustering.replication.mesh.routes.leaf).to.deep.equal([])
    })
  })
})
