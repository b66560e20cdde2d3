import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { Answer, compareScalars, compile, createScan, PyqlError, type ReplyNode } from '../../src/pyql/index.js'
import { parse } from '../../src/pyql/parser.js'
import { oracleColumns, Random, randomPeople, ScriptGenerator } from '../support/pyql-generator.js'
import {
  groupsOf,
  interpret,
  OracleError,
  type OracleOptions,
  type OracleResult,
  OracleTired,
} from '../support/pyql-oracle.js'
import { limits, scanOptions } from '../support/pyql-oracle-limits.js'
import { blockOf, type Person } from '../support/pyql-people.js'

/** How many, and the seed of the first: TRELLIS_PYQL_SCRIPTS=100000 TRELLIS_PYQL_SEED=10001. */
const scripts = Number(process.env.TRELLIS_PYQL_SCRIPTS ?? 10_000)
const firstSeed = Number(process.env.TRELLIS_PYQL_SEED ?? 1)
const modes = ['event', 'event', 'event', 'segment', 'histogram'] as const

type Mode = (typeof modes)[number]
interface Outcome {
  groups: unknown
  members: number[]
  debug: unknown[]
}

function compiled(text: string, mode: Mode, people: readonly Person[], parts: number): Outcome {
  const program = compile(text, { mode, columns: oracleColumns })
  const members = new Uint32Array(1)
  const aggregates = mode === 'histogram' ? [] : program.aggregates
  const answer = new Answer(aggregates, 1, limits)
  const histogram: unknown[] = []
  const debug: unknown[] = []
  const size = Math.ceil(people.length / parts)
  for (let from = 0; from < people.length; from += size) {
    const scan = createScan(program, { ...scanOptions, sliceMs: 0 })
    // Two blocks in one scan, so that what a scan keeps between blocks is tested as well.
    const half = Math.ceil(size / 2)
    for (const [first, last] of [
      [from, from + half],
      [from + half, from + size],
    ] as const) {
      const group = people.slice(first, last)
      // In slices that are over at once wherever that is looked at, and on from where they were.
      const block = blockOf(group, program.columns, first)
      for (let at = 0; at < group.length; ) at = scan.run(block, undefined, members, at)
    }
    const partial = scan.partial()
    if (mode === 'histogram') histogram.push(...valuesOf(partial))
    else if (mode === 'event') answer.absorb(partial, 0)
    debug.push(...partial.debug)
  }
  return { groups: mode === 'histogram' ? tallied(histogram) : byKey(answer.reply()._), members: bits(members), debug }
}

function valuesOf({ keys, key, parent, columns }: ReturnType<ReturnType<typeof createScan>['partial']>): unknown[] {
  const counts = columns[0]!.n as Float64Array
  return [...key].flatMap((k, node) =>
    node > 0 && parent[node] === 1 ? Array.from({ length: counts[node]! }, () => keys[k]) : [],
  )
}

function tallied(values: unknown[]): unknown[] {
  return [...values].sort((a, b) => Number(a) - Number(b))
}

function bits(words: Uint32Array): number[] {
  return Array.from({ length: 32 }, (_, i) => i).filter((i) => (words[0]! & (1 << i)) !== 0)
}

function byKey(nodes: readonly ReplyNode[]): unknown {
  const sorted = [...nodes].sort((a, b) => compareScalars(a.g, b.g))
  return sorted.map((node) => ({ ...node, ...(node._ ? { _: byKey(node._) } : {}) }))
}

function expected(text: string, mode: Mode, people: readonly Person[]): Outcome {
  const columns = oracleColumns
  const script = parse(text, new Map(), (name) => columns.some((column) => column.name === name))
  const options: OracleOptions = { mode, columns, now: scanOptions.now, sessionTime: scanOptions.sessionTime }
  const result: OracleResult = interpret(script, people, options)
  const values = result.returned.filter((value) => value !== null && value !== undefined)
  const numbers = values.map((value) => (typeof value === 'string' ? 0 : Number(value) + 0))
  return {
    groups: mode === 'histogram' ? tallied(numbers) : mode === 'event' ? groupsOf(script, result, options) : [],
    members: result.members,
    debug: result.debug,
  }
}

/** What a run comes to, errors at run time included. */
function outcome(run: () => Outcome): Outcome | 'fails' {
  try {
    return run()
  } catch (error) {
    if (error instanceof OracleError) return 'fails'
    if (error instanceof PyqlError && error.kind === 'run_time') return 'fails'
    throw error
  }
}

describe('compiled programs', () => {
  it(`answer as a plain interpreter does (${scripts} random scripts)`, async function () {
    this.timeout(600_000 + scripts * 10)
    let failing = 0
    let limited = 0
    for (let seed = firstSeed; seed < firstSeed + scripts; seed++) {
      if (seed % 100 === 0) await turn() // so that what is done with can be collected
      const random = new Random(seed)
      const mode = random.pick(modes)
      const people = randomPeople(random)
      const text = new ScriptGenerator(random, mode).script()
      let wanted: Outcome | 'fails'
      try {
        wanted = outcome(() => expected(text, mode, people))
      } catch (error) {
        if (error instanceof OracleTired) continue
        throw error
      }
      if (wanted === 'fails') failing++
      const parts = 1 + random.below(3)
      let got: Outcome | 'fails'
      try {
        got = outcome(() => compiled(text, mode, people, parts))
      } catch (error) {
        // The interpreter has no bound of memory.
        if (error instanceof PyqlError && error.kind === 'limit' && ++limited <= scripts / 1000) continue
        throw new Error(`seed ${seed}, ${mode}:\n${text}\n${error instanceof PyqlError ? error.picture : ''}`, {
          cause: error,
        })
      }
      // As JSON: that is how it is answered, and there is no -0 in it. Equal texts are equal values.
      const [answer, right] = [JSON.stringify(got), JSON.stringify(wanted)]
      if (answer !== right) {
        const told = `seed ${seed}, ${mode}, ${parts} parts:\n${text}`
        expect(JSON.parse(answer), told).to.deep.equal(JSON.parse(right))
      }
    }
    expect(failing, 'scripts that fail at run time').to.be.below(scripts / 2)
  })
})
