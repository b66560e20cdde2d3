import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { eventually } from '../support/eventually.js'
import { ADMIN, basic, type TestNode, withNode } from '../support/node.js'

const code = (answer: { body: unknown }) => (answer.body as { code?: string }).code

describe('the door', () => {
  it('answers in the order parse, operation, who, known operation, check', async () => {
    await withNode(async ({ post, send }) => {
      const nobody = { authorization: null }
      expect(code(await send('POST', '/', '{', nobody))).to.equal('body_not_json')
      expect(code(await post({ foo: 1 }, nobody))).to.equal('operation_missing')
      expect(code(await post({ operation: 'do_magic' }, nobody))).to.equal('credentials_missing')
      expect(code(await post({ operation: 'do_magic' }))).to.equal('operation_unknown')
      expect(code(await post({ operation: 'user_info', bogus: 1 }))).to.equal('invalid_request')
    })
  })

  it('names what was perhaps meant: bare, and in the sentence', async () => {
    await withNode(async ({ post }) => {
      const detail = "Operation 'pong' not found. Did you mean 'ping'?"
      expect((await post({ operation: 'pong' })).body).to.include({ suggestion: 'ping', detail })
      const { body } = await post({ operation: 'do_magic' })
      expect(body).to.include({ detail: "Operation 'do_magic' not found" }).and.not.to.have.property('suggestion')
    })
  })

  for (const [title, body, want] of [
    ['an empty body', '', 'body_not_json'],
    ['an array', '[1]', 'operation_missing'],
    ['null', 'null', 'operation_missing'],
    ['a text', '"user_info"', 'operation_missing'],
    ['a number as operation', '{"operation":5}', 'invalid_request'],
    ['an operation that stands in the prototype only', '{"__proto__":{"operation":"ping"}}', 'operation_missing'],
    ['an operation named like a member of every object', '{"operation":"constructor"}', 'operation_unknown'],
  ] as const)
    it(`refuses ${title}`, async () => {
      await withNode(async ({ send }) => {
        const answer = await send('POST', '/', body)
        expect(answer.status).to.equal(400)
        expect(code(answer)).to.equal(want)
      })
    })

  it('answers 404 to a path that is nothing and 405 to a method that is not for a path', async () => {
    await withNode(async ({ send }) => {
      expect((await send('GET', '/nope')).status).to.equal(404)
      expect((await send('PUT', '/')).status).to.equal(405)
      expect((await send('POST', '/health', {})).status).to.equal(405)
      expect((await send('GET', '/%zz')).status).to.equal(400)
    })
  })

  it('answers HEAD as GET without the body, and names in Allow what a path takes', async () => {
    await withNode(async ({ send, ok }) => {
      const [head, get] = [await send('HEAD', '/openapi.json'), await send('GET', '/openapi.json')]
      expect([head.status, head.body]).to.deep.equal([200, ''])
      for (const name of ['content-type', 'content-length']) expect(head.headers[name]).to.equal(get.headers[name])
      await ok({ operation: 'create_table', database: 'dev', table: 'long', primary_key: 'id' })
      const records = Array.from({ length: 2000 }, (_, id) => ({ id, text: 'x'.repeat(1000) }))
      await ok({ operation: 'insert', database: 'dev', table: 'long', records })
      const streamed = await send('HEAD', '/db/dev/table/long')
      expect([streamed.status, streamed.body]).to.deep.equal([200, ''])
      expect(Number(streamed.headers['content-length'])).to.be.above(2_000_000)
      expect((await send('HEAD', '/nope')).status).to.equal(404)
      expect((await send('HEAD', '/')).headers['allow']).to.equal('POST')
      expect((await send('PATCH', '/health')).headers['allow']).to.equal('GET, HEAD')
      expect((await send('PATCH', '/db/dev/table/long')).headers['allow']).to.equal('GET, HEAD, POST, PUT')
    })
  })

  it('gives every answer an id of its own, its type and its length, whatever it is', async () => {
    await withNode(async ({ send, post, ok }) => {
      await ok({ operation: 'create_table', table: 'dog', primary_key: 'id' })
      await ok({
        operation: 'insert',
        table: 'dog',
        records: [
          { id: 1, name: 'Bello' },
          { id: 2, name: 'Müsli' },
        ],
      })
      const read = (id: number) =>
        post({ operation: 'search_by_id', table: 'dog', ids: [id], get_attributes: ['name'] })
      const json = 'application/json; charset=utf-8'
      const answers = {
        [json]: [await read(1), await read(2), await send('GET', '/health')],
        'application/problem+json': [await post({ operation: 'do_magic' }), await send('GET', '/nope')],
        'text/plain; version=0.0.4; charset=utf-8': [await send('GET', '/metrics'), await send('HEAD', '/metrics')],
      }
      const ids = Object.entries(answers).flatMap(([type, all]) =>
        all.map(({ headers }) => {
          expect(headers['content-type']).to.equal(type)
          const isInPieces = headers['transfer-encoding'] === 'chunked'
          if (!isInPieces) expect(Number(headers['content-length'])).to.be.above(0)
          return headers['x-request-id']
        }),
      )
      expect(new Set(ids).size).to.equal(ids.length)
      for (const id of ids) expect(id).to.match(/^[a-z0-9]+-[a-z0-9]+$/)
      expect((await read(1)).body).to.deep.equal([{ name: 'Bello' }])
      expect((await read(2)).body).to.deep.equal([{ name: 'Müsli' }])
    })
  })

  it('takes HarperDB and pyql headers for credentials, and an empty one for none', async () => {
    await withNode(async ({ post }) => {
      const admin = `Basic ${Buffer.from('admin:a-password-of-tests\n').toString('base64')}`
      expect(
        (await post({ operation: 'user_info' }, { authorization: null, headers: { authentication: admin } })).status,
      ).to.equal(200)
      expect(code(await post({ operation: 'user_info' }, { authorization: '' }))).to.equal('credentials_missing')
      expect(code(await post({ operation: 'user_info' }, { authorization: 'Basic eDp5' }))).to.equal(
        'credentials_wrong',
      )
      expect(code(await post({ operation: 'user_info' }, { authorization: 'Bearer x' }))).to.equal('token_invalid')
      expect(code(await post({ operation: 'user_info' }, { authorization: 'Negotiate x' }))).to.equal(
        'credentials_missing',
      )
    })
  })

  it('takes an empty Idempotency-Key for none, and refuses one that is too long', async () => {
    await withNode(async (node) => {
      await node.ok({ operation: 'create_table', table: 'dog', primary_key: 'id' })
      const insert = (id: number, key: string) =>
        node.post({ operation: 'insert', table: 'dog', records: [{ id }] }, { headers: { 'idempotency-key': key } })
      expect([(await insert(1, '')).status, (await insert(2, '')).status]).to.deep.equal([200, 200])
      expect((await insert(3, 'k'.repeat(256))).body).to.have.property('code', 'invalid_request')
    })
  })

  it('takes an idempotency key as header or field, and refuses two that differ', async () => {
    await withNode(async (node) => {
      await node.ok({ operation: 'create_table', table: 'dog', primary_key: 'id' })
      const insert = (id: number, key: string) =>
        node.post(
          { operation: 'insert', table: 'dog', records: [{ id }], idempotency_key: 'a' },
          { headers: { 'idempotency-key': key } },
        )
      expect((await insert(1, 'a')).status).to.equal(200)
      const { status, body } = await insert(2, 'b')
      expect([status, body]).to.deep.include(400)
      expect((body as { error: string }).error)
        .to.contain("'Idempotency-Key'")
        .and.to.contain("'idempotency_key'")
    })
  })

  it('reads a body whole: in pieces that cut characters, without a length, behind a byte order mark, compressed', async () => {
    await withNode(async (node) => {
      await node.ok({ operation: 'create_table', table: 'dog', primary_key: 'id' })
      const insert = (id: number) =>
        Buffer.from(`{"operation":"insert","table":"dog","records":[{"id":${id},"name":"é€😀"}]}`)
      const pieces = async function* (body: Buffer) {
        for (const byte of body) {
          yield Uint8Array.of(byte)
          await new Promise(setImmediate)
        }
      }
      const headers = { authorization: basic(ADMIN) }
      const send = async (body: Buffer | AsyncGenerator<Uint8Array>, more: Record<string, string> = {}) => {
        const options = { method: 'POST', body, headers: { ...headers, ...more }, duplex: 'half' }
        return (await fetch(node.url, options as unknown as RequestInit)).status
      }
      expect(await send(pieces(insert(1))), 'in pieces').to.equal(200)
      expect(await send(Buffer.concat([Buffer.from('\ufeff'), insert(2)])), 'with a mark').to.equal(200)
      expect(await send(gzipSync(insert(3)), { 'content-encoding': 'gzip' }), 'compressed').to.equal(200)
      expect(await send(insert(4), { 'content-encoding': 'identity' }), 'as it is, and says so').to.equal(200)
      expect(await send(gzipSync(insert(5)), { 'content-encoding': 'GZIP' }), 'in capitals').to.equal(200)
      const search = { operation: 'search_by_value', table: 'dog', search_attribute: 'name', search_value: 'é€😀' }
      expect(await node.ok<object[]>({ ...search, get_attributes: ['id'] })).to.deep.equal(
        [1, 2, 3, 4, 5].map((id) => ({ id })),
      )
    })
  })

  it('lets go of a request whose client leaves in the middle of its body', async () => {
    await withNode(async (node) => {
      const socket = await open(node)
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n')
      await once(socket, 'data') // It waits for the body now.
      socket.write('{')
      socket.destroy()
      await eventually('the log says that it ended', async () =>
        JSON.stringify(await node.ok({ operation: 'read_log', limit: 1000 })).includes('"status":408'),
      )
    })
  })

  it('answers 400 to a body that is not what its Content-Encoding says', async () => {
    await withNode(async (node) => {
      for (const encoding of ['gzip', 'deflate', 'br']) {
        const answer = await node.send('POST', '/', '{"operation":"describe_all"}', {
          headers: { 'content-encoding': encoding },
        })
        expect(answer, encoding)
          .to.deep.include({ status: 400 })
          .and.to.have.nested.property('body.code', 'body_not_json')
      }
      const unknown = await node.send('POST', '/', '{}', { headers: { 'content-encoding': 'zip' } })
      expect(unknown.status).to.equal(415)
    })
  })

  it('refuses bytes that are no UTF-8 instead of storing other characters, and takes those that are', async () => {
    await withNode(async ({ ok, url }) => {
      await ok({ operation: 'create_table', table: 'dog', primary_key: 'id' })
      const insert = async (name: Uint8Array, headers = {}, wrap = (body: Buffer): Uint8Array => body) => {
        const body = Buffer.concat([
          Buffer.from('{"operation":"insert","table":"dog","records":[{"id":1,"name":"'),
          name,
          Buffer.from('"}]}'),
        ])
        const response = await fetch(url, {
          method: 'POST',
          headers: { authorization: basic(ADMIN), ...headers },
          body: new Uint8Array(wrap(body)),
        })
        return { status: response.status, body: await response.json() }
      }
      for (const bytes of [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98], [0xfc, 0x28]]) {
        const plain = await insert(Uint8Array.from(bytes))
        expect(plain).to.deep.include({ status: 400 }).and.to.have.nested.property('body.code', 'body_not_utf8')
        const gzip = await insert(Uint8Array.from(bytes), { 'content-encoding': 'gzip' }, gzipSync)
        expect(code(gzip)).to.equal('body_not_utf8')
      }
      const name = 'Zoë 😀 \ufffd \ufeff'
      expect(
        (await insert(Buffer.from(name), {}, (body) => Buffer.concat([Buffer.from('\ufeff'), body]))).status,
      ).to.equal(200)
      const search = { operation: 'search_by_id', table: 'dog', ids: [1], get_attributes: ['name'] }
      expect(await ok(search)).to.deep.equal([{ name }])
    })
  })

  it('serves the generated documents', async () => {
    await withNode(async ({ send }) => {
      const openapi = await send('GET', '/openapi.json', undefined, { authorization: null })
      expect((openapi.body as { openapi: string }).openapi).to.equal('3.1.0')
      const postman = await send('GET', '/postman.json', undefined, { authorization: null })
      expect((postman.body as { info: { name: string } }).info.name).to.equal('TrellisDB')
      const metrics = await send('GET', '/metrics')
      expect(metrics.body).to.include('trellis_operation_seconds_bucket')
    })
  })
})

