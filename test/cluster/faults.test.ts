import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '../support/eventually.js'
import { type Part, Trial } from './trial.js'

/** The quick form; `npm run test:mesh` is the long one. */
describe('three nodes under load', () => {
  it('lose nothing by five kills and a partition of ten seconds', async () => {
    await using trial = await Trial.start(['a', 'b', 'c'], { wired: true })
    trial.startWriting(10)
    const kills: [string, Part][] = [
      ['a', 'leaf'],
      ['b', 'hub'],
      ['c', 'node'],
      ['b', 'leaf'],
      ['a', 'node'],
    ]
    for (const [name, part] of kills) {
      await delay(700)
      await trial.kill(name, part)
    }
    await delay(500)
    trial.cut('b', 'black hole')
    await trial.ask('a', { operation: 'upsert', schema: 'dev', table: 'dog', records: [{ id: 'both', value: -1 }] })
    await delay(20)
    await trial.ask('b', { operation: 'upsert', schema: 'dev', table: 'dog', records: [{ id: 'both', value: -2 }] })
    await delay(5_000)
    trial.cut('b', 'refused')
    await delay(5_000)
    trial.heal()
    await delay(500)
    await eventually('much is written', () => trial.acknowledged.size > 300)
    await trial.stopWriting()
    await trial.healed()
    expect(await trial.conflicts()).to.be.greaterThan(0)
    trial.acknowledged.set('both', -2)
    expect(await trial.faults()).to.deep.equal([])
  })

  it('lose nothing when a store of nats-server is deleted, or a node comes back from an old backup', async () => {
    await using trial = await Trial.start(['a', 'b'])
    trial.startWriting(10)
    await delay(500)
    await trial.end('b')
    trial.backup('b')
    trial.deleteStore('a')
    await trial.kill('a', 'leaf')
    await trial.begin('b')
    await delay(1_500)
    await trial.stopWriting()
    await trial.healed()
    await trial.end('b') // What b wrote since the backup is on a only.
    await trial.restore('b')
    await trial.begin('b')
    trial.startWriting(10)
    await delay(500)
    await trial.stopWriting()
    await trial.healed()
    expect(await trial.faults()).to.deep.equal([])
  })

  it('bring a node that was away for longer than the log keeps up by a full copy, and say so', async () => {
    await using trial = await Trial.start(['a', 'b'])
    const dog = { schema: 'dev', table: 'dog' }
    const write = (id: string) =>
      trial
        .ask('a', { operation: 'insert', ...dog, records: [{ id, value: 1 }] })
        .then(() => trial.acknowledged.set(id, 1))
    await write('before')
    await trial.healed()
    await trial.end('b')
    await write('while b is away')
    await trial.ask('a', { operation: 'delete', ...dog, hash_values: ['before'] })
    trial.acknowledged.delete('before')
    await write('and again')
    await delay(20)
    await trial.ask('a', { operation: 'delete_transaction_logs_before', ...dog, timestamp: Date.now() })
    await trial.begin('b')
    await trial.healed()
    const { connections } = await trial.ask<{
      connections: { subscriptions: { last_full_copy: { reason: string } | null }[] }[]
    }>('b', { operation: 'cluster_status' })
    expect(connections[0]!.subscriptions[0]!.last_full_copy?.reason).to.contain('away for longer')
    expect(await trial.faults()).to.deep.equal([])
  })

  it('go on with a full copy where a kill has interrupted it', async () => {
    await using trial = await Trial.start(['a', 'b'])
    const big = { schema: 'dev', table: 'big' }
    const COUNT = 10_000
    await trial.ask('a', { operation: 'create_table', ...big, hash_attribute: 'id' })
    for (let from = 0; from < COUNT; from += 1_000) {
      const records = Array.from({ length: 1_000 }, (_, place) => ({ id: from + place, text: 'x'.repeat(2_000) }))
      await trial.ask('a', { operation: 'insert', ...big, records })
    }
    type Copy = { rows: number } | null
    const copyOf = async (): Promise<{ full_copy: Copy; last_full_copy: Copy } | undefined> => {
      const { connections } = await trial.ask<{
        connections: { subscriptions: { table: string; full_copy: Copy; last_full_copy: Copy }[] }[]
      }>('b', { operation: 'cluster_status' })
      return connections[0]!.subscriptions.find(({ table }) => table === big.table)
    }
    const subscriptions = [{ ...big, publish: false, subscribe: true, copy: true }]
    await trial.ask('b', { operation: 'add_node', node_name: 'a', subscriptions })
    let rows = 0
    await eventually('some of it is here', async () => {
      rows = (await copyOf())?.full_copy?.rows ?? 0
      return rows > 0
    })
    await trial.kill('b', 'node')
    const then = await copyOf()
    expect((then?.full_copy ?? then?.last_full_copy)?.rows).to.be.within(rows, COUNT)
    await eventually('all of it is here', async () => (await copyOf())?.last_full_copy?.rows === COUNT)
    const { equal } = await trial.ask<{ equal: boolean }>('b', { operation: 'verify_replicas', ...big })
    expect(equal).to.equal(true)
  })
})
