import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, connect as dial, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { connect, TrellisProblem, TrellisUnreachable } from '../../src/client/index.js'
import { ADMIN, withNode } from '../support/node.js'

describe('the typed client', () => {
  it('has one method for each operation, with the types of the contract', () =>
    withNode(async ({ url }) => {
      const db = connect({ url, ...ADMIN })
      const { state, uptime_s }: { state: 'starting' | 'ready' | 'stopping'; uptime_s: number } = await db.status()
      expect(state).to.equal('ready')
      expect(uptime_s).to.be.a('number')
      const { operation_token } = await db.createAuthenticationTokens({
        username: ADMIN.username,
        password: ADMIN.password,
      })
      expect((await connect({ url, token: async () => operation_token }).userInfo()).username).to.equal('admin')
      // @ts-expect-error the contract says that a name is a text
      const wrong = await db.describeOperations({ name: 1 }).catch((error: unknown) => error)
      expect(wrong).to.include({ code: 'invalid_request' })
    }))

  it('throws problems as a typed error', () =>
    withNode(async ({ url }) => {
      const error = await connect({ url, username: 'admin', password: 'wrong' })
        .userInfo()
        .catch((caught: unknown) => caught)
      expect(error).to.be.instanceOf(TrellisProblem)
      expect(error).to.include({ code: 'credentials_wrong', status: 401, retry: false, message: 'Login failed' })
      expect((error as TrellisProblem).requestId).to.be.a('string')
    }))

  it('answers texts of other types as text and streams unread', () =>
    withNode(async ({ url }) => {
      const db = connect({ url, ...ADMIN })
      expect(await db.metrics())
        .to.be.a('string')
        .and.contain('# HELP')
      expect(await (await db.open('metrics')).text()).to.contain('# HELP')
    }))

  it('tries again when the connection breaks, and only as often as it was told', () =>
    withNode(async ({ url }) => {
      await using broken = await breakingProxy(url, 2)
      const db = connect({ url: broken.url, ...ADMIN, retries: 2, pauseMs: 1 })
      expect(await db.ping()).to.deep.equal({ message: 'pong', pong: true })
      expect(broken.connections()).to.equal(3)
      await using dead = await breakingProxy(url, Number.POSITIVE_INFINITY)
      const error = await connect({ url: dead.url, retries: 1, pauseMs: 1 })
        .ping()
        .catch((caught: unknown) => caught)
      expect(error).to.be.instanceOf(TrellisUnreachable)
      expect(dead.connections()).to.equal(2)
    }))

  it('runs a change once when the answer got lost: the second attempt carries the same idempotency key', () =>
    withNode(async ({ url, node }) => {
      const { createTable } = connect({ url, ...ADMIN })
      await createTable({ database: 'dev', table: 'dog', primary_key: 'id' })
      await using losing = await breakingProxy(url, 1, 'answer')
      const db = connect({ url: losing.url, ...ADMIN, pauseMs: 1 })
      const { inserted_hashes: keys } = await db.insert({ database: 'dev', table: 'dog', records: [{ name: 'Penny' }] })
      expect(losing.connections()).to.equal(2)
      using snapshot = node.services.tables.snapshot()
      const rows = [...snapshot.table('dev', 'dog')!.scan()]
      expect(rows.map(({ id }) => id)).to.deep.equal(keys)
    }))

  it('is found under its name in the package, with its types', async () => {
    const root = fileURLToPath(new URL('../../..', import.meta.url))
    const program = "import { connect } from 'trellisdb/client'; process.stdout.write(typeof connect)"
    const run = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: root })
    expect(run.stdout).to.equal('function')
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      exports: Record<string, { types: string }>
    }
    const types = readFileSync(join(root, exports['./client']!.types), 'utf8')
    expect(types).to.contain('type Client')
  })

  it('stops waiting when the time is over, and at once when the caller wants it', async () => {
    const sockets: Socket[] = []
    const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    try {
      const late = await connect({ url, timeoutMs: 50, retries: 0 })
        .ping()
        .catch((caught: unknown) => caught)
      expect(late).to.be.instanceOf(TrellisUnreachable)
      expect((late as Error).message).to.contain('nothing came within 50 ms')
      const reason = new Error('the user left')
      const aborted = connect({ url })
        .ping({}, { signal: AbortSignal.abort(reason) })
        .catch((caught: unknown) => caught)
      expect(await aborted).to.equal(reason)
    } finally {
      for (const socket of sockets) socket.destroy()
      silent.close()
    }
  })

  it('waits longer than a timer can, asks below the path of a proxy, and passes on why there is no token', () =>
    withNode(async ({ url }) => {
      expect(await connect({ url, ...ADMIN, timeoutMs: Number.POSITIVE_INFINITY, retries: 0 }).ping()).to.include({
        pong: true,
      })
      const asked: string[] = []
      const noting = (async (address: string) => {
        asked.push(address)
        return Response.json({ pong: true })
      }) as unknown as typeof fetch
      for (const at of ['https://x.org', 'https://x.org/db', 'https://x.org/db/?a=1#b'])
        await connect({ url: at, fetch: noting }).ping()
      expect(asked).to.deep.equal(['https://x.org/', 'https://x.org/db/', 'https://x.org/db/'])
      expect(() => connect({ url: 'http://ann:secret@x.org' })).to.throw(TypeError, 'must not hold a name')
      expect(() => connect({ url: 'localhost:9925' })).to.throw(TypeError, 'must begin with http')
      const reason = new Error('signed out')
      const tokens = connect({ url, token: () => Promise.reject(reason) }).ping()
      expect(await tokens.catch((error: unknown) => error)).to.equal(reason)
    }))

  it('says how bytes are read, which no text can hold, and asks once', () =>
    withNode(async ({ url }) => {
      let asked = 0
      const counting = ((...request: Parameters<typeof fetch>) => {
        asked++
        return fetch(...request)
      }) as typeof fetch
      const db = connect({ url, ...ADMIN, fetch: counting, pauseMs: 1 })
      const error = await db.createBackup().catch((caught: unknown) => caught)
      expect(error).to.have.property('message').that.includes("open('create_backup')")
      expect(asked).to.equal(1)
      const head = await (await db.open('create_backup')).arrayBuffer()
      expect(Buffer.from(head).toString('latin1', 0, 13)).to.equal('manifest.json')
    }))

  it('tries again when a date says, as proxies give it', async () => {
    const busy = (seconds: number) => {
      const headers = { 'Retry-After': new Date(Date.now() + seconds * 1000).toUTCString() }
      return Promise.resolve(new Response('busy', { status: 503, headers }))
    }
    let asked = 0
    const later = (() => {
      asked++
      return busy(3600)
    }) as unknown as typeof fetch
    const error = await connect({ url: 'http://x.org', fetch: later })
      .ping()
      .catch((caught: unknown) => caught)
    expect(error).to.include({ status: 503 })
    expect(asked, 'in an hour').to.equal(1)
    const now = (() => (asked++ < 3 ? busy(-5) : Promise.resolve(Response.json({ pong: true })))) as typeof fetch
    expect(await connect({ url: 'http://x.org', fetch: now, pauseMs: 1 }).ping()).to.include({ pong: true })
  })

  it('does not wait for a token longer than for an answer', async () => {
    const url = 'http://127.0.0.1:9'
    const token = () => new Promise<string>(() => {})
    const reason = new Error('the user left')
    const leaving = new AbortController()
    const left = connect({ url, token }).ping({}, { signal: leaving.signal })
    leaving.abort(reason)
    expect(await left.catch((caught: unknown) => caught)).to.equal(reason)
    const late = await connect({ url, token, timeoutMs: 20, retries: 0 })
      .ping()
      .catch((caught: unknown) => caught)
    expect(late).to.be.instanceOf(TrellisUnreachable)
  })

  it('needs nothing of Node: it runs where only the globals of browsers are', () =>
    withNode(async ({ url }) => {
      const program = fileURLToPath(new URL('../support/bare-context.js', import.meta.url))
      const client = new URL('../../src/client/index.js', import.meta.url).href
      const args = ['--no-warnings', '--experimental-vm-modules', program, client, url, ADMIN.password]
      const { stdout } = await promisify(execFile)(process.execPath, args)
      expect(JSON.parse(stdout)).to.deep.equal({ message: 'pong', username: 'admin', refused: 'operation_unknown' })
    }))
})

/**
 * A door before a node that breaks the first connections and lets the others through: when the request comes, or when
 * its answer comes back.
 */
async function breakingProxy(target: string, breaks: number, when: 'request' | 'answer' = 'request') {
  let seen = 0
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    const breaking = seen++ < breaks
    if (breaking && when === 'request') return socket.once('data', () => socket.destroy())
    const { hostname, port } = new URL(target)
    const onward = dial(Number(port), hostname)
    open.add(onward)
    onward.on('error', () => socket.destroy())
    socket.pipe(onward)
    if (breaking) onward.once('data', () => socket.destroy())
    else onward.pipe(socket)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => seen,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
