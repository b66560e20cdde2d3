// npm run bench:mesh -- [--only latency,batches,singles,start_time,copy,idle] [--records 100000] [--large 1000000]
//   [--seconds 10] [--profile FOLDER]
// How fast changes go from node A to node B, against what B inserts by itself and against bare JetStream from leaf to
// leaf with the same payloads. Each node is a process of its own with its two nats-servers.
import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Member, withPair } from './mesh/pair.js'

const { values: given } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    records: { type: 'string', default: '100000' },
    large: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '10' },
    profile: { type: 'string', default: '' },
  },
})
const records = Number(given.records)
const large = Number(given.large)
const seconds = Number(given.seconds)
const BATCH = 1_000

const create = (table: string) => ({ operation: 'create_table', schema: 'dev', table, hash_attribute: 'id' })
const share = (tables: string[], more: object = {}) => ({
  operation: 'add_node',
  node_name: 'b',
  subscriptions: tables.map((table) => ({ schema: 'dev', table, publish: true, subscribe: false, ...more })),
})
const percentiles = (times: number[]) => {
  const sorted = times.toSorted((a, b) => a - b)
  return [0.5, 0.99].map((part) => sorted[Math.floor(sorted.length * part)]!.toFixed(1)).join(' / ')
}
const rate = (count: number, ms: number) => Math.round((count / ms) * 1_000)
const shown = (count: number) => count.toLocaleString('en-US')
const say = (...cells: string[]) => console.log(`| ${cells.join(' | ')} |`)

async function latency(a: Member, b: Member): Promise<void> {
  const count = seconds * 1_000
  await a.ok(create('latency'))
  await a.ok(share(['latency']))
  await delay(500)
  const [written, seen] = await Promise.all([a.order('pace', 'latency', count), b.order('look', 'latency', count)])
  const commits = seen.map((_, id) => written[id * 2 + 1]! - written[id * 2]!)
  const behind = seen.map((at, id) => Math.max(0, at - written[id * 2 + 1]!))
  say('A commits at 1,000 writes/s, p50 / p99', `${percentiles(commits)} ms`, '')
  say('a read on B finds it, after A committed, p50 / p99', `${percentiles(behind)} ms`, 'p50 at most 5 ms')
}

/** What B inserts by itself a second, in a table of its own. */
async function alone(b: Member, table: string, count: number, batch: number): Promise<number> {
  await b.ok(create(table))
  const [began, ended] = (await b.order('fill', table, count, batch)) as [number, number]
  return rate(count, ended - began)
}

async function throughput(a: Member, b: Member, batch: number): Promise<void> {
  const name = batch === 1 ? 'single' : `in batches of ${shown(batch)}`
  const [[first], [last]] = (await Promise.all([
    a.order('publish', '', records, batch),
    b.order('read', '', records, batch),
  ])) as [[number], [number]]
  const bare = rate(records, last - first)
  const own = await alone(b, `own_${batch}`, records, batch)
  const table = `sent_${batch}`
  await a.ok(create(table))
  await a.ok(share([table]))
  await delay(500)
  const [[from], [until]] = (await Promise.all([
    a.order('fill', table, records, batch),
    b.order('hold', table, records),
  ])) as [[number], [number]]
  const both = rate(records, until - from)
  say(
    `${shown(records)} records ${name}, until all are on B`,
    `${shown(both)}/s; B alone ${shown(own)}/s: ${(both / own).toFixed(2)}; bare JetStream ${shown(bare)}/s: ${(both / bare).toFixed(2)}`,
    'at least 0.5 of B alone',
  )
}

async function catchUp(a: Member, b: Member, name: string, more: object): Promise<void> {
  const table = `large_${name}`
  await a.ok(create(table))
  const [began, ended] = (await a.order('fill', table, large, BATCH)) as [number, number]
  const own = await alone(b, `alone_${name}`, large, BATCH)
  const asked = Number(process.hrtime.bigint()) / 1e6
  await a.ok(share([table], more))
  const [until] = (await b.order('hold', table, large)) as [number]
  const both = rate(large, until - asked)
  say(
    `catch-up of ${shown(large)} records by ${name}`,
    `${shown(both)}/s; bulk inserts on B alone ${shown(own)}/s: ${(both / own).toFixed(2)} (on A ${shown(rate(large, ended - began))}/s)`,
    'at least 0.5 of B alone',
  )
}

/** Processor time of a process in milliseconds. */
function processorOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const memoryOf = (pid: number, file: string, name: string) =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))![1]) / 1024

/** What is compiled and collected once after an agreement is not the cost of one that is idle. */
const SETTLE_MS = 15_000

async function idle(a: Member, b: Member): Promise<void> {
  const pids = [...a.pids, ...b.pids]
  const used = () => pids.reduce((sum, pid) => sum + processorOf(pid), 0)
  const share_ = async () => {
    const before = used()
    await delay(10_000)
    return (used() - before) / 100
  }
  const tables = Array.from({ length: 200 }, (_, place) => `quiet_${place}`)
  for (const table of tables) await a.ok(create(table))
  await a.ok(create('quiet'))
  await delay(SETTLE_MS)
  const without = await share_()
  await a.ok(share(['quiet']))
  await delay(SETTLE_MS)
  const one = await share_()
  const each = (file: string, name: string) => a.pids.map((pid) => memoryOf(pid, file, name))
  const sums = [each('smaps_rollup', 'Pss'), each('status', 'RssAnon')].map(
    (parts) => `${Math.round(parts.reduce((sum, part) => sum + part))} MiB (${parts.map(Math.round).join(' + ')})`,
  )
  await a.ok(share(tables, { subscribe: true }))
  await delay(5_000)
  const all = await share_()
  say('two nodes and four servers, idle: processors', `${without.toFixed(1)} % of one`, '')
  say('the same with one subscription', `${one.toFixed(1)} % of one`, 'less than 2 % more')
  say('the same with 200 tables subscribed both ways', `${all.toFixed(1)} % of one`, 'less than 2 % more')
  say('memory of an idle node with hub and leaf, PSS', sums[0]!, 'below 200 MiB')
  say('the same, RssAnon', sums[1]!, '')
}

const parts: Record<string, (a: Member, b: Member) => Promise<void>> = {
  latency,
  batches: (a, b) => throughput(a, b, BATCH),
  singles: (a, b) => throughput(a, b, 1),
  start_time: (a, b) => catchUp(a, b, 'start_time', { start_time: '2020-01-01T00:00:00Z' }),
  copy: (a, b) => catchUp(a, b, 'copy', { copy: true }),
  idle,
}
const wanted = given.only === '' ? Object.keys(parts) : given.only.split(',')
console.log(`${availableParallelism()} processors, load ${loadavg()[0]!.toFixed(1)}\n`)
say('measured', 'result', 'goal')
say('---', '---', '---')
// Each on a pair of its own: what one leaves behind is not the next one's burden.
for (const name of wanted) await withPair(given.profile, parts[name]!)
process.exit(0)
