// node scripts/run.mjs dist/bench/access.js: what sign-in and permission checks cost, beside one search_by_id over HTTP.
import { Pool } from 'undici'
import { ADMIN, basic, withNode } from '../test/support/node.js'
import { withProcess } from '../test/support/process.js'

const REQUESTS = 40_000
const CONNECTIONS = 16
const ROUNDS = 200_000
const PASSWORD = 'a-password-of-benches'
const dog = { database: 'dev', table: 'dog' }
const byId = { operation: 'search_by_id', ...dog, ids: [7], get_attributes: ['*'] }

/** Processor time of the node for one search_by_id, in microseconds. */
async function processorTimeOfById(): Promise<number> {
  return withProcess(
    async (node) => {
      const pool = new Pool(node.url, { connections: CONNECTIONS })
      const headers = { 'content-type': 'application/json', authorization: basic(ADMIN) }
      const ask = async (body: unknown) => {
        const response = await pool.request({ method: 'POST', path: '/', headers, body: JSON.stringify(body) })
        if (response.statusCode !== 200) throw new Error(await response.body.text())
        await response.body.dump()
      }
      await ask({ operation: 'create_table', ...dog, primary_key: 'id' })
      await ask({
        operation: 'insert',
        ...dog,
        records: Array.from({ length: 1000 }, (_, id) => ({ id, name: `dog ${id}`, age: id % 20, weight: 5 })),
      })
      const run = async (requests: number) => {
        let left = requests
        await Promise.all(
          Array.from({ length: CONNECTIONS }, async () => {
            while (left-- > 0) await ask(byId)
          }),
        )
      }
      await run(REQUESTS / 4)
      const before = node.processorSeconds()
      await run(REQUESTS)
      const seconds = node.processorSeconds() - before
      await pool.destroy()
      return (seconds / REQUESTS) * 1e6
    },
    { 'log.level': 'info' },
  )
}

/** Time of one call, in microseconds, the best of five. */
function timeOf(run: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const started = performance.now()
    for (let n = 0; n < ROUNDS; n++) run()
    best = Math.min(best, ((performance.now() - started) / ROUNDS) * 1000)
  }
  return best
}

async function timesOfAccess(): Promise<Record<string, number>> {
  return withNode(async (node) => {
    const { access, contracts } = node.node.services
    await node.ok({ operation: 'create_table', ...dog, primary_key: 'id' })
    await node.ok({ operation: 'insert', ...dog, records: [{ id: 7, name: 'x', age: 1 }] })
    const attribute = (attribute_name: string) => ({ attribute_name, read: true, insert: true, update: true })
    const table = {
      read: true,
      insert: true,
      update: true,
      delete: true,
      attribute_permissions: [attribute('name'), attribute('age')],
    }
    await node.ok({ operation: 'add_role', role: 'reader', permission: { dev: { tables: { dog: table } } } })
    await node.ok({ operation: 'add_user', username: 'reader', password: PASSWORD, role: 'reader' })
    const { token } = await node.ok<{ token: string }>({ operation: 'create_token' })
    const { key } = await node.ok<{ key: string }>({ operation: 'add_api_key', name: 'bench' })
    const address = '127.0.0.1'
    const shown = {
      'Basic, remembered': { authorization: basic({ username: 'reader', password: PASSWORD }), address },
      'Bearer token, remembered': { authorization: `Bearer ${token}`, address },
      'key for programs, remembered': { authorization: `Bearer ${key}`, address },
    }
    const times: Record<string, number> = {}
    for (const [name, credentials] of Object.entries(shown)) {
      await access.authenticate(credentials)
      times[name] = timeOf(() => access.authenticate(credentials))
    }
    const reader = (await access.authenticate(shown['Basic, remembered']))!
    const read = contracts.find('search_by_id').contract
    const insert = contracts.find('insert').contract
    times['permission to read a table'] = timeOf(() => access.authorize(reader, read, byId))
    const request = { ...dog, records: [{ id: 1, name: 'x', age: 2 }] }
    times['permission to write three attributes'] = timeOf(() => access.authorize(reader, insert, request))
    times['three columns seen by a view'] = timeOf(() => {
      for (const column of ['id', 'name', 'age']) reader.view.seesColumn('dev', 'dog', column)
    })
    return times
  })
}

const whole = await processorTimeOfById()
console.log(`search_by_id over HTTP, processor time of the node: ${whole.toFixed(1)} µs`)
for (const [name, time] of Object.entries(await timesOfAccess()))
  console.log(`${name}: ${time.toFixed(2)} µs, ${((time / whole) * 100).toFixed(1)} %`)
