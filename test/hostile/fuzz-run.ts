// npm run fuzz [-- --bodies 100000 --seed 1 --rate 2000]: the whole fuzz test, against a node in a process of its own.
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Pool } from 'undici'
import { ADMIN, basic } from '../support/node.js'
import { type NodeProcess, withProcess } from '../support/process.js'
import { type FuzzOptions, type FuzzReport, fuzz, makeTables } from './fuzz.js'
import { probe } from './probe.js'

const FUZZER = { username: 'fuzzer', password: 'a-password-of-fuzzing' }
const PROBER = { username: 'the ordinary caller', password: 'a-password-of-probing' }
const MIB = 2 ** 20
/** What the node may hold more at the end than after the first fifth: caches fill, data is kept. */
const GROWTH_BYTES_MAX = 128 * MIB
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

if (isMainThread) await main()
else parentPort!.postMessage(await fuzz(workerData as FuzzOptions))

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      bodies: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '20261120' },
      rate: { type: 'string', default: '1500' },
    },
  })
  const options = { bodies: Number(values.bodies), seed: Number(values.seed), rate: Number(values.rate) }
  const failures = await withProcess((node) => run(node, options))
  for (const failure of failures) console.error(`FAILED: ${failure}`)
  process.exit(failures.length > 0 ? 1 : 0)
}

async function run(node: NodeProcess, options: { bodies: number; seed: number; rate: number }): Promise<string[]> {
  const { ok, close } = client(node)
  for (const user of [FUZZER, PROBER]) await ok({ operation: 'add_user', ...user, role: 'super_user' })
  await makeTables({ ok })
  await ok({ operation: 'create_table', database: 'quiet', table: 'dog', primary_key: 'id' })
  await ok({ operation: 'insert', database: 'quiet', table: 'dog', records: [{ id: 1, name: 'Penny' }] })
  await close()
  const body = { operation: 'user_info' }
  const quiet = { url: node.url, authorization: basic(PROBER), body }
  await probe(quiet, pause(2000))
  const alone = await probe(quiet, pause(5000))
  // As many requests that ask for nothing: what the ordinary caller feels of them is not the bodies' fault.
  const harmless = { url: node.url, authorizations: [basic(FUZZER)], ...options, bodies: options.rate * 10 }
  const beside = await probe(quiet, inWorker({ ...harmless, instead: '{"operation":"ping"}' }))
  const memory: number[] = []
  const watch = setInterval(() => memory.push(node.memory()), 500)
  const fuzzing = inWorker({ url: node.url, authorizations: [basic(FUZZER)], ...options })
  const meanwhile = await probe(quiet, fuzzing)
  clearInterval(watch)
  const report = await fuzzing
  const fifth = memory[Math.floor(memory.length / 5)] ?? 0
  const growth = Math.max(0, node.memory() - fifth)
  console.log(`seed ${options.seed}: ${report.bodies} bodies in ${report.seconds.toFixed(1)} s`)
  console.log(
    `statuses: ${[...report.statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', ')}`,
  )
  console.log(
    `ordinary caller, ms: alone p50 ${alone.p50.toFixed(2)} p99 ${alone.p99.toFixed(2)}; beside as many pings p50 ${beside.p50.toFixed(2)} p99 ${beside.p99.toFixed(2)}; meanwhile p50 ${meanwhile.p50.toFixed(2)} p99 ${meanwhile.p99.toFixed(2)}`,
  )
  console.log(
    `memory (RssAnon): ${(fifth / MIB).toFixed(0)} MiB after a fifth, ${(growth / MIB).toFixed(0)} MiB more at the end`,
  )
  const failures = report.faults.map((fault) => `answered neither 2xx nor 4xx: ${fault}`)
  if (report.bodies < options.bodies) failures.push(`only ${report.bodies} bodies were sent`)
  if (growth > GROWTH_BYTES_MAX) failures.push('memory grows')
  if (meanwhile.p99 > 2 * Math.max(alone.p99, beside.p99))
    failures.push("the ordinary caller's p99 is more than twice its value beside harmless requests")
  if (node.child.exitCode !== null) failures.push(`the node ended: ${node.output.err.slice(-500)}`)
  return failures
}

function inWorker(options: FuzzOptions): Promise<FuzzReport> {
  const worker = new Worker(new URL(import.meta.url), { workerData: options })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
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
