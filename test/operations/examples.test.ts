import { expect } from 'chai'
import { type Contract, type Example, readContracts } from '../../src/contracts/index.js'
import { matches } from '../support/matches.js'
import { type TestNode, withFreshNode, withNode } from '../support/node.js'
import { checkReply, saveReplies } from '../support/replies.js'

const contracts = readContracts()
after(saveReplies)
/** Those of the mesh need several nodes: mesh.test.ts runs them. */
const alone = contracts.filter(({ group }) => group !== 'mesh')

/** Every example of every contract runs on a real node: what the documents show is what happens. */
for (const group of new Set(alone.map((contract) => contract.group)))
  describe(`the examples of the group ${group}`, () => {
    const ofGroup = contracts.filter((contract) => contract.group === group)
    it('answer as their contracts say on one node', async () => {
      await withNode(async (node) => {
        for (const contract of ofGroup)
          for (const example of contract.examples)
            if (!example.fresh) await withoutLeftovers(node, () => run(node, contract, example))
      })
    })
    for (const contract of ofGroup)
      for (const example of contract.examples)
        if (example.fresh)
          it(`${contract.operation}: ${example.title}`, () => withFreshNode((node) => run(node, contract, example)))
  })

async function run(node: TestNode, contract: Contract, example: Example): Promise<void> {
  const where = `${contract.operation}: ${example.title}`
  for (const given of example.given ?? []) {
    const before = await node.post(given)
    expect(before.status, `${where}: given ${JSON.stringify(given)}: ${JSON.stringify(before.body)}`).to.be.below(300)
  }
  const options = example.as === 'nobody' ? { authorization: null } : {}
  const answer = await node.post({ operation: contract.operation, ...example.request }, options)
  if (example.problem === undefined) {
    expect(answer.status, `${where}: ${JSON.stringify(answer.body)}`).to.equal(200)
    if (!matches(answer.body, example.response)) expect(answer.body, where).to.deep.equal(example.response)
  } else {
    expect(answer.body, where).to.have.property('code', example.problem)
    checkReply(contract, example.title, answer.body)
  }
}

/** Databases that an example made are dropped, so that the next one starts from nothing. */
async function withoutLeftovers(node: TestNode, test: () => Promise<void>): Promise<void> {
  await test()
  if (!contracts.some(({ operation }) => operation === 'drop_database')) return
  const databases = await node.ok<Record<string, unknown>>({ operation: 'describe_all' })
  for (const database of Object.keys(databases)) await node.ok({ operation: 'drop_database', database })
}
