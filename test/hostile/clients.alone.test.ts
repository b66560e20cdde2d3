import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { request } from 'undici'
import { eventually } from '../support/eventually.js'
import { ADMIN, basic } from '../support/node.js'
import { type NodeProcess, withProcess } from '../support/process.js'
import { amount, isFull, show } from './amount.js'
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

/** Writes raw text and answers all that comes back until the connection ends, or for a while after the first of it. */
async function exchange(node: NodeProcess, text: string | Buffer): Promise<string> {
  const socket = await open(node)
  const answered = once(socket, 'data').then(() => pause(700))
  answered.catch(() => {})
  socket.write(text)
  await Promise.race([once(socket, 'close'), answered])
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

/** Announces too much, sends without end, lies about lengths, sends too many headers: all are refused. */
async function lie(node: NodeProcess): Promise<void> {
  const head = `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: ${admin}\r\n`
  expect(await exchange(node, `${head}Content-Length: 1073741824\r\n\r\n{`)).to.match(/^HTTP\/1\.1 413 /)
  const endless = await open(node)
  endless.write(`${head}Transfer-Encoding: chunked\r\n\r\n`)
  const chunk = `${(64 * 1024).toString(16)}\r\n${'y'.repeat(64 * 1024)}\r\n`
  for (let sent = 0; sent < 20 * MIB && !endless.destroyed && endless.received() === ''; sent += 64 * 1024)
    if (!endless.write(chunk)) await Promise.race([once(endless, 'drain'), once(endless, 'close'), pause(200)])
  await eventually('it is answered', () => endless.received() !== '')
  expect(endless.received()).to.match(/^HTTP\/1\.1 413 /)
  endless.destroy()
  const short = await exchange(node, `${head}Content-Length: 5\r\n\r\n${PING}`)
  expect(short).to.match(/^HTTP\/1\.1 400 /)
  expect(short).not.to.include('pong')
  const long = await exchange(node, `${head}Content-Length: 500\r\n\r\n${PING}`)
  expect(long).to.match(/^HTTP\/1\.1 408 /)
  expect(await exchange(node, `${head}Content-Length: -1\r\n\r\n`)).to.match(/^HTTP\/1\.1 400 /)
  expect(await exchange(node, `${head}X-Large: ${'x'.repeat(17_000)}\r\n\r\n`)).to.match(/^HTTP\/1\.1 431 /)
  const many = Array.from({ length: 3000 }, (_, n) => `X-${n}: y\r\n`).join('')
  expect(await exchange(node, `${head}${many}\r\n`)).to.match(/^HTTP\/1\.1 431 /)
}

/** Ends of requests that two parsers may cut at different places; the body that they announce is no JSON. */
const SMUGGLING = [
  ...[
    'chunked, identity',
    'chunked, gzip',
    'xchunked',
    'chunkedx',
    'chunked;q=1',
    '"chunked"',
    'gzip',
    'gzip, chunked, gzip',
    'identity',
    'chunked, chunked',
    'chunk',
    'c hunked',
    'chunked,',
    'chunked identity',
    'chunked\0',
    'chunked\x0b',
  ].map((value) => `Transfer-Encoding: ${value}\r\n\r\n0\r\n\r\n`),
  ...['+4', '-4', '0x4', '4x', '4,5', '4, 4', '4;', '4.0', '1e1', '', ' ', '99999999999999999999', '\0', '4 4'].map(
    (value) => `Content-Length: ${value}\r\n\r\nabcd`,
  ),
  ...['Content-Length: 4\r\nContent-Length: 5', 'Content-Length: 5\r\ncontent-length: 4'].map(
    (heads) => `${heads}\r\n\r\nabcd`,
  ),
  ...[
    'Content-Length: 0\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nContent-Length: 6',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding : chunked',
    ' Transfer-Encoding: chunked',
    '\tTransfer-Encoding: chunked',
    'X: y\nTransfer-Encoding: chunked',
    'X: y\rTransfer-Encoding: chunked',
    'X: y\r\n Transfer-Encoding: chunked',
    'Transfer-Encoding\0: chunked',
    'Transfer-Encoding\t: chunked',
    'Transfer\x0bEncoding: chunked\r\nContent Length: 4',
    ': chunked',
  ].map((heads) => `${heads}\r\n\r\n0\r\n\r\n`),
  ...['ZZ\r\nabc', '-1\r\nabc', '0x3\r\nabc', '3 3\r\nabc', '3\nabc', 'FFFFFFFFFFFFFFFFF\r\nabc'].map(
    (chunk) => `Transfer-Encoding: chunked\r\n\r\n${chunk}\r\n0\r\n\r\n`,
  ),
]

describe('hostile clients', () => {
  it('cannot make the node hold bombs: huge, deep, wide, compressed', async function () {
    this.timeout(amount(300_000, 900_000))
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
          for (let round = 0; round < amount(3, 100); round++)
            expect((await post(node, bomb, headers)).status, name).to.be.oneOf([400, 413, 415])
      } finally {
        clearInterval(watch)
      }
      show({ held: `${((most - before) / MIB).toFixed(0)} MiB while bombs came` })
      expect((most - before) / MIB).to.be.below(100)
      await alive(node)
    })
  })

  it('are refused when they announce too much, lie about lengths, or send too many headers', async function () {
    this.timeout(amount(300_000, 900_000))
    await withProcess(
      async (node) => {
        for (let round = 0; round < amount(1, 20); round++) await lie(node)
        await alive(node)
      },
      { 'http.headers_timeout_ms': '2000', 'http.request_timeout_ms': '2000' },
    )
  })

  it('cannot smuggle a request behind another one', async () => {
    await withProcess(async (node) => {
      const inner = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n'
      const tried = async (head: string) => {
        const answers = await exchange(node, `POST / HTTP/1.1\r\nHost: x\r\n${head}${inner}`)
        expect(answers, JSON.stringify(head)).to.match(/^HTTP\/1\.1 (400|501) /)
        expect(answers, JSON.stringify(head)).not.to.include('"live"')
      }
      await Promise.all(SMUGGLING.map(tried))
      show({ smuggling: SMUGGLING.length })
      await alive(node)
    })
  })

  it('get 10,000 pipelined requests answered in their order', async () => {
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
      await eventually('all are answered', () => count() >= wanted)
      const order = [...socket.received().matchAll(/\{"(message|status)"/g)].map(([, name]) => name)
      expect(order).to.have.length(wanted)
      expect(order.every((name, n) => name === (n % 2 === 0 ? 'message' : 'status'))).to.equal(true)
      socket.destroy()
    })
  })

  it('that are slow, 500 at once, do not slow others, and are closed', async function () {
    this.timeout(amount(300_000, 900_000))
    await withProcess(
      async (node) => {
        await probe(quiet(node), pause(500))
        const alone = await probe(quiet(node), pause(3000))
        const slow = await Promise.all(Array.from({ length: 500 }, () => open(node)))
        let over = false
        const drip = setInterval(() => {
          slow.forEach((socket, n) => {
            // In full each one that was closed comes back, for as long as it goes on.
            if (socket.destroyed && isFull && !over) void open(node).then((next) => (slow[n] = next))
            if (socket.destroyed) return
            if (n % 2 === 0) socket.write('X')
            else if (socket.bytesWritten === 0)
              socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n')
            else socket.write(' ')
          })
        }, 500)
        const meanwhile = await probe(quiet(node), pause(amount(5000, 600_000)))
        over = true
        await pause(amount(0, 4500))
        clearInterval(drip)
        await eventually('all are closed', () => slow.every((socket) => socket.destroyed))
        for (const socket of slow) expect(socket.received()).to.match(/^HTTP\/1\.1 4\d\d /)
        show({ slow: 500, alone: `${alone}`, meanwhile: `${meanwhile}` })
        // A floor, because a busy machine may hold up any single request.
        expect(meanwhile.p99).to.be.below(Math.max(2 * alone.p99, 500))
        await alive(node)
      },
      { 'http.headers_timeout_ms': '3000', 'http.request_timeout_ms': '4000' },
    )
  })

  it('that close their half of the connection, or read nothing, hold nothing for long', async () => {
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
        show({ deaf: 50, held: `${((node.memory() - before) / MIB).toFixed(0)} MiB` })
        expect((node.memory() - before) / MIB).to.be.below(100)
        await eventually('all are closed', () => halves.every((socket) => socket.destroyed || socket.closed))
        for (const socket of deaf) socket.destroy()
      },
      { 'http.headers_timeout_ms': '2000', 'http.request_timeout_ms': '3000' },
    )
  })

  it('that read a long answer a little at a time hold neither it nor others', async () => {
    await withProcess(async (node) => {
      const dog = { database: 'dev', table: 'dog' }
      const ok = async (body: unknown) => expect((await post(node, JSON.stringify(body))).status).to.equal(200)
      await ok({ operation: 'create_table', ...dog, primary_key: 'id' })
      const megabytes = amount(20, 100)
      for (let n = 0; n < megabytes; n++)
        await ok({ operation: 'insert', ...dog, records: [{ id: n, text: String(n % 10).repeat(1e6) }] })
      const alone = await probe(quiet(node), pause(2000))
      const before = node.memory()
      const body = JSON.stringify({ operation: 'select', ...dog, select: '*' })
      const reader = await open(node)
      reader.pause()
      reader.write(
        `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: ${admin}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      let most = 0
      const meanwhile = await probe(
        quiet(node),
        (async () => {
          for (let second = 0; second < amount(5, 60) && !reader.destroyed; second += 0.5) {
            reader.read(1024)
            most = Math.max(most, node.memory() - before)
            await pause(500)
          }
        })(),
      )
      reader.destroy()
      show({ megabytes, held: `${(most / MIB).toFixed(0)} MiB`, alone: `${alone}`, meanwhile: `${meanwhile}` })
      expect(most / MIB).to.be.below(100)
      expect(meanwhile.p99).to.be.below(Math.max(2 * alone.p99, 500))
      await alive(node)
    })
  })
})
