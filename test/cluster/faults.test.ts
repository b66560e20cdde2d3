import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { type Part, Trial } from './trial.js'

/** The quick form; `npm run test:mesh` is the long one. */
describe('three nodes under load', () => {
  it('lose nothing by five kills and a partition of ten seconds', async () => {
    await using trial = await Trial.start(['a', 'b', 'c'], { wired: true })
    trial.startWriting()
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
    await trial.stopWriting()
    await trial.healed(40_000)
    expect(await trial.conflicts()).to.be.greaterThan(0)
    trial.acknowledged.set('both', -2)
    expect(trial.acknowledged.size).to.be.greaterThan(300)
    expect(await trial.faults()).to.deep.equal([])
  }).timeout(90_000)

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
    await trial.healed(20_000)
    await trial.end('b') // What b wrote since the backup is on a only.
    await trial.restore('b')
    await trial.begin('b')
    trial.startWriting(10)
    await delay(500)
    await trial.stopWriting()
    await trial.healed(20_000)
    expect(await trial.faults()).to.deep.equal([])
  }).timeout(90_000)

  it('bring a node that was away for longer than the log keeps up by a full copy, and say so', async () => {
    await using trial = await Trial.start(['a', 'b'])
    const dog = { schema: 'dev', table: 'dog' }
    const write = (id: string) =>
      trial
        .ask('a', { operation: 'insert', ...dog, records: [{ id, value: 1 }] })
        .then(() => trial.acknowledged.set(id, 1))
    await write('before')
    await trial.healed(10_000)
    await trial.end('b')
    await write('while b is away')
    await trial.ask('a', { operation: 'delete', ...dog, hash_values: ['before'] })
    trial.acknowledged.delete('before')
    await write('and again')
    await delay(20)
    await trial.ask('a', { operation: 'delete_transaction_logs_before', ...dog, timestamp: Date.now() })
    await trial.begin('b')
    await trial.healed(20_000)
    const { connections } = await trial.ask<{
      connections: { subscriptions: { last_full_copy: { reason: string } | null }[] }[]
    }>('b', { operation: 'cluster_status' })
    expect(connections[0]!.subscriptions[0]!.last_full_copy?.reason).to.contain('away for longer')
    expect(await trial.faults()).to.deep.equal([])
  }).timeout(60_000)
})
