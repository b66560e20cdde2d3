import { join } from 'node:path'
import { expect } from 'chai'
import { Kind } from '../../src/analytics/keys.js'
import { BinaryEnvironment } from '../../src/storage/index.js'
import { onNode, type TestNode, withNode } from '../support/node.js'

const table = { database: 'data', table: 'clicks' }
const events = Array.from({ length: 100 }, (_, n) => ({
  ...{ person: `p${n}`, stamp: 1_700_000_000, action: 'visit', _: { page: n % 2 ? 'odd' : 'even' } },
}))
const define = (page: string) => ({
  operation: 'query_segments',
  ...table,
  script: `@segment some ttl=1h:\n    match where page == "${page}":\n        tally\n`,
})

const listed = async (node: TestNode) => {
  const { segments } = await node.ok<{ segments: { name: string; people: number; script: string }[] }>({
    operation: 'list_segments',
    ...table,
  })
  return segments.map(({ name, people }) => [name, people])
}

/** Takes the segment out of some partitions, as a stop does in the middle of a drop. */
async function tear(folder: string): Promise<void> {
  await using environment = new BinaryEnvironment(join(folder, 'events', '0.mdb'))
  const keys = [...environment.keys(Buffer.alloc(15), Buffer.alloc(15, 0xff))].filter((key) => key[6] === Kind.segment)
  expect(keys.length).to.be.at.least(3)
  await environment.write(keys.slice(0, 3).map((key) => [key, undefined]))
}

describe('a segment that a stop has left in some partitions only', () => {
  it('is whole after the next start', () =>
    withNode(async (first) => {
      const columns = [{ name: 'page', type: 'text' }]
      await first.ok({ operation: 'create_table', ...table, kind: 'events', columns, partitions: 8 })
      await first.ok({ operation: 'insert_events', ...table, events })
      await first.ok(define('odd'))
      expect(await listed(first)).to.deep.equal([['some', 50]])
      await first.node[Symbol.asyncDispose]()
      await tear(first.folder)
      await onNode(first.folder, async (second) => {
        expect(await listed(second)).to.deep.equal([['some', 50]])
        const script = 'match:\n    tally("all")\n'
        const answer = await second.ok({ operation: 'query_events', ...table, segments: 'some', script })
        expect(answer).to.deep.equal({ _: [{ g: 'all', c: [50] }] })
      })
    }))
})
