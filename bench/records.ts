// npm run bench -- [--rows 20000] [--seconds 4] [--rounds 3] [--only byid,insert1] [--growth 5000000 [--folder DATA] [--warm 300]]
// Record loads on TrellisDB and on the floor in turn (medians, and the share of the floor); then, with --growth, the same
// reads on a large table. With --folder the large table is kept there, and found there the next time. Each load runs on the
// large one before, until it gets no faster or --warm seconds are over: pages come into memory, and a node copies the
// records of values that are asked for again and again.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fill, type Load, loads, type Measured, measure } from './records/loads.js'
import { Target } from './records/target.js'

const CONNECTIONS = 16
const { values: given } = parseArgs({
  options: {
    rows: { type: 'string', default: '20000' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    growth: { type: 'string', default: '0' },
    folder: { type: 'string' },
    warm: { type: 'string', default: '300' },
  },
})
const rows = Number(given.rows)
const seconds = Number(given.seconds)
const rounds = Number(given.rounds)
const growth = Number(given.growth)
const warm = Number(given.warm)
const ROWS_PER_VALUE = 100
/** Warming is looked at in steps of so many seconds, and over when so many of them in a row brought no gain. */
const WARMING_STEP = 10
const STEADY_STEPS = 3
const GAIN = 1.03

function median(results: readonly Measured[]): Measured {
  const of = (name: keyof Measured) => results.map((one) => one[name]).sort((a, b) => a - b)[results.length >> 1]!
  return { perSecond: of('perSecond'), p50: of('p50'), p99: of('p99') }
}

function line(cells: readonly (string | number)[]): void {
  console.log(`| ${cells.join(' | ')} |`)
}

const isAsked = ([name]: readonly [string, Load]) => given.only === '' || given.only.split(',').includes(name)
const rate = (value: number) => Math.round(value).toLocaleString('en-US')
const ms = (value: number) => value.toFixed(2)

async function compare(): Promise<void> {
  await using floor = await Target.start('floor', CONNECTIONS)
  await using trellis = await Target.start('trellisdb', CONNECTIONS)
  await fill(floor, rows)
  await fill(trellis, rows)
  const all = Object.entries(loads(rows)).filter(isAsked)
  line(['load', 'TrellisDB /s', 'floor /s', 'share', 'promised', 'p50 ms', 'p99 ms'])
  line(['---', '---', '---', '---', '---', '---', '---'])
  const byid = loads(rows)['byid']!
  for (const [name, load] of all) await compareOne(name, load, byid, floor, trellis)
}

async function compareOne(name: string, load: Load, byid: Load, floor: Target, trellis: Target): Promise<void> {
  const ours: Measured[] = []
  const theirs: Measured[] = []
  for (let round = 0; round < rounds; round++) {
    theirs.push(await measure(floor, load.onFloor ? load : byid, seconds))
    ours.push(await measure(trellis, load, seconds))
  }
  const our = median(ours)
  const their = median(theirs)
  const share = our.perSecond / their.perSecond
  line([name, rate(our.perSecond), rate(their.perSecond), share.toFixed(2), load.promised, ms(our.p50), ms(our.p99)])
}

/** Loads on a table of `growth` records and in turn on one of `rows`, 100 records a value in both. */
async function grow(): Promise<void> {
  await using small = await Target.start('trellisdb', CONNECTIONS)
  await using large = await Target.start('trellisdb', CONNECTIONS, given.folder)
  await fill(small, rows, valuesOf(rows))
  await fillLarge(large)
  const ofSmall = loads(rows, valuesOf(rows), CONNECTIONS)
  // A folder that is kept has the records of earlier runs.
  const first = given.folder === undefined ? undefined : Date.now() * 1000
  const { insert1000, ...ofLarge } = loads(growth, valuesOf(growth), CONNECTIONS, first)
  line([
    'load',
    `at ${rate(rows)} /s`,
    `at ${rate(growth)} /s`,
    'warmed s',
    'slower',
    'p50 ms',
    'p99 ms',
    'p99 / p50, worst',
    'MiB',
  ])
  line(Array.from({ length: 9 }, () => '---'))
  for (const [name, load] of Object.entries(ofLarge).filter(isAsked)) {
    const before: Measured[] = []
    const after: Measured[] = []
    const warmed = await warmUp(large, name, load)
    await measure(small, ofSmall[name]!, seconds)
    for (let round = 0; round < rounds; round++) {
      before.push(await measure(small, ofSmall[name]!, seconds))
      after.push(await measure(large, load, seconds))
    }
    const { perSecond, p50, p99 } = median(after)
    const at = median(before).perSecond
    const worst = Math.max(...after.map((one) => one.p99 / one.p50))
    const cells = [warmed, ms(at / perSecond), ms(p50), ms(p99), worst.toFixed(1), large.anonymousMemory().toFixed(0)]
    line([name, rate(at), rate(perSecond), ...cells])
  }
}

/** Answers after how many seconds the load got no faster, or was cut off. */
async function warmUp(target: Target, name: string, load: Load): Promise<number> {
  let best = 0
  let steady = 0
  let lasted = 0
  for (; lasted < warm && steady < STEADY_STEPS; lasted += WARMING_STEP) {
    const { perSecond } = await measure(target, load, WARMING_STEP)
    steady = perSecond > best * GAIN ? 0 : steady + 1
    best = Math.max(best, perSecond)
    console.error(`${name}: ${rate(perSecond)} /s after ${lasted + WARMING_STEP} s`)
  }
  return lasted
}

const valuesOf = (size: number) => Math.max(1, Math.floor(size / ROWS_PER_VALUE))

/** Fills the large table, unless the folder that is kept has it. What an interrupted run has left is not the whole. */
async function fillLarge(large: Target): Promise<void> {
  const mark = given.folder && join(given.folder, `filled-${growth}`)
  if (mark && existsSync(mark)) return
  const started = performance.now()
  await fill(large, growth, valuesOf(growth)).catch((error: unknown) => {
    throw mark ? new Error(`${given.folder} was not filled to its end before; remove it`, { cause: error }) : error
  })
  if (mark) writeFileSync(mark, '')
  const perSecond = growth / ((performance.now() - started) / 1000)
  console.log(`filled with ${rate(growth)} records, ${rate(perSecond)} a second\n`)
}

if (growth > 0) await grow()
else await compare()
