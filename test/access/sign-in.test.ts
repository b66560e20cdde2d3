import { expect } from 'chai'
import { Passwords } from '../../src/access/passwords.js'
import { withClock } from '../support/clock.js'
import { basic, onNode, type TestNode, withNode } from '../support/node.js'

const member = (username: string) => ({
  operation: 'register_user',
  username,
  email: `${username}@example.com`,
  password: `password of ${username}`,
})
const as = (username: string) => ({ authorization: basic({ username, password: `password of ${username}` }) })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
/** Of an answer, or of a Problem that was thrown. */
const code = (from: { body?: unknown; code?: unknown }) => ((from.body ?? from) as { code?: string }).code

async function tokenOf(node: TestNode, username: string, type = 'user'): Promise<string> {
  const { body } = await node.post({ operation: 'create_token', type }, as(username))
  return (body as { token: string }).token
}

describe('sign-in', () => {
  it('ends tokens and remembered credentials at once when the user changes', async () => {
    await withNode(async (node) => {
      await node.ok(member('rita'))
      const changes: Record<string, unknown>[] = [
        { operation: 'alter_user', username: 'rita', password: 'another password' },
        { operation: 'alter_user', username: 'rita', role: 'super_user' },
        { operation: 'alter_user', username: 'rita', active: false },
      ]
      for (const change of changes) {
        await node.ok({ operation: 'alter_user', username: 'rita', password: 'password of rita', active: true })
        const token = await tokenOf(node, 'rita')
        const pair = (await node.post({ operation: 'create_authentication_tokens' }, as('rita'))).body as Record<
          string,
          string
        >
        for (const each of [token, pair['operation_token']!])
          expect((await node.post({ operation: 'user_info' }, bearer(each))).status).to.equal(200)
        await node.ok(change)
        for (const each of [token, pair['operation_token']!])
          expect(code(await node.post({ operation: 'user_info' }, bearer(each)))).to.equal('token_invalid')
        const refresh = { operation: 'refresh_operation_token', refresh_token: pair['refresh_token'] }
        expect(code(await node.post(refresh, { authorization: null }))).to.equal('token_invalid')
        const after = await node.post({ operation: 'user_info' }, as('rita'))
        expect(after.status).to.equal('role' in change ? 200 : 401)
      }
    })
  })

  it('makes tokens that end when they were asked to, and no later than the setting', async () => {
    await withNode(async (node) => {
      const tokenFor = async (expires_in: unknown) =>
        (await node.ok<{ operation_token: string }>({ operation: 'create_authentication_tokens', expires_in }))
          .operation_token
      for (const [asked, life] of [
        [2, 2],
        ['2s', 2],
        [60, 60],
        [undefined, 86_400],
        ['1500ms', 2],
        ['10 m', 600],
        ['1w', 86_400],
      ]) {
        const [, claims] = (await tokenFor(asked)).split('.')
        const { iat, exp } = JSON.parse(Buffer.from(claims!, 'base64url').toString()) as { iat: number; exp: number }
        expect(exp - iat, String(asked)).to.equal(life)
      }
      for (const wrong of [0, -1, 1.5, '10', '0s', '1y', 'soon']) {
        const { body } = await node.post({ operation: 'create_authentication_tokens', expires_in: wrong })
        expect(code({ body }), String(wrong)).to.equal('invalid_request')
      }
      await withClock(async ({ pass }) => {
        const [token, other] = [await tokenFor(2), await tokenFor(2)]
        expect((await node.post({ operation: 'user_info' }, bearer(token))).status).to.equal(200)
        pass(2001)
        for (const each of [token, other])
          expect(code(await node.post({ operation: 'user_info' }, bearer(each)))).to.equal('token_expired')
      })
    })
  })

  it('lets no old password in that was being looked at while it became another one', async () => {
    await withNode(
      async (node) => {
        await node.ok(member('rita'))
        const { access } = node.node.services
        const shown = { ...as('rita'), address: '127.0.0.1' }
        // One hash at a time: the old password is looked at when the new one is hashed, and stored meanwhile.
        const by = { user: 'admin', credentials: { address: '' } }
        const change = access.users.alter('rita', { password: 'another password' }, by)
        const opened = await Promise.resolve(access.authenticate(shown)).catch(code)
        await change
        expect(opened).to.equal('credentials_wrong')
        expect(await Promise.resolve(access.authenticate(shown)).catch(code)).to.equal('credentials_wrong')
      },
      { 'access.password_hash_passes': '1' },
    )
  })

  it('lets no token in that was being looked at while its key was revoked', async () => {
    await withNode(async (node) => {
      const { access } = node.node.services
      const by = { user: 'admin', credentials: { address: '' } }
      for (let round = 0; round < 5; round++) {
        const tokens = await Promise.all(
          Array.from({ length: 8 }, () => node.ok<{ token: string }>({ operation: 'create_token' })),
        )
        const shown = tokens.map(({ token }) => ({ ...bearer(token), address: '127.0.0.1' }))
        let over = false
        const revoking = access.rotateKeys(true, by).finally(() => {
          over = true
        })
        for (let next = 0; !over; next++) {
          await Promise.resolve(access.authenticate(shown[next % shown.length]!)).catch(() => {})
          await new Promise((resolve) => setImmediate(resolve))
        }
        await revoking
        for (const each of shown)
          expect(await Promise.resolve(access.authenticate(each)).catch(code)).to.equal('token_invalid')
      }
    })
  })

  it('asks nobody who signed in by password for it again when tokens are revoked', async () => {
    await withNode(async (node) => {
      await node.ok(member('rita'))
      await node.post({ operation: 'user_info' }, as('rita'))
      await node.ok({ operation: 'rotate_keys', revoke: true })
      const { access } = node.node.services
      expect(access.authenticate({ ...as('rita'), address: '127.0.0.1' })).not.to.be.instanceOf(Promise)
    })
  })

  it('takes nobody on a connection for who showed something else on it before', async () => {
    await withNode(async (node) => {
      for (const name of ['rita', 'saul']) await node.ok(member(name))
      const { access } = node.node.services
      const connection = {}
      const who = async (authorization: string | undefined) =>
        Promise.resolve(access.authenticate({ authorization, address: '127.0.0.1', connection })).then(
          (caller) => caller?.username,
          code,
        )
      const { authorization } = as('rita')
      for (let time = 0; time < 3; time++) expect(await who(authorization)).to.equal('rita')
      expect(await who(as('saul').authorization)).to.equal('saul')
      expect(await who(undefined)).to.equal(undefined)
      expect(await who(basic({ username: 'rita', password: 'password of rite' }))).to.equal('credentials_wrong')
      expect(await who(authorization)).to.equal('rita')
      await node.ok({ operation: 'alter_user', username: 'rita', password: 'another password' })
      expect(await who(authorization)).to.equal('credentials_wrong')
    })
  })

  it('gives a new user of an old name nothing of the old one', async () => {
    await withNode(async (node) => {
      await node.ok(member('rita'))
      const token = await tokenOf(node, 'rita')
      const { body } = await node.post({ operation: 'add_api_key', name: 'import' }, as('rita'))
      await node.ok({ operation: 'drop_user', username: 'rita' })
      expect(code(await node.post({ operation: 'user_info' }, as('rita')))).to.equal('credentials_wrong')
      await node.ok(member('rita'))
      expect(code(await node.post({ operation: 'user_info' }, bearer(token)))).to.equal('token_invalid')
      expect(code(await node.post({ operation: 'user_info' }, bearer((body as { key: string }).key)))).to.equal(
        'api_key_invalid',
      )
    })
  })

  it('locks after ten failures, tells so in the audit log, and keeps others in', async () => {
    await withNode(
      async (node) => {
        await node.ok(member('rita'))
        const guess = (n: number) =>
          node.post({ operation: 'ping2' }, { authorization: basic({ username: 'rita', password: `guess ${n}` }) })
        for (let n = 0; n < 10; n++) expect(code(await guess(n)), String(n)).to.equal('credentials_wrong')
        const locked = await guess(10)
        expect(locked.status).to.equal(429)
        expect(Number(locked.headers['retry-after'])).to.be.within(600, 900)
        expect((await node.post({ operation: 'user_info' }, as('rita'))).status).to.equal(429)
        expect((await node.post({ operation: 'user_info' })).status).to.equal(200)
        const log = await node.ok<Record<string, unknown>[]>({
          operation: 'read_audit_log',
          changed_by: 'sign_in_locked',
        })
        expect(log.map(({ target }) => target)).to.deep.equal(['rita'])
      },
      { 'access.sign_in.failures_before_delay': '10' },
    )
  })

  it('shares one hash among requests that show the same credentials at once', async () => {
    await withNode(
      async (node) => {
        await node.ok(member('rita'))
        const answers = await Promise.all(
          Array.from({ length: 32 }, () => node.post({ operation: 'user_info' }, as('rita'))),
        )
        expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([200]))
      },
      { 'access.password_hashes_at_once_max': '1', 'access.password_hashes_waiting_max': '1' },
    )
  })

  it('stores hashes of scrypt with N = 2^15 and the passes of the settings, unless a test asks for less', async () => {
    const limits = { passes: 3, atOnceMax: 1, waitingMax: 1 }
    expect(await new Passwords(limits).hash('a password')).to.match(/^\$scrypt\$ln=15,r=8,p=3\$/)
    expect(await new Passwords({ ...limits, costLog2: 4 }).hash('a password')).to.match(/^\$scrypt\$ln=4,/)
  })

  it('says when to try again where too many wait', async () => {
    const passwords = new Passwords({ passes: 1, atOnceMax: 1, waitingMax: 0, costLog2: 4 })
    const [, refused] = await Promise.allSettled([passwords.hash('a password'), passwords.hash('another one')])
    expect(refused).to.have.property('reason').that.includes({ code: 'too_many_requests' })
    expect((refused as PromiseRejectedResult).reason.toJSON()).to.include({ retry_after_s: 1 })
  })

  it('hashes a password anew at sign-in when the costs have changed, and ends no token by it', async () => {
    await withNode(
      async (node) => {
        await node.ok(member('rita'))
        const token = await tokenOf(node, 'rita')
        await node.node[Symbol.asyncDispose]()
        await onNode(
          node.folder,
          async (again) => {
            for (let round = 0; round < 2; round++)
              expect((await again.post({ operation: 'user_info' }, as('rita'))).status).to.equal(200)
            expect((await again.post({ operation: 'user_info' }, bearer(token))).status).to.equal(200)
            const log = await again.ok<{ target: string }[]>({
              operation: 'read_audit_log',
              changed_by: 'hash_password',
            })
            expect(log.map(({ target }) => target).sort()).to.deep.equal(['admin', 'rita'])
          },
          { 'access.password_hash_passes': '2' },
        )
      },
      { 'access.password_hash_passes': '1' },
    )
  })

  it('keeps users, keys and the audit log over a restart', async () => {
    await withNode(async ({ folder, ...node }) => {
      await node.ok(member('rita'))
      const token = await tokenOf(node as TestNode, 'rita')
      const { key } = await node.ok<{ key: string }>({ operation: 'add_api_key', name: 'import', username: 'rita' })
      await node.node[Symbol.asyncDispose]()
      await onNode(folder, async (again) => {
        expect((await again.post({ operation: 'user_info' }, as('rita'))).status).to.equal(200)
        expect((await again.post({ operation: 'user_info' }, bearer(token))).status).to.equal(200)
        expect((await again.post({ operation: 'user_info' }, bearer(key))).status).to.equal(200)
        const log = await again.ok<{ operation: string }[]>({ operation: 'read_audit_log', order: 'asc' })
        expect(log.map(({ operation }) => operation)).to.deep.equal([
          'rotate_keys',
          'add_user',
          'register_user',
          'add_api_key',
        ])
      })
    })
  })
})

