import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '../support/mesh.js'
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

  it('are told before the log forgets what a node that is away has not taken', async () => {
    const small = { 'tables.log_bytes_max': '1048576' }
    await using trial = await Trial.start(['a', 'b'], { over: () => small })
    const dog = { schema: 'dev', table: 'dog' }
    type Told = { warnings: string[]; connections: { waiting: { characters: number; share: number } }[] }
    const status = () => trial.ask<Told>('a', { operation: 'cluster_status' })
    const write = (from: number) => {
      const records = Array.from({ length: 100 }, (_, place) => ({ id: `${from + place}`, text: 'x'.repeat(4_000) }))
      return trial.ask('a', { operation: 'insert', ...dog, records })
    }
    await write(0)
    await trial.healed(10_000)
    await eventually(
      'b has told that it has all',
      15_000,
      async () => (await status()).connections[0]!.waiting.share === 0,
    )
    await trial.end('b')
    await write(100)
    expect((await status()).connections[0]!.waiting.share).to.be.within(0.3, 0.6)
    expect((await status()).warnings.join()).to.not.contain('Node b lacks')
    await write(200)
    await write(300)
    const { connections, warnings } = await status()
    expect(connections[0]!.waiting.share).to.be.greaterThan(0.8)
    expect(warnings.join()).to.match(/Node b lacks changes that are \d+ % of what the log keeps/)
    const { text } = await trial.ask<{ text: string }>('a', { operation: 'metrics' }).catch(() => ({ text: '' }))
    if (text !== '') expect(text).to.match(/trellis_mesh_waiting_share\{node="b"\} [1-9.]/)
    await trial.begin('b')
    await trial.healed(20_000)
    await eventually('the warning is gone', 15_000, async () => (await status()).warnings.length === 0)
  }).timeout(90_000)
})
