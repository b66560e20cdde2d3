// The long trials of the mesh: npm run test:mesh -- [--only kills,ring] [--kills 50] [--partition 60] [--records 100000]
// [--seed 1]. Prints one line for each, as docs/reliability.md has them.
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Part, Trial, type TrialOptions, type Way } from './trial.js'

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
  { conflicts: expected, ...options }: TrialOptions & { conflicts?: number } = {},
): Promise<void> {
  if (values.only !== '' && !values.only.split(',').includes(name)) return
  const started = performance.now()
  await using one = await Trial.start(nodes, options)
  try {
    const story = await run(one)
    await one.stopWriting()
    const healed = await one.healed(180_000)
    const conflicts = await one.conflicts()
    const written = one.acknowledged.size
    const faults = await one.faults()
    if (expected !== undefined && conflicts !== expected) faults.push(`${conflicts} conflicts instead of ${expected}`)
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

const BOTH = 100
await trial(
  'partition',
  ['a', 'b', 'c'],
  async (one) => {
    one.startWriting(5)
    await delay(1_000)
    one.cut('b', 'black hole')
    const both = (name: string, value: number) => {
      const records = Array.from({ length: BOTH }, (_, place) => ({ id: `both-${place}`, value }))
      return one.ask(name, { operation: 'upsert', schema: 'dev', table: 'dog', records })
    }
    await both('a', 1)
    await delay(50)
    await both('b', 2)
    for (let place = 0; place < BOTH; place++) one.acknowledged.set(`both-${place}`, 2)
    await delay(partition * 500)
    one.cut('b', 'refused')
    await delay(partition * 500)
    one.heal()
    await delay(1_000)
    return `b cut off for ${partition} s, half of it as a black hole, writes on both sides, ${BOTH} records on both: each node counts these`
  },
  { wired: true, conflicts: 3 * BOTH },
)

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
  {
    over: (name): Record<string, string> =>
      name === 'b' ? { NODE_OPTIONS: `--import ${new URL('../support/hour-ahead.js', import.meta.url).href}` } : {},
  },
)

await trial(
  'restored',
  ['a', 'b', 'c'],
  async (one) => {
    const upsert = (name: string, prefix: string, count: number, value: number) => {
      const records = Array.from({ length: count }, (_, place) => ({ id: `${prefix}-${place}`, value }))
      return one.ask(name, { operation: 'upsert', schema: 'dev', table: 'dog', records })
    }
    const note = (prefix: string, count: number, value: number) => {
      for (let place = 0; place < count; place++) one.acknowledged.set(`${prefix}-${place}`, value)
    }
    one.startWriting(5)
    await delay(2_000)
    await one.stopWriting()
    await upsert('a', 'old', 300, 1)
    await one.healed(30_000)
    one.cut('b', 'refused')
    await upsert('b', 'only-b', 200, 1)
    note('only-b', 200, 1)
    await one.makeBackup('b')
    await upsert('b', 'gone-with-the-disk', 200, 1)
    await one.end('b')
    await upsert('c', 'old', 100, 2)
    note('old', 300, 1)
    note('old', 100, 2)
    const deleted = Array.from({ length: 100 }, (_, place) => `old-${place + 200}`)
    await one.ask('a', { operation: 'delete', schema: 'dev', table: 'dog', hash_values: deleted })
    for (const key of deleted) {
      one.acknowledged.delete(key)
      one.deleted.add(key)
    }
    for (let place = 0; place < 200; place++) one.deleted.add(`gone-with-the-disk-${place}`)
    one.heal()
    one.startWriting(5, ['a', 'c'])
    await delay(3_000)
    await one.stopWriting()
    await one.replace('b')
    one.startWriting(5)
    await delay(2_000)
    return 'b lost with its disk, made anew from a backup with 200 records that only it had; meanwhile 100 changed, 100 deleted'
  },
  { wired: true },
)

const FIVE = ['a', 'b', 'c', 'd', 'e']
const chain: Way[] = FIVE.slice(1).map((to, place) => ({ from: FIVE[place]!, to }))
const shapes: [string, string, TrialOptions][] = [
  ['five', 'all share with all', {}],
  ['chain', 'each shares with the next', { ways: chain, over: () => ({ 'clustering.republish': 'true' }) }],
  [
    'ring',
    'each shares with the next, the last with the first',
    { ways: [...chain, { from: 'e', to: 'a' }], over: () => ({ 'clustering.republish': 'true' }) },
  ],
]
for (const [name, story, options] of shapes) {
  await trial(
    name,
    FIVE,
    async (one) => {
      one.startWriting(20)
      for (const [node, part] of [
        ['b', 'node'],
        ['d', 'hub'],
        ['e', 'leaf'],
        ['a', 'node'],
        ['c', 'hub'],
      ] as const) {
        await delay(2_000)
        await one.kill(node, part)
      }
      return `${story}; 5 × kill -9`
    },
    options,
  )
}

const oneWay: Way[] = ['b', 'c'].map((to) => ({ from: 'a', to, oneWay: true }))
for (const [ways, way] of [
  ['two', {}],
  ['one', { ways: oneWay }],
] as const) {
  for (const batch of [1_000, 1]) {
    const name = `${ways}-way ${batch === 1 ? 'singles' : 'batches'}`
    await trial(
      name.replace(' ', '-'),
      ['a', 'b', 'c'],
      async (one) => {
        const started = performance.now()
        const writers = ways === 'one' ? ['a'] : ['a', 'b']
        await Promise.all(writers.map((writer) => one.fill(writer, records / writers.length, batch)))
        const took = ((performance.now() - started) / 1_000).toFixed(1)
        const how = batch === 1 ? 'one by one' : `in batches of ${batch}`
        return `${records} records ${how} on ${writers.join(' and ')} in ${took} s`
      },
      way,
    )
  }
}

console.log(failed ? '\nFAILED' : '\nAll well')
process.exit(failed ? 1 : 0)
