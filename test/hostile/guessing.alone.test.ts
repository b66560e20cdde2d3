import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { expect } from 'chai'
import { Pool } from 'undici'
import { ADMIN, basic, type TestNode, withNode } from '../support/node.js'
import { type NodeProcess, withProcess } from '../support/process.js'
import { amount, show } from './amount.js'
import { probe } from './probe.js'
import { Random } from './random.js'

const admin = basic(ADMIN)
const PARALLEL = 200
const GUESSES = amount(2_000, 10_000)
/** Sender and ordinary caller share one processor here: faster, and they would measure themselves. */
const PER_SECOND = 1500
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>

/** The statuses of sign-ins with these credentials, at most PARALLEL at a time and PER_SECOND in a second. */
async function guess(node: NodeProcess, credentials: readonly string[]): Promise<Map<number, number>> {
  const pool = new Pool(node.url, { connections: PARALLEL })
  const statuses = new Map<number, number>()
  const started = performance.now()
  let begun = 0
  const worker = async () => {
    while (begun < credentials.length) {
      const authorization = credentials[begun++]!
      const due = (begun / PER_SECOND) * 1000 - (performance.now() - started)
      if (due > 0) await pause(due)
      const response = await pool.request({
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/json', authorization },
        body: '{"operation":"user_info"}',
      })
      await response.body.dump()
      statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
  await pool.destroy()
  return statuses
}

describe('guessing', () => {
  it('thousands of passwords of one user, and one password of thousands of users, 200 at once, meets the throttle; others go on', async () => {
    await withProcess(async (node) => {
      const quiet = { url: node.url, authorization: admin, body: { operation: 'user_info' } }
      await probe(quiet, pause(500))
      const alone = await probe(quiet, pause(2000))
      for (const [name, credentials] of [
        ['one user', (n: number) => basic({ username: 'admin2', password: `guess ${n}` })],
        ['one password', (n: number) => basic({ username: `user${n}`, password: 'password' })],
      ] as const) {
        const processor = node.processorSeconds()
        const started = performance.now()
        const run = guess(
          node,
          Array.from({ length: GUESSES }, (_, n) => credentials(n)),
        )
        const meanwhile = await probe(quiet, run)
        const statuses = await run
        const seconds = (performance.now() - started) / 1000
        const hashing = node.processorSeconds() - processor
        show({ name, statuses, seconds, processor: hashing, alone: `${alone}`, meanwhile: `${meanwhile}` })
        expect([...statuses.keys()].sort(), name).to.deep.equal([401, 429])
        expect(statuses.get(401)!, `${name}: passwords that were looked at`).to.be.below(300)
        expect(meanwhile.count).to.be.greaterThan(10)
        // Each of the others may have its turn before, twice; and a busy machine may hold up any single request.
        const turns = 2 * PARALLEL * alone.p50
        expect(meanwhile.p99, name).to.be.below(Math.max(2 * alone.p99, turns, 1000))
      }
      const again = await probe(quiet, pause(500))
      expect(again.count).to.be.greaterThan(10)
    })
  })

  it('10,000 changed tokens never opens the door', async () => {
    await withNode(async (node) => {
      const { token } = await node.ok<{ token: string }>({ operation: 'create_token' })
      const { access } = node.node.services
      const random = new Random(6)
      const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.='
      for (let round = 0; round < 10_000; round++) {
        const at = random.below(token.length - 1)
        const changed = token.slice(0, at) + random.of([...characters]) + token.slice(at + random.below(3))
        // The last character of a signature has bits that mean nothing.
        if (changed === token || changed.slice(0, -1) === token.slice(0, -1)) continue
        let opened = true
        try {
          await access.authenticate({ authorization: `Bearer ${changed}`, address: '127.0.0.1' })
        } catch {
          opened = false
        }
        expect(opened, changed).to.equal(false)
      }
    })
  })

  it('with forged tokens is refused: no algorithm, another algorithm, another key, another time, another use', async () => {
    await withNode(async (node) => {
      const { token } = await node.ok<{ token: string }>({ operation: 'create_token' })
      const [head, body, signature] = token.split('.') as [string, string, string]
      const { keys } = await node.ok<{ keys: { x: string; kid: string }[] }>({ operation: 'list_keys' })
      const header = decode(head)
      const claims = decode(body)
      const { privateKey } = generateKeyPairSync('ed25519')
      const signed = (newHeader: unknown, newClaims: unknown) => {
        const text = `${encode(newHeader)}.${encode(newClaims)}`
        return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`
      }
      const hmac = (secret: string | Buffer, alg: string) => {
        const text = `${encode({ ...header, alg })}.${body}`
        return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
      }
      const forged = [
        `${encode({ ...header, alg: 'none' })}.${body}.`,
        `${encode({ ...header, alg: 'None' })}.${body}.${signature}`,
        `${head}.${body}.`,
        `${head}.${body}`,
        `${head}.${encode({ ...claims, sub: 'root' })}.${signature}`,
        `${head}.${encode({ ...claims, exp: 9e9 })}.${signature}`,
        hmac(Buffer.from(keys[0]!.x, 'base64url'), 'HS256'),
        hmac(JSON.stringify(keys[0]), 'HS256'),
        signed(header, claims),
        signed({ ...header, kid: '../../../../dev/null' }, claims),
        signed({ ...header, kid: "x' union select 1 --" }, claims),
        signed({ ...header, kid: '__proto__' }, claims),
        signed(
          { alg: 'EdDSA', jwk: { kty: 'OKP', crv: 'Ed25519', x: privateKey.export({ format: 'jwk' }).x } },
          claims,
        ),
        signed({ ...header, jku: 'http://127.0.0.1:1/keys' }, claims),
        signed({ ...header, crit: ['exp'] }, claims),
      ]
      const pair = await node.ok<Record<string, string>>({ operation: 'create_authentication_tokens' })
      forged.push(pair['refresh_token']!)
      for (const each of forged)
        expect(
          (await node.post({ operation: 'user_info' }, { authorization: `Bearer ${each}` })).status,
          each,
        ).to.equal(401)
    })
  })

  it('with odd credentials and odd names of operations changes nothing', async () => {
    await withNode(async (node: TestNode) => {
      const before = JSON.stringify(await node.ok({ operation: 'list_users' }))
      const drop = { operation: 'drop_user', username: 'admin' }
      for (const authorization of [
        null,
        '',
        ' ',
        'Basic',
        'Basic ',
        'Basic Og==',
        'Basic YWRtaW4=',
        'Basic YWRtaW46',
        basic({ username: 'ADMIN', password: ADMIN.password }),
        basic({ username: 'admin ', password: ADMIN.password }),
        basic({ username: 'admin', password: `${ADMIN.password}\0` }),
        basic({ username: '__proto__', password: '' }),
        basic({ username: 'constructor', password: 'x' }),
        'Bearer null',
        'Bearer undefined',
        'Bearer trellis_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
        'Digest username="admin"',
        `Basic ${'A'.repeat(8000)}`,
      ])
        expect((await node.post(drop, { authorization })).status, String(authorization)).to.be.oneOf([401, 429])
      for (const operation of [
        ['drop_user'],
        { drop_user: 1 },
        '__proto__',
        'constructor',
        'DROP_USER',
        'drop_user ',
        'drop_ｕser',
        '\0',
        7,
        null,
        true,
      ])
        expect(
          (await node.post({ ...drop, operation }, { authorization: null })).status,
          JSON.stringify(operation),
        ).to.be.oneOf([400, 401])
      expect(JSON.stringify(await node.ok({ operation: 'list_users' }))).to.equal(before)
    })
  })
})
