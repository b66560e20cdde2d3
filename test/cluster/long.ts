// The long trials of the mesh: npm run test:mesh -- [--kills 50] [--partition 60] [--records 100000] [--seed 1]
// Prints one line for each, as docs/reliability.md has them.
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Part, Trial } from './trial.js'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    partition: { type: 'string', default: '60' },
    records: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
})
let failed = false

/** A small generator (mulberry32), so that a seed names a run. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

async function trial(
  name: string,
  nodes: string[],
  run: (trial: Trial) => Promise<string>,
  hourAhead = '',
): Promise<void> {
  if (values.only !== '' && values.only !== name) return
  const ahead = `--import ${new URL('../support/hour-ahead.js', import.meta.url).href}`
  const over = (node: string): Record<string, string> => (node === hourAhead ? { NODE_OPTIONS: ahead } : {})
  const started = performance.now()
  await using one = await Trial.start(nodes, over)
  try {
    const story = await run(one)
    await one.stopWriting()
    const healed = await one.healed(180_000)
    const conflicts = await one.conflicts()
    const written = one.acknowledged.size
    const faults = await one.faults()
    const seconds = Math.round((performance.now() - started) / 1_000)
    const verdict =
      faults.length === 0 ? 'nothing lost, nothing twice, indexes equal a scan' : `${faults.length} FAULTS`
    failed ||= faults.length > 0
    for (const fault of faults.slice(0, 20)) console.error(fault)
    say(
      `| ${name} | ${nodes.length} | ${story} | ${written} | ${conflicts} | ${(healed / 1_000).toFixed(1)} s | ${verdict} | ${seconds} s |`,
    )
  } catch (error) {
    failed = true
    say(`| ${name} | ${nodes.length} | FAILED: ${(error as Error).message} |`)
  }
}

function say(line: string): void {
  console.log(line)
}

const kills = Number(values.kills)
const partition = Number(values.partition)
const records = Number(values.records)
console.log('| trial | nodes | what happened | records acknowledged | conflicts | healed in | verdict | took |')
console.log('|---|---|---|---|---|---|---|---|')

await trial('kills', ['a', 'b', 'c'], async (one) => {
  const next = random(Number(values.seed))
  const parts: Part[] = ['node', 'hub', 'leaf']
  one.startWriting()
  for (let kill = 0; kill < kills; kill++) {
    await delay(200 + next() * 1_500)
    const name = one.names[Math.floor(next() * one.names.length)]!
    await one.kill(name, parts[Math.floor(next() * parts.length)]!)
  }
  return `${kills} × kill -9 of node, hub or leaf at random, seed ${values.seed}`
})

await trial('partition', ['a', 'b', 'c'], async (one) => {
  one.startWriting(5)
  await delay(1_000)
  one.signal('b', 'hub', 'SIGSTOP')
  const both = (name: string, value: number) => {
    const rows = Array.from({ length: 100 }, (_, place) => ({ id: `both-${place}`, value }))
    return one.ask(name, { operation: 'upsert', schema: 'dev', table: 'dog', records: rows })
  }
  await both('a', 1)
  await delay(50)
  await both('b', 2)
  for (let place = 0; place < 100; place++) one.acknowledged.set(`both-${place}`, 2)
  await delay(partition * 1_000)
  one.signal('b', 'hub', 'SIGCONT')
  await delay(1_000)
  return `a hub stopped for ${partition} s, writes on both sides, 100 records on both`
})

await trial(
  'clock',
  ['a', 'b', 'c'],
  async (one) => {
    one.startWriting(5)
    // Each node changes what the one before has written: the last in time wins, whatever the clocks say.
    for (let turn = 1; turn <= 30; turn++) {
      const name = one.names[turn % one.names.length]!
      await one.ask(name, { operation: 'upsert', schema: 'dev', table: 'dog', records: [{ id: 'relay', value: turn }] })
      one.acknowledged.set('relay', turn)
      await delay(300)
    }
    return 'the clock of b an hour ahead; nodes change one record in turn'
  },
  'b',
)

await trial('five', ['a', 'b', 'c', 'd', 'e'], async (one) => {
  one.startWriting(20)
  for (const [name, part] of [
    ['b', 'node'],
    ['d', 'hub'],
    ['e', 'leaf'],
    ['a', 'node'],
    ['c', 'hub'],
  ] as const) {
    await delay(2_000)
    await one.kill(name, part)
  }
  return '5 × kill -9'
})

await trial('bulk', ['a', 'b', 'c'], async (one) => {
  const started = performance.now()
  for (let from = 0; from < records; from += 1_000) {
    const rows = Array.from({ length: 1_000 }, (_, place) => ({
      id: `bulk-${from + place}`,
      value: from + place,
      text: 'x'.repeat(60),
    }))
    await one.ask(from % 2_000 === 0 ? 'a' : 'b', { operation: 'insert', schema: 'dev', table: 'dog', records: rows })
    for (const { id, value } of rows) one.acknowledged.set(id, value)
  }
  return `${records} records in batches of 1,000 on two nodes in ${((performance.now() - started) / 1_000).toFixed(1)} s`
})

console.log(failed ? '\nFAILED' : '\nAll well')
process.exit(failed ? 1 : 0)
