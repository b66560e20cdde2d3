import { readFile } from 'node:fs/promises'
import { connect as dial } from 'node:net'
import { join } from 'node:path'
import { expect } from 'chai'
import { headers } from 'nats'
import { contentOf, nextEntry, withCluster, withTlsCluster } from '../support/cluster.js'
import { eventually } from '../support/eventually.js'
import { intruderOn } from '../support/mesh.js'
import type { TestNode } from '../support/node.js'

const dog = { schema: 'dev', table: 'dog' }
const both = { ...dog, publish: true, subscribe: true }
const insert = (...ids: number[]) => ({ operation: 'insert', ...dog, records: ids.map((id) => ({ id })) })
const idsOn = (node: TestNode) => contentOf(node, 'dev', 'dog').map(({ id }) => id)
const meshOf = ({ node }: TestNode) => node.services.clustering.replication.mesh

/** Every node shares the table with the first. */
async function shareWithFirst([first, ...others]: TestNode[]): Promise<void> {
  await first!.ok({ operation: 'create_table', ...dog, hash_attribute: 'id' })
  for (const { node } of others) {
    const node_name = node.services.clustering.nodeName
    await first!.ok({ operation: 'add_node', node_name, subscriptions: [both] })
  }
}

const have = (nodes: readonly TestNode[], ...ids: number[]) =>
  eventually(`records ${ids}`, () => nodes.every((node) => idsOn(node).join() === ids.join()))

/** How often a node has logged something with these facts. */
async function logged(node: TestNode, message: string, facts: object = {}): Promise<number> {
  // Each look writes a line itself: on a slow machine those of long ago would be out of sight.
  const request = { operation: 'read_log', filter: message, limit: 10_000 }
  const lines = await node.ok<{ message: string; fields: Record<string, unknown> }[]>(request)
  const wanted = Object.entries(facts)
  return lines.filter(
    (line) => line.message.includes(message) && wanted.every(([key, value]) => line.fields[key] === value),
  ).length
}
const REFUSED = 'refused a message between nodes'

/** Somebody with all that a node may do in the mesh. */
const intruderOf = ({ folder, node }: TestNode) =>
  intruderOn(join(folder, 'mesh'), node.services.config.clustering.tls.certificate_authority)

/** Speaks to a node's leaf without a library, which would keep to what the server says. */
async function sendTooMuch(node: TestNode): Promise<void> {
  const { accounts } = JSON.parse(await readFile(join(node.folder, 'mesh', 'leaf.conf'), 'utf8'))
  const { user, password } = accounts.DATA.users[0]
  const socket = dial({ port: node.node.services.config.clustering.leaf.port, host: '127.0.0.1' })
  const ended = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve))
  socket.resume()
  socket.write(`CONNECT ${JSON.stringify({ user, pass: password, verbose: false })}\r\nPUB rpc.b.describe 1200000\r\n`)
  socket.write(Buffer.alloc(1_200_000))
  await ended
}

