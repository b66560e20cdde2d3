import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import newman from 'newman'
import { readContracts } from '../../src/contracts/index.js'
import { ADMIN, withFreshNode, withNode } from '../support/node.js'

interface Item {
  name: string
  item?: Item[]
  request?: unknown
  response?: { code: number; body: string }[]
}

interface Collection {
  item: { name: string; item: { name: string; item: Item[] }[] }[]
}

const collection = JSON.parse(readFileSync('docs/postman.json', 'utf8')) as Collection
const contracts = readContracts()

describe('the Postman collection', () => {
  it('has a folder for each group, one in it for each operation, and every example with its saved reply', () => {
    expect(collection.item.map(({ name }) => name)).to.deep.equal([...new Set(contracts.map(({ group }) => group))])
    const saved = collection.item.flatMap(({ item }) => item.flatMap(({ item }) => item.map(mainOf)))
    expect(saved.map(({ name }) => name)).to.deep.equal(
      contracts.flatMap(({ examples }) => examples.map(({ title }) => title)),
    )
    for (const { name, response } of saved) expect(response?.[0]?.body, name).to.be.a('string')
  })

  // The group mesh needs several nodes: test/operations/mesh.test.ts runs its examples.
  const alone = collection.item.filter(({ name }) => name !== 'mesh')

  for (const group of alone)
    it(`runs on a fresh node: ${group.name}`, async () => {
      await withNode(({ url }) => run(url, withFresh(group, false)))
    })

  for (const group of alone)
    for (const operation of withFresh(group, true).item)
      for (const example of operation.item)
        it(`runs on a node of its own: ${operation.name}: ${example.name}`, () =>
          withFreshNode(({ url }) => run(url, { ...group, item: [{ ...operation, item: [example] }] })))
})

/** The part of a group whose examples need, or do not need, a node of their own. */
function withFresh(group: Collection['item'][number], fresh: boolean): Collection['item'][number] {
  const item = group.item.map((operation) => {
    const { examples } = contracts.find((contract) => contract.operation === operation.name)!
    return { ...operation, item: operation.item.filter((_, index) => (examples[index]!.fresh ?? false) === fresh) }
  })
  return { ...group, item: item.filter((operation) => operation.item.length > 0) }
}

/** The request of an example, behind those that must come first. */
function mainOf(item: Item): Item {
  return item.item ? { ...item.item.at(-1)!, name: item.name } : item
}

function run(url: string, group: Collection['item'][number]): Promise<void> {
  const variables = { base_url: url, ...ADMIN, start_from_nothing: 'true' }
  const envVar = Object.entries(variables).map(([key, value]) => ({ key, value }))
  return new Promise((resolve, reject) =>
    newman.run({ collection: { ...collection, item: [group] }, envVar, timeoutScript: 10_000 }, (error, summary) => {
      if (error) return reject(error)
      const { executions, failures } = summary.run
      if (executions.length === 0) return reject(new Error('nothing was run'))
      const [first] = failures
      if (!first) return resolve()
      const at = executions.find(({ item }) => item.id === first.source?.id)
      reject(new Error(`${first.source?.name}: ${first.error.message}: ${at?.response?.stream?.toString()}`))
    }),
  )
}
