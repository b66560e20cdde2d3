// npm run fuzz [-- --bodies 100000 --seed 1 --rate 1000]: the whole fuzz test, against a node in a process of its own.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { ADMIN, basic } from '../support/node.js'
import { type NodeProcess, withProcess } from '../support/process.js'
import { type FuzzOptions, type FuzzReport, makeTables, prepareFuzz } from './fuzz.js'
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
/** Sent before anything is measured: first calls of operations compile their schemas, once in the life of a node. */
const WARMING = 3000
const SENDER = 'as the sender'
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
  for (const warming of [{ instead: PING }, {}]) {
    await sender.prepare({ ...load, ...warming, seed: seed - 1, bodies: WARMING })
    await probe(quiet, sender.send())
  }
  const alone: Times[] = []
  const beside: Times[] = []
  const meanwhile: Times[] = []
  const memory: number[] = []
  let processorSeconds = 0
  const reports: FuzzReport[] = []
  for (let round = 0; round < ROUNDS; round++) {
    // As many requests that ask for nothing tell what of it is not the bodies' fault; nothing is judged by it.
    await sender.prepare({ ...load, seed, bodies: (rate * REST_MS) / 1000, instead: PING })
    beside.push(await probe(quiet, sender.send()))
    await sender.prepare({ ...load, seed: seed + round, bodies: Math.ceil(bodies / ROUNDS) })
    await pause(SETTLE_MS)
    alone.push(await probe(quiet, pause(REST_MS)))
    const busy = node.processorSeconds()
    const fuzzing = sender.send()
    meanwhile.push(await probe(quiet, fuzzing))
    reports.push(await fuzzing)
    processorSeconds += node.processorSeconds() - busy
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
  const perBody = (processorSeconds / report.bodies) * 1000
  console.log(`the node took ${perBody.toFixed(2)} ms of processor time for a body, the ordinary caller's with it`)
  console.log(
    `memory (RssAnon): ${(fifth / MIB).toFixed(0)} MiB after a fifth, ${(growth / MIB).toFixed(0)} MiB more at the end`,
  )
  const failures = report.faults.map((fault) => `answered neither 2xx nor 4xx: ${fault}`)
  if (report.bodies < bodies) failures.push(`only ${report.bodies} bodies were sent`)
  if (growth > GROWTH_BYTES_MAX) failures.push('memory grows')
  if (times.meanwhile.p99 > 2 * times.alone.p99)
    failures.push("the ordinary caller's p99 is more than twice its quiet value")
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

/**
 * Sends loads from a process of its own, one at a time, behind node and ordinary caller in the queue for processors: on a
 * machine that all three share, what the attacker's own machine would do is not to count. For the same reason neither
 * sender nor ordinary caller has threads that collect garbage (a flag of `npm run fuzz`, which the sender inherits): of
 * the time that the slowest 3 % of the requests took, node and caller spent a third waiting for a processor behind those.
 */
class Sender implements AsyncDisposable {
  readonly #child = fork(fileURLToPath(import.meta.url), [SENDER], { serialization: 'advanced' })

  constructor() {
    setPriority(this.#child.pid!, constants.priority.PRIORITY_LOW)
  }

  /** Makes the bodies of the next load. */
  prepare(options: FuzzOptions): Promise<unknown> {
    return this.#ask(options)
  }

  send(): Promise<FuzzReport> {
    return this.#ask('send') as Promise<FuzzReport>
  }

  async #ask(request: FuzzOptions | 'send'): Promise<unknown> {
    this.#child.send(request)
    const [answer] = await once(this.#child, 'message')
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill()
    await once(this.#child, 'exit')
  }
}

function beTheSender(): void {
  let send: () => Promise<FuzzReport>
  process.on('message', async (request: FuzzOptions | 'send') => {
    if (request === 'send') process.send!(await send())
    else {
      send = prepareFuzz(request)
      process.send!('ready')
    }
  })
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

if (process.argv[2] === SENDER) beTheSender()
else await main()