describe('a join token', () => {
  it('opens nothing but joining, not even making other tokens', async () => {
    await withNode(async (node) => {
      for (const authorization of [undefined, as('rita').authorization]) {
        if (authorization) await node.ok(member('rita'))
        const { body } = await node.post({ operation: 'create_token', type: 'join' }, { authorization })
        const { token } = body as { token: string }
        for (const operation of [
          'user_info',
          'create_token',
          'create_authentication_tokens',
          'list_users',
          'rotate_keys',
          'ping',
        ]) {
          const answer = await node.post({ operation }, bearer(token))
          expect(`${answer.status} ${code(answer)}`, operation).to.equal('403 forbidden')
        }
      }
    })
  })
})

describe('signing keys', () => {
  it('verify old tokens after a rotation until they are revoked', async () => {
    await withNode(async (node) => {
      await node.ok(member('rita'))
      const before = await tokenOf(node, 'rita')
      await node.ok({ operation: 'rotate_keys' })
      const between = await tokenOf(node, 'rita')
      for (const token of [before, between])
        expect((await node.post({ operation: 'user_info' }, bearer(token))).status).to.equal(200)
      await node.ok({ operation: 'rotate_keys', revoke: true })
      for (const token of [before, between])
        expect(code(await node.post({ operation: 'user_info' }, bearer(token)))).to.equal('token_invalid')
      expect((await node.post({ operation: 'user_info' }, bearer(await tokenOf(node, 'rita')))).status).to.equal(200)
    })
  })

  it('verify old tokens of every kind for as long as these were given', async () => {
    const short = { 'access.operation_token_ttl_s': '60', 'access.refresh_token_ttl_s': '60' }
    const settings = { ...short, 'access.service_token_ttl_s': '60', 'access.user_token_ttl_s': '7200' }
    await withClock((clock) =>
      withNode(async (node) => {
        await node.ok(member('rita'))
        const headers = bearer(await tokenOf(node, 'rita'))
        await node.ok({ operation: 'rotate_keys' })
        clock.pass(7_000_000)
        expect((await node.post({ operation: 'user_info' }, headers)).status).to.equal(200)
        clock.pass(200_000)
        expect(code(await node.post({ operation: 'user_info' }, headers))).to.equal('token_expired')
      }, settings),
    )
  })

  it('show only their public halves', async () => {
    await withNode(async (node) => {
      for (const path of ['/auth/key/cluster', '/auth/key/local']) {
        const { body } = await node.send('GET', path)
        expect(JSON.stringify(body)).not.to.match(/"d":/)
        expect((body as { keys: unknown[] }).keys).to.have.length(1)
      }
    })
  })
})

