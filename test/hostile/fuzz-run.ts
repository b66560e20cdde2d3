// npm run fuzz [-- --bodies 100000 --seed 1 --rate 1000]: the whole fuzz test, against a node in a process of its own.
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { Pool } from 'undici'
import { ADMIN, basic } from '../support/node.js'
import { type NodeProcess, withProcess } from '../support/process.js'
import { type FuzzOptions, type FuzzReport, fuzz, makeTables } from './fuzz.js'
import { probe, Times } from './probe.js'

const FUZZER = { username: 'fuzzer', password: 'a-password-of-fuzzing' }
const PROBER = { username: 'the ordinary caller', password: 'a-password-of-probing' }
const MIB = 2 ** 20
/** What the node may hold more at the end than after the first fifth: caches fill, data is kept. */
const GROWTH_BYTES_MAX = 128 * MIB
/** The bodies are sent in so many parts, with the other loads between them: what else the machine does meets all alike. */
const ROUNDS = 20
const REST_MS = 1000
/** How long what a part has started may go on before the next load is measured. */
const SETTLE_MS = 300
const PING = '{"operation":"ping"}'
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

interface Options {
  bodies: number
  seed: number
  rate: number
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      bodies: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '20261120' },
      rate: { type: 'string', default: '1000' },
    },
  })
  const options = { bodies: Number(values.bodies), seed: Number(values.seed), rate: Number(values.rate) }
  const failures = await withProcess((node) => run(node, options))
  for (const failure of failures) console.error(`FAILED: ${failure}`)
  process.exit(failures.length > 0 ? 1 : 0)
}

async function run(node: NodeProcess, { bodies, seed, rate }: Options): Promise<string[]> {
  const { ok, close } = client(node)
  for (const user of [FUZZER, PROBER]) await ok({ operation: 'add_user', ...user, role: 'super_user' })
  await makeTables({ ok })
  await close()
  const quiet = { url: node.url, authorization: basic(PROBER), body: { operation: 'user_info' } }
  const load = { url: node.url, authorizations: [basic(FUZZER)], rate }
  await using sender = new Sender()
  await sender.send({ ...load, seed, bodies: rate, instead: PING })
  await probe(quiet, pause(REST_MS))
  const alone: Times[] = []
  const beside: Times[] = []
  const meanwhile: Times[] = []
  const memory: number[] = []
  const reports: FuzzReport[] = []
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await probe(quiet, pause(REST_MS)))
    // As many requests that ask for nothing: what the ordinary caller feels of them is not the bodies' fault.
    const pings = { ...load, seed, bodies: (rate * REST_MS) / 1000, instead: PING }
    beside.push(await probe(quiet, sender.send(pings)))
    const fuzzing = sender.send({ ...load, seed: seed + round, bodies: Math.ceil(bodies / ROUNDS) })
    meanwhile.push(await probe(quiet, fuzzing))
    reports.push(await fuzzing)
    memory.push(node.memory())
    await pause(SETTLE_MS)
  }
  const times = { alone: Times.of(alone), beside: Times.of(beside), meanwhile: Times.of(meanwhile) }
  const report = sumOf(reports)
  const fifth = memory[Math.floor(ROUNDS / 5)]!
  const growth = Math.max(0, node.memory() - fifth)
  console.log(`seed ${seed}: ${report.bodies} bodies in ${report.seconds.toFixed(1)} s`)
  const counts = [...report.statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`)
  console.log(`statuses: ${counts.join(', ')}`)
  console.log(
    `ordinary caller, ms: alone ${times.alone}; beside as many pings ${times.beside}; meanwhile ${times.meanwhile}`,
  )
  console.log(
    `memory (RssAnon): ${(fifth / MIB).toFixed(0)} MiB after a fifth, ${(growth / MIB).toFixed(0)} MiB more at the end`,
  )
  const failures = report.faults.map((fault) => `answered neither 2xx nor 4xx: ${fault}`)
  if (report.bodies < bodies) failures.push(`only ${report.bodies} bodies were sent`)
  if (growth > GROWTH_BYTES_MAX) failures.push('memory grows')
  if (times.meanwhile.p99 > 2 * Math.max(times.alone.p99, times.beside.p99))
    failures.push("the ordinary caller's p99 is more than twice its value beside harmless requests")
  if (node.child.exitCode !== null) failures.push(`the node ended: ${node.output.err.slice(-500)}`)
  return failures
}

function sumOf(reports: readonly FuzzReport[]): FuzzReport {
  const sum: FuzzReport = { bodies: 0, statuses: new Map(), faults: [], seconds: 0 }
  for (const { bodies, statuses, faults, seconds } of reports) {
    sum.bodies += bodies
    sum.seconds += seconds
    sum.faults.push(...faults)
    for (const [status, count] of statuses) sum.statuses.set(status, (sum.statuses.get(status) ?? 0) + count)
  }
  return sum
}

/** Sends loads from a thread of its own, one at a time, so that the ordinary caller's times are not its own work. */
class Sender implements AsyncDisposable {
  readonly #worker = new Worker(new URL(import.meta.url))

  send(options: FuzzOptions): Promise<FuzzReport> {
    this.#worker.postMessage(options)
    return once(this.#worker, 'message').then(([report]) => report as FuzzReport)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }
}

function client({ url }: NodeProcess) {
  const pool = new Pool(url)
  const ok = async (body: unknown): Promise<unknown> => {
    const response = await pool.request({
      method: 'POST',
      path: '/',
      headers: { 'content-type': 'application/json', authorization: basic(ADMIN) },
      body: JSON.stringify(body),
    })
    const answer = await response.body.json()
    if (response.statusCode !== 200) throw new Error(JSON.stringify(answer))
    return answer
  }
  return { ok, close: () => pool.destroy() }
}

if (isMainThread) await main()
else parentPort!.on('message', async (options: FuzzOptions) => parentPort!.postMessage(await fuzz(options)))
