// npm run bench:events -- [--people 20000] [--rounds 50] [--no-duckdb]: inserts, scans, sizes; beside hand-written loops and DuckDB.
import { parseArgs } from 'node:util'
import { openDuckDb, SQL } from './events/duckdb.js'
import { bodiesOf, COLUMNS, type LoadEvent, shopEvents } from './events/load.js'
import { median } from './events/median.js'
import { SCRIPTS } from './events/scripts.js'
import { Server } from './events/server.js'
import { loopsOver, TypedArrays } from './events/typed-arrays.js'

const { values: given } = parseArgs({
  options: {
    people: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '50' },
    runs: { type: 'string', default: '25' },
    'no-duckdb': { type: 'boolean', default: false },
  },
})
const people = Number(given.people)
const rounds = Number(given.rounds)
const runs = Number(given.runs)
const total = people * rounds
const BATCH = 1000
const CONCURRENT = 4

type Ask = (server: Server) => Promise<string>

const script =
  (path: string, text: string): Ask =>
  (server) =>
    server.ask('POST', path, text)
const OTHERS: Record<string, Ask> = {
  column: (server) => server.ask('GET', '/v1/query/bench/column/page'),
  'column in buckets': (server) => server.ask('GET', '/v1/query/bench/column/price?bucket=10'),
  segment: script(
    '/v1/query/bench/segment',
    '@segment buyers ttl=300s:\n    match where action == "purchase":\n        tally\n',
  ),
  'histogram of SUM': script('/v1/query/bench/histogram/spend?bucket=50', 'return SUM price\n'),
  person: (server) => server.ask('GET', '/v1/query/bench/person?sid=user1@test.com'),
}

/** The same events again and again, so that they need not all be in memory. */
const events = () => shopEvents(people, rounds)

async function timesOf(count: number, run: () => unknown): Promise<number[]> {
  const times: number[] = []
  for (let at = 0; at < count; at++) {
    const started = performance.now()
    await run()
    times.push(performance.now() - started)
  }
  return times
}

/** What is not counted comes first: machine code is made meanwhile, which takes longer than the questions themselves. */
const WARM_UP = { runs: 4, ms: 2000 }

async function warmUp(run: () => unknown): Promise<void> {
  const end = performance.now() + WARM_UP.ms
  for (let at = 0; at < WARM_UP.runs || performance.now() < end; at++) await run()
}

/** Folding comes and goes every few seconds while events come in: fewer runs would meet it or not by chance. */
const BESIDE_MS = 5_000

async function timesBeside(run: () => unknown): Promise<number[]> {
  const times: number[] = []
  for (const end = performance.now() + BESIDE_MS; performance.now() < end; ) times.push(...(await timesOf(1, run)))
  return times
}

/** The median, and the best in brackets: on a machine that others use too, the best is the nearest to the truth. */
function shown(times: readonly number[]): string {
  return `${median(times).toFixed(1)} (best ${Math.min(...times).toFixed(1)})`
}

/** Times, and the processor time of one run of this process, all threads together: other programs do not change it. */
async function measured(count: number, run: () => unknown): Promise<{ times: number[]; work: number }> {
  const before = process.cpuUsage()
  const times = await timesOf(count, run)
  const { user, system } = process.cpuUsage(before)
  return { times, work: (user + system) / 1000 / count }
}

async function insertAll(server: Server): Promise<void> {
  const bodies = bodiesOf(events(), BATCH)
  let done = 0
  let mark = performance.now()
  const started = mark
  const send = async () => {
    for (let next = bodies.next(); !next.done; next = bodies.next()) {
      await server.send('POST', '/v1/insert/bench', next.value.text)
      done += next.value.events
      if (done % (total / 10) >= BATCH) continue
      const now = performance.now()
      console.log(`  ${done} events, the last tenth at ${Math.round(total / 10 / ((now - mark) / 1000))} events/s`)
      mark = now
    }
  }
  await Promise.all(Array.from({ length: CONCURRENT }, send))
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage()
  const own = (user + system) / total
  const node = (server.processorSeconds() * 1_000_000) / total
  console.log(`inserted ${total} events, durable and visible, at ${Math.round(total / seconds)} events/s`)
  console.log(`  processor time for an event: node ${node.toFixed(1)} µs, client ${own.toFixed(1)} µs`)
}