describe('a key for programs', () => {
  it('is narrower than its user, makes no tokens, is shown once, and ends when dropped', async () => {
    await withNode(async (node) => {
      const made = await node.ok<{ key: string; id: string }>({
        operation: 'add_api_key',
        name: 'lister',
        operations: ['list_roles', 'create_token', 'create_authentication_tokens', 'add_api_key'],
      })
      const ask = (body: Record<string, unknown>) => node.post(body, bearer(made.key))
      expect((await ask({ operation: 'list_roles' })).status).to.equal(200)
      for (const body of [
        { operation: 'list_users' },
        { operation: 'create_token' },
        { operation: 'create_authentication_tokens' },
        { operation: 'add_api_key', name: 'more' },
      ])
        expect(code(await ask(body)), body.operation).to.equal('forbidden')
      const listed = await node.ok<Record<string, unknown>[]>({ operation: 'list_api_keys' })
      expect(JSON.stringify(listed)).not.to.include(made.key.slice(-43))
      expect(listed[0]!['last_used']).to.be.closeTo(Date.now(), 60_000)
      await node.ok({ operation: 'drop_api_key', id: made.id })
      expect(code(await ask({ operation: 'list_roles' }))).to.equal('api_key_invalid')
    })
  })

  it('that may only read changes nothing, and ends when its time is over', () =>
    withClock(({ pass }) =>
      withNode(async (node) => {
        const { key } = await node.ok<{ key: string }>({
          operation: 'add_api_key',
          name: 'r',
          read_only: true,
          ttl_s: 3600,
        })
        expect((await node.post({ operation: 'user_info' }, bearer(key))).status).to.equal(200)
        const add = { operation: 'add_role', role: 'x', permission: { super_user: false } }
        expect(code(await node.post(add, bearer(key)))).to.equal('forbidden')
        pass(3_601_000)
        expect(code(await node.post({ operation: 'user_info' }, bearer(key)))).to.equal('api_key_invalid')
      }),
    ))

  it('belongs to its user: others neither see nor drop it', async () => {
    await withNode(async (node) => {
      await node.ok(member('rita'))
      await node.ok(member('otto'))
      const { body } = await node.post({ operation: 'add_api_key', name: 'r' }, as('rita'))
      const { id } = body as { id: string }
      expect((await node.post({ operation: 'list_api_keys' }, as('otto'))).body).to.deep.equal([])
      expect(code(await node.post({ operation: 'list_api_keys', username: 'rita' }, as('otto')))).to.equal('forbidden')
      expect(code(await node.post({ operation: 'drop_api_key', id }, as('otto')))).to.equal('key_unknown')
      expect((await node.post({ operation: 'drop_api_key', id }, as('rita'))).status).to.equal(200)
    })
  })
})

