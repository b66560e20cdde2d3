import { expect } from 'chai'
import { contentOf, withCluster } from '../support/cluster.js'
import { eventually } from '../support/eventually.js'

const dog = { schema: 'dev', table: 'dog' }
const small = { 'tables.log_bytes_max': '1048576' }

interface Told {
  warnings: string[]
  connections: { waiting: { characters: number; share: number } }[]
}

describe('a node that has not taken changes', () => {
  it('is told of before the log forgets them: by cluster_status, the log and a figure', async () => {
    await withCluster(
      ['a', 'b'],
      async ([a, b]) => {
        const status = () => a!.ok<Told>({ operation: 'cluster_status' })
        const logged = async () =>
          (
            await a!.ok<{ message: string; level: string; fields: object }[]>({
              operation: 'read_log',
              filter: 'about to forget',
            })
          ).map(({ fields, level }) => ({ level, ...fields }))
        const figure = async () => {
          const { body } = await a!.post({ operation: 'metrics' })
          return Number(/^trellis_mesh_waiting_share\{node="b"\} (\S+)$/m.exec(String(body))![1])
        }
        const write = (from: number) => {
          const records = Array.from({ length: 100 }, (_, place) => ({ id: from + place, text: 'x'.repeat(4_000) }))
          return a!.ok({ operation: 'insert', ...dog, records })
        }
        const isThere = (count: number) =>
          eventually(`${count} records`, () => contentOf(b!, 'dev', 'dog').length === count)
        await a!.ok({ operation: 'create_table', ...dog, hash_attribute: 'id' })
        const both = { ...dog, publish: true, subscribe: true }
        await a!.ok({ operation: 'add_node', node_name: 'b', subscriptions: [both] })
        await write(0)
        await isThere(100)
        const told = async () => (await status()).connections[0]!.waiting.share === 0
        await eventually('b has told that it has all', told)
        const hub = b!.node.services.clustering.replication.mesh.servers.hub!.pid!
        process.kill(hub, 'SIGSTOP')
        try {
          await write(100)
          expect((await status()).connections[0]!.waiting.share).to.be.within(0.3, 0.6)
          expect(await figure()).to.be.within(0.3, 0.6)
          expect((await status()).warnings.join()).to.not.contain('Node b lacks')
          await write(200)
          await write(300)
          const { connections, warnings } = await status()
          expect(connections[0]!.waiting.share).to.be.greaterThan(0.8)
          expect(await figure()).to.equal(connections[0]!.waiting.share)
          expect(warnings.join()).to.match(/Node b lacks changes that are \d+ % of what the log keeps/)
          await eventually('it stands in the log', async () => (await logged()).length === 1)
          const [line] = await logged()
          expect(line).to.include({ level: 'warn', node: 'b' })
          expect(line).to.have.property('share').that.is.greaterThan(0.8)
        } finally {
          process.kill(hub, 'SIGCONT')
        }
        await isThere(400)
        await eventually('the warning is gone', async () => (await status()).warnings.length === 0)
        expect(await figure()).to.equal(0)
        expect(await logged()).to.have.length(1)
      },
      () => small,
    )
  })
})
