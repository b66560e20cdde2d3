import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { withCluster } from '../support/cluster.js'
import type { TestNode } from '../support/node.js'

/** Replies as HarperDB documents them; not part of this repository. */
const FILE = '../shared/conformance/clustering.json'

interface Case {
  op: string
  when: string
  status: number
  body: unknown
}

/** What differs on purpose. docs/guides/mesh.md says so too. */
const DEVIATIONS: Record<string, string> = {
  'cluster_status: with system_info': 'system_information of each node tells it, in the words of this product',
  'purge_stream: ok': 'the documents show no reply; this one says how many messages went',
  'read_transaction_log: ok, NATS era': 'the user is user_name, as in the versions after it',
}

const dog = { schema: 'dev', table: 'dog' }
const both = { ...dog, publish: true, subscribe: true }
const route = (port: number) => ({ host: '127.0.0.1', port })

/** Cases in the order in which they are run on hdb1, which is joined with hdb2; some need something done before. */
const REQUESTS: [name: string, request: object, before?: object][] = [
  ['cluster_status: no peers yet (seen through CLI status)', {}],
  ['cluster_network: two nodes (CLI status)', {}],
  ['cluster_network: seed', {}],
  ['cluster_set_routes: new hub routes', { server: 'hub', routes: [route(12345)] }],
  ['cluster_set_routes: one hub route', { server: 'hub', routes: [route(12346)] }],
  ['cluster_get_routes: any', {}],
  ['cluster_delete_routes: existing route', { routes: [route(12345), route(12346)] }],
  [
    'add_node: ok (seed/docs)',
    { node_name: 'hdb2', subscriptions: [both] },
    { operation: 'create_table', ...dog, hash_attribute: 'id' },
  ],
  ['add_node: ok (real reply)', { node_name: 'hdb2', subscriptions: [both] }],
  ['update_node: ok (seed/docs)', { node_name: 'hdb2', subscriptions: [both] }],
  ['update_node: ok (real reply)', { node_name: 'hdb2', subscriptions: [both] }],
  ['set_node_replication: ok', { node_name: 'hdb2', subscriptions: [both] }],
  ['cluster_status: seed', {}],
  ['cluster_status: with system_info', {}],
  ['read_transaction_log: ok, NATS era', dog, { operation: 'insert', ...dog, records: [{ id: 1, dog_name: 'Penny' }] }],
  ['purge_stream: ok', { database: 'dev', table: 'dog' }],
  ['configure_cluster: ok', { connections: [{ node_name: 'hdb2', subscriptions: [both] }] }],
  ['remove_node: ok', { node_name: 'hdb2' }],
]

describe("HarperDB's documented clustering replies", () => {
  it('are those of two real nodes, or differ for a reason', async function () {
    if (!existsSync(FILE)) this.skip()
    const { cases } = JSON.parse(readFileSync(FILE, 'utf8')) as { cases: Case[] }
    const byName = new Map(cases.map((one) => [`${one.op}: ${one.when}`, one]))
    const alone = 'cluster_network: alone (CLI status)'
    expect([...REQUESTS.map(([name]) => name), alone]).to.have.members([...byName.keys()])
    await withCluster(['hdb1'], async ([node]) => await run(node!, byName.get(alone)!, {}))
    await withCluster(['hdb2', 'hdb1'], async ([, node]) => {
      for (const [name, request, before] of REQUESTS) {
        if (before) await node!.ok(before)
        await run(node!, byName.get(name)!, request)
      }
    })
  })
})

async function run(node: TestNode, { body, op, status, when }: Case, request: object): Promise<void> {
  const name = `${op}: ${when}`
  const answer = await node.post({ operation: op, ...request })
  expect(answer.status, name).to.equal(status)
  const difference = differenceOf(answer.body, body, '')
  if (DEVIATIONS[name] === undefined) expect(difference, name).to.equal(undefined)
  else expect(difference, `${name} is listed as different`).to.not.equal(undefined)
}

/** Where an answer lacks what is documented, or has another kind of value; more may be there. Names of nodes may differ. */
function differenceOf(ours: unknown, documented: unknown, place: string): string | undefined {
  const kind = (value: unknown) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)
  if (kind(ours) !== kind(documented)) return `${place}: ${kind(ours)} instead of ${kind(documented)}`
  if (place.endsWith('.message')) {
    const plain = (text: unknown) => String(text).replace(/'[^']*'/, 'NODE')
    return plain(ours) === plain(documented) ? undefined : `${place}: ${ours}`
  }
  if (Array.isArray(documented)) {
    if (documented.length === 0) return undefined
    const [first] = ours as unknown[]
    return first === undefined ? `${place} is empty` : differenceOf(first, documented[0], `${place}[0]`)
  }
  if (typeof documented !== 'object' || documented === null) return undefined
  for (const [name, value] of Object.entries(documented)) {
    const own = (ours as Record<string, unknown>)[name]
    const difference = own === undefined ? `${place}.${name} is missing` : differenceOf(own, value, `${place}.${name}`)
    if (difference !== undefined) return difference
  }
  return undefined
}
