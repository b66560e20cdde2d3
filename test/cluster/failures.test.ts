import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { Catalog } from '../../src/catalog/index.js'
import { Problem } from '../../src/lib/index.js'
import { EventOutbox } from '../../src/replication/event-outbox.js'
import { PeerStore } from '../../src/replication/peers.js'
import type { WriteTransaction } from '../../src/storage/index.js'
import { contentOf, meshSettings, withCluster } from '../support/cluster.js'
import { eventually } from '../support/eventually.js'
import { intruderOn } from '../support/mesh.js'
import { onNode, type TestNode, withNode } from '../support/node.js'

const dog = { database: 'dev', table: 'dog' }
const create = { operation: 'create_table', ...dog, hash_attribute: 'id' }
const both = { ...dog, publish: true, subscribe: true }
const add = (node_name: string, more: object = {}) => ({
  operation: 'add_node',
  node_name,
  subscriptions: [both],
  ...more,
})
const insert = (id: number) => ({ operation: 'insert', ...dog, records: [{ id }] })
const replicationOf = ({ node }: TestNode) => node.services.clustering.replication
const idsOf = (node: TestNode) => contentOf(node, 'dev', 'dog').map(({ id }) => id)

async function arrives(from: TestNode, to: TestNode, id: number): Promise<void> {
  await from.ok(insert(id))
  await eventually(`record ${id} arrives`, () => idsOf(to).includes(id))
}

const readsStream = (node: TestNode) =>
  eventually('it reads the stream', async () => {
    const { connections } = await node.ok<{ connections: { status: string }[] }>({ operation: 'cluster_status' })
    return connections[0]?.status === 'open'
  })

/** What a request to another node comes to: 'answered', or the code of the problem. */
const asked = (from: TestNode, to: string, method: string, body: object | null = null) =>
  replicationOf(from)
    .mesh.requests.ask(to, method, body as never, 2_000)
    .then(
      () => 'answered',
      (error: Problem) => error.code,
    )

/** Lets a method fail as on a full disk, so many times. */
async function withFailing<Owner extends object>(
  owner: Owner,
  method: keyof Owner,
  times: number,
  run: () => Promise<void>,
): Promise<void> {
  const real = owner[method] as (...given: unknown[]) => unknown
  let left = times
  owner[method] = function (this: unknown, ...given: unknown[]) {
    if (left-- > 0) throw new Problem('disk_full', {})
    return real.apply(this, given)
  } as never
  try {
    await run()
  } finally {
    owner[method] = real as never
  }
}

/** Stores something with a change of the catalog. */
let stored = 0
const storeIn = ({ node }: TestNode, store: (transaction: WriteTransaction) => void) =>
  node.services.catalog.createDatabase(`stored${++stored}`, undefined, store)

/** Has a node remember that the table of this name is not the one that it had before, as if nobody had heard of it yet. */
async function wasMadeAnew(node: TestNode, table: string): Promise<void> {
  const { peers } = replicationOf(node)
  const { clock } = node.node.services.tables
  await storeIn(node, (transaction) => {
    peers.putDropped(transaction, { database: 'dev', table }, { table: clock.now() })
  })
}

/** A node in a folder that may be started again and again, joined to the others. */
async function joined(
  folder: string,
  settings: Record<string, string>,
  other: TestNode,
  run: (node: TestNode) => Promise<void>,
): Promise<void> {
  await onNode(
    folder,
    async (node) => {
      const { port } = replicationOf(other).mesh.servers.hub!
      await node.ok({ operation: 'cluster_set_routes', server: 'hub', routes: [{ host: '127.0.0.1', port }] })
      await eventually('they see each other', async () => {
        return (await replicationOf(node).mesh.requests.discover(200)).length > 1
      })
      await run(node)
    },
    settings,
  )
}

/** Shares dogs and cats with a node b of that place, which has the first dog when it stops. */
async function shareDogsAndCats(a: TestNode, place: string, settings: Record<string, string>): Promise<void> {
  await a.ok(create)
  await a.ok({ ...create, table: 'cat' })
  await joined(place, settings, a, async (b) => {
    await a.ok(add('b', { subscriptions: [both, { ...both, table: 'cat' }] }))
    await arrives(a, b, 1)
  })
}

