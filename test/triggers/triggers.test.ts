import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventually } from '../support/eventually.js'
import { type Hook, openHook } from '../support/hook.js'
import { basic, onNode, type TestNode, withNode } from '../support/node.js'

const settings = {
  'webhooks.allow': '127.0.0.1',
  'webhooks.backoff_first_ms': '5',
  'webhooks.backoff_max_ms': '50',
  'triggers.schedule_check_ms': '20',
}
const place = { database: 'shop', table: 'visits', trigger: 'thanks' }
const script = `def on_insert():
    match where action == 'buy':
        return 'thanks for ' + str(COUNT action where action == 'buy')
`

async function prepare(node: TestNode, hook: Hook, text = script, more: object = {}): Promise<void> {
  const columns = [{ name: 'page', type: 'text' }]
  await node.ok({ operation: 'create_table', database: 'shop', table: 'visits', kind: 'events', columns })
  await node.ok({ operation: 'create_trigger', ...place, script: text })
  await subscribe(node, hook, more)
}

function subscribe(node: TestNode, hook: Hook, more: object = {}): Promise<unknown> {
  const address = { host: '127.0.0.1', port: hook.port, path: '/in?a=1' }
  return node.ok({ operation: 'subscribe_trigger', ...place, subscriber: 'mailer', ...address, ...more })
}

let stamp = 1_600_000_000_000
function insert(node: TestNode, person: string | number, action: string): Promise<unknown> {
  const events = [{ person, stamp: stamp++, action, _: { page: 'home' } }]
  return node.ok({ operation: 'insert_events', database: 'shop', table: 'visits', events })
}

interface View {
  failures: number
  last_failure?: string
  subscribers: { waiting: number; dead_letters: number; failures: number; last_failure?: string }[]
}
const describeTrigger = (node: TestNode) => node.ok<View>({ operation: 'describe_trigger', ...place })

