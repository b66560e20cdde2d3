import { EventEmitter, once } from 'node:events'
import { expect } from 'chai'
import { contentOf, withCluster } from '../support/cluster.js'
import { eventually } from '../support/eventually.js'
import type { TestNode } from '../support/node.js'

const columnsOf = ({ node }: TestNode) =>
  node.services.catalog
    .find('dev', 'cat')!
    .columns.map(({ name }) => name)
    .sort()

const column = (operation: string) => ({ operation, schema: 'dev', table: 'cat', column: 'age' })

const INTS = ['id', 'age'].map((name) => ({ name, type: 'int' }))

describe('a column that was dropped on nodes that share its table', () => {
  it('may come back, on whichever node, with what it is given', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok({ operation: 'create_table', schema: 'dev', table: 'cat', primary_key: 'id', columns: INTS })
      const subscriptions = [{ schema: 'dev', table: 'cat', publish: true, subscribe: true }]
      await a!.ok({ operation: 'add_node', node_name: 'b', subscriptions })
      for (const [round, node] of [a!, b!, a!].entries()) {
        await a!.ok(column('drop_column'))
        await eventually('b drops it', () => !columnsOf(b!).includes('age'))
        // While its values are being removed the answer is to try again.
        const added = async () => (await node.post({ ...column('add_column'), type: 'int' })).status === 200
        await eventually('it comes again', added)
        await node.ok({ operation: 'insert', schema: 'dev', table: 'cat', records: [{ id: round, age: 7 }] })
        for (const one of [a!, b!])
          await eventually('both have it', () =>
            contentOf(one, 'dev', 'cat').some(({ age, id }) => id === round && age === 7),
          )
        expect(columnsOf(a!)).to.deep.equal(columnsOf(b!))
      }
    })
  })

  it('goes there also when it is dropped while others are being told of the table', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok({ operation: 'create_table', schema: 'dev', table: 'cat', primary_key: 'id', columns: INTS })
      const subscriptions = [{ schema: 'dev', table: 'cat', publish: true, subscribe: true }]
      await a!.ok({ operation: 'add_node', node_name: 'b', subscriptions })
      const { outbox } = a!.node.services.clustering.replication.mesh
      const publish = outbox.publish.bind(outbox)
      const progress = new EventEmitter()
      const isTelling = once(progress, 'telling')
      const isDropped = once(progress, 'dropped')
      outbox.publish = async (...message) => {
        progress.emit('telling')
        await isDropped
        return await publish(...message)
      }
      await a!.ok({ ...column('add_column'), column: 'weight', type: 'int' })
      await isTelling
      await a!.ok(column('drop_column'))
      progress.emit('dropped')
      await eventually('b drops it', () => `${columnsOf(b!)}` === 'id,weight')
    })
  })

  it('and came again on one node stays there, whatever another one still says of the time before', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      await a!.ok({ operation: 'create_table', schema: 'dev', table: 'cat', hash_attribute: 'id' })
      const insert = (node: TestNode, record: object) =>
        node.ok({ operation: 'insert', schema: 'dev', table: 'cat', records: [record] })
      await insert(a!, { id: 1, age: 3 })
      const subscription = { schema: 'dev', table: 'cat', publish: true, subscribe: false, copy: true }
      await a!.ok({ operation: 'add_node', node_name: 'b', subscriptions: [subscription] })
      await insert(a!, { id: 2, age: 4 })
      await eventually('b has the column', () => columnsOf(b!).includes('age'))
      await a!.ok(column('drop_column'))
      await eventually('b drops it', () => !columnsOf(b!).includes('age'))
      await eventually('its values are gone', () => b!.node.services.catalog.leftovers().length === 0)
      await insert(b!, { id: 3, age: 7 })
      // What b reads of a begins anew, with what a says of the table.
      await a!.ok({ operation: 'update_node', node_name: 'b', subscriptions: [subscription] })
      await insert(a!, { id: 4 })
      await eventually('b reads on', () => contentOf(b!, 'dev', 'cat').some(({ id }) => id === 4))
      expect(contentOf(b!, 'dev', 'cat').find(({ id }) => id === 3)).to.include({ age: 7 })
    })
  })

  it('stays where it was written later by a node that had not heard of the drop, on all nodes', async () => {
    await withCluster(['a', 'c', 'b'], async ([a, c, b]) => {
      const nodes = [a!, b!, c!]
      const tables = ['cat', 'owl']
      await a!.ok({ operation: 'create_table', schema: 'dev', table: 'cat', hash_attribute: 'id' })
      await a!.ok({ operation: 'create_table', schema: 'dev', table: 'owl', primary_key: 'id', columns: INTS })
      const upsert = async (node: TestNode, records: object[]) => {
        for (const table of tables) await node.ok({ operation: 'upsert', schema: 'dev', table, records })
      }
      await upsert(a!, [{ id: 1, age: 1 }])
      const subscriptions = tables.map((table) => ({
        schema: 'dev',
        table,
        publish: true,
        subscribe: true,
        copy: true,
      }))
      for (const [from, to] of [[a!, 'b'] as const, [a!, 'c'] as const, [b!, 'c'] as const])
        await from.ok({ operation: 'add_node', node_name: to, subscriptions })
      const ages = (node: TestNode, table: string) => contentOf(node, 'dev', table).map(({ age }) => age ?? null)
      for (const table of tables)
        for (const node of nodes) await eventually('all have it', () => ages(node, table).length === 1)
      await upsert(b!, [{ id: 2, age: 2 }])
      for (const node of nodes) await eventually('all are near', () => ages(node, 'owl').length === 2)
      const hub = b!.node.services.clustering.replication.mesh.servers.hub!.pid!
      process.kill(hub, 'SIGSTOP')
      try {
        for (const table of tables) await a!.ok({ ...column('drop_column'), table })
        await eventually('c drops it', () => !columnsOf(c!).includes('age'))
        await upsert(b!, [{ id: 3, age: 3 }])
      } finally {
        process.kill(hub, 'SIGCONT')
      }
      for (const node of nodes) {
        await eventually('later ones stay', () => `${ages(node, 'cat')}` === ',,3' && columnsOf(node).includes('age'))
        await eventually('no place for them', () => `${ages(node, 'owl')}` === ',,')
        const where = { operation: 'search_by_value', schema: 'dev', table: 'cat', search_attribute: 'age' }
        const found = node.ok<object[]>({ ...where, search_value: 3, get_attributes: ['id'] })
        expect(await found).to.deep.equal([{ id: 3 }])
      }
      for (const table of tables) {
        const equal = async () =>
          (await b!.ok<{ equal: boolean }>({ operation: 'verify_replicas', schema: 'dev', table })).equal
        await eventually('all are alike', equal)
      }
    })
  })

  it('before a table was shared does not go from the table of another node: it comes again', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      const create = {
        operation: 'create_table',
        schema: 'dev',
        table: 'cat',
        primary_key: 'id',
        columns: INTS,
      }
      const add = (node_name: string) => ({
        operation: 'add_node',
        node_name,
        subscriptions: [{ schema: 'dev', table: 'cat', publish: true, subscribe: true }],
      })
      await a!.ok(create)
      await a!.ok(add('b'))
      await a!.ok(column('drop_column'))
      await eventually('b drops it', () => !columnsOf(b!).includes('age'))
      await b!.ok({ operation: 'remove_node', node_name: 'a' })
      await b!.ok({ operation: 'drop_table', schema: 'dev', table: 'cat' })
      await b!.ok(create)
      const insert = (id: number) => ({ operation: 'insert', schema: 'dev', table: 'cat', records: [{ id, age: id }] })
      await b!.ok(insert(1))
      await b!.ok(add('a'))
      await eventually('a has it again', () => columnsOf(a!).includes('age'))
      await b!.ok(insert(2))
      await eventually('it comes', () => contentOf(a!, 'dev', 'cat').some(({ age }) => age === 2))
      expect(contentOf(b!, 'dev', 'cat').map(({ age }) => age)).to.deep.equal([1, 2])
    })
  })
})

