import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { TriggerStore } from '../../src/triggers/store.js'
import { eventually } from '../support/eventually.js'
import { type Hook, openHook } from '../support/hook.js'
import { onNode, type TestNode, withNode } from '../support/node.js'
import { withSmallDisk } from '../support/small-disk.js'
import { openStore, withFolder } from '../support/store.js'

const settings = {
  'webhooks.allow': '127.0.0.1',
  'webhooks.backoff_first_ms': '5',
  'webhooks.backoff_max_ms': '50',
  'triggers.schedule_check_ms': '20',
}
const table = { database: 'shop', table: 'visits' }
const place = { ...table, trigger: 'thanks' }
const create = { operation: 'create_trigger', ...place, script: 'def on_insert():\n    return person\n' }
const drop = { operation: 'drop_trigger', ...place }
const unsubscribe = { operation: 'unsubscribe_trigger', ...place, subscriber: 'mailer' }
const resend = { operation: 'resend_dead_letters', ...place, subscriber: 'mailer' }
const subscription = ({ port }: { port: number }, more: object = {}) => ({
  ...{ operation: 'subscribe_trigger', ...place, subscriber: 'mailer', host: '127.0.0.1', port },
  ...more,
})

async function prepare(node: TestNode, hook: Hook, more: object = {}): Promise<void> {
  await node.ok({ operation: 'create_table', ...table, kind: 'events', columns: [] })
  await node.ok(create)
  await node.ok(subscription(hook, more))
}

let stamp = 1_600_000_000
const insertion = (person: string) => ({
  operation: 'insert_events',
  ...table,
  events: [{ person, stamp: stamp++, action: 'buy', _: {} }],
})

interface View {
  subscribers: { sub: string; waiting: number; dead_letters: number; failures: number; signed: boolean }[]
}
const subscribers = async (node: TestNode) =>
  (await node.ok<View>({ operation: 'describe_trigger', ...place })).subscribers
const mailer = async (node: TestNode) => (await subscribers(node))[0]!
const people = (hook: Hook) => hook.taken.map(({ uid }) => uid)
const codes = async (node: TestNode, requests: readonly object[]) =>
  (await Promise.all(requests.map((request) => node.post(request)))).map(({ status }) => status)

describe('triggers on a full disk', () => {
  it('go on when they could not be dropped, with their subscribers', async function () {
    await using hook = await openHook()
    const mayMount = await withSmallDisk(64, (disk) =>
      onNode(
        join(disk.folder, 'data'),
        async (node) => {
          await prepare(node, hook)
          disk.fill()
          expect(await codes(node, [unsubscribe, drop])).to.deep.equal([507, 507])
          disk.free()
          expect(await mailer(node)).to.include({ sub: 'mailer' })
          await node.ok(insertion('anna'))
          await hook.until(1)
          expect(people(hook)).to.deep.equal(['anna'])
        },
        settings,
      ),
    )
    if (!mayMount) this.skip()
  })

  it('do not bring the same messages again and again while it cannot be stored that they were taken', async function () {
    await using hook = await openHook()
    const mayMount = await withSmallDisk(64, (disk) =>
      onNode(
        join(disk.folder, 'data'),
        async (node) => {
          await prepare(node, hook)
          hook.status = 503
          await node.ok(insertion('anna'))
          await eventually('it was tried', async () => (await mailer(node)).failures > 0)
          disk.fill()
          hook.status = 204
          await hook.until(1)
          await sleep(400)
          disk.free()
          await eventually('nobody waits', async () => (await mailer(node)).waiting === 0)
          expect(people(hook)).to.deep.equal(['anna'])
        },
        settings,
      ),
    )
    if (!mayMount) this.skip()
  })

  it('are forgotten with their table, and what is stored of them goes when there is space', async function () {
    const PEOPLE = 20_000
    await using hook = await openHook()
    const mayMount = await withSmallDisk(128, (disk) =>
      onNode(
        join(disk.folder, 'data'),
        async (node) => {
          await prepare(node, hook)
          hook.status = 503
          const one = insertion('anna')
          const events = Array.from({ length: PEOPLE }, (_, at) => ({ ...one.events[0], person: `p${at}` }))
          await node.ok({ ...one, events })
          await eventually('all letters are there', async () => (await mailer(node)).waiting === PEOPLE)
          // They are counted before they are on disk; what is written behind them is answered when they are.
          await node.ok({ operation: 'create_database', database: 'behind' })
          // Enough for the catalogue, and not for so many letters.
          disk.fill((4 << 20) + 1_200_000)
          await node.ok({ operation: 'drop_table', ...table })
          const triggers = () => node.node.services.triggers.measure().triggers
          expect(triggers()).to.equal(1)
          disk.free()
          await eventually('the trigger is gone', () => triggers() === 0)
        },
        settings,
      ),
    )
    if (!mayMount) this.skip()
  })

  it('of a table that is gone keep no node from starting', async function () {
    const mayMount = await withSmallDisk(64, async (disk) => {
      const folder = join(disk.folder, 'data')
      await onNode(
        folder,
        async (node) => {
          await node.ok({ operation: 'create_table', ...table, kind: 'events', columns: [] })
          await node.ok(create)
        },
        settings,
      )
      // A stop came between the table and its triggers.
      const { catalog, close } = await openStore(folder)
      await catalog.dropTable(table.database, table.table)
      await close()
      disk.fill()
      await onNode(
        folder,
        async (node) => {
          expect((await node.post({ operation: 'list_triggers', ...table })).status).to.equal(404)
        },
        settings,
      )
      disk.free()
    })
    if (!mayMount) this.skip()
  })
})

