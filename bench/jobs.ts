// How fast jobs are: a CSV load against insert of 1,000 rows a request, an export against a bare scan of LMDB.
// npm run build && node dist/bench/jobs.js --rows 1000000
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { Pool } from 'undici'
import { type Job, TrellisUnreachable } from '../src/client/index.js'
import { type KillableNode, startKillable } from '../test/support/killable-node.js'
import { ADMIN, basic } from '../test/support/node.js'

const at = process.argv.indexOf('--rows')
const ROWS = at === -1 ? 1_000_000 : Number(process.argv[at + 1])
const INSERT_SECONDS = 6
const CONNECTIONS = 4
const NOTE = 'lorem ipsum dolor sit amet '.repeat(3)

const record = (id: number) => ({
  id,
  name: `item ${id}`,
  category: `c${id % 200}`,
  score: id % 1000,
  active: id % 2 === 0,
  note: NOTE,
})

async function main(): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'trellis-bench-'))
  try {
    writeCsv(join(base, 'rows.csv'))
    await using node = await startKillable(join(base, 'data'), {
      TRELLIS_JOBS_IMPORT_DIR: base,
      TRELLIS_JOBS_EXPORT_DIR: base,
    })
    const inserts = [await insertRate(node, 'first')]
    const load = await loadRate(node)
    inserts.push(await insertRate(node, 'second'))
    const exported = await exportRate(node)
    const scanned = await scanRate(base)
    const insert = (inserts[0]! + inserts[1]!) / 2
    console.log(
      JSON.stringify({
        rows: ROWS,
        insert1000_rows_per_s: inserts.map(Math.round),
        load_rows_per_s: Math.round(load),
        load_to_insert1000: round(load / insert),
        export_rows_per_s: Math.round(exported),
        bare_scan_rows_per_s: Math.round(scanned),
        export_to_bare_scan: round(exported / scanned),
      }),
    )
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

function writeCsv(path: string): void {
  const lines = ['id,name,category,score,active,note']
  for (let id = 0; id < ROWS; id++) lines.push(Object.values(record(id)).join(','))
  writeFileSync(path, `${lines.join('\n')}\n`)
}

/** Rows per second of insert with 1,000 rows a request, every answer checked. */
async function insertRate({ client, url }: KillableNode, table: string): Promise<number> {
  await client.createTable({ database: 'bench', table, primary_key: 'id' })
  const pool = new Pool(url, { connections: CONNECTIONS })
  let next = 0
  let rows = 0
  const started = performance.now()
  const run = async () => {
    while (performance.now() - started < INSERT_SECONDS * 1000) {
      const first = next
      next += 1000
      const records = Array.from({ length: 1000 }, (_, index) => record(first + index))
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/json', authorization: basic(ADMIN) },
        body: JSON.stringify({ operation: 'insert', database: 'bench', table, records }),
      })
      const answer = (await body.json()) as { inserted_hashes?: unknown[] }
      if (statusCode !== 200 || answer.inserted_hashes?.length !== 1000)
        throw new Error(JSON.stringify(answer).slice(0, 200))
      rows += 1000
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, run))
  const seconds = (performance.now() - started) / 1000
  await pool.close()
  return rows / seconds
}

async function loadRate({ client }: KillableNode): Promise<number> {
  await client.createTable({ database: 'bench', table: 'loaded', primary_key: 'id' })
  const { job_id } = await client.csvFileLoad({ database: 'bench', table: 'loaded', file_path: 'rows.csv' })
  return rateOf(await client.waitForJob(job_id))
}

async function exportRate({ client }: KillableNode): Promise<number> {
  const { job_id } = await client.exportLocal({
    database: 'bench',
    table: 'loaded',
    format: 'ndjson',
    filename: 'rows',
  })
  return rateOf(await client.waitForJob(job_id))
}

function rateOf(job: Job): number {
  const { rows } = job['progress'] as { rows: number }
  if (rows !== ROWS) throw new Error(`${rows} rows instead of ${ROWS}: ${job.message}`)
  return rows / ((Number(job['end_datetime']) - Number(job['start_datetime'])) / 1000)
}

/** The least that an export must do: walk the same records in LMDB, decode them, print them as JSON. */
async function scanRate(base: string): Promise<number> {
  const store = open({ path: join(base, 'bare'), noSync: true })
  for (let id = 0; id < ROWS; id++) void store.put(id, { ...record(id), __createdtime__: 1.5, __updatedtime__: 1.5 })
  await store.flushed
  const started = performance.now()
  let characters = 0
  for (const { value } of store.getRange({})) characters += JSON.stringify(value).length
  const seconds = (performance.now() - started) / 1000
  if (characters === 0) throw new Error('nothing was scanned')
  await store.close()
  return ROWS / seconds
}

const round = (value: number) => Math.round(value * 100) / 100

main().catch((error: unknown) => {
  console.error(error instanceof TrellisUnreachable ? error.message : error)
  process.exitCode = 1
})