describe('a column that two nodes have added at once', () => {
  it('is told of where they gave it other types, until it is dropped and added again', async () => {
    await withCluster(['a', 'b'], async ([a, b]) => {
      const nodes = [a!, b!]
      await a!.ok({ operation: 'create_table', schema: 'dev', table: 'cat', primary_key: 'id', columns: INTS })
      const subscriptions = [{ schema: 'dev', table: 'cat', publish: true, subscribe: true }]
      await a!.ok({ operation: 'add_node', node_name: 'b', subscriptions })
      const progress = new EventEmitter()
      const areAdded = once(progress, 'added')
      for (const { node } of nodes) {
        const { outbox } = node.services.clustering.replication.mesh
        const publish = outbox.publish.bind(outbox)
        outbox.publish = async (...message) => {
          await areAdded
          return await publish(...message)
        }
      }
      const add = { ...column('add_column'), column: 'weight' }
      await a!.ok({ ...add, type: 'int' })
      await b!.ok({ ...add, type: 'text' })
      progress.emit('added')
      const verify = async (node: TestNode) =>
        await node.ok<{ equal: boolean; nodes: object[] }>({
          operation: 'verify_replicas',
          schema: 'dev',
          table: 'cat',
        })
      for (const node of nodes) {
        const { equal, nodes: compared } = await verify(node)
        expect(equal).to.equal(false)
        expect(compared[0]).to.deep.include({ equal: false, columns: ['weight'], differences: [] })
      }
      await a!.ok({ ...column('drop_column'), column: 'weight' })
      await eventually('b drops it', () => `${columnsOf(b!)}` === 'age,id')
      await a!.ok({ ...add, type: 'int' })
      await eventually('b has it', () => columnsOf(b!).includes('weight'))
      expect((await verify(a!)).equal).to.equal(true)
    })
  })
})