describe('changes of triggers at once', () => {
  it('make one trigger of a name, and one subscriber', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await node.ok({ operation: 'create_table', ...table, kind: 'events', columns: [] })
      const made = await Promise.all([create, create, create].map((request) => node.ok<{ message: string }>(request)))
      expect(made.map(({ message }) => message).sort()).to.deep.equal(['changed', 'changed', 'created'])
      const { triggers } = await node.ok<{ triggers: unknown[] }>({ operation: 'list_triggers', ...table })
      expect(triggers).to.have.length(1)
      expect(await codes(node, [subscription(hook), subscription(hook)])).to.deep.equal([200, 200])
      expect(await subscribers(node)).to.have.length(1)
      await node.ok(insertion('anna'))
      await hook.until(1)
      await eventually('nobody waits', async () => (await mailer(node)).waiting === 0)
      expect(people(hook)).to.deep.equal(['anna'])
    }, settings)
  })

  it('leave nothing of a trigger that is dropped while it gets another script', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(node, hook)
      for (let round = 0; round < 5; round++) {
        expect(await codes(node, [create, drop])).to.deep.equal([200, 200])
        expect((await node.post({ operation: 'describe_trigger', ...place })).status, `round ${round}`).to.equal(404)
        await node.ok(create)
      }
    }, settings)
  })

  it('subscribe nobody to a trigger that is dropped while the hook is asked', async () => {
    let answer = () => {}
    const server = createServer((_, response) => {
      answer = () => response.writeHead(204).end()
      server.emit('asked')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      await withNode(async (node) => {
        await node.ok({ operation: 'create_table', ...table, kind: 'events', columns: [] })
        await node.ok(create)
        const asked = once(server, 'asked')
        const subscribing = node.post(subscription(server.address() as AddressInfo))
        await asked
        await node.ok(drop)
        answer()
        expect((await subscribing).status).to.equal(404)
      }, settings)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})

describe('letters of triggers', () => {
  it('never come under an id that others had, also after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trellis-triggers-'))
    await using hook = await openHook()
    const ids: unknown[] = []
    const bring = async (node: TestNode, person: string) => {
      await node.ok(insertion(person))
      await eventually(`${person} has come`, () => people(hook).includes(person))
      await eventually('nobody waits', async () => (await mailer(node)).waiting === 0)
      ids.push(hook.calls.at(-1)!.headers['webhook-id'])
    }
    try {
      await onNode(
        folder,
        async (node) => {
          await prepare(node, hook)
          await bring(node, 'anna')
        },
        settings,
      )
      await onNode(folder, (node) => bring(node, 'ben'), settings)
      expect(new Set(ids).size, ids.join()).to.equal(2)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('are sent again once, with the time at which they were said, however often that is asked for at once', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(node, hook, { retention: 1000 })
      hook.status = 503
      for (const person of ['anna', 'ben', 'carl']) await node.ok(insertion(person))
      await eventually('all are dead', async () => (await mailer(node)).dead_letters === 3)
      const { dead_letters: dead } = await node.ok<{ dead_letters: { stamp: number }[] }>({
        ...resend,
        operation: 'list_dead_letters',
      })
      hook.status = 204
      const answers = await Promise.all([resend, resend].map((request) => node.ok<{ resent: number }>(request)))
      expect(answers.map(({ resent }) => resent).sort()).to.deep.equal([0, 3])
      await hook.until(3)
      await eventually('nobody waits', async () => (await mailer(node)).waiting === 0)
      expect(people(hook)).to.deep.equal(['anna', 'ben', 'carl'])
      expect(hook.taken.map(({ stamp: said }) => said)).to.deep.equal(dead.map(({ stamp: said }) => said))
      expect(await mailer(node)).to.include({ waiting: 0, dead_letters: 0 })
    }, settings)
  })

  it('stay signed when the subscriber is told anew without a secret, until it is null', async () => {
    await using hook = await openHook()
    await withNode(async (node) => {
      await prepare(node, hook, { secret: 'a secret of the hook' })
      const isSigned = () => hook.calls.at(-1)!.headers['webhook-signature'] !== undefined
      await node.ok(subscription(hook, { path: '/other' }))
      expect([isSigned(), (await mailer(node)).signed]).to.deep.equal([true, true])
      await node.ok(subscription(hook, { secret: null }))
      expect([isSigned(), (await mailer(node)).signed]).to.deep.equal([false, false])
    }, settings)
  })
})

describe('a turn of a trigger', () => {
  it('that is taken leaves one that was scheduled in its place meanwhile', () =>
    withFolder(async (folder) => {
      const { storage, close } = await openStore(folder)
      const store = new TriggerStore(storage)
      const turn = { trigger: 1, person: 'anna', entry: 'later' }
      await store.write((transaction) => store.schedule(transaction, { ...turn, at: 10 }))
      const [due] = store.due(100, 1)
      await store.write((transaction) => store.schedule(transaction, { ...turn, at: 50 }))
      await store.write((transaction) => store.endTurn(transaction, due!))
      expect(store.due(100, 1)).to.deep.equal([{ ...turn, at: 50 }])
      await store.write((transaction) => store.endTurn(transaction, { ...turn, at: 50 }))
      expect(store.due(100, 1)).to.deep.equal([])
      await close()
    }))
})
