import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel, Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { Channel } from '../../src/analytics/channel.js'
import type { Problem } from '../../src/lib/index.js'

describe('a channel to a thread', () => {
  it('lets nobody wait for a thread that has ended, whenever they ask', async () => {
    const worker = new Worker(
      "require('node:worker_threads').parentPort.on('message', () => { throw new Error('over') })",
      {
        eval: true,
      },
    )
    const channel = new Channel(worker, () => {})
    worker.on('error', (error) => channel.fail(error))
    const outcomeOf = (asked: Promise<unknown>) => {
      const told = asked.then(
        () => 'answered',
        (error: Error) => error.message,
      )
      return Promise.race([told, sleep(1_000, 'waits')])
    }
    expect(await outcomeOf(channel.call({ kind: 'sizes' })), 'under way').to.equal('over')
    expect(await outcomeOf(channel.call({ kind: 'sizes' })), 'later').to.equal('over')
  })

  it('lets another thread wait no longer either', async () => {
    const { port1, port2 } = new MessageChannel()
    const channel = new Channel(port1, () => undefined)
    const asked = channel.call({ kind: 'batch' }).catch((error: Problem) => error.code)
    port2.close()
    expect(await asked).to.equal('outcome_unknown')
    const later = channel.call({ kind: 'batch' }).catch((error: Problem) => error.code)
    expect(await later).to.equal('outcome_unknown')
  })
})
