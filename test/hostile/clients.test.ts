import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { request } from 'undici'
import { ADMIN, basic } from '../support/node.js'
import { type NodeProcess, withProcess } from '../support/process.js'
import { probe } from './probe.js'

const MIB = 2 ** 20
const admin = basic(ADMIN)
const PING = '{"operation":"ping"}'
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

async function open({ url }: NodeProcess): Promise<Socket & { received: () => string }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let text = ''
  socket.on('error', () => {})
  socket.on('data', (chunk) => (text += chunk.toString('latin1')))
  await once(socket, 'connect')
  return Object.assign(socket, { received: () => text })
}

/** Writes raw text and answers all that comes back until the connection ends or `ms` are over. */
async function exchange(node: NodeProcess, text: string | Buffer, ms = 3000): Promise<string> {
  const socket = await open(node)
  socket.write(text)
  await Promise.race([once(socket, 'close'), pause(ms)])
  socket.destroy()
  return socket.received()
}

async function post(node: NodeProcess, body: string | Buffer, headers: Record<string, string> = {}) {
  try {
    const response = await request(node.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: admin, ...headers },
      body,
    })
    return { status: response.statusCode, text: await response.body.text() }
  } catch (error) {
    // The node may answer and close before all of a large body is sent.
    return { status: 413, text: String((error as { code?: string }).code) }
  }
}

const alive = async (node: NodeProcess) => expect((await post(node, PING)).status).to.equal(200)
const quiet = (node: NodeProcess) => ({ url: node.url, authorization: admin, body: { operation: 'user_info' } })

