import { expect } from 'chai'
import { wantedOf } from '../../src/api/subscriptions.js'
import { type Contract, type Example, readContracts } from '../../src/contracts/index.js'
import { withCluster } from '../support/cluster.js'
import { matches } from '../support/matches.js'
import type { TestNode } from '../support/node.js'
import { checkReply, saveReplies } from '../support/replies.js'

const contracts = readContracts().filter(({ group }) => group === 'mesh')

/** The examples of the mesh speak to node1, which is joined to node2. */
describe('the examples of the group mesh', () => {
  after(saveReplies)

  it('answer as their contracts say on two joined nodes', async () => {
    await withCluster(['node1', 'node2'], async (nodes) => {
      for (const contract of contracts) {
        for (const example of contract.examples) {
          await run(nodes[0]!, contract, example)
          await cleanUp(nodes)
        }
      }
    })
  })
})

describe('the start_time of a subscription', () => {
  it('is refused where there is no such day', () => {
    const from = (start_time: string) => () =>
      wantedOf([{ table: 'dog', publish: true, subscribe: false, start_time }], undefined)
    expect(from('2026-02-30T00:00:00Z')).to.throw('start_time')
    expect(from('2028-02-29T00:00:00Z')()).to.have.nested.property('[0].since', Date.UTC(2028, 1, 29))
  })
})

describe('subscriptions', () => {
  it('name a table once: of two that differ one would be left unread', () => {
    const dog = { table: 'dog', publish: true, subscribe: false }
    const twice = [
      { database: 'data', ...dog },
      { ...dog, table: 'cat' },
      { ...dog, publish: false },
    ]
    expect(() => wantedOf(twice, undefined)).to.throw("'data.dog' twice")
    expect(wantedOf([{ ...dog, schema: 'dev' }, dog], undefined)).to.have.length(2)
  })
})

/** The port of the own hub in the examples, and in what is saved of answers to them. */
const OWN_PORT = 29_932

/** The same with another port in the place of one. */
function withPort<T>(value: T, port: number, other: number): T {
  return JSON.parse(JSON.stringify(value).replaceAll(String(port), String(other))) as T
}

async function run(node: TestNode, contract: Contract, shown: Example): Promise<void> {
  const port = node.node.services.config.clustering.hub.cluster_port
  const example = withPort(shown, OWN_PORT, port)
  const where = `${contract.operation}: ${example.title}`
  for (const given of example.given ?? []) {
    const before = await node.post(given)
    expect(before.status, `${where}: given ${JSON.stringify(given)}: ${JSON.stringify(before.body)}`).to.be.below(300)
  }
  const answer = await node.post({ operation: contract.operation, ...example.request })
  if (example.problem !== undefined) {
    expect(answer.body, where).to.have.property('code', example.problem)
    checkReply(contract, example.title, withPort(answer.body, port, OWN_PORT))
    return
  }
  expect(answer.status, `${where}: ${JSON.stringify(answer.body)}`).to.equal(200)
  if (!matches(answer.body, example.response)) expect(answer.body, where).to.deep.equal(example.response)
}

/** Subscriptions end, routes that lead nowhere go, and databases are dropped, on both nodes. */
async function cleanUp(nodes: readonly TestNode[]): Promise<void> {
  for (const node of nodes) {
    await node.ok({ operation: 'configure_cluster', connections: [] })
    const wrong = { operation: 'cluster_delete_routes', routes: [{ host: '127.0.0.1', port: 12345 }] }
    await node.ok(wrong)
    const databases = await node.ok<Record<string, unknown>>({ operation: 'describe_all' })
    for (const database of Object.keys(databases)) await node.ok({ operation: 'drop_database', database })
  }
}
