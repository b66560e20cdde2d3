import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { withCluster } from '../support/cluster.js'
import { eventually } from '../support/eventually.js'
import type { TestNode } from '../support/node.js'
import { type Part, Trial } from './trial.js'

const visit = {
  operation: 'create_table',
  schema: 'dev',
  table: 'visit',
  kind: 'events',
  partitions: 3,
  columns: [
    { name: 'page', type: 'text' },
    { name: 'words', type: 'text', is_set: true },
  ],
}
const both = { schema: 'dev', table: 'visit', publish: true, subscribe: true }
const insert = (events: object[], more: object = {}) => ({
  operation: 'insert_events',
  schema: 'dev',
  table: 'visit',
  events,
  ...more,
})
const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, place) => ({
    person: `person ${(from + place) % 10}`,
    stamp: 1_500_000_000 + from + place,
    action: 'seen',
    _: { page: `page ${(from + place) % 7}`, words: [`${from + place}`, 'word'] },
  }))

interface Comparison {
  equal: boolean
  nodes: { records: number; differences: object[]; error: string | null }[]
}
const compare = (node: TestNode) => node.ok<Comparison>({ operation: 'verify_replicas', schema: 'dev', table: 'visit' })

async function share(from: TestNode, to: string, over: object = {}): Promise<void> {
  const request = { operation: 'add_node', node_name: to, subscriptions: [{ ...both, ...over }] }
  expect((await from.ok<{ skipped: unknown[] }>(request)).skipped).to.deep.equal([])
}

/** Waits until every node has the same events as every other, and so many. */
async function same(nodes: readonly TestNode[], count: number): Promise<void> {
  await eventually(`${count} equal events`, async () => {
    const answers = await Promise.all(nodes.map(compare))
    return answers.every(({ equal, nodes: [first] }) => equal && first!.records === count)
  })
}

