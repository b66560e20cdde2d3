// node dist/bench/stalls.js [--seconds 5] [--only batch,update,...]
// How long a caller of search_by_id waits while another one sends the largest requests that are allowed.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { fill, record } from './records/loads.js'
import { sendTo, Target } from './records/target.js'

const { values: given } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rows: { type: 'string', default: '100000' },
    only: { type: 'string', default: '' },
    /** Set for the process that sends the large requests. */
    heavy: { type: 'string' },
    url: { type: 'string' },
  },
})
const rows = Number(given.rows)
const names = { database: 'bench', table: 'items' }
const BATCH = 10_000
const PAUSE_MS = 5

let next = 10_000_000
const batch = () => Array.from({ length: BATCH }, () => record(next++))
const middle = ['score', 'between', [100, 199]]

/** The largest requests, by name. */
const heavy: Record<string, () => object> = {
  nothing: () => ({ operation: 'search_by_hash', ...names, hash_values: [1], get_attributes: ['id'] }),
  'insert of 10,000': () => ({ operation: 'insert', ...names, records: batch() }),
  'upsert of 10,000': () => ({
    operation: 'upsert',
    ...names,
    records: batch().map((one, id) => ({ ...one, id })),
  }),
  'update where (a tenth of the table)': () => ({
    operation: 'update',
    ...names,
    set: { note: `now ${next++}` },
    where: [middle],
  }),
  'transaction with a where that reads all': () => ({
    operation: 'transaction',
    database: names.database,
    operations: [{ operation: 'update', table: names.table, set: { note: 'x' }, where: [['note', 'like', 'y']] }],
  }),
  'delete of 10,000': () => ({
    operation: 'delete',
    ...names,
    hash_values: Array.from({ length: BATCH }, (_, i) => i),
  }),
}

async function sendHeavy(name: string, url: string): Promise<void> {
  const pool = new Pool(url, { bodyTimeout: 120_000 })
  process.on('disconnect', () => process.exit(0))
  const make = heavy[name]!
  for (let times = 0, ms = 0; ; times++) {
    const body = make()
    const started = performance.now()
    await sendTo(pool, body)
    ms += performance.now() - started
    process.send!({ times: times + 1, mean: ms / (times + 1) })
  }
}

async function measure(target: Target, name: string, seconds: number): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['--heavy', name, '--url', target.url])
  let heard = { times: 0, mean: 0 }
  child.on('message', (message) => {
    heard = message as typeof heard
  })
  await once(child, 'message')
  const waits: number[] = []
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    const started = performance.now()
    const id = Math.floor(Math.random() * rows)
    await target.send({ operation: 'search_by_hash', ...names, hash_values: [id], get_attributes: ['*'] })
    waits.push(performance.now() - started)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
  child.disconnect()
  await once(child, 'exit')
  waits.sort((a, b) => a - b)
  const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))]!.toFixed(1)
  const cells = [name, heard.times, heard.mean.toFixed(0), at(0.5), at(0.99), at(1)]
  console.log(`| ${cells.join(' | ')} |`)
}

if (given.heavy !== undefined) await sendHeavy(given.heavy, given.url!)
else {
  const target = await Target.start('trellisdb', 4)
  try {
    await fill(target, rows)
    console.log('| meanwhile | times | each ms | byid p50 ms | p99 ms | longest ms |\n|---|---|---|---|---|---|')
    for (const name of Object.keys(heavy))
      if (given.only === '' || given.only.split(',').some((part) => name.includes(part)))
        await measure(target, name, Number(given.seconds))
  } finally {
    await target[Symbol.asyncDispose]()
  }
}
