// npm run bench:scans -- [--people 20000] [--rounds 50] [--threads 1]: what a question is made of, beside loops by hand, without HTTP.
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type EventColumn, EventStore, type EventTable } from '../src/analytics/index.js'
import { Answer, compile, type Program } from '../src/pyql/index.js'
import { bodiesOf, COLUMNS, shopEvents } from './events/load.js'
import { median } from './events/median.js'
import { SCRIPTS } from './events/scripts.js'
import { loopsOver, TypedArrays } from './events/typed-arrays.js'

const { values: given } = parseArgs({
  options: {
    people: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '50' },
    threads: { type: 'string', default: '1' },
  },
})
const people = Number(given.people)
const rounds = Number(given.rounds)
const WARM_UP_MS = 1_500
/** Questions and loops take turns of so long: other programs then disturb both. */
const TURN_MS = 300
const TURNS = 6

const columns = COLUMNS.map(
  ({ name, type, is_set = false }, at) => ({ id: at + 1, name, type, isSet: is_set }) as EventColumn,
)
const table: EventTable = {
  ...{ id: 1, version: 1, partitions: 8, zOrder: ['purchase', 'page_view'], foldCase: false, columns },
}
const scanLimits = {
  ...{ stepsMax: 10_000_000, memoryMax: 10_000_000, nodesMax: 1_000_000, charactersMax: 100_000_000 },
  ...{ depthMax: 64, traceMax: 1_000 },
}
const settings = {
  limits: {
    ...{ personCharactersMax: 512, textCharactersMax: 65_536, setElementsMax: 10_000 },
    ...{ rowsPerEventMax: 10_000, depthMax: 16 },
  },
  ...{ rowsPerPersonMax: 1_000_000, insertsMax: 256, receiptLifeMs: 86_400_000 },
  ...{ resultCharactersMax: 1 << 28, cacheBytesMax: 1 << 28 },
}

/** Milliseconds of one question: its scan with messages to the threads and back, putting their parts together, writing. */
async function ask(store: EventStore, program: Program): Promise<{ scan: number; merge: number; write: number }> {
  const query = { program, segments: [], now: Date.now(), sessionTime: 1_800_000, limits: scanLimits }
  const started = performance.now()
  const { partials } = await store.scan(table, query)
  const scanned = performance.now()
  const answer = new Answer(program.aggregates, 1, scanLimits)
  for (const [partial] of partials) answer.absorb(partial!, 0)
  const merged = performance.now()
  answer.json()
  return { scan: scanned - started, merge: merged - scanned, write: performance.now() - merged }
}

async function forMs(ms: number, run: () => unknown): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; ) await run()
}

const folder = mkdtempSync(join(process.cwd(), 'bench-data-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
await using store = await EventStore.open({ folder, settings, workers: Number(given.threads) }, [table])
for (const { text } of bodiesOf(shopEvents(people, rounds), 1_000)) await store.insert(table, text)
await store.fold(table)
const loops = loopsOver(new TypedArrays(people, rounds, shopEvents(people, rounds)))
console.log(`medians in ms; ${given.threads} threads scan, one merges and writes, one loops`)
for (const [name, script] of Object.entries(SCRIPTS)) {
  const program = compile(script, { mode: 'event', columns })
  const loop = loops[name]!
  const asked: Awaited<ReturnType<typeof ask>>[] = []
  const looped: number[] = []
  await forMs(WARM_UP_MS, () => ask(store, program))
  await forMs(WARM_UP_MS, loop)
  for (let turn = 0; turn < TURNS; turn++) {
    await forMs(TURN_MS, async () => asked.push(await ask(store, program)))
    await forMs(TURN_MS, () => {
      const started = performance.now()
      loop()
      looped.push(performance.now() - started)
    })
  }
  const [scan, merge, write] = (['scan', 'merge', 'write'] as const).map((part) =>
    median(asked.map((one) => one[part])),
  )
  const byHand = median(looped)
  const parts = `scan ${scan!.toFixed(2)} (${(scan! / byHand).toFixed(2)} × the loop), merge ${merge!.toFixed(2)}, write ${write!.toFixed(2)}`
  console.log(`  ${name}: loop ${byHand.toFixed(2)}, ${parts}`)
}
