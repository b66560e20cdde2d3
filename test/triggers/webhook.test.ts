import { pbkdf2 } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import type { Problem } from '../../src/lib/index.js'
import { post } from '../../src/triggers/webhook.js'

/** More than there are threads, for a while. */
const JOBS = 8
const PASSES = 700_000

/** Keeps the threads busy on which names are resolved. */
function occupyThreads() {
  const jobs = { ended: 0, all: Promise.resolve<unknown>(undefined) }
  jobs.all = Promise.all(
    Array.from(
      { length: JOBS },
      () =>
        new Promise<void>((resolve) =>
          pbkdf2('word', 'salt', PASSES, 32, 'sha256', () => {
            jobs.ended++
            resolve()
          }),
        ),
    ),
  )
  return jobs
}

describe('a call of a web-hook', () => {
  const target = { host: 'localhost', port: 9, path: '/', tls: false, secret: undefined }
  const posting = { id: 'msg_1', body: {} }

  it('ends in time where its name is not resolved', async function () {
    this.timeout(60_000)
    const jobs = occupyThreads()
    const told = post(target, posting, { allow: ['localhost'], timeout_ms: 50 })
    const error = await told.then(
      () => undefined,
      (error: Problem) => error,
    )
    expect(jobs.ended, 'names wait for threads').to.equal(0)
    expect(error?.code).to.equal('webhook_failed')
    await jobs.all
  })

  it('says that no answer came in time, and by which setting', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    try {
      const error = await post({ ...target, host: '127.0.0.1', port }, posting, {
        allow: ['127.0.0.1'],
        timeout_ms: 50,
      }).catch((caught: unknown) => caught)
      expect(error).to.include({ code: 'webhook_failed' })
      expect(error).to.have.property('message').that.includes('within 50 ms (setting webhooks.timeout_ms)')
    } finally {
      silent.closeAllConnections()
      silent.close()
    }
  })

  it('ends with its caller where its name is not resolved', async function () {
    this.timeout(60_000)
    const jobs = occupyThreads()
    const stop = new AbortController()
    const told = post(target, posting, { allow: ['localhost'], timeout_ms: 60_000 }, stop.signal)
    stop.abort()
    const error = await told.then(
      () => undefined,
      (error: Problem) => error,
    )
    expect(jobs.ended, 'names wait for threads').to.equal(0)
    expect(error?.code).to.equal('webhook_failed')
    await jobs.all
  })
})
