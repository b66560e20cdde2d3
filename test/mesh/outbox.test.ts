import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Arrival, Mesh } from '../../src/mesh/index.js'
import { eventually } from '../support/eventually.js'
import { intruderOn, withMeshes } from '../support/mesh.js'

/** Reads a's outbox on b until the test ends. */
function follow(reader: Mesh) {
  const stop = new AbortController()
  const arrived: Arrival[] = []
  const refused: string[] = []
  const done = reader.outbox.follow('a', {
    from: { created: 0, sequence: 1 },
    gap: async () => {},
    topics: [],
    keyOf: () => reader.requests.keyOf('a'),
    take: async (arrivals) => {
      arrived.push(...arrivals)
    },
    refused: (reason) => refused.push(reason),
    reachable: () => {},
    signal: stop.signal,
  })
  return {
    arrived,
    refused,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await done
    },
  }
}

const acquaint = (from: Mesh, to: string) =>
  eventually(`${from.nodeName} knows ${to}`, () =>
    from.requests.hello(to, 500).then(
      () => true,
      () => false,
    ),
  )

describe('the outbox', () => {
  it('is read by another node in order, large messages whole', async () => {
    await withMeshes(['a', 'b'], async ([a, b]) => {
      await acquaint(b!, 'a')
      await a!.outbox.ensure()
      const large = Buffer.alloc(3 * 1024 * 1024, 'x')
      await using reading = follow(b!)
      await Promise.all([
        ...Array.from({ length: 500 }, (_, i) => a!.outbox.publish('dev.dog', Buffer.from(`${i}`), `${i}`)),
        a!.outbox.publish('dev.dog', large, 'large'),
      ])
      await eventually('all arrived', () => reading.arrived.length === 501)
      expect(reading.arrived.slice(0, 500).map(({ bytes }) => bytes.toString())).to.deep.equal(
        Array.from({ length: 500 }, (_, i) => `${i}`),
      )
      expect(reading.arrived[500]!.bytes.equals(large)).to.equal(true)
      expect(reading.refused).to.deep.equal([])
    })
  })

  it('sends large messages in parts that keep no reader on a slow link waiting for a sign of life', async () => {
    await withMeshes(['a', 'b'], async ([a, b], [options]) => {
      await acquaint(b!, 'a')
      await a!.outbox.ensure()
      const leaf = await intruderOn(options!.folder)
      const sizes: number[] = []
      leaf.subscribe('out.a.>', { callback: (_, { data }) => void sizes.push(data.length) })
      await leaf.flush()
      const larges = [1, 3, 40].map((megabytes) => Buffer.alloc(megabytes * 1024 * 1024, 'x'))
      await using reading = follow(b!)
      for (const [place, large] of larges.entries()) await a!.outbox.publish('dev.dog', large, `${place}`)
      await eventually('all arrived', () => reading.arrived.length === larges.length)
      expect(reading.arrived.map(({ bytes }) => bytes.length)).to.deep.equal(larges.map(({ length }) => length))
      expect(Math.max(...sizes.slice(0, 64))).to.equal(64 * 1024)
      await leaf.close()
    })
  })

  it('is read on after the servers of either side were killed', async () => {
    await withMeshes(['a', 'b'], async ([a, b]) => {
      await acquaint(b!, 'a')
      await a!.outbox.ensure()
      await using reading = follow(b!)
      let sent = 0
      for (const victim of [a!.servers.leaf, a!.servers.hub!, b!.servers.hub!, b!.servers.leaf]) {
        process.kill(victim.pid!, 'SIGKILL')
        sent++
        await eventually('it is taken', () =>
          a!.outbox.publish('dev.dog', Buffer.from(`${sent}`), `${sent}`).then(
            () => true,
            () => false,
          ),
        )
        await eventually(`message ${sent} arrived`, () => reading.arrived.at(-1)?.bytes.toString() === `${sent}`)
      }
    })
  })

  it('is made anew when its store was deleted, and read from its new beginning', async () => {
    await withMeshes(['a', 'b'], async ([a, b], [options]) => {
      await acquaint(b!, 'a')
      const before = await a!.outbox.ensure()
      await a!.outbox.publish('dev.dog', Buffer.from('before'), '1')
      await using reading = follow(b!)
      await eventually('the first arrived', () => reading.arrived.length === 1)
      await rm(join(options!.folder, 'leaf'), { recursive: true })
      process.kill(a!.servers.leaf.pid!, 'SIGKILL')
      await eventually('the stream is there again', () =>
        a!.outbox.ensure().then(
          ({ created }) => created !== before.created,
          () => false,
        ),
      )
      await a!.outbox.publish('dev.dog', Buffer.from('after'), '2')
      await eventually('the second arrived', () => reading.arrived.at(-1)!.bytes.toString() === 'after')
    })
  })

  it('takes nothing that another node wrote in its name', async () => {
    await withMeshes(['a', 'b'], async ([a, b], [, options]) => {
      await acquaint(b!, 'a')
      await a!.outbox.ensure()
      await using reading = follow(b!)
      // Somebody with the passwords of b, and with all that b may do.
      const intruder = await intruderOn(options!.folder)
      intruder.publish('out.a.dev.dog', 'forged')
      await intruder.request('$JS.a.API.STREAM.PURGE.OUT', '', { timeout: 300 }).catch(() => {})
      const deleted = await intruder.request('$JS.a.API.STREAM.DELETE.OUT', '', { timeout: 300 }).catch(() => undefined)
      expect(deleted).to.equal(undefined)
      await intruder.flush()
      await intruder.close()
      await a!.outbox.publish('dev.dog', Buffer.from('real'), '1')
      await eventually('the real one arrived', () => reading.arrived.length === 1)
      expect(reading.arrived[0]!.bytes.toString()).to.equal('real')
      expect((await a!.outbox.ensure()).messages).to.equal(1)
    })
  })

  it('refuses messages with a wrong signature or out of order', async () => {
    await withMeshes(['a', 'b'], async ([a, b], [options]) => {
      await acquaint(b!, 'a')
      await a!.outbox.ensure()
      await using reading = follow(b!)
      const intruder = await intruderOn(options!.folder)
      intruder.publish('out.a.dev.dog', 'without a signature')
      intruder.publish('out.a.dev.dog', Buffer.from([0, 255, 254]))
      await intruder.flush()
      await intruder.close()
      await a!.outbox.publish('dev.dog', Buffer.from('real'), '1')
      await eventually('the real one arrived', () => reading.arrived.length === 1)
      expect(reading.refused).to.deep.equal(['wrong signature', 'wrong signature'])
    })
  })
})