describe('shared event tables', () => {
  it('have the events of both nodes, each once, and answer scripts alike', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(visit)
      await share(a!, 'b')
      await a!.ok(insert(numbered(0, 50)))
      await b!.ok(insert(numbered(50, 50)))
      await b!.ok(insert(numbered(40, 20), { atomic: true })) // All of them are known somewhere.
      await same([a!, b!], 100)
      await a!.ok(insert(numbered(0, 50))) // Again: changes nothing.
      await same([a!, b!], 100)
      const query = {
        operation: 'query_events',
        schema: 'dev',
        table: 'visit',
        script: 'agg:\n    count person\n    count page\n\nmatch where action is "seen":\n    tally("all")\n',
      }
      for (const node of [a!, b!]) expect(await node.ok(query)).to.deep.equal({ _: [{ g: 'all', c: [10, 100] }] })
      const shared = async () => {
        const status = await b!.ok<{ connections: { subscriptions: { in_sync: boolean | null }[] }[] }>({
          operation: 'cluster_status',
        })
        return status.connections[0]!.subscriptions[0]!
      }
      await eventually('b knows that it has all', async () => (await shared()).in_sync === true)
      expect(await shared()).to.include({ table: 'visit', conflicts: 0 })
    })
  })

  it('have also what was inserted in the moment in which their sharing began', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(visit)
      const { events } = a!.node.services
      const shareEvents = events.share.bind(events)
      events.share = async (...given) => {
        await shareEvents(...given)
        events.share = shareEvents
        await a!.ok(insert(numbered(0, 1)))
      }
      await share(a!, 'b')
      await same([a!, b!], 1)
    })
  })

  it('are copied whole, after a look at what that would bring, and merged', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(visit)
      await a!.ok(insert(numbered(0, 300)))
      await b!.ok({ ...visit, partitions: 8 })
      await b!.ok(insert(numbered(0, 9)))
      await b!.ok(insert([{ person: 'only here', stamp: 1_500_000_000, action: 'seen', _: {} }]))
      const request = {
        operation: 'add_node',
        node_name: 'a',
        subscriptions: [{ ...both, publish: false, copy: true }],
      }
      const { preview } = await b!.ok<{ preview: object[] }>({ ...request, dry_run: true })
      expect(preview).to.deep.equal([{ schema: 'dev', table: 'visit', rows: 300, known: 0, kept: 0 }])
      await b!.ok(request)
      await eventually('b has all', async () => (await compare(b!)).nodes[0]!.differences.length === 1)
      const { equal, nodes } = await compare(b!)
      expect({ equal, differences: nodes[0]!.differences }).to.deep.equal({
        equal: false,
        differences: [{ key: 'only here', state: 'missing there' }],
      })
      const again = await b!.ok<{ preview: object[] }>({ ...request, dry_run: true })
      expect(again.preview).to.deep.equal([{ schema: 'dev', table: 'visit', rows: 0, known: 300, kept: 0 }])
      await a!.ok({ operation: 'update_node', node_name: 'b', subscriptions: [{ ...both, copy: true }] })
      await same([a!, b!], 301)
    })
  })

  it('get new columns before the events that have them, lose dropped ones, and are dropped together', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(visit)
      await share(a!, 'b')
      await a!.ok(insert(numbered(0, 5)))
      await a!.ok({ operation: 'add_column', schema: 'dev', table: 'visit', column: 'price', type: 'double' })
      await a!.ok(insert([{ person: 'p', stamp: 1_500_000_000, action: 'paid', _: { price: 1.5 } }]))
      await same([a!, b!], 6)
      await b!.ok({ operation: 'drop_column', schema: 'dev', table: 'visit', column: 'words' })
      await eventually('a has dropped the column', async () => {
        const { attributes } = await a!.ok<{ attributes: { attribute: string }[] }>({
          operation: 'describe_table',
          schema: 'dev',
          table: 'visit',
        })
        return attributes.map(({ attribute }) => attribute).join() === 'page,price'
      })
      await same([a!, b!], 6)
      await a!.ok({ operation: 'drop_table', schema: 'dev', table: 'visit' })
      await eventually('b has dropped the table', async () => {
        const answer = await b!.post({ operation: 'describe_table', schema: 'dev', table: 'visit' })
        return answer.status >= 400
      })
      await a!.ok(visit)
      await a!.ok(insert(numbered(0, 5)))
      await delay(500)
      expect((await b!.post({ operation: 'describe_table', schema: 'dev', table: 'visit' })).status).to.be.above(399)
    })
  })

  it('pass a chain and a ring when nodes republish', async () => {
    await withCluster(
      ['a', 'b', 'c'],
      async ([a, b, c]) => {
        await a!.ok(visit)
        await share(a!, 'b')
        await share(b!, 'c')
        await a!.ok(insert(numbered(0, 30)))
        await c!.ok(insert(numbered(100, 30)))
        await same([a!, b!, c!], 60)
        await share(c!, 'a')
        await b!.ok(insert(numbered(200, 30)))
        await same([a!, b!, c!], 90)
      },
      () => ({ 'clustering.republish': 'true' }),
    )
  })

  it('lose nothing that was acknowledged when nodes and their servers are killed', async () => {
    await using trial = await Trial.start(['a', 'b'])
    await trial.ask('a', visit)
    await trial.ask('a', { operation: 'add_node', node_name: 'b', subscriptions: [both] })
    let writing = true
    let count = 0
    const write = async (name: string) => {
      while (writing) {
        const events = numbered(count, 20)
        count += 20
        // Sent until it is answered: what was stored before is known then.
        for (let done = false; !done; ) {
          const request = insert(events, { atomic: count % 60 === 0 })
          done = await trial.ask(name, request, 3_000).then(
            () => true,
            () => false,
          )
          if (!done) await delay(100)
        }
      }
    }
    const writers = [write('a'), write('b')]
    for (const [name, part] of [
      ['a', 'node'],
      ['b', 'leaf'],
      ['b', 'node'],
      ['a', 'hub'],
      ['a', 'node'],
    ] as [string, Part][]) {
      await delay(400)
      await trial.kill(name, part)
    }
    await delay(400)
    await eventually('much is written', () => count > 200)
    writing = false
    await Promise.all(writers)
    await eventually(`${count} equal events`, async () => {
      for (const name of ['a', 'b']) {
        const request = { operation: 'verify_replicas', schema: 'dev', table: 'visit' }
        const answer = await trial.ask<Comparison>(name, request).catch(() => undefined)
        if (!answer?.equal || answer.nodes[0]!.records !== count) return false
      }
      return true
    })
  })

  it('that are away for longer than the log keeps come by a full copy, which is told', async () => {
    await using trial = await Trial.start(['a', 'b'])
    await trial.ask('a', visit)
    await trial.ask('a', { operation: 'add_node', node_name: 'b', subscriptions: [both] })
    await trial.end('b')
    await trial.ask('a', insert(numbered(0, 30)))
    await trial.ask('a', insert(numbered(30, 30)))
    await delay(500)
    const log = { operation: 'delete_transaction_logs_before', schema: 'dev', table: 'visit', timestamp: Date.now() }
    await trial.ask('a', log)
    await trial.begin('b')
    await eventually('b has all events', async () => {
      const request = { operation: 'verify_replicas', schema: 'dev', table: 'visit' }
      return (await trial.ask<Comparison>('b', request).catch(() => undefined))?.equal === true
    })
    const { connections } = await trial.ask<{
      connections: { subscriptions: { table: string; last_full_copy: { reason: string } | null }[] }[]
    }>('b', { operation: 'cluster_status' })
    const told = connections[0]!.subscriptions.find(({ table }) => table === 'visit')
    expect(told!.last_full_copy?.reason).to.contain('away for longer')
  })

  it('of a node that was made anew from a backup come back, and what only it has stays', async () => {
    await using trial = await Trial.start(['a', 'b'], { wired: true })
    const insertOn = (name: string, from: number, count: number) => trial.ask(name, insert(numbered(from, count)))
    const compared = async (name: string) => {
      const request = { operation: 'verify_replicas', schema: 'dev', table: 'visit' }
      const answer = await trial.ask<Comparison>(name, request).catch(() => undefined)
      return answer?.equal ? answer.nodes[0]!.records : undefined
    }
    const equal = (count: number) =>
      eventually(`${count} equal events`, async () => {
        return (await compared('a')) === count && (await compared('b')) === count
      })
    await trial.ask('a', visit)
    await trial.ask('a', { operation: 'add_node', node_name: 'b', subscriptions: [both] })
    await insertOn('a', 0, 30)
    await insertOn('b', 30, 30)
    await equal(60)
    trial.cut('b', 'refused')
    await insertOn('b', 100, 20) // In the backup, and on no other node.
    await trial.makeBackup('b')
    await insertOn('b', 200, 20) // Gone with the disk.
    await trial.end('b')
    await insertOn('a', 300, 20)
    trial.heal()
    await trial.replace('b')
    await equal(100)
    await insertOn('b', 400, 10)
    await insertOn('a', 500, 10)
    await equal(120)
    const { connections } = await trial.ask<{
      connections: { subscriptions: { table: string; last_full_copy: { reason: string } | null }[] }[]
    }>('b', { operation: 'cluster_status' })
    const told = connections[0]!.subscriptions.find(({ table }) => table === 'visit')
    expect(told!.last_full_copy?.reason).to.contain('restored from a backup')
  })

  it('come from a start_time on by a full copy: the log has none of before', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(visit)
      await a!.ok(insert(numbered(0, 30)))
      const start_time = new Date().toISOString()
      await a!.ok({ operation: 'add_node', node_name: 'b', start_time, subscriptions: [both] })
      await same([a!, b!], 30)
    })
  })

  it('are refused where their rules differ', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok(visit)
      await b!.ok({ ...visit, fold_case: true })
      const { skipped } = await a!.ok<{ skipped: { reason: string }[] }>({
        operation: 'add_node',
        node_name: 'b',
        subscriptions: [both],
      })
      expect(skipped[0]!.reason).to.contain('fold_case')
    })
  })
})
