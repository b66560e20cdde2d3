import { expect } from 'chai'
import { openHook } from '../support/hook.js'
import { type KillableNode, startKillable } from '../support/killable-node.js'
import { ADMIN, basic } from '../support/node.js'
import { withFolder } from '../support/store.js'

const ROUNDS = 3
const WRITERS = 8
/** How many of a writer's last requests are sent again after a kill. */
const REPEATED = 12
const EVENTS = 5

type Body = Record<string, unknown>
interface Sent {
  request: Body
  key: string
  /** The answer, as far as it came before the end. */
  first?: unknown
}

/** What a writer does in a turn, one after the other; a request may be made of the answer to the one before. */
type Turn = (writer: number, turn: number) => (Body | ((before: Body) => Body))[]

/** Changes of catalog, access and records, each of which a second time would be refused or seen. */
const changesOfRecords: Turn = (writer, turn) => {
  const name = `n_${writer}_${turn}`
  const table = { database: 'dev', table: name }
  const events = { kind: 'events', columns: [{ name: 'event', type: 'text' }], partitions: 1 }
  return [
    { operation: 'create_database', database: name },
    { operation: 'create_table', ...table, primary_key: 'id' },
    { operation: 'add_column', ...table, column: 'extra', type: 'int' },
    { operation: 'insert', ...table, records: [{ name }, { name }] },
    { operation: 'drop_column', ...table, column: 'extra' },
    { operation: 'add_role', role: name, permission: { super_user: true } },
    { operation: 'add_api_key', name },
    { operation: 'drop_role', id: name },
    { operation: 'drop_table', ...table },
    ...(turn % 5 === 0 ? [{ operation: 'create_table', ...table, table: `${name}_events`, ...events }] : []),
    { operation: 'drop_database', database: name },
  ]
}

const visitsOf = (name: string) =>
  Array.from({ length: EVENTS }, (_, n) => {
    const stamp = 1_700_000_000
    return { person: `${name}_${n}`, stamp, action: 'visit', _: { page: 'x', n: 1 } }
  })

/** Nothing but inserts of events, each of which lies in several files. */
const changesOfEvents: Turn = (writer, turn) => {
  const table = { database: 'dev', table: `events_${writer}` }
  return [{ operation: 'insert_events', ...table, atomic: turn % 3 === 0, events: visitsOf(`n_${writer}_${turn}`) }]
}

/** Changes of triggers, jobs, settings and of what lies in other files than the records. */
const changesElsewhere =
  (hookPort: number): Turn =>
  (writer, turn) => {
    const name = `n_${writer}_${turn}`
    const table = { database: 'dev', table: `events_${writer}` }
    const trigger = { ...table, trigger: name }
    const script = `@segment ${name} ttl=1h:\n    match where page == "x":\n        tally\n`
    const data = `id\n${Array.from({ length: 20_000 }, (_, id) => id).join('\n')}`
    return [
      { operation: 'insert_events', ...table, events: visitsOf(name) },
      { operation: 'query_segments', ...table, script },
      { operation: 'drop_segment', ...table, segment: name },
      { operation: 'create_trigger', ...trigger, script: 'def on_insert():\n    emit("x")\n' },
      { operation: 'subscribe_trigger', ...trigger, subscriber: 'shop', host: '127.0.0.1', port: hookPort, path: '/' },
      { operation: 'unsubscribe_trigger', ...trigger, subscriber: 'shop' },
      { operation: 'drop_trigger', ...trigger },
      { operation: 'set_configuration', 'http.statement_timeout_ms': 20_000 + turn },
      { operation: 'csv_data_load', database: 'dev', table: `loaded_${writer}`, data, action: 'upsert' },
      ({ job_id: id }) => ({ operation: 'cancel_job', id }),
    ]
  }

async function send({ url }: KillableNode, { request, key }: Sent): Promise<{ status: number; body: Body }> {
  const headers = { authorization: basic(ADMIN), 'content-type': 'application/json', 'idempotency-key': key }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request) })
  return { status: response.status, body: (await response.json()) as Body }
}

/** Sends one change after the other until the node is gone. */
async function write(node: KillableNode, writer: number, from: number, sent: Sent[], turnOf: Turn): Promise<void> {
  for (let turn = from; ; turn++) {
    let before: Body = {}
    for (const [step, next] of turnOf(writer, turn).entries()) {
      const one: Sent = { request: typeof next === 'function' ? next(before) : next, key: `${writer} ${turn} ${step}` }
      sent.push(one)
      try {
        const { status, body } = await send(node, one)
        if (body['ended_as'] === 'COMPLETE') continue // The job was faster than who wanted to cancel it.
        expect(status, JSON.stringify(body)).to.equal(200)
        one.first = before = body
      } catch (error) {
        if ((error as Error).name === 'AssertionError') throw error
        return
      }
    }
  }
}

