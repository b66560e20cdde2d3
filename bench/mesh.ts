// npm run bench:mesh: how fast changes go from node A to node B, against bare JetStream with the same payloads.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connect, nanos } from 'nats'
import { withCluster } from '../test/support/cluster.js'
import { eventually } from '../test/support/mesh.js'
import type { TestNode } from '../test/support/node.js'

const { values } = parseArgs({
  options: { records: { type: 'string', default: '100000' }, seconds: { type: 'string', default: '10' } },
})
const records = Number(values.records)
const seconds = Number(values.seconds)
const results: [string, string, string][] = []

const payload = 'x'.repeat(100)
const row = (id: number | string) => ({ id, name: `name ${id}`, payload })
const create = (table: string) => ({ operation: 'create_table', schema: 'dev', table, hash_attribute: 'id' })
const share = (tables: string[], more: object = {}) => ({
  operation: 'add_node',
  node_name: 'b',
  subscriptions: tables.map((table) => ({ schema: 'dev', table, publish: true, subscribe: false, ...more })),
})
const percentile = (times: number[], part: number) => times.sort((x, y) => x - y)[Math.floor(times.length * part)] ?? 0
const perSecond = (count: number, ms: number) => Math.round((count / ms) * 1_000)

/** Writes in this process, as a handler does: the door is measured elsewhere. */
const write = ({ node }: TestNode, table: string, rows: object[]) =>
  node.services.tables.transact({ user: 'bench' }, (batch) =>
    batch.insert('dev', table, rows as Record<string, unknown>[]),
  )

const countOf = ({ node }: TestNode, table: string) => {
  using snapshot = node.services.tables.snapshot()
  return snapshot.table('dev', table)!.count()
}

async function latency(a: TestNode, b: TestNode): Promise<void> {
  await a.ok(create('latency'))
  await a.ok(share(['latency']))
  await delay(500)
  const sent = new Map<number, number>()
  const commits: number[] = []
  const visible: number[] = []
  const stop = new AbortController()
  const { changes } = b.node.services.tables
  const reading = (async () => {
    for await (const { keys, table } of changes.watch(changes.sequence, stop.signal)) {
      if (table !== 'latency') continue
      const now = performance.now()
      for (const key of keys) visible.push(now - sent.get(key as number)!)
    }
  })()
  const began = performance.now()
  const writes: Promise<void>[] = []
  for (let id = 0; id < seconds * 1_000; id++) {
    const due = began + id
    if (performance.now() < due) await delay(due - performance.now())
    const start = performance.now()
    writes.push(
      write(a, 'latency', [row(id)]).then(() => {
        const now = performance.now()
        commits.push(now - start)
        sent.set(id, now)
      }),
    )
    sent.set(id, Number.POSITIVE_INFINITY)
  }
  await Promise.all(writes)
  await eventually('all are visible', 20_000, () => visible.length >= seconds * 1_000)
  stop.abort()
  await reading
  const late = visible.map((ms) => (Number.isFinite(ms) ? ms : 0))
  results.push([
    'A commits at 1,000/s, p50 / p99',
    `${percentile(commits, 0.5).toFixed(1)} / ${percentile(commits, 0.99).toFixed(1)} ms`,
    '',
  ])
  results.push([
    'visible on B after A committed, p50 / p99',
    `${percentile(late, 0.5).toFixed(1)} / ${percentile(late, 0.99).toFixed(1)} ms`,
    'p50 at most 5 ms',
  ])
}

async function throughput(a: TestNode, b: TestNode, batch: number, count: number): Promise<void> {
  const [own, sent] = [`own_${batch}`, `sent_${batch}`]
  await b.ok(create(own))
  const alone = await timed(b, own, batch, count)
  await a.ok(create(sent))
  await a.ok(share([sent]))
  await delay(500)
  const began = performance.now()
  await timed(a, sent, batch, count)
  await eventually('all are on B', 120_000, () => countOf(b, sent) === count)
  const ms = performance.now() - began
  const ratio = perSecond(count, ms) / perSecond(count, alone)
  results.push([
    `A → B, ${batch === 1 ? 'single' : `batches of ${batch}`}: until all is on B`,
    `${perSecond(count, ms)}/s (B alone: ${perSecond(count, alone)}/s; ${ratio.toFixed(2)} of it)`,
    'at least 0.5',
  ])
}

async function timed(node: TestNode, table: string, batch: number, count: number): Promise<number> {
  const began = performance.now()
  const open = new Set<Promise<void>>()
  for (let from = 0; from < count; from += batch) {
    const one: Promise<void> = write(
      node,
      table,
      Array.from({ length: batch }, (_, i) => row(from + i)),
    ).then(() => {
      open.delete(one)
    })
    open.add(one)
    if (open.size >= (batch === 1 ? 256 : 4)) await Promise.race(open)
  }
  await Promise.all(open)
  return performance.now() - began
}

