import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { nextEntry, withCluster } from '../support/cluster.js'
import { eventually } from '../support/eventually.js'
import type { TestNode } from '../support/node.js'

const ACCOUNTS = 30
const TABLES = ['left', 'right'] as const

const sumOf = (node: TestNode): { sum: number; rows: number } => {
  using snapshot = node.node.services.tables.snapshot()
  const rows = TABLES.flatMap((table) => [...(snapshot.table('dev', table)?.scan() ?? [])])
  return { sum: rows.reduce((sum, { amount }) => sum + (amount as number), 0), rows: rows.length }
}

/** Moves an amount between the tables, many records at a time: whole, or what is in both adds up to something. */
const move = (amount: number) => ({
  operation: 'transaction',
  database: 'dev',
  operations: TABLES.flatMap((table, side) => [
    {
      operation: 'upsert',
      table,
      records: Array.from({ length: ACCOUNTS }, (_, id) => ({ id, amount: side === 0 ? amount : -amount })),
    },
  ]),
})

/** Looks at every commit of a node until it is stopped; answers how many it saw, and which sums were not zero. */
function watch(node: TestNode, signal: AbortSignal): { done: Promise<void>; looks: number; wrong: number[] } {
  const seen = { done: Promise.resolve(), looks: 0, wrong: [] as number[] }
  const { changes } = node.node.services.tables
  seen.done = (async () => {
    while (!signal.aborted) {
      await changes.changed(changes.committed(), signal)
      const { sum } = sumOf(node)
      seen.looks++
      if (sum !== 0) seen.wrong.push(sum)
    }
  })()
  return seen
}

/** Changes records more than once, which have one version all the while. */
const again = {
  operation: 'transaction',
  database: 'dev',
  operations: [
    { operation: 'upsert', table: 'left', records: [0, 5].map((amount) => ({ id: 0, amount })) },
    { operation: 'update', table: 'left', records: [{ id: 0, amount: 7 }] },
    { operation: 'insert', table: 'left', records: [{ id: 'short', amount: 1 }] },
    { operation: 'delete', table: 'left', ids: ['short'] },
    { operation: 'upsert', table: 'right', records: [{ id: 0, amount: -7 }] },
  ],
}

async function prepare(a: TestNode): Promise<void> {
  for (const table of TABLES) await a.ok({ operation: 'create_table', schema: 'dev', table, hash_attribute: 'id' })
  const subscriptions = TABLES.map((table) => ({ schema: 'dev', table, publish: true, subscribe: true }))
  await a.ok({ operation: 'add_node', node_name: 'b', subscriptions })
}

describe('transactions over several shared tables', () => {
  it('arrive whole, by the outbox and by the log', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await prepare(a!)
      const stop = new AbortController()
      const seen = watch(b!, stop.signal)
      const hub = a!.node.services.clustering.replication.mesh.servers.hub!.pid!
      const together = (from: number, count: number) =>
        Promise.all(Array.from({ length: count }, (_, place) => a!.ok(move(from + place))))
      await together(1, 60)
      await delay(300)
      process.kill(hub, 'SIGSTOP')
      try {
        await together(100, 60)
      } finally {
        process.kill(hub, 'SIGCONT')
      }
      await together(200, 60)
      for (let n = 300; seen.looks <= 10; n++) await a!.ok(move(n))
      await a!.ok(again)
      const last = () => {
        using snapshot = b!.node.services.tables.snapshot()
        return snapshot.table('dev', 'right')?.get(0)?.amount === -7
      }
      await eventually('the last transaction arrives', last)
      stop.abort()
      await seen.done
      expect(seen.wrong).to.deep.equal([])
      expect(sumOf(b!)).to.deep.equal({ sum: 0, rows: 2 * ACCOUNTS })
    })
  })

  it('arrive also where only one of the tables is shared, and where their rest never comes', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await prepare(a!)
      await b!.ok({
        operation: 'update_node',
        node_name: 'a',
        subscriptions: [{ schema: 'dev', table: 'right', publish: false, subscribe: false }],
      })
      await a!.ok(move(1))
      await eventually('the shared half arrives', () => sumOf(b!).rows === ACCOUNTS)
      const subscriptions = TABLES.map((table) => ({ schema: 'dev', table, publish: true, subscribe: true }))
      await a!.ok({ operation: 'update_node', node_name: 'b', subscriptions })
      await a!.ok(move(2))
      await eventually('both arrive', () => sumOf(b!).rows === 2 * ACCOUNTS && sumOf(b!).sum === 0)
      // A message that promises more, and nothing behind it: the log is asked, which has it all.
      const { incarnation, mesh } = a!.node.services.clustering.replication
      const entry = nextEntry('a', a!, {
        operation: 'upsert',
        rest: ['dev.right'],
        keys: [0],
        records: [{ id: 0, amount: 77 }],
      })
      await mesh.outbox.publish('dev.left', Buffer.from(JSON.stringify({ incarnation, entries: [entry] })), 'half')
      await delay(6_000)
      expect(sumOf(b!).sum).to.equal(0)
      await a!.ok(move(3))
      await eventually('b has begun again', () => {
        using snapshot = b!.node.services.tables.snapshot()
        return snapshot.table('dev', 'right')?.get(0)?.amount === -3
      })
      expect(sumOf(b!).sum).to.equal(0)
    })
  })
})
