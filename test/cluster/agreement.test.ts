import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { contentOf, withCluster } from '../support/cluster.js'
import { eventually } from '../support/eventually.js'
import { intruderOn } from '../support/mesh.js'
import type { TestNode } from '../support/node.js'

const create = (table: string, database = 'dev') => ({
  operation: 'create_table',
  database,
  table,
  hash_attribute: 'id',
})
const both = (table: string, database = 'dev') => ({ database, table, publish: true, subscribe: true })
const insert = (table: string, id: number) => ({ operation: 'insert', schema: 'dev', table, records: [{ id }] })

/** What a node shares, with whom. */
async function sharedBy(node: TestNode): Promise<unknown> {
  const { connections } = await node.ok<{
    connections: { node_name: string; subscriptions: { schema: string; table: string; publish: boolean }[] }[]
  }>({ operation: 'cluster_status' })
  return connections.map(({ node_name, subscriptions }) => [
    node_name,
    ...subscriptions.map(({ schema, table }) => `${schema}.${table}`),
  ])
}

async function flows(from: TestNode, to: TestNode, id: number): Promise<void> {
  await from.ok(insert('cat', id))
  await eventually(`record ${id} arrives`, () => contentOf(to, 'dev', 'cat').some((row) => row.id === id))
}

describe('agreements between nodes', () => {
  it('replace everything or, when one node refuses, nothing', async () => {
    await withCluster(
      ['a', 'b', 'c'],
      async ([a, b, c]) => {
        await a!.ok(create('cat'))
        await a!.ok({ operation: 'add_node', node_name: 'b', subscriptions: [both('cat')] })
        await a!.ok(create('dog', 'other'))
        await c!.ok(create('only')) // c has room for one table in a database, so not for cat.
        const request = {
          operation: 'configure_cluster',
          connections: [
            { node_name: 'b', subscriptions: [both('dog', 'other')] },
            { node_name: 'c', subscriptions: [both('cat')] },
          ],
        }
        const refused = await a!.post(request)
        expect(refused.body).to.include({ code: 'too_many' })
        expect(await sharedBy(a!)).to.deep.equal([['b', 'dev.cat']])
        expect(await sharedBy(b!)).to.deep.equal([['a', 'dev.cat']])
        expect(await sharedBy(c!)).to.deep.equal([])
        expect(Object.keys(await b!.ok<object>({ operation: 'describe_all' }))).to.deep.equal(['dev'])
        await flows(a!, b!, 1)
        await flows(b!, a!, 2)
        const unknown = await a!.post({
          ...request,
          connections: [request.connections[0], { node_name: 'nobody', subscriptions: [] }],
          timeout: 500,
        })
        expect(unknown.body).to.include({ code: 'node_unreachable' })
        expect(await sharedBy(a!)).to.deep.equal([['b', 'dev.cat']])
        await a!.ok({ ...request, connections: [{ node_name: 'c', subscriptions: [both('dog', 'other')] }] })
        expect(await sharedBy(a!)).to.deep.equal([['c', 'other.dog']])
        expect(await sharedBy(c!)).to.deep.equal([['a', 'other.dog']])
        await eventually('b has heard of it', async () => JSON.stringify(await sharedBy(b!)) === '[]')
      },
      (name): Record<string, string> => (name === 'c' ? { 'catalog.tables_max': '1' } : {}),
    )
  })

  it('that several nodes make at once are the same on both sides', async () => {
    await withCluster(['a', 'b', 'c'], async ([a, b, c]) => {
      const nodes = new Map([
        ['a', a!],
        ['b', b!],
        ['c', c!],
      ])
      await a!.ok(create('cat'))
      await a!.ok(create('dog'))
      const everywhere = ['b', 'c'].map((node_name) => ({ node_name, subscriptions: [both('cat'), both('dog')] }))
      await a!.ok({ operation: 'configure_cluster', connections: everywhere })
      const configure = (from: string, ...wanted: [string, string][]) =>
        nodes.get(from)!.post({
          operation: 'configure_cluster',
          connections: wanted.map(([node_name, table]) => ({ node_name, subscriptions: [both(table)] })),
          timeout: 25_000,
        })
      for (let turn = 0; turn < 3; turn++) {
        const answers = await Promise.all([
          configure('a', ['b', 'cat'], ['c', 'cat']),
          configure('b', ['a', 'dog']),
          configure('c', ['a', 'dog'], ['b', 'cat']),
          configure('a', ['b', 'dog']),
        ])
        expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200])
        const ends = new Set<string>()
        for (const [name, node] of nodes)
          for (const [other, ...tables] of (await sharedBy(node)) as string[][])
            for (const table of tables) ends.add([name, other].sort().join() + table + (name < other! ? '>' : '<'))
        for (const end of ends) expect([...ends]).to.include(end.replace(/.$/, (way) => (way === '>' ? '<' : '>')))
      }
      const twice = await configure('a', ['b', 'cat'], ['b', 'dog'])
      expect(twice.body).to.include({ code: 'invalid_request' })
    })
  })

  it('that cannot be taken back on a node out of reach say so, and hold where they did until they are asked for again', async () => {
    await withCluster(
      ['a', 'b', 'c'],
      async ([a, b, c]) => {
        await a!.ok(create('cat'))
        await a!.ok(create('dog', 'other'))
        await a!.ok({ operation: 'add_node', node_name: 'b', subscriptions: [both('cat')] })
        await flows(a!, b!, 1)
        const request = {
          operation: 'configure_cluster',
          timeout: 3_000,
          connections: [
            { node_name: 'b', subscriptions: [both('dog', 'other')] },
            { node_name: 'c', subscriptions: [both('dog', 'other')] },
          ],
        }
        const hubOf = ({ node }: TestNode) => node.services.clustering.replication.mesh.servers.hub!.pid!
        const watcher = await intruderOn(join(a!.folder, 'mesh'))
        const stopAt = (subject: string, node: TestNode) =>
          watcher.subscribe(subject, { max: 1, callback: () => process.kill(hubOf(node), 'SIGSTOP') })
        const refused = async (nodes: string) => {
          try {
            const { body, status } = await a!.post(request)
            expect(body).to.include({ code: 'agreement_stuck', nodes })
            expect(status).to.equal(502)
            expect(await sharedBy(a!)).to.deep.equal([['b', 'dev.cat']])
          } finally {
            for (const node of [b!, c!]) process.kill(hubOf(node), 'SIGCONT')
          }
        }
        // c refuses when b, which is prepared, is out of reach.
        await c!.ok(create('full', 'other'))
        stopAt('rpc.c.link', b!)
        await watcher.flush()
        await refused('b')
        await c!.ok({ operation: 'drop_table', database: 'other', table: 'full' })
        expect(await sharedBy(b!)).to.deep.equal([['a', 'dev.cat']])
        expect(await sharedBy(c!)).to.deep.equal([])
        await eventually(
          'b is back',
          async () =>
            (await a!.post({ operation: 'update_node', node_name: 'b', subscriptions: [], timeout: 500 })).status ===
            200,
        )
        // b has agreed when c is not there to do so, and is not there itself when that is to be taken back.
        stopAt('rpc.b.settle', c!)
        stopAt('rpc.c.settle', b!)
        await watcher.flush()
        await refused('b, c')
        await watcher.close()
        await eventually('the same request is carried out', async () => (await a!.post(request)).status === 200)
        expect(await sharedBy(a!)).to.deep.equal([
          ['b', 'other.dog'],
          ['c', 'other.dog'],
        ])
        for (const node of [b!, c!]) expect(await sharedBy(node)).to.deep.equal([['a', 'other.dog']])
        await a!.ok({ operation: 'insert', schema: 'other', table: 'dog', records: [{ id: 5 }] })
        for (const node of [b!, c!]) await eventually('it arrives', () => contentOf(node, 'other', 'dog').length === 1)
      },
      (name): Record<string, string> => (name === 'c' ? { 'catalog.tables_max': '1' } : {}),
    )
  })

  it('are taken back with the places up to which everything has come', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(create('cat'))
      await a!.ok({ operation: 'add_node', node_name: 'b', subscriptions: [both('cat')] })
      await flows(a!, b!, 1)
      const { incarnation, mesh } = a!.node.services.clustering.replication
      const { peers } = b!.node.services.clustering.replication
      const place = peers.position('a', { database: 'dev', table: 'cat' })
      const ask = (method: string, body: object) => mesh.requests.ask('b', method, body as never, 5_000)
      const state = { database: 'fresh', table: 'made', schema: { ...a!.node.services.catalog.table('dev', 'cat') } }
      const link = { id: 'one', replace: true, subscriptions: [both('made', 'fresh')], states: [state], incarnation }
      await ask('link', { ...link, sequence: 0 })
      expect(await sharedBy(b!)).to.deep.equal([['a', 'dev.cat']]) // Only prepared.
      await ask('settle', { id: 'one' })
      expect(await sharedBy(b!)).to.deep.equal([['a', 'fresh.made']])
      await ask('take_back', { id: 'one' })
      expect(await sharedBy(b!)).to.deep.equal([['a', 'dev.cat']])
      expect(peers.position('a', { database: 'dev', table: 'cat' })).to.deep.equal(place)
      expect(b!.node.services.catalog.hasDatabase('fresh')).to.equal(false)
      await flows(a!, b!, 2)
      const gone = await ask('settle', { id: 'one' }).catch((error: unknown) => error)
      expect(gone).to.have.property('code', 'agreement_gone')
      const wrong = await ask('link', { ...link, states: [{ ...state, schema: { columns: 'none' } }] }).catch(
        (error: unknown) => error,
      )
      expect(wrong).to.have.property('code', 'invalid_request')
    })
  })

  it('that are taken back lose nothing that was done while they held', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      const columns = ['id', 'age'].map((name) => ({ name, type: 'int' }))
      await a!.ok({ operation: 'create_table', database: 'dev', table: 'cat', primary_key: 'id', columns })
      await a!.ok(create('dog'))
      const visit = { database: 'dev', table: 'visit' }
      await a!.ok({ operation: 'create_table', ...visit, kind: 'events', columns: [{ name: 'page', type: 'text' }] })
      const subscriptions = [both('cat'), both('dog'), both('visit')]
      await a!.ok({ operation: 'add_node', node_name: 'b', subscriptions })
      await flows(b!, a!, 1)
      const { incarnation, mesh } = a!.node.services.clustering.replication
      const ask = (method: string, body: object) => mesh.requests.ask('b', method, body as never, 5_000)
      await ask('link', {
        id: 'one',
        replace: true,
        subscriptions: [both('dog')],
        states: [],
        incarnation,
        sequence: 0,
      })
      await ask('settle', { id: 'one' })
      // Of this nobody hears now.
      await b!.ok(insert('cat', 2))
      await b!.ok({ operation: 'drop_column', database: 'dev', table: 'cat', column: 'age' })
      const events = [{ person: 'ann', stamp: 1_500_000_000, action: 'seen', _: { page: 'one' } }]
      await b!.ok({ operation: 'insert_events', ...visit, events })
      await b!.ok(insert('dog', 2))
      await eventually('b has passed it over', () => contentOf(a!, 'dev', 'dog').length === 1)
      await ask('take_back', { id: 'one' })
      await eventually('the record arrives', () => contentOf(a!, 'dev', 'cat').length === 2)
      await eventually('a drops the column', () => a!.node.services.catalog.table('dev', 'cat').columns.length === 1)
      await eventually('the event arrives', async () => {
        return (await a!.ok<{ equal: boolean }>({ operation: 'verify_replicas', ...visit })).equal
      })
    })
  })

  it('are none on a table that is dropped on one side while they are made', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(create('cat'))
      await a!.ok({ operation: 'add_node', node_name: 'b', subscriptions: [both('cat')] })
      const { requests } = a!.node.services.clustering.replication.mesh
      const ask = requests.ask.bind(requests)
      for (const [id, node] of [a!, b!].entries()) {
        for (const each of [a!, b!]) await each.ok(create('dog'))
        requests.ask = async (...request) => {
          if (request[1] === 'settle') await node.ok({ operation: 'drop_table', schema: 'dev', table: 'dog' })
          return await ask(...request)
        }
        const refused = await a!.post({ operation: 'add_node', node_name: 'b', subscriptions: [both('dog')] })
        expect(refused.body).to.include({ code: 'table_not_found' })
        requests.ask = ask
        for (const each of [a!, b!]) expect(await sharedBy(each)).to.have.nested.property('[0].length', 2)
        await (node === a ? b! : a!).ok({ operation: 'drop_table', schema: 'dev', table: 'dog' })
        await flows(a!, b!, id)
        await flows(b!, a!, id + 10)
      }
    })
  })

  it('make tables that one side lacks, and say why others are skipped', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(create('here'))
      await b!.ok(create('there'))
      await a!.ok(create('both'))
      await b!.ok({ ...create('both'), hash_attribute: 'key' })
      const wanted = ['here', 'there', 'neither', 'both'].map((table) => both(table))
      const first = await a!.ok<{ added: { table: string }[]; skipped: { table: string; reason: string }[] }>({
        operation: 'add_node',
        name: 'b',
        subscriptions: wanted,
      })
      expect(first.added.map(({ table }) => table)).to.deep.equal(['here', 'there'])
      expect(first.skipped.map(({ table }) => table)).to.deep.equal(['neither', 'both'])
      expect(first.skipped[0]!.reason).to.contain('exists on neither node')
      expect(first.skipped[1]!.reason).to.contain("'key' there, 'id' here")
      expect(b!.node.services.catalog.find('dev', 'here')).to.not.equal(undefined)
      expect(a!.node.services.catalog.find('dev', 'there')).to.not.equal(undefined)
    })
  })

  it('are refused within the time-out when a node is not there, silent, or this one', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(create('cat'))
      const add = (node_name: string) => ({
        operation: 'add_node',
        node_name,
        subscriptions: [both('cat')],
        timeout: 700,
      })
      expect((await a!.post(add('nobody'))).body).to.include({ code: 'node_unreachable' })
      expect((await a!.post(add('a'))).body).to.include({ code: 'node_is_self' })
      const { hub } = b!.node.services.clustering.replication.mesh.servers
      process.kill(hub!.pid!, 'SIGSTOP')
      const state = () => /\) (\w)/.exec(readFileSync(`/proc/${hub!.pid}/stat`, 'utf8'))?.[1]
      await eventually('it stands still', () => state() === 'T')
      try {
        const started = performance.now()
        expect((await a!.post(add('b'))).body).to.include({ code: 'node_silent' })
        expect(performance.now() - started, 'less than the 5 s of a request that says nothing').to.be.within(600, 4_500)
        const { nodes } = await a!.ok<{ nodes: { name: string; response_time: number | null }[] }>({
          operation: 'cluster_network',
          timeout: 700,
        })
        expect(nodes.map(({ name }) => name)).to.include('a')
      } finally {
        process.kill(hub!.pid!, 'SIGCONT')
      }
      await eventually('b answers again', async () => (await a!.post(add('b'))).status === 200)
      process.kill(hub!.pid!, 'SIGSTOP')
      try {
        const { nodes } = await a!.ok<{ nodes: object[] }>({ operation: 'cluster_network', timeout: 700 })
        expect(nodes.find((node) => (node as { name: string }).name === 'b')).to.deep.equal({
          name: 'b',
          response_time: null,
          connected_nodes: [],
          routes: [],
        })
      } finally {
        process.kill(hub!.pid!, 'SIGCONT')
      }
    })
  })

  it('end everywhere at once when a node is removed everywhere', async () => {
    await withCluster(['a', 'b', 'c'], async ([a, b, c]) => {
      await a!.ok(create('cat'))
      const add = (node_name: string) => ({ operation: 'add_node', node_name, subscriptions: [both('cat')] })
      await a!.ok(add('b'))
      await a!.ok(add('c'))
      await b!.ok(add('c'))
      await flows(c!, a!, 1)
      const answer = await a!.ok({ operation: 'remove_node', node_name: 'c', everywhere: true })
      expect(answer).to.include({ message: "Successfully removed 'c' from manifest" })
      expect(answer).to.deep.include({ removed_on: ['b'], not_removed_on: [] })
      expect(await sharedBy(b!)).to.deep.equal([['a', 'dev.cat']])
      await c!.ok(insert('cat', 2))
      for (const node_name of ['a', 'b'])
        expect((await c!.post({ ...add(node_name), timeout: 300 })).body).to.have.property('code', 'node_silent')
      await flows(a!, b!, 3)
      expect(contentOf(b!, 'dev', 'cat').map(({ id }) => id)).to.deep.equal([1, 3])
    })
  })
})