/** Scans while another client inserts at a rate. */
async function whileInserting(
  server: Server,
  more: Iterator<LoadEvent>,
  rate: number,
  quiet: Map<string, number>,
): Promise<void> {
  let go = true
  let sent = 0
  const inserting = (async () => {
    const started = performance.now()
    while (go) {
      const batch: LoadEvent[] = []
      while (batch.length < BATCH) batch.push(more.next().value as LoadEvent)
      await server.send('POST', '/v1/insert/bench', JSON.stringify(batch))
      sent += BATCH
      const early = (sent / rate) * 1000 - (performance.now() - started)
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
    }
  })()
  for (const [name, text] of Object.entries(SCRIPTS)) {
    const ask = script('/v1/query/bench/event', text)
    const before = quiet.get(name)!
    await warmUp(() => ask(server))
    const busy = await timesBeside(() => ask(server))
    console.log(`  ${name}: ${shown(busy)}, ${(median(busy) / before).toFixed(2)} times quiet`)
  }
  go = false
  await inserting
}

await using server = await Server.start()
await server.send('POST', '/v1/table/bench', JSON.stringify({ columns: COLUMNS, z_order: ['purchase', 'page_view'] }))
const insertStarted = performance.now()
await insertAll(server)
const rate = total / ((performance.now() - insertStarted) / 1000)
await new Promise((resolve) => setTimeout(resolve, 3_000 + total / 1_000))

console.log('building typed arrays and DuckDB …')
const arrays = new TypedArrays(people, rounds, events())
const duck = given['no-duckdb'] ? undefined : await openDuckDb(events())
const loops = loopsOver(arrays)
const quiet = new Map<string, number>()
console.log('scripts through HTTP, loops by hand on one thread, SQL on two: medians in ms')
for (const [name, text] of Object.entries(SCRIPTS)) {
  const ask = script('/v1/query/bench/event', text)
  await warmUp(() => ask(server))
  const before = server.processorSeconds()
  const ours = await timesOf(runs, () => ask(server))
  const work = ((server.processorSeconds() - before) * 1000) / runs
  await warmUp(loops[name]!)
  const loop = await measured(runs, loops[name]!)
  if (duck) await warmUp(() => duck(SQL[name]!))
  const sql = duck && (await measured(5, () => duck(SQL[name]!)))
  quiet.set(name, median(ours))
  console.log(`  ${name}: ${shown(ours)}; loop ${shown(loop.times)}${sql ? `; DuckDB ${shown(sql.times)}` : ''}`)
  const others = `the loop's ${loop.work.toFixed(1)}${sql ? `, DuckDB's ${sql.work.toFixed(1)}` : ''}`
  console.log(`    processor time: ${work.toFixed(1)} ms with HTTP and the answer, ${others}`)
}
for (const [name, ask] of Object.entries(OTHERS)) {
  await warmUp(() => ask(server))
  console.log(`  ${name}: ${shown(await timesOf(runs, () => ask(server)))}`)
}
console.log(`anonymous memory of the node: ${Math.round(server.anonymousBytes() / 1_048_576)} MiB`)
console.log(`scans while inserts go on at ${Math.round(rate / 2)} events/s`)
const more = shopEvents(people, rounds * 20)
for (let skip = 0; skip < total; skip++) more.next()
await whileInserting(server, more, rate / 2, quiet)
await new Promise((resolve) => setTimeout(resolve, 3_000 + total / 1_000))
const figures = JSON.parse(
  await server.send('POST', '/', JSON.stringify({ operation: 'describe_table', table: 'bench' })),
)
const { liveBytes, fileBytes } = await server.stopAndMeasure()
const stored = (figures as { record_count: number }).record_count
console.log(
  `${stored} events: ${(liveBytes / stored).toFixed(1)} bytes of live pages each, ${(fileBytes / stored).toFixed(1)} of files`,
)