/** A figure of the node, all its labels added up, or one of them. */
async function figure(node: TestNode, name: string): Promise<number> {
  const lines = String((await node.send('GET', '/metrics')).body).split('\n')
  const own = lines.filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
  expect(own, name).to.not.deep.equal([])
  return own.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

describe('triggers', () => {
  it('tell the paths of their web-hooks to those only who may change them, and secrets to nobody', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(node, hook, script, { path: '/in?token=hush', secret: 'whsec_aHVzaA==' })
      const reader = { username: 'reader', password: 'a-password-of-readers' }
      await node.ok({ operation: 'add_user', ...reader, role: 'member' })
      await node.ok({ operation: 'share_database', database: 'shop', username: 'reader', level: 'write' })
      for (const request of [
        { operation: 'describe_trigger', ...place },
        { operation: 'list_triggers', ...place, trigger: undefined },
      ]) {
        const whole = JSON.stringify(await node.ok(request))
        expect(whole).to.include('/in?token=hush').and.not.to.include('whsec')
        const { status, body } = await node.post(request, { authorization: basic(reader) })
        expect([status, JSON.stringify(body)]).to.deep.equal([200, whole.replace('"path":"/in?token=hush",', '')])
      }
    }, settings)
  })

  it('refuse a secret that would be no key', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(node, hook)
      const address = { host: '127.0.0.1', port: hook.port }
      for (const secret of ['whsec_###', 'whsec_====', 'short']) {
        const request = { operation: 'subscribe_trigger', ...place, subscriber: 'mailer', ...address, secret }
        expect((await node.post(request)).body, secret).to.include({ code: 'invalid_request' })
      }
    }, settings)
  })

  it('are gone with their database', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(node, hook)
      expect(node.node.services.triggers.measure().triggers).to.equal(1)
      await node.ok({ operation: 'drop_database', database: 'shop' })
      expect(node.node.services.triggers.measure().triggers).to.equal(0)
    }, settings)
  })

  it('go on delivering after a queue was full, and show in the figures what waits, what died and what went out', async () => {
    await using hook = await openHook()
    await withNode(
      async (node) => {
        await prepare(node, hook)
        hook.status = 500
        for (let i = 0; i < 5; i++) await insert(node, 'anna', 'buy')
        const described = async () => (await describeTrigger(node)).subscribers[0]!
        const nobodyWaits = () => eventually('nobody waits', async () => (await described()).waiting === 0)
        await eventually('all are there', async () => {
          const { waiting, dead_letters } = await described()
          return waiting + dead_letters === 5
        })
        expect(await described()).to.include({ waiting: 2, dead_letters: 3 })
        expect(await figure(node, 'trellis_trigger_messages_waiting')).to.equal(2)
        expect(await figure(node, 'trellis_trigger_oldest_message_seconds')).to.be.greaterThan(0)
        expect(await figure(node, 'trellis_trigger_dead_letters')).to.equal(3)
        expect(await figure(node, 'trellis_webhook_calls_total{outcome="failed"}')).to.be.greaterThan(0)
        hook.status = 204
        await hook.until(2)
        await insert(node, 'ben', 'buy')
        await hook.until(3)
        // What the hook has taken waits until that is written down; what is sent again needs the place.
        await nobodyWaits()
        await node.ok({ operation: 'resend_dead_letters', ...place, subscriber: 'mailer' })
        await hook.until(5)
        await nobodyWaits()
        expect(await figure(node, 'trellis_trigger_messages_total{outcome="delivered"}')).to.equal(hook.taken.length)
        expect(await figure(node, 'trellis_trigger_messages_total{outcome="dead"}')).to.be.within(3, 4)
        expect(await figure(node, 'trellis_trigger_oldest_message_seconds')).to.equal(0)
        expect(await figure(node, 'trellis_triggers')).to.equal(1)
        expect(await figure(node, 'trellis_events_total{outcome="inserted"}')).to.equal(6)
        const bad = { database: 'shop', table: 'visits', events: [{ person: 'x' }] }
        await node.ok({ operation: 'insert_events', ...bad })
        expect(await figure(node, 'trellis_events_total{outcome="rejected"}')).to.equal(1)
        await node.ok({ operation: 'query_events', database: 'shop', table: 'visits', script: 'tally(person)\n' })
        expect(await figure(node, 'trellis_event_scans_total{kind="event"}')).to.equal(1)
        expect(await figure(node, 'trellis_event_people_scanned_total')).to.equal(2)
        const segment = '@segment all ttl=1h:\n    tally\n'
        await node.ok({ operation: 'query_segments', database: 'shop', table: 'visits', script: segment })
        expect(await figure(node, 'trellis_event_segments')).to.equal(1)
        expect(await figure(node, 'trellis_event_file_bytes')).to.be.greaterThan(0)
      },
      { ...settings, 'webhooks.queue_max': '2' },
    )
  })

  it('keep as many dead letters as webhooks.dead_letters_max says where the queue is full, the latest', async () => {
    await using hook = await openHook()
    await withNode(
      async (node) => {
        await prepare(node, hook)
        hook.status = 500
        const dead = async () => {
          const request = { operation: 'list_dead_letters', ...place, subscriber: 'mailer' }
          const { dead_letters } = await node.ok<{ dead_letters: { uid: unknown }[] }>(request)
          return dead_letters.map(({ uid }) => uid)
        }
        for (let person = 1; person <= 6; person++) {
          await insert(node, person, 'buy')
          // Messages of different partitions may overtake each other.
          await eventually('its message has come', async () => {
            const { waiting } = (await describeTrigger(node)).subscribers[0]!
            return waiting === 1 && (person === 1 || (await dead()).includes(person))
          })
        }
        expect(await dead()).to.deep.equal([5, 6])
        expect((await describeTrigger(node)).subscribers[0]).to.include({ waiting: 1, dead_letters: 2 })
        await node.ok({ operation: 'resend_dead_letters', ...place, subscriber: 'mailer' })
        expect(await dead()).to.deep.equal([5, 6])
        expect((await describeTrigger(node)).subscribers[0]).to.include({ waiting: 1, dead_letters: 2 })
      },
      { ...settings, 'webhooks.queue_max': '1', 'webhooks.dead_letters_max': '2' },
    )
  })

  it('wake a delivery once for the messages that come at once: each exception costs as much as a message', async () => {
    await using hook = await openHook()
    const { abort } = AbortController.prototype
    let aborts = 0
    try {
      await withNode(async (node) => {
        await prepare(node, hook)
        const events = Array.from({ length: 2_000 }, (_, at) => ({
          ...{ person: `p${at}`, stamp: at, action: 'buy', _: { page: 'home' } },
        }))
        AbortController.prototype.abort = function (this: AbortController, ...reason) {
          aborts++
          abort.apply(this, reason)
        }
        await node.ok({ operation: 'insert_events', database: 'shop', table: 'visits', events })
        await hook.until(events.length)
        expect(aborts).at.most(events.length / 10)
      }, settings)
    } finally {
      AbortController.prototype.abort = abort
    }
  })

  it('send what on_insert returns, for every insert that returns something, in order', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(node, hook)
      expect(hook.calls[0]!.text).to.equal('{"events":[]}')
      await insert(node, 'anna', 'view')
      for (const [i, person] of ['anna', 'anna', 7].entries()) {
        await insert(node, person, 'buy')
        await hook.until(i + 1)
      }
      expect(hook.taken.map(({ uid, message, method }) => [uid, message, method])).to.deep.equal([
        ['anna', 'thanks for 1', 'on_insert'],
        ['anna', 'thanks for 2', 'on_insert'],
        [7, 'thanks for 1', 'on_insert'],
      ])
      const { url, messages, headers } = hook.calls[1]!
      expect(url.pathname).to.equal('/in')
      expect(Object.fromEntries(url.searchParams)).to.include({ a: '1', revent: 'thanks', subscriber: 'mailer' })
      expect(url.searchParams.get('count')).to.equal(String(messages.length))
      expect(messages[0]!.stamp_iso).to.equal(new Date(messages[0]!.stamp).toISOString().replace('.000Z', 'Z'))
      expect(headers['webhook-signature']).to.equal(undefined)
    }, settings)
  })

  it('sign what they send when there is a secret', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      const key = Buffer.from('a secret of twenty-four b')
      await prepare(node, hook, script, { secret: `whsec_${key.toString('base64')}` })
      await insert(node, 'anna', 'buy')
      await hook.until(1)
      const { headers, text } = hook.calls.at(-1)!
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`
      const mac = createHmac('sha256', key).update(signed).digest('base64')
      expect(headers['webhook-signature']).to.equal(`v1,${mac}`)
      expect(JSON.stringify(await describeTrigger(node))).to.not.contain(key.toString('base64'))
    }, settings)
  })

  it('try again while the hook fails, with the same messages, and lose none', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(node, hook)
      hook.status = 500
      for (let i = 0; i < 5; i++) await insert(node, `p${i}`, 'buy')
      while (hook.calls.length < 5) await new Promise((resolve) => setTimeout(resolve, 10))
      let view = await describeTrigger(node)
      while (view.subscribers[0]!.waiting < 5) view = await describeTrigger(node)
      expect(view.subscribers[0]).to.include({ waiting: 5, dead_letters: 0 })
      expect(view.subscribers[0]!.last_failure).to.contain('it answered 500')
      const ids = new Set(hook.calls.slice(1).map(({ headers, text }) => `${headers['webhook-id']} ${text}`))
      hook.status = 302 // leads to an address of the inside, which is not followed
      while (hook.calls.length < 8) await new Promise((resolve) => setTimeout(resolve, 10))
      hook.status = 200
      await hook.until(5)
      expect(ids.size).to.equal(1)
      expect(hook.taken.map(({ uid }) => uid)).to.have.members(['p0', 'p1', 'p2', 'p3', 'p4'])
    }, settings)
  })

  it('go to another address at once, also when it is given while the one before is being called', async () => {
    await using silent = await openHook()
    await using hook = await openHook()
    await withNode(
      async (node) => {
        await prepare(node, silent)
        silent.status = 0
        await insert(node, 'anna', 'buy')
        await eventually('it is called', () => silent.calls.length === 2)
        await subscribe(node, hook)
        await hook.until(1)
      },
      {
        ...settings,
        'webhooks.timeout_ms': '1000',
        'webhooks.backoff_first_ms': '900000',
        'webhooks.backoff_max_ms': '900000',
      },
    )
  })

  it('emit once for a person, and never again', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(
        node,
        hook,
        "def on_insert():\n    schedule(50, 'later')\n    if action == 'buy':\n        emit('once')\n\ndef later():\n    return 'never'\n",
      )
      await insert(node, 'anna', 'buy')
      await hook.until(1)
      await insert(node, 'anna', 'buy')
      await insert(node, 'ben', 'buy')
      await hook.until(2)
      await new Promise((resolve) => setTimeout(resolve, 200))
      expect(hook.taken.map(({ uid, message }) => [uid, message])).to.deep.equal([
        ['anna', 'once'],
        ['ben', 'once'],
      ])
    }, settings)
  })

  it('run scheduled functions, once for a person and function, after a restart too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-triggers-'))
    await using hook = await openHook()
    try {
      await onNode(
        folder,
        async (node) => {
          await prepare(
            node,
            hook,
            "def on_insert():\n    schedule(700, 'later')\n\ndef later():\n    return str(COUNT action) + ' events'\n",
          )
          await insert(node, 'anna', 'a')
          await insert(node, 'anna', 'b')
        },
        // Nothing that is due runs in this life.
        { ...settings, 'triggers.schedule_check_ms': '3600000' },
      )
      expect(hook.taken).to.have.length(0)
      await onNode(folder, async () => hook.until(1), settings)
      expect(hook.taken.map(({ uid, message, method }) => [uid, message, method])).to.deep.equal([
        ['anna', '2 events', 'later'],
      ])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('turn messages that are too old into dead letters, which can be read and sent again', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(node, hook, script, { retention: 1000 })
      hook.status = 500
      await insert(node, 'anna', 'buy')
      let letters: { uid: string; message: string; reason: string }[] = []
      while (letters.length === 0) {
        const request = { operation: 'list_dead_letters', ...place, subscriber: 'mailer' }
        letters = (await node.ok<{ dead_letters: typeof letters }>(request)).dead_letters
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      expect(letters[0]).to.include({ uid: 'anna', message: 'thanks for 1' })
      expect(letters[0]!.reason).to.contain('500')
      hook.status = 200
      const again = await node.ok<{ resent: number }>({
        operation: 'resend_dead_letters',
        ...place,
        subscriber: 'mailer',
      })
      expect(again.resent).to.equal(1)
      await hook.until(1)
    }, settings)
  })

  it('go on when a script fails for one person, and say so', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(
        node,
        hook,
        "def on_insert():\n    x = 1\n    if person == 'bad':\n        x = 'a' in 'b'\n    return person\n",
      )
      const events = ['good', 'bad', 'fine'].map((person) => ({ person, stamp: 1_600_000_000, action: 'a', _: {} }))
      await node.ok({ operation: 'insert_events', database: 'shop', table: 'visits', events })
      await hook.until(2)
      expect(hook.taken.map(({ uid }) => uid).sort()).to.deep.equal(['fine', 'good'])
      const view = await describeTrigger(node)
      expect(view).to.include({ failures: 1 })
      expect(view.last_failure).to.match(/^Line 4: /)
    }, settings)
  })

  it('fail where what they schedule is at no time', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      const times = ["'soon'", 'None', '-1', '1000000000 * 1000000000']
      const chosen = times
        .map((time, at) => `    if person == 'p${at}':\n        schedule(${time}, 'later')\n`)
        .join('')
      await prepare(node, hook, `def on_insert():\n${chosen}    return 'well'\n\ndef later():\n    return 'never'\n`)
      const people = [...times.keys()].map((at) => `p${at}`)
      for (const person of [...people, 'another']) await insert(node, person, 'view')
      await hook.until(1)
      expect(hook.taken.map(({ message, uid }) => [message, uid])).to.deep.equal([['well', 'another']])
      const view = await describeTrigger(node)
      expect(view.failures).to.equal(times.length)
      expect(view.last_failure).to.match(/^Line 9: 'schedule' takes a number of milliseconds/)
    }, settings)
  })

  it('work by the paths of OpenSet', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      const headers = { 'content-type': 'text/plain' }
      await node.ok({ operation: 'create_table', database: 'data', table: 'visits', kind: 'events', columns: [] })
      const made = await node.send('POST', '/v1/revent/visits/trigger/hello', script, { headers })
      expect(made).to.deep.include({ status: 200, body: { message: 'created', table: 'visits', reevent: 'hello' } })
      const address = `host=127.0.0.1&port=${hook.port}&path=/x`
      const sub = await node.send('GET', `/v1/revent/visits/trigger/hello/sub/one?${address}`)
      expect(sub.body).to.deep.equal({ message: 'created', table: 'visits', reevent: 'hello', sub: 'one' })
      const put = await node.send('PUT', '/v1/revent/visits/trigger/hello/sub/two', {
        host: '127.0.0.1',
        port: hook.port,
      })
      expect(put.status).to.equal(200)
      const described = await node.send('GET', '/v1/table/visits/revent/hello')
      expect((described.body as { subscribers: unknown[] }).subscribers).to.have.length(2)
      expect((await node.send('DELETE', '/v1/revent/visits/trigger/hello/sub/two')).status).to.equal(200)
      expect((await node.send('DELETE', '/v1/revent/visits/trigger/hello')).status).to.equal(200)
      expect((await node.send('GET', '/v1/revent/visits/trigger/hello')).status).to.equal(404)
    }, settings)
  })

  it('never keep inserts or the end of a node waiting for a hook that does not answer', async () => {
    await using hook = await openHook()
    // Whoever waited for a call would wait for longer than this test may take.
    const patient = { ...settings, 'webhooks.timeout_ms': '3600000' }
    await withNode(async (node) => {
      await prepare(node, hook)
      hook.status = 0
      for (let i = 0; i < 40; i++) await insert(node, `p${i}`, 'buy')
      expect((await describeTrigger(node)).subscribers[0]!.waiting).to.be.above(0)
    }, patient)
  })

  it('rest, and say why, when a column that they name is dropped', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-triggers-'))
    await using hook = await openHook()
    try {
      await onNode(
        folder,
        async (node) => {
          await prepare(node, hook, 'def on_insert():\n    return column.page\n')
          await insert(node, 'anna', 'view')
          await hook.until(1)
          await node.ok({ operation: 'drop_attribute', database: 'shop', table: 'visits', attribute: 'page' })
          await insert(node, 'anna', 'leave')
        },
        settings,
      )
      await onNode(
        folder,
        async (node) => {
          expect((await describeTrigger(node)).last_failure).to.equal("Line 2: There is no column 'page'.")
          await node.ok({ operation: 'create_trigger', ...place, script: 'def on_insert():\n    return action\n' })
          await insert(node, 'ben', 'view')
          await hook.until(2)
          expect(hook.taken.map(({ message }) => message)).to.deep.equal(['home', 'view'])
        },
        settings,
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('go with their table', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(node, hook)
      await node.ok({ operation: 'drop_table', database: 'shop', table: 'visits' })
      await node.ok({ operation: 'create_table', database: 'shop', table: 'visits', kind: 'events', columns: [] })
      expect(await node.ok({ operation: 'list_triggers', database: 'shop', table: 'visits' })).to.deep.equal({
        triggers: [],
      })
    }, settings)
  })
})
