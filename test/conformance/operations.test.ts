import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { sorted } from '../support/memory-tables.js'
import { ADMIN, basic, type TestNode, withNode } from '../support/node.js'

/** Recorded from the original; not part of this repository. */
const FILE = '../shared/conformance/operations.json'

interface Pair {
  n: number
  name: string
  request: { method: string; path: string; auth: string; body: Record<string, unknown> | null }
  status: number
  body: unknown
}

/** What stood in the original's table when the pairs were recorded; the records themselves were not. */
const dogs = [
  { id: 1, dog_name: 'Penny', owner: 'Kyle', age: 8, weight: 41, adorable: true },
  { id: 2, dog_name: 'Harper', owner: 'Stephen', age: 5, weight: 60, tags: ['a', 'b'], nested: { x: 1 } },
  { id: 3, dog_name: 'Alby', owner: 'Kaylan', age: 9 },
  { id: 4, dog_name: 'Billy', owner: 'Zach', age: 4 },
]

const operations =
  /^(create_(database|table)|describe_(all|table|database)|insert|update|upsert|delete|search_by_\w+|do_magic)$/

/** Answers that differ on purpose, by the number of the pair. */
const deviations: Record<number, string> = {
  38: 'unknown fields are refused',
  42: 'a column may say that it is the primary key',
  74: 'an unknown table is 404 in writes as in reads',
  75: 'refused with the same status and clearer words',
  80: 'its table was created, see 42',
  81: 'its table was created, see 42',
  82: 'a key that is an object is refused, not skipped',
  102: 'lists the last records by key; their keys were the original’s own',
}

describe('the requests recorded from HarperDB', () => {
  it('are answered as there, but with a 4xx where it failed for a mistake of the caller', async function () {
    if (!existsSync(FILE)) this.skip()
    const { pairs } = JSON.parse(readFileSync(FILE, 'utf8')) as { pairs: Pair[] }
    await withNode(async (node) => {
      await node.ok({ operation: 'create_database', database: 'dev' })
      await node.ok({ operation: 'create_table', database: 'dev', table: 'dog', primary_key: 'id' })
      await node.ok({ operation: 'insert', database: 'dev', table: 'dog', records: dogs })
      for (const pair of pairs) if (isMeant(pair)) await check(node, pair)
    })
  })
})

function isMeant({ n, request: { path, auth, body } }: Pair): boolean {
  const name = body?.['operation']
  const isKnown = typeof name === 'string' && operations.test(name)
  return path === '/' && isKnown && !(n in deviations) && (auth === 'basic super_user' || auth === 'none')
}

async function check(node: TestNode, { n, name, request, status, body }: Pair): Promise<void> {
  const options = request.auth === 'none' ? { authorization: null } : { authorization: basic(ADMIN) }
  const answer = await node.post(request.body, options)
  const where = `${n} ${name}: ${JSON.stringify(request.body).slice(0, 300)}: ${JSON.stringify(answer.body)}`
  if (status >= 500) expect(answer.status, where).to.be.within(400, 499)
  else expect(answer.status, where).to.equal(status)
  if (status !== 200 || !Array.isArray(body)) return
  // Without an order of its own, a search may answer in any.
  const plain = (rows: unknown[]) => rows.map((row) => sorted(withoutTimes(row as Record<string, unknown>))).sort()
  expect(plain(answer.body as unknown[]), where).to.deep.equal(plain(body))
}

/** Times are of the moment; `skip`, `is_adorable` and the last `weight` came with requests that are not on record. */
function withoutTimes(row: Record<string, unknown>): Record<string, unknown> {
  const left = new Set(['__createdtime__', '__updatedtime__', 'skip', 'is_adorable', 'weight'])
  return Object.fromEntries(Object.entries(row).filter(([name, value]) => !left.has(name) && value !== null))
}