describe('sharing where something fails in the middle', () => {
  it('drops no table because of an old word of a peer', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      const { incarnation, mesh } = replicationOf(a!)
      await a!.ok(create)
      await a!.ok(add('b'))
      await arrives(a!, b!, 1)
      await readsStream(b!)
      const old = { incarnation, entries: [], state: { ...dog, dropped: 1 } }
      await mesh.outbox.publish('dev.dog', Buffer.from(JSON.stringify(old)), 'old')
      await arrives(a!, b!, 2)
      expect(idsOf(b!)).to.deep.equal([1, 2])
      expect(idsOf(a!)).to.deep.equal([1, 2])
    })
  })

  it('drops the table of before on a peer that was away while another one of its name was made', async () => {
    await withCluster(['a'], async ([a], folder) => {
      const { settings } = await meshSettings('b')
      const place = join(folder, 'b')
      await shareDogsAndCats(a!, place, settings)
      await a!.ok({ operation: 'drop_table', ...dog })
      await a!.ok(create)
      await a!.ok(insert(2))
      await a!.ok({ ...insert(5), table: 'cat' })
      await onNode(
        place,
        async (b) => {
          await eventually('b has what it shares', () => contentOf(b, 'dev', 'cat').length === 1)
          expect(b.node.services.catalog.find('dev', 'dog')).to.equal(undefined)
          await a!.ok(add('b', { subscriptions: [{ ...both, copy: true }] }))
          await b.ok({ operation: 'update_node', node_name: 'a', subscriptions: [{ ...both, copy: true }] })
          await eventually('both have the new table', () => idsOf(b).join() === '2')
          await arrives(b, a!, 3)
          expect(idsOf(a!)).to.deep.equal([2, 3])
        },
        settings,
      )
    })
  })

  it('drops a table of before that is agreed on again before the word of its drop was read, whoever asks', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      const oneWay = (node_name: string, publish: boolean) => ({
        node_name,
        subscriptions: [{ ...dog, publish, subscribe: !publish, copy: true }],
      })
      await a!.ok(create)
      await a!.ok({ operation: 'add_node', ...oneWay('b', true) })
      await arrives(a!, b!, 1)
      for (const [id, ask] of [
        () => a!.ok({ operation: 'add_node', ...oneWay('b', true) }),
        () => b!.ok({ operation: 'update_node', ...oneWay('a', false) }),
      ].entries()) {
        await b!.ok(insert(100 + id)) // Only there.
        await wasMadeAnew(a!, 'dog')
        await ask()
        await eventually('the new table is there', () => idsOf(b!).join() === '1')
        await arrives(a!, b!, 2 + id)
        await a!.ok({ operation: 'delete', ...dog, hash_values: [2 + id] })
        await eventually('it goes', () => idsOf(b!).join() === '1')
      }
    })
  })

  it('drops no table of a peer because of an old word of that peer, nor where an agreement has no time', async () => {
    await withCluster(['a'], async ([a], folder) => {
      const { settings } = await meshSettings('b')
      const place = join(folder, 'b')
      const named = (table: string) => ({ ...both, table })
      for (const table of ['dog', 'cat', 'owl']) await a!.ok({ ...create, table })
      for (const table of ['dog', 'cat']) await wasMadeAnew(a!, table)
      await joined(place, settings, a!, async (b) => {
        await a!.ok(add('b', { subscriptions: [both, named('cat'), named('owl')] }))
        await arrives(a!, b, 1)
        // As in a folder that was restored, and in one of an older version.
        const { peers } = replicationOf(b)
        const peer = peers.peers.get('a')!
        const subscriptions = peer.subscriptions.map(({ at, ...rest }) =>
          rest.table === 'cat' ? rest : { ...rest, at: rest.table === 'dog' ? 1 : at! },
        )
        await storeIn(b, (transaction) => peers.putPeer(transaction, { ...peer, subscriptions }))
      })
      await onNode(
        place,
        async (b) => {
          await eventually('b drops the dogs', () => !b.node.services.catalog.find('dev', 'dog'))
          await b.ok({ ...insert(5), table: 'owl' })
          await eventually('what b says behind it arrives', () => contentOf(a!, 'dev', 'owl').length === 1)
          expect(idsOf(a!)).to.deep.equal([1])
          await a!.ok({ ...insert(6), table: 'cat' })
          await eventually('the cat arrives', () => contentOf(b, 'dev', 'cat').length === 1)
        },
        settings,
      )
    })
  })

  it('keeps nothing of a column that came again and was dropped again while a node was off', async () => {
    await withCluster(['a'], async ([a], folder) => {
      const { settings } = await meshSettings('b')
      const place = join(folder, 'b')
      const put = (id: number, more: object) =>
        a!.ok({ operation: 'insert', database: 'dev', table: 'cat', records: [{ id, ...more }] })
      const drop = () => a!.ok({ operation: 'drop_column', database: 'dev', table: 'cat', column: 'age' })
      const columnsOf = (node: TestNode) =>
        node.node.services.catalog.find('dev', 'cat')?.columns.map(({ name }) => name)
      await a!.ok({ ...create, table: 'cat' })
      await joined(place, settings, a!, async (b) => {
        await a!.ok(add('b', { subscriptions: [{ ...both, table: 'cat' }] }))
        await put(1, { age: 1 })
        await eventually('b has it', () => columnsOf(b)?.includes('age') === true)
        await drop()
        await eventually('b drops it', () => columnsOf(b)?.includes('age') === false)
      })
      await put(2, { age: 2 })
      await drop()
      await onNode(
        place,
        async (b) => {
          await eventually('b has all', () => contentOf(b, 'dev', 'cat').length === 2)
          for (const node of [a!, b])
            expect(contentOf(node, 'dev', 'cat').map(({ age }) => age)).to.deep.equal([undefined, undefined])
          expect(columnsOf(b)).to.not.include('age')
        },
        settings,
      )
    })
  })

  it('brings what was dropped while a node was off, or had clustering off, to the same on both nodes', async () => {
    await withCluster(['a'], async ([a], folder) => {
      const { settings } = await meshSettings('b')
      const place = join(folder, 'b')
      const put = (table: string, id: number, more: object) => ({
        operation: 'insert',
        database: 'dev',
        table,
        records: [{ id, ...more }],
      })
      const age = { ...dog, column: 'age' }
      const columns = [
        { name: 'id', type: 'int' },
        { name: 'age', type: 'int' },
      ]
      await a!.ok({ operation: 'create_table', ...dog, primary_key: 'id', columns })
      for (const table of ['cat', 'owl']) await a!.ok({ ...create, table })
      await joined(place, settings, a!, async (b) => {
        const subscriptions = ['dog', 'cat', 'owl'].map((table) => ({ ...both, table }))
        await a!.ok(add('b', { subscriptions }))
        await a!.ok(put('dog', 1, { age: 3 }))
        await a!.ok(put('cat', 1, { name: 'one' }))
        await eventually('b has them', () => idsOf(b).length + contentOf(b, 'dev', 'cat').length === 2)
      })
      await a!.ok(put('dog', 2, { age: 4 }))
      await a!.ok({ operation: 'drop_column', ...age })
      await a!.ok({ operation: 'add_column', ...age, type: 'text' })
      await a!.ok(put('dog', 3, { age: 'old' }))
      await a!.ok(put('cat', 2, { name: 'two' })) // Nobody has told it that there will be no names.
      const off = { ...settings, 'clustering.enabled': 'false' }
      await onNode(
        place,
        async (b) => {
          await b.ok({ operation: 'drop_table', database: 'dev', table: 'owl' })
          await b.ok({ operation: 'drop_column', database: 'dev', table: 'cat', column: 'name' })
        },
        off,
      )
      await onNode(
        place,
        async (b) => {
          const shown = (node: TestNode, table: string) =>
            contentOf(node, 'dev', table).map(({ id, age, name }) => ({ id, age, name }))
          await eventually('a hears of the owls', () => !a!.node.services.catalog.find('dev', 'owl'))
          await eventually('b has all', () => idsOf(b).length === 3 && contentOf(b, 'dev', 'cat').length === 2)
          const cats = [1, 2].map((id) => ({ id, age: undefined, name: undefined }))
          for (const node of [a!, b])
            await eventually('no names', () => JSON.stringify(shown(node, 'cat')) === JSON.stringify(cats))
          expect(shown(b, 'dog')).to.deep.equal(shown(a!, 'dog'))
          expect(shown(b, 'dog').map((row) => row.age ?? null)).to.deep.equal([null, null, 'old'])
          const { connections } = await b.ok<{ connections: { last_error: string | null }[] }>({
            operation: 'cluster_status',
          })
          expect(connections[0]!.last_error).to.equal(null)
          // A column that comes again comes with what it is given, also with the records that bring it.
          await b.ok(put('cat', 3, { name: 'three' }))
          await eventually('it arrives', () => shown(a!, 'cat')[2]?.name === 'three')
          await a!.ok(put('cat', 4, { name: 'four' }))
          await eventually('it arrives there too', () => shown(b, 'cat')[3]?.name === 'four')
        },
        settings,
      )
    })
  })

  for (const isLate of [false, true]) {
    const what = isLate ? 'has not yet' : 'was killed before it had'
    it(`goes on with the other tables where a peer ${what} stored what both agreed on`, async () => {
      await withCluster(['a'], async ([a], folder) => {
        const { settings } = await meshSettings('b')
        const place = join(folder, 'b')
        await shareDogsAndCats(a!, place, settings)
        // As if the agreement on the dogs were not stored here.
        const { peers } = replicationOf(a!)
        const peer = peers.peers.get('b')!
        const subscriptions = peer.subscriptions.filter(({ table }) => table === 'cat')
        const store = (stored: typeof peer) => storeIn(a!, (transaction) => peers.putPeer(transaction, stored))
        await store({ ...peer, subscriptions })
        await a!.ok({ ...insert(5), table: 'cat' })
        await a!.ok(insert(2))
        await onNode(
          place,
          async (b) => {
            await eventually('the cat arrives', () => contentOf(b, 'dev', 'cat').length === 1)
            const last = async () =>
              (await b.ok<{ connections: { last_error: string | null }[] }>({ operation: 'cluster_status' }))
                .connections
            await eventually('it says what does not come', async () =>
              /dev.*dog/.test((await last())[0]?.last_error ?? ''),
            )
            expect(idsOf(b)).to.deep.equal([1])
            if (isLate) await store(peer)
            else await a!.ok(add('b', { subscriptions: [both] }))
            await eventually('all is there', () => idsOf(b).join() === '1,2')
            await arrives(a!, b, 3)
            expect((await last())[0]!.last_error).to.equal(null)
          },
          settings,
        )
      })
    })
  }

  it('misses nothing of what the stream lost with the power of the machine before a peer had read it', async () => {
    await withCluster(['b'], async ([b], folder) => {
      const { settings } = await meshSettings('a')
      const hub = () => replicationOf(b!).mesh.servers.hub!.pid!
      await joined(join(folder, 'a'), settings, b!, async (a) => {
        await a.ok(create)
        await a.ok(add('b'))
        await readsStream(b!)
        await arrives(a, b!, 1)
        process.kill(hub(), 'SIGSTOP')
        await delay(4_000) // Then the reader of b has given up, and what waits in sockets is not for it.
        const { outbox } = replicationOf(a).mesh
        const { lastSequence } = await outbox.state('a')
        await a.ok(insert(2))
        await eventually('it is in the stream', async () => (await outbox.state('a')).lastSequence > lastSequence)
        const client = await intruderOn(join(a.folder, 'mesh'))
        const manager = await client.jetstreamManager()
        await manager.streams.deleteMessage('OUT', (await outbox.state('a')).lastSequence)
        await client.close()
      })
      await onNode(
        join(folder, 'a'),
        async (a) => {
          await a.ok(insert(3))
          const { mesh, peers } = replicationOf(a)
          await eventually('it is in the stream', async () => {
            return peers.self()!.published === a.node.services.tables.changes.committed() && mesh.connected
          })
          process.kill(hub(), 'SIGCONT')
          await eventually('b has the last', () => idsOf(b!).includes(3))
          await eventually('b has all', () => idsOf(b!).join() === '1,2,3')
        },
        settings,
      )
    })
  })

  it('misses nothing that a node has purged from the stream after another start, before a peer had read it', async () => {
    await withCluster(['b'], async ([b], folder) => {
      const { settings } = await meshSettings('a')
      const hub = () => replicationOf(b!).mesh.servers.hub!.pid!
      const isSent = ({ node }: TestNode) =>
        eventually('it is in the stream', () => {
          const { peers } = node.services.clustering.replication
          return peers.self()!.published === node.services.tables.changes.committed()
        })
      await joined(join(folder, 'a'), settings, b!, async (a) => {
        await a.ok(create)
        await a.ok({ ...create, table: 'cat' })
        await a.ok(add('b', { subscriptions: [both, { ...both, table: 'cat' }] }))
        // What stands before it in the stream stays, so that the stream itself shows no gap at its beginning.
        await a.ok({ ...insert(1), table: 'cat' })
        await arrives(a, b!, 1)
        process.kill(hub(), 'SIGSTOP')
        await delay(4_000) // Then the reader of b has given up, and what waits in sockets is not for it.
        await a.ok(insert(2))
        await isSent(a)
      })
      await onNode(
        join(folder, 'a'),
        async (a) => {
          await eventually(
            'its stream is there',
            async () => (await replicationOf(a).mesh.outbox.state('a')).messages > 0,
          )
          await a.ok({ operation: 'purge_stream', schema: 'dev', table: 'dog' })
          process.kill(hub(), 'SIGCONT')
          await eventually('b has all', () => idsOf(b!).join() === '1,2')
        },
        settings,
      )
    })
  })

  it('keeps a node that it could not remove, and takes its requests', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(create)
      await a!.ok(add('b'))
      await arrives(a!, b!, 1)
      const remove = { operation: 'remove_node', node_name: 'b' }
      await withFailing(PeerStore.prototype, 'removePeer', 2, async () => {
        expect((await a!.post(remove)).body).to.have.property('code', 'disk_full')
      })
      expect(await asked(a!, 'b', 'pulse')).to.equal('answered')
      expect(await asked(b!, 'a', 'pulse')).to.equal('answered')
      await arrives(a!, b!, 2)
      await a!.ok(remove)
      expect(await asked(a!, 'b', 'pulse')).to.equal('node_removed')
    })
  })

  it('says that a node was removed when it was, whatever has to wait for room on the disk', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(create)
      await a!.ok(add('b'))
      await arrives(a!, b!, 1)
      await withFailing(EventOutbox.prototype, 'share', 2, async () => {
        await a!.ok({ operation: 'remove_node', node_name: 'b' })
      })
    })
  })

  it('keeps a removed node out after a look at what adding it would do', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(create)
      await a!.ok(add('b'))
      await a!.ok({ operation: 'remove_node', node_name: 'b' })
      expect(await asked(b!, 'a', 'describe', { tables: [] })).to.equal('node_silent')
      await a!.ok(add('b', { dry_run: true }))
      expect(await asked(a!, 'b', 'pulse')).to.equal('node_removed')
      expect(await asked(b!, 'a', 'describe', { tables: [] })).to.equal('node_silent')
      await a!.ok(add('b'))
      await arrives(a!, b!, 1)
    })
  })

  it('takes back an agreement after a try that failed, and after another start', async () => {
    await withCluster(['a'], async ([a], folder) => {
      const { settings } = await meshSettings('b')
      const { incarnation, mesh } = replicationOf(a!)
      await a!.ok(create)
      const place = join(folder, 'b')
      const settle = async (id: string) => {
        const fresh = { database: 'fresh', table: id }
        const state = { ...fresh, schema: { ...a!.node.services.catalog.table('dev', 'dog') } }
        const subscriptions = [{ ...fresh, publish: true, subscribe: true }]
        const link = { id, replace: true, subscriptions, states: [state], incarnation, sequence: 0 }
        expect(await asked(a!, 'b', 'link', link)).to.equal('answered')
        expect(await asked(a!, 'b', 'settle', { id })).to.equal('answered')
      }
      const sharedBy = (node: TestNode) =>
        replicationOf(node)
          .peers.peers.get('a')!
          .subscriptions.map(({ table }) => table)
      await joined(place, settings, a!, async (b) => {
        await a!.ok(add('b'))
        await arrives(a!, b, 1)
        await settle('one')
        expect(sharedBy(b)).to.deep.equal(['one'])
        await withFailing(PeerStore.prototype, 'restore', 1, async () => {
          expect(await asked(a!, 'b', 'take_back', { id: 'one' })).to.equal('disk_full')
        })
        expect(await asked(a!, 'b', 'take_back', { id: 'one' })).to.equal('answered')
        expect(sharedBy(b)).to.deep.equal(['dog'])
        await settle('two')
      })
      await onNode(
        place,
        async (b) => {
          expect(sharedBy(b)).to.deep.equal(['two'])
          await eventually('b is there', () => mesh.requests.hello('b', 500).then(Boolean, () => false))
          expect(await asked(a!, 'b', 'take_back', { id: 'two' })).to.equal('answered')
          expect(sharedBy(b)).to.deep.equal(['dog'])
          expect(b.node.services.catalog.hasDatabase('fresh')).to.equal(false)
          await arrives(a!, b, 2)
        },
        settings,
      )
    })
  })

  it('takes back at the next start what a node that was killed while it agreed has not stored', async () => {
    await withCluster(['b'], async ([b], folder) => {
      const { settings } = await meshSettings('a')
      const place = join(folder, 'a')
      await b!.ok({ ...create, table: 'cat' })
      await joined(place, settings, b!, async (a) => {
        await a.ok(create)
        const { mesh, peers } = replicationOf(a)
        // As if it were killed: nothing is stored any more, and nobody is asked.
        const { putBegun } = peers
        let stores = 0
        peers.putBegun = (...given) => {
          if (stores++ > 0) throw new Problem('disk_full', {})
          putBegun.apply(peers, given)
        }
        const { ask } = mesh.requests
        mesh.requests.ask = (node, method, ...rest) =>
          method === 'take_back'
            ? Promise.reject(new Problem('node_unreachable', { node }))
            : ask.call(mesh.requests, node, method, ...rest)
        const subscriptions = [both, { ...both, table: 'cat' }]
        expect((await a.post(add('b', { subscriptions }))).body).to.have.property('code', 'agreement_stuck')
        expect(replicationOf(b!).peers.peers.get('a')!.subscriptions).to.have.length(2)
      })
      await onNode(
        place,
        async (a) => {
          const tablesOf = ({ node }: TestNode) => [
            ...node.services.catalog.current.databases.get('dev')!.tables.keys(),
          ]
          await eventually('b shares nothing', () => !replicationOf(b!).peers.peers.has('a'))
          await eventually('nothing is left to do', () => replicationOf(a).peers.begun.size === 0)
          expect([tablesOf(a), tablesOf(b!)]).to.deep.equal([['dog'], ['cat']])
          await a.ok(add('b'))
          await arrives(a, b!, 1)
        },
        settings,
      )
    })
  })

  it('takes back later the tables that it made for an agreement that failed, where it cannot at once', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await b!.ok(create)
      await withFailing(PeerStore.prototype, 'putTrial', 1, () =>
        withFailing(Catalog.prototype, 'dropTable', 1, async () => {
          expect((await a!.post(add('b'))).body).to.have.property('code', 'disk_full')
        }),
      )
      await eventually('nothing is left to do', () => replicationOf(a!).peers.begun.size === 0)
      expect(a!.node.services.catalog.find('dev', 'dog')).to.equal(undefined)
      await a!.ok(add('b'))
      await arrives(b!, a!, 1)
    })
  })

  it('has a node drop later what it made when it was asked for an agreement that failed, where it cannot at once', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(create)
      await withFailing(PeerStore.prototype, 'putTrial', 1, () =>
        withFailing(Catalog.prototype, 'dropTable', 1, async () => {
          expect((await a!.post(add('b'))).body).to.have.property('code', 'agreement_stuck')
        }),
      )
      await eventually('nothing is left to do', () => replicationOf(a!).peers.begun.size === 0)
      expect(b!.node.services.catalog.find('dev', 'dog')).to.equal(undefined)
      await a!.ok(add('b'))
      await arrives(a!, b!, 1)
    })
  })

  it('drops the first of two tables of an agreement where the second cannot be made, now or later', async () => {
    const subscriptions = [both, { ...both, table: 'cat' }]
    for (const [asks, asked] of [[0, 1] as const, [1, 0] as const])
      await withCluster(['a', 'b'], async (nodes) => {
        const [a, b] = nodes
        await a!.ok(create)
        await a!.ok({ ...create, table: 'cat' })
        const { createTable } = b!.node.services.catalog
        b!.node.services.catalog.createTable = function (...given) {
          if (given[0].table === 'cat') throw new Problem('disk_full', {})
          return createTable.apply(this, given)
        }
        // Of what b has not begun yet nothing is stored.
        await withFailing(PeerStore.prototype, 'putBegun', asks === 1 ? 1 : 0, () =>
          withFailing(Catalog.prototype, 'dropTable', 1, async () => {
            const { body } = await nodes[asks]!.post(add(asked === 0 ? 'a' : 'b', { subscriptions }))
            expect(body).to.have.property('code', 'disk_full')
          }),
        )
        await eventually('nothing of it is left', () => !b!.node.services.catalog.find('dev', 'dog'))
      })
  })

  it('leaves no server behind when it cannot begin', async () => {
    const { settings } = await meshSettings('node1')
    await withFailing(PeerStore.prototype, 'self', 1, async () => {
      await withNode(async (node) => {
        const { warnings } = await node.ok<{ warnings: string[] }>({ operation: 'cluster_status' })
        expect(warnings).to.have.length(1)
        const port = Number(settings['clustering.leaf.port'])
        expect(await greets(port), 'the leaf').to.equal(false)
      }, settings)
    })
  })
})

async function greets(port: number): Promise<boolean> {
  const { connect } = await import('node:net')
  return await new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('data', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
    void delay(5_000, undefined, { ref: false }).then(() => resolve(false))
  })
}