describe("pyql's paths of sign-in", () => {
  it('register, sign in and make tokens as pyql-cluster does', async () => {
    await withNode(async (node) => {
      const body = { username: 'rest_user', email: 'rest@user.com', password: 'abcd1234' }
      const registered = await node.send('POST', '/auth/user/register', body)
      expect([registered.status, registered.body]).to.deep.equal([201, { message: 'user created successfully' }])
      const again = await node.send('POST', '/auth/user/register', body)
      expect(again.status).to.equal(400)
      expect(again.body).to.have.property('error').that.does.not.include('abcd1234')
      const authentication = basic({ username: 'rest_user', password: 'abcd1234' })
      const pyql = (path: string) =>
        node.send('GET', path, undefined, { authorization: null, headers: { authentication } })
      const { token } = (await pyql('/auth/token/user')).body as { token: string }
      expect((await pyql('/auth/token/join')).body).to.have.all.keys('join')
      expect((await pyql('/auth/token/cluster')).status).to.equal(403)
      expect((await node.send('GET', '/auth/token/cluster')).body).to.have.all.keys('PYQL_CLUSTER_SERVICE_TOKEN')
      const info = await node.post(
        { operation: 'user_info' },
        { authorization: null, headers: { authentication: `Token ${token}` } },
      )
      expect(info.status).to.equal(200)
      expect(
        (await node.send('POST', '/auth/user/register', { ...body, password: 'short', username: 'x', email: 'x@y.z' }))
          .status,
      ).to.equal(400)
      expect((await node.send('POST', '/auth/robot/register', { username: 'robot1' })).status).to.equal(400)
      const halved = await node.send('POST', '/auth/user/register', { ...body, username: 'a:b', email: 'a@b.c' })
      expect(halved.body).to.have.property('error').that.includes('colon')
    })
  })
})