describe('hostile clients', () => {
  it('cannot make the node hold bombs: huge, deep, wide, compressed', async function () {
    this.timeout(60_000)
    await withProcess(async (node) => {
      await alive(node)
      const bombs: [string, string | Buffer, Record<string, string>][] = [
        ['a text of 100 MB', `{"operation":"ping","x":"${'y'.repeat(100 * MIB)}"}`, {}],
        ['100,000 levels', `{"operation":"ping","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, {}],
        [
          '500,000 keys',
          `{"operation":"ping","x":{${Array.from({ length: 500_000 }, (_, n) => `"${n}":1`).join()}}}`,
          {},
        ],
        [
          'a gzip bomb',
          gzipSync(`{"operation":"ping","x":"${'y'.repeat(200 * MIB)}"}`),
          { 'content-encoding': 'gzip' },
        ],
      ]
      const before = node.memory()
      let most = before
      const watch = setInterval(() => {
        most = Math.max(most, node.memory())
      }, 20)
      try {
        for (const [name, bomb, headers] of bombs)
          for (let round = 0; round < 3; round++)
            expect((await post(node, bomb, headers)).status, name).to.be.oneOf([400, 413, 415])
      } finally {
        clearInterval(watch)
      }
      expect((most - before) / MIB).to.be.below(100)
      await alive(node)
    })
  })

  it('are refused when they announce too much, lie about lengths, or send too many headers', async function () {
    this.timeout(60_000)
    await withProcess(
      async (node) => {
        const head = `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: ${admin}\r\n`
        expect(await exchange(node, `${head}Content-Length: 1073741824\r\n\r\n{`, 1500)).to.match(/^HTTP\/1\.1 413 /)
        const endless = await open(node)
        endless.write(`${head}Transfer-Encoding: chunked\r\n\r\n`)
        const chunk = `${(64 * 1024).toString(16)}\r\n${'y'.repeat(64 * 1024)}\r\n`
        for (let sent = 0; sent < 20 * MIB && !endless.destroyed && endless.received() === ''; sent += 64 * 1024)
          if (!endless.write(chunk)) await Promise.race([once(endless, 'drain'), once(endless, 'close'), pause(200)])
        await pause(100)
        expect(endless.received()).to.match(/^HTTP\/1\.1 413 /)
        endless.destroy()
        const short = await exchange(node, `${head}Content-Length: 5\r\n\r\n${PING}`)
        expect(short).to.match(/^HTTP\/1\.1 400 /)
        expect(short).not.to.include('pong')
        expect(await exchange(node, `${head}Content-Length: -1\r\n\r\n`)).to.match(/^HTTP\/1\.1 400 /)
        expect(await exchange(node, `${head}X-Large: ${'x'.repeat(17_000)}\r\n\r\n`)).to.match(/^HTTP\/1\.1 431 /)
        const many = Array.from({ length: 3000 }, (_, n) => `X-${n}: y\r\n`).join('')
        expect(await exchange(node, `${head}${many}\r\n`)).to.match(/^HTTP\/1\.1 431 /)
        await alive(node)
      },
      { 'http.request_timeout_ms': '2000' },
    )
  })

  it('cannot smuggle a request behind another one', async function () {
    this.timeout(60_000)
    await withProcess(async (node) => {
      const inner = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n'
      const heads = [
        `Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        `Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX`,
        `Transfer-Encoding: xchunked\r\n\r\n`,
        `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
        `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
        `Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`,
        `Content-Length: +4\r\n\r\nabcd`,
        `Content-Length: 0x4\r\n\r\nabcd`,
        `X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        ` Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        `Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n0\r\n\r\n`,
      ]
      for (const head of heads) {
        const answers = await exchange(node, `POST / HTTP/1.1\r\nHost: x\r\n${head}${inner}`, 700)
        expect(answers, JSON.stringify(head)).to.match(/^HTTP\/1\.1 (400|501) /)
        expect(answers, JSON.stringify(head)).not.to.include('"live"')
      }
      await alive(node)
    })
  })

  it('get 10,000 pipelined requests answered in their order', async function () {
    this.timeout(60_000)
    await withProcess(async (node) => {
      const socket = await open(node)
      const wanted = 10_000
      for (let n = 0; n < wanted; n++) {
        const body = n % 2 === 0 ? PING : '{"operation":"health"}'
        socket.write(
          `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        )
      }
      const count = () => socket.received().split('HTTP/1.1 200').length - 1
      for (let waited = 0; count() < wanted && waited < 30_000; waited += 100) await pause(100)
      const order = [...socket.received().matchAll(/\{"(message|status)"/g)].map(([, name]) => name)
      expect(order).to.have.length(wanted)
      expect(order.every((name, n) => name === (n % 2 === 0 ? 'message' : 'status'))).to.equal(true)
      socket.destroy()
    })
  })

  it('that are slow, 500 at once, do not slow others, and are closed', async function () {
    this.timeout(60_000)
    await withProcess(
      async (node) => {
        await probe(quiet(node), pause(500))
        const alone = await probe(quiet(node), pause(3000))
        const slow = await Promise.all(Array.from({ length: 500 }, () => open(node)))
        const drip = setInterval(() => {
          slow.forEach((socket, n) => {
            if (socket.destroyed) return
            if (n % 2 === 0) socket.write('X')
            else if (socket.bytesWritten === 0)
              socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n')
            else socket.write(' ')
          })
        }, 500)
        const meanwhile = await probe(quiet(node), pause(5000))
        clearInterval(drip)
        for (let waited = 0; waited < 5000 && slow.some((socket) => !socket.destroyed); waited += 100) await pause(100)
        expect(slow.filter((socket) => !socket.destroyed)).to.have.length(0)
        for (const socket of slow) expect(socket.received()).to.match(/^HTTP\/1\.1 4\d\d /)
        if (process.env['HOSTILE_SHOW']) console.error({ alone, meanwhile })
        // A floor, because a busy machine may hold up any single request.
        expect(meanwhile.p99).to.be.below(Math.max(2 * alone.p99, 500))
        await alive(node)
      },
      { 'http.headers_timeout_ms': '3000', 'http.request_timeout_ms': '4000' },
    )
  })

  it('that close their half of the connection, or read nothing, hold nothing for long', async function () {
    this.timeout(60_000)
    await withProcess(
      async (node) => {
        const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${PING.length}\r\n\r\n`
        const asked = await open(node)
        asked.end(`${head}${PING}`)
        await once(asked, 'close')
        expect(asked.received()).to.include('pong')
        const halves = await Promise.all(Array.from({ length: 200 }, () => open(node)))
        halves.forEach((socket, n) => {
          socket.end(n % 2 === 0 ? '' : head)
        })
        const before = node.memory()
        const deaf = await Promise.all(Array.from({ length: 50 }, () => open(node)))
        for (const socket of deaf) {
          socket.pause()
          for (let n = 0; n < 20; n++) socket.write('GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n')
        }
        await pause(4000)
        await alive(node)
        expect((node.memory() - before) / MIB).to.be.below(100)
        expect(halves.every((socket) => socket.destroyed || socket.closed)).to.equal(true)
        for (const socket of deaf) socket.destroy()
      },
      { 'http.headers_timeout_ms': '2000', 'http.request_timeout_ms': '3000' },
    )
  })
})