describe('the limits of the door', () => {
  it('refuse a body that is too large, too deep or has too many keys, before it is parsed', async () => {
    const settings = { 'http.body_bytes_max': '100000', 'http.body_keys_max': '1000' }
    await withNode(async ({ send, url }) => {
      const large = `{"operation":"ping","x":"${'y'.repeat(100_000)}"}`
      expect(code(await send('POST', '/', large))).to.equal('body_too_large')
      const pieces = async function* () {
        for (let at = 0; at < large.length; at += 10_000) yield Buffer.from(large.slice(at, at + 10_000))
      }
      const options = { method: 'POST', body: pieces(), duplex: 'half' } as unknown as RequestInit
      expect((await fetch(url, options)).status, 'without a length').to.equal(413)
      const deep = `{"operation":"ping","x":${'['.repeat(65)}${']'.repeat(65)}}`
      expect(code(await send('POST', '/', deep))).to.equal('body_too_complex')
      const wide = `{"operation":"ping","x":{${Array.from({ length: 1000 }, (_, index) => `"k${index}":1`).join()}}}`
      expect(code(await send('POST', '/', wide))).to.equal('body_too_complex')
      const colons = `{"operation":"ping","x":"${':{[\\"'.repeat(5000)}"}`
      expect(code(await send('POST', '/', colons)), 'what stands in a string does not count').to.equal(
        'invalid_request',
      )
    }, settings)
  })

  it('refuse connections beyond the limit with 429 and take new ones when old ones are closed', async () => {
    await withNode(
      async (node) => {
        const sockets = await Promise.all(Array.from({ length: 5 }, () => open(node)))
        const refused = await open(node)
        const [chunk] = (await once(refused, 'data')) as [Buffer]
        expect(chunk.toString()).to.match(/^HTTP\/1\.1 429 /)
        expect(problemIn(chunk)).to.include({ code: 'connections_too_many', limit: 5 })
        for (const socket of sockets) socket.destroy()
        await eventually('a new one is taken', () =>
          node.post({ operation: 'ping' }).then(
            ({ status }) => status === 200,
            () => false,
          ),
        )
      },
      { 'http.sockets_max': '5' },
    )
  })

  it('close on a client that is too slow with its headers or its body: 408', async () => {
    const settings = { 'http.headers_timeout_ms': '500', 'http.request_timeout_ms': '1000' }
    await withNode(async (node) => {
      const slowHeaders = await open(node)
      slowHeaders.write('POST / HTTP/1.1\r\nHost: x\r\n')
      const slowBody = await open(node)
      slowBody.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{')
      const answers = await Promise.all(
        [slowHeaders, slowBody].map(async (socket) => String((await once(socket, 'data'))[0])),
      )
      for (const answer of answers) {
        expect(answer).to.match(/^HTTP\/1\.1 408 /)
        expect(problemIn(answer)).to.include({ code: 'request_too_slow', headers: 500, request: 1000 })
      }
    }, settings)
  })

  it('say on a connection that sends no HTTP what is wrong with it, and close it', async () => {
    await withNode(async (node) => {
      for (const [text, status, problem] of [
        ['GET /health HTTP/1.1\r\nHost: x\r\nX: '.concat('y'.repeat(100_000)), 431, 'headers_too_large'],
        ['hello\r\n\r\n', 400, 'request_not_http'],
        ['GET /health HTTP/1.1\r\n\r\n', 400, 'request_not_http'],
        ['POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n', 400, 'request_not_http'],
        ['POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400, 'request_not_http'],
      ] as const) {
        const socket = await open(node)
        const closed = once(socket, 'close')
        socket.write(text)
        const [answer] = (await once(socket, 'data')) as [Buffer]
        expect(String(answer)).to.match(new RegExp(`^HTTP/1\\.1 ${status} `))
        expect(problemIn(answer)).to.include({ status, code: problem })
        await closed
      }
    })
  })

  it('do not mind what a request expects, and what it calls the node', async () => {
    await withNode(async (node) => {
      for (const headers of ['Host: x\r\nExpect: a miracle', 'Host: no host']) {
        const socket = await open(node)
        socket.write(`GET /health HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`)
        expect(String((await once(socket, 'data'))[0])).to.match(/^HTTP\/1\.1 200 /)
      }
    })
  })

  it('answer what came before on such a connection, and then close it', async () => {
    await withNode(async (node) => {
      await node.ok({ operation: 'create_table', table: 'dog', primary_key: 'id' })
      const insert = (id: number) => {
        const body = JSON.stringify({ operation: 'insert', table: 'dog', records: [{ id }] })
        return `POST / HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(ADMIN)}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      }
      const socket = await open(node)
      let answers = ''
      socket.on('data', (piece: Buffer) => {
        answers += String(piece)
      })
      socket.write(`${insert(1)}${insert(2)}hello\r\n\r\n`)
      await once(socket, 'close')
      expect(answers.match(/HTTP\/1\.1 \d+/g)).to.deep.equal(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400'])
    })
  })
})

/** The problem that the only answer of a connection tells. */
function problemIn(answer: Buffer | string): object {
  return JSON.parse(String(answer).split('\r\n\r\n')[1] ?? '') as object
}

async function open({ url }: TestNode) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}