/** Kills a node again and again under writers and repeats their last requests; all that they have sent. */
async function killUnder(
  folder: string,
  turnOf: Turn,
  environment: Record<string, string>,
  repeated: (one: Sent, body: Body) => void,
): Promise<Sent[]> {
  const all: Sent[] = []
  let lost = 0
  for (let round = 0; round < ROUNDS; round++) {
    const sent: Sent[][] = Array.from({ length: WRITERS }, () => [])
    const node = await startKillable(folder, environment)
    const writers = sent.map((list, writer) => write(node, writer, round * 10_000, list, turnOf))
    await new Promise((resolve) => setTimeout(resolve, 700 + 400 * Math.random()))
    await node.kill()
    await Promise.all(writers)
    await using again = await startKillable(folder, environment)
    for (const list of sent) {
      if (list.at(-1)!.first === undefined) lost++
      for (const one of list.slice(-REPEATED)) {
        const { status, body } = await send(again, one)
        // What was not cancelled before the kill has gone on meanwhile.
        if (one.first === undefined && body['ended_as'] === 'COMPLETE') continue
        expect(status, `${JSON.stringify(one.request)}: ${JSON.stringify(body)}`).to.equal(200)
        // A question is no change: it is answered anew.
        const isChange = one.request['operation'] !== 'query_segments'
        if (one.first !== undefined && isChange) expect(body).to.deep.equal(one.first)
        repeated(one, body)
      }
    }
    all.push(...sent.flat())
  }
  expect(lost, 'answers that were lost').to.be.greaterThan(ROUNDS)
  return all
}

async function makeEventTables(node: KillableNode): Promise<void> {
  const columns = [
    { name: 'page', type: 'text' },
    { name: 'n', type: 'int' },
  ]
  for (let writer = 0; writer < WRITERS; writer++) {
    const table = { database: 'dev', table: `events_${writer}` }
    await ask(node, { operation: 'create_table', ...table, kind: 'events', columns, partitions: 2 })
  }
}

async function ask(node: KillableNode, request: Body): Promise<Body> {
  const { status, body } = await send(node, { request, key: '' })
  expect(status, JSON.stringify(body)).to.equal(200)
  return body
}

describe('changes whose answer was lost when the node was killed', () => {
  it('are answered when they are sent again as if nothing had been, and done once', async () => {
    await withFolder(async (folder) => {
      await killUnder(folder, changesOfRecords, {}, () => {})
    })
  })

  it('are answered as the first time where they are events', async () => {
    await withFolder(async (folder) => {
      {
        await using node = await startKillable(folder)
        await makeEventTables(node)
      }
      await killUnder(folder, changesOfEvents, {}, (_, body) => {
        expect(body).to.include({ inserted: EVENTS, duplicates: 0 })
      })
    })
  })

  it('are done once also where they are not in the file of the records', async () => {
    await withFolder(async (folder) => {
      await using hook = await openHook()
      const environment = { TRELLIS_WEBHOOKS_ALLOW: '127.0.0.1' }
      {
        await using node = await startKillable(folder, environment)
        await makeEventTables(node)
        for (let writer = 0; writer < WRITERS; writer++) {
          const table = { database: 'dev', table: `loaded_${writer}` }
          await ask(node, { operation: 'create_table', ...table, primary_key: 'id' })
        }
      }
      const sent = await killUnder(folder, changesElsewhere(hook.port), environment, ({ request }, body) => {
        if (request['operation'] !== 'insert_events') return
        expect(body).to.include({ inserted: EVENTS, duplicates: 0 })
      })
      await using node = await startKillable(folder, environment)
      for (let writer = 0; writer < WRITERS; writer++) {
        const table = { database: 'dev', table: `events_${writer}` }
        const named = (operation: string) =>
          sent
            .filter(({ request }) => request['operation'] === operation && request['table'] === table.table)
            .map(({ request }) => request['trigger'] as string)
        const inserts = named('insert_events')
        const script = 'agg:\n    sum n\n\nmatch:\n    tally("all")\n'
        const counted = (await ask(node, { operation: 'query_events', ...table, script })) as { _: { c: number[] }[] }
        expect(counted._[0]!.c, `${writer}: events`).to.deep.equal([inserts.length * EVENTS])
        const listed = (await ask(node, { operation: 'list_triggers', ...table })) as {
          triggers: { reevent: string }[]
        }
        const dropped = new Set(named('drop_trigger'))
        const left = named('create_trigger').filter((trigger) => !dropped.has(trigger))
        expect(listed.triggers.map(({ reevent }) => reevent).sort()).to.deep.equal(left.sort())
      }
    })
  })
})
