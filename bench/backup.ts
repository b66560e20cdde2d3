// What a backup costs the node that is backed up: memory, and how long writers wait. Two sizes of data tell whether
// memory grows with it. npm run build && node dist/bench/backup.js --megabytes 500
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type KillableNode, startKillable } from '../test/support/killable-node.js'

const at = process.argv.indexOf('--megabytes')
const MEGABYTES = at === -1 ? 500 : Number(process.argv[at + 1])
const RECORD_BYTES = 2000
const BATCH = 500
const WATCH_MS = 20

const item = { database: 'bench', table: 'item' }
const visit = { database: 'bench', table: 'visit' }

async function main(): Promise<void> {
  const base = mkdtempSync(join(tmpdir(), 'trellis-bench-'))
  try {
    await using node = await startKillable(join(base, 'data'))
    await fill(node)
    const quiet = await watched(node, () => sleep(3000))
    const backup = await watched(node, () => download(node))
    console.log(
      JSON.stringify({ megabytes: MEGABYTES, backup_bytes: backup.result, quiet: quiet.seen, meanwhile: backup.seen }),
    )
  } finally {
    rmSync(base, { recursive: true, force: true })
  }
}

async function fill({ client }: KillableNode): Promise<void> {
  await client.createTable({ ...item, primary_key: 'id' })
  await client.createTable({ ...visit, kind: 'events', columns: [{ name: 'page', type: 'text' }] })
  const note = 'x'.repeat(RECORD_BYTES)
  const batches = (MEGABYTES * 1e6) / RECORD_BYTES / BATCH / 2
  for (let batch = 0; batch < batches; batch++) {
    const numbers = Array.from({ length: BATCH }, (_, n) => batch * BATCH + n)
    await client.insert({ ...item, records: numbers.map((id) => ({ id, note: `${id} ${note}` })) })
  }
}

async function download({ client }: KillableNode): Promise<number> {
  let bytes = 0
  for await (const chunk of (await client.open('create_backup')).body as unknown as AsyncIterable<Uint8Array>)
    bytes += chunk.length
  return bytes
}

/** Runs something while one record after the other and one event after the other is inserted. */
async function watched<Result>(node: KillableNode, run: () => Promise<Result>) {
  const waits = { record: [] as number[], event: [] as number[] }
  const memory: number[] = [memoryOf(node)]
  let isGoing = true
  const write = async (into: number[], insert: (n: number) => Promise<unknown>) => {
    for (let n = 0; isGoing; n++) {
      const started = performance.now()
      await insert(n)
      into.push(performance.now() - started)
    }
  }
  const stamp = Date.now()
  const going = [
    write(waits.record, (n) => node.client.insert({ ...item, records: [{ id: `${stamp} ${n}` }] })),
    write(waits.event, (n) => {
      const events = [{ person: `${stamp} ${n}`, stamp, action: 'view', _: { page: '/' } }]
      return node.client.insertEvents({ ...visit, events })
    }),
    (async () => {
      for (; isGoing; await sleep(WATCH_MS)) memory.push(memoryOf(node))
    })(),
  ]
  const started = performance.now()
  const result = await run()
  const seconds = (performance.now() - started) / 1000
  isGoing = false
  await Promise.all(going)
  const longest = (times: number[]) => Math.round(Math.max(...times))
  const seen = {
    seconds: Math.round(seconds * 10) / 10,
    rss_anon_mb: { before: memory[0], most: Math.max(...memory) },
    longest_wait_ms: { record: longest(waits.record), event: longest(waits.event) },
    inserts: { records: waits.record.length, events: waits.event.length },
  }
  return { result, seen }
}

/** Memory of the node's own, without the pages of files: what LMDB maps comes and goes with the page cache. */
function memoryOf({ child }: KillableNode): number {
  const kilobytes = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]
  return Math.round(Number(kilobytes) / 1000)
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
