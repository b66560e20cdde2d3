// npm run bench -- [--rows 20000] [--seconds 4] [--rounds 3] [--only byid,insert1] [--growth 5000000 [--folder DATA]]
// Record loads on TrellisDB and on the floor in turn (medians, and the share of the floor); then, with --growth, the same
// reads on a large table. With --folder the large table is kept there, and found there the next time.
import { existsSync } from 'node:fs'
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
  },
})
const rows = Number(given.rows)
const seconds = Number(given.seconds)
const rounds = Number(given.rounds)
const growth = Number(given.growth)
const ROWS_PER_VALUE = 100

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
  const floor = await Target.start('floor', CONNECTIONS)
  const trellis = await Target.start('trellisdb', CONNECTIONS)
  try {
    await fill(floor, rows)
    await fill(trellis, rows)
    const all = Object.entries(loads(rows)).filter(isAsked)
    line(['load', 'TrellisDB /s', 'floor /s', 'share', 'promised', 'p50 ms', 'p99 ms'])
    line(['---', '---', '---', '---', '---', '---', '---'])
    const byid = loads(rows)['byid']!
    for (const [name, load] of all) await compareOne(name, load, byid, floor, trellis)
  } finally {
    await floor[Symbol.asyncDispose]()
    await trellis[Symbol.asyncDispose]()
  }
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

/** Reads of a table of `growth` records against those of one of `rows`, 100 records a value in both. */
async function grow(): Promise<void> {
  line(['load', 'rows', 'per second', 'p50 ms', 'p99 ms', 'p99 / p50', 'anonymous memory MiB'])
  line(['---', '---', '---', '---', '---', '---', '---'])
  for (const size of [rows, growth]) {
    const kept = size === growth ? given.folder : undefined
    const isFilled = kept !== undefined && existsSync(kept)
    const target = await Target.start('trellisdb', CONNECTIONS, kept)
    try {
      const values = Math.max(1, Math.floor(size / ROWS_PER_VALUE))
      const started = performance.now()
      if (!isFilled) await fill(target, size, values)
      const filled = (performance.now() - started) / 1000
      if (!isFilled) line(['filling', rate(size), rate(size / filled), '', '', '', ms(target.anonymousMemory())])
      const { insert1000, ...all } = loads(size, values, CONNECTIONS)
      for (const [name, load] of Object.entries(all).filter(isAsked)) {
        const result = await measure(target, load, seconds)
        const { perSecond, p50, p99 } = result
        line([
          name,
          rate(size),
          rate(perSecond),
          ms(p50),
          ms(p99),
          (p99 / p50).toFixed(1),
          ms(target.anonymousMemory()),
        ])
      }
    } finally {
      await target[Symbol.asyncDispose]()
    }
  }
}

if (growth > 0) await grow()
else await compare()