/** The same records from leaf to leaf without a database: JetStream alone, one record a message. */
async function bare(folder: string, count: number): Promise<void> {
  const connectTo = (name: string) => {
    const { accounts, listen } = JSON.parse(readFileSync(join(folder, name, 'mesh', 'leaf.conf'), 'utf8'))
    const { password, user } = accounts.DATA.users[0]
    return connect({ servers: listen, user, pass: password })
  }
  const [from, to] = [await connectTo('a'), await connectTo('b')]
  try {
    const manager = await from.jetstreamManager({ checkAPI: false })
    await manager.streams.add({ name: 'BARE', subjects: ['bare.a'], duplicate_window: nanos(1_000_000_000) })
    const js = from.jetstream()
    const consumer = await to.jetstream({ domain: 'a' }).consumers.get('BARE')
    const messages = await consumer.consume({ max_messages: 1_000 })
    const began = performance.now()
    const reading = (async () => {
      let seen = 0
      for await (const _ of messages) if (++seen === count) break
    })()
    const open = new Set<Promise<unknown>>()
    for (let id = 0; id < count; id++) {
      const one: Promise<unknown> = js.publish('bare.a', JSON.stringify(row(id))).then(() => open.delete(one))
      open.add(one)
      if (open.size >= 300) await Promise.race(open)
    }
    await reading
    results.push([
      'bare JetStream, leaf to leaf, one record a message',
      `${perSecond(count, performance.now() - began)}/s`,
      '',
    ])
    await manager.streams.delete('BARE')
  } finally {
    await from.close()
    await to.close()
  }
}

/** Processor time of a process in milliseconds, of this one or one of the servers. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const rssOf = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

async function idle(a: TestNode, b: TestNode): Promise<void> {
  const tables = Array.from({ length: 200 }, (_, place) => `quiet_${place}`)
  for (const table of tables) await a.ok(create(table))
  const pids = [a, b].flatMap(({ node }) => {
    const { hub, leaf } = node.services.clustering.replication.mesh.servers
    return [hub!.pid!, leaf.pid!]
  })
  const share_ = async () => {
    const before = [process.pid, ...pids].reduce((sum, pid) => sum + cpuOf(pid), 0)
    await delay(5_000)
    return ([process.pid, ...pids].reduce((sum, pid) => sum + cpuOf(pid), 0) - before) / 50
  }
  const without = await share_()
  await a.ok(share(tables, { publish: true, subscribe: true }))
  await delay(3_000)
  const having = await share_()
  results.push(['CPU of two nodes and four servers, idle', `${without.toFixed(1)} % of a core`, ''])
  results.push(['the same with 200 shared tables', `${having.toFixed(1)} % of a core`, 'below 2 % more'])
}

async function catchUp(a: TestNode, b: TestNode, count: number): Promise<void> {
  await a.ok(create('large'))
  await timed(a, 'large', 1_000, count)
  await b.ok(create('alone'))
  const alone = await timed(b, 'alone', 1_000, count)
  for (const [name, more] of [
    ['start_time', { start_time: '2020-01-01T00:00:00Z' }],
    ['full copy', { copy: true }],
  ] as const) {
    await b.post({ operation: 'drop_table', schema: 'dev', table: 'large' })
    if (name === 'full copy') {
      await a.ok({ operation: 'drop_table', schema: 'dev', table: 'large' }).catch(() => {})
      await delay(500)
      await a.ok(create('large'))
      await timed(a, 'large', 1_000, count)
    }
    const began = performance.now()
    await a.ok(share(['large'], more))
    await eventually(
      'all are on B',
      300_000,
      () => b.node.services.catalog.find('dev', 'large') !== undefined && countOf(b, 'large') === count,
    )
    const ms = performance.now() - began
    results.push([
      `catch-up of ${count} records by ${name}`,
      `${perSecond(count, ms)}/s (B alone, batches: ${perSecond(count, alone)}/s; ${(alone / ms).toFixed(2)} of it)`,
      'at least 0.5',
    ])
  }
}

await withCluster(['a', 'b'], async ([a, b], folder) => {
  await latency(a!, b!)
  await throughput(a!, b!, 1_000, records)
  await throughput(a!, b!, 1, Math.min(records, 30_000))
  await bare(folder, Math.min(records, 100_000))
  await catchUp(a!, b!, records)
  await idle(a!, b!)
  const { hub, leaf } = a!.node.services.clustering.replication.mesh.servers
  results.push(['memory of hub and leaf of a node', `${Math.round(rssOf(hub!.pid!) + rssOf(leaf.pid!))} MiB`, ''])
})
console.log('Both nodes run in one process here, with four servers beside it, on one machine.\n')
console.log('| measured | result | goal |\n|---|---|---|')
for (const line of results) console.log(`| ${line.join(' | ')} |`)
process.exit(0)