describe('hostile nodes', () => {
  it('change nothing by messages that do not keep to the rules, and each is logged', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await shareWithFirst([a!, b!])
      await a!.ok(insert(1, 2, 3))
      await have([a!, b!], 1, 2, 3)
      const { incarnation } = a!.node.services.clustering.replication
      const right = nextEntry('a', a!, {
        operation: 'insert',
        keys: [9],
        records: [{ id: 9 }],
      })
      const shipmentOf = (entry: object) => JSON.stringify({ incarnation, entries: [entry] })
      const send = (text: string) => meshOf(a!).outbox.publish('dev.dog', Buffer.from(text), `${Math.random()}`)
      const toldBefore = await logged(b!, 'here already', { peer: 'a' })
      await send('not JSON')
      await send(`{"incarnation":"${incarnation}","entries":[${'['.repeat(50_000)}`)
      await send(shipmentOf({ ...right, records: [] }))
      await send(shipmentOf({ ...right, origin: 7 }))
      await send(shipmentOf({ ...right, keys: ['k'.repeat(2_000)], records: [{ id: 'k'.repeat(2_000) }] }))
      await send(shipmentOf({ ...right, sequence: 1 })) // An old one again.
      // It is told, and so may be what came by the log before it came by the stream.
      await eventually('it is told', async () => (await logged(b!, 'here already', { peer: 'a' })) > toldBefore)
      await eventually('five are refused', async () => (await logged(b!, REFUSED, { peer: 'a' })) === 5)
      await send(shipmentOf({ ...right, time: Date.now() + 10 * 86_400_000 })) // From next week.
      await eventually('it is told', async () => (await logged(b!, 'cannot read a peer', { peer: 'a' })) > 0)
      const { connections } = await b!.ok<{ connections: { refused_messages: number }[] }>({
        operation: 'cluster_status',
      })
      expect(connections[0]!.refused_messages).to.equal(5)
      expect(idsOn(b!)).to.deep.equal([1, 2, 3])
      await a!.ok(insert(20))
      await have([a!, b!], 1, 2, 3, 20)
    })
  })

  it('change nothing by messages that are too large, and each is logged', async () => {
    await withCluster(
      ['a', 'b'],
      async ([a, b]) => {
        await shareWithFirst([a!, b!])
        await a!.ok(insert(1))
        await have([a!, b!], 1)
        const intruder = await intruderOf(a!)
        const send = (bytes: number, part: string) => {
          const header = headers()
          header.set('Trellis-Part', part)
          return intruder.jetstream().publish('out.a.dev.dog', Buffer.alloc(bytes, 'x'), { headers: header })
        }
        await send(10, '1/600')
        await send(900 * 1024, '1/2')
        await send(10, '2/2')
        await eventually('three are refused', async () => (await logged(b!, REFUSED, { peer: 'a' })) === 3)
        expect(await logged(b!, REFUSED, { reason: 'too many parts' })).to.equal(1)
        expect(await logged(b!, REFUSED, { reason: 'a part that is too large' })).to.equal(1)
        // A record beyond what b takes, signed as it should be: b reads on from a's log, which does not have it.
        const entry = nextEntry('a', a!, {
          operation: 'insert',
          keys: [9],
          records: [Object.fromEntries([['id', 9], ...Array.from({ length: 200 }, (_, place) => [`a${place}`, 1])])],
        })
        const { incarnation } = a!.node.services.clustering.replication
        await meshOf(a!).outbox.publish('dev.dog', Buffer.from(JSON.stringify({ incarnation, entries: [entry] })), 'x')
        await eventually('it is told', async () => (await logged(b!, 'cannot read a peer', { peer: 'a' })) > 0)
        // More than a server takes at all ends the connection of whoever sends it.
        await intruder.close()
        await sendTooMuch(a!)
        await eventually(
          "a's server tells it",
          async () => (await logged(a!, 'maximum payload', { server: 'leaf' })) > 0,
        )
        await a!.ok(insert(2))
        await have([a!, b!], 1, 2)
      },
      (name): Record<string, string> => ({
        'clustering.message_bytes_max': '1048576',
        ...(name === 'b' ? { 'catalog.columns_max': '100' } : {}),
      }),
    )
  })

  it('are cut off by the node that removes them, at once, whatever is under way, and also when they come back', async () => {
    await withCluster(['a', 'b', 'c'], async ([a, b, c]) => {
      await shareWithFirst([a!, b!, c!])
      await b!.ok({ operation: 'add_node', node_name: 'c', subscriptions: [both] })
      let last = 0
      let writing = true
      const write = async () => {
        while (writing) await b!.ok(insert(++last))
      }
      const writers = [write(), write(), write()]
      await eventually('they arrive', () => idsOn(a!).length > 20 && idsOn(c!).length > 20)
      await a!.ok({ operation: 'remove_node', node_name: 'b' })
      const then = idsOn(a!).length
      // b does as if it had not heard of it: it asks, makes itself known again, and comes back with new servers.
      const { hub, leaf } = meshOf(b!).servers
      const asked = () =>
        meshOf(b!)
          .requests.ask('a', 'describe', { tables: [] }, 300)
          .then(
            () => 'answered',
            ({ code }) => code,
          )
      expect(await asked()).to.equal('node_silent')
      meshOf(b!).requests.forget('a')
      expect(await asked()).to.equal('node_silent')
      process.kill(hub!.pid!, 'SIGKILL')
      process.kill(leaf.pid!, 'SIGKILL')
      await eventually("b's servers run again", () =>
        meshOf(b!)
          .outbox.publish('dev.dog', Buffer.from('{}'), 'after')
          .then(
            () => true,
            () => false,
          ),
      )
      await eventually('b asks again', async () => (await asked()) === 'node_silent')
      writing = false
      await Promise.all(writers)
      // Others go on with b until they remove it too.
      await eventually('c has all of b', () => idsOn(c!).length === last)
      expect(idsOn(a!)).to.have.length(then)
      await eventually(
        'they are refused',
        async () => (await logged(a!, REFUSED, { from: 'b', reason: 'a removed node' })) > 1,
      )
      await c!.ok(insert(-1))
      await eventually('c and a go on', () => idsOn(a!)[0] === -1)
    })
  })

  it('with a certificate of their own write nothing in the name of another', async () => {
    await withTlsCluster(['a', 'b'], async ([a, b]) => {
      await shareWithFirst([a!, b!])
      await a!.ok(insert(1))
      await have([a!, b!], 1)
      const intruder = await intruderOf(b!)
      const { messages } = await meshOf(a!).outbox.ensure()
      intruder.publish('out.a.dev.dog', 'in the name of a')
      await intruder.flush()
      await eventually('it is told', async () => (await logged(a!, REFUSED, { from: 'a' })) > 0)
      expect((await meshOf(a!).outbox.ensure()).messages).to.equal(messages)
      await intruder.close()
      // Removed by a, b's certificate opens none of its doors any more.
      await a!.ok({ operation: 'remove_node', node_name: 'b' })
      for (const server of [meshOf(b!).servers.hub!, meshOf(b!).servers.leaf]) process.kill(server.pid!, 'SIGKILL')
      await eventually('the refusal is told', async () => (await logged(a!, 'certificate', { server: 'hub' })) > 0)
      const { nodes } = await b!.ok<{ nodes: unknown[] }>({ operation: 'cluster_network', timeout: 500 })
      expect(nodes).to.have.length(1)
      await b!.ok(insert(2))
      await a!.ok({
        operation: 'add_node',
        node_name: 'b',
        subscriptions: [{ ...both, copy: true }],
        timeout: 15_000,
      })
      await have([a!, b!], 1, 2)
    })
  })
})
