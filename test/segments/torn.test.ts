import { join } from 'node:path'
import { expect } from 'chai'
import { Kind } from '../../src/analytics/keys.js'
import { BinaryEnvironment } from '../../src/storage/index.js'
import { onNode, type TestNode, withNode } from '../support/node.js'
import { withSmallDisk } from '../support/small-disk.js'

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

async function prepare(node: TestNode): Promise<void> {
  const columns = [{ name: 'page', type: 'text' }]
  await node.ok({ operation: 'create_table', ...table, kind: 'events', columns, partitions: 8 })
  await node.ok({ operation: 'insert_events', ...table, events })
  await node.ok(define('odd'))
  expect(await listed(node)).to.deep.equal([['some', 50]])
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
      await prepare(first)
      await first.node[Symbol.asyncDispose]()
      await tear(first.folder)
      await onNode(first.folder, async (second) => {
        expect(await listed(second)).to.deep.equal([['some', 50]])
        const script = 'match:\n    tally("all")\n'
        const answer = await second.ok({ operation: 'query_events', ...table, segments: 'some', script })
        expect(answer).to.deep.equal({ _: [{ g: 'all', c: [50] }] })
      })
    }))

  it('does not keep a node from starting on a full disk, and is whole when there is space', async function () {
    const mayMount = await withSmallDisk(64, async (disk) => {
      const folder = join(disk.folder, 'data')
      await onNode(folder, prepare)
      await tear(folder)
      disk.fill()
      await onNode(folder, async (node) => {
        disk.free()
        expect(await listed(node)).to.deep.equal([['some', 50]])
      })
    })
    if (!mayMount) this.skip()
  })
})
