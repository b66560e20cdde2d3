import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import {
  Answer,
  compile,
  createScan,
  Histogram,
  type Program,
  PyqlError,
  parametersOf,
  type ScanOptions,
  type TableColumn,
} from '../../src/pyql/index.js'
import { blockOf, type Cell, type Person } from '../support/pyql-people.js'
import { limits } from '../support/pyql-run.js'

/** The examples of docs/pyql.md: a block of PyQL, and behind it what comes of it. */
interface Example {
  line: number
  words: string[]
  script: string
  answer: string
  answerKind: string
}

const guide = readFileSync('docs/pyql.md', 'utf8')
const fences = [...guide.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
  info: match[1]!,
  body: match[2]!,
  line: guide.slice(0, match.index).split('\n').length,
}))
const examples = fences.flatMap(({ info, body, line }, i): Example[] => {
  if (!info.startsWith('pyql')) return []
  const next = fences[i + 1]!
  return [{ line, words: info.split(' ').slice(1), script: body, answer: next.body, answerKind: next.info }]
})

const jsonOf = (info: string) => JSON.parse(fences.find((fence) => fence.info === info)!.body)
const columns = (jsonOf('json columns') as { name: string; type: TableColumn['type']; is_set?: boolean }[]).map(
  ({ name, type, is_set = false }): TableColumn => ({ name, type, isSet: is_set }),
)
const people = peopleOf(jsonOf('json events'))

function peopleOf(events: { person: string; stamp: string; action: string; _: Record<string, Cell> }[]): Person[] {
  const ids = [...new Set(events.map(({ person }) => person))]
  return ids.map((id) => {
    const own = events.filter(({ person }) => person === id)
    return { id, rows: own.map(({ stamp, action, _: cells }) => ({ stamp: Date.parse(stamp), action, cells })) }
  })
}

const options: ScanOptions = { now: Date.UTC(2024, 3, 1), sessionTime: 1_800_000, trace: true, limits }

/** What an example comes to, as it is shown behind it. */
function run({ words, script, answerKind }: Example): unknown {
  const fields = new Map(words.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]))
  const mode = (['segment', 'histogram', 'trigger'] as const).find((name) => words.includes(name)) ?? 'event'
  const each = fields.get('foreach')
  const program = compile(script, { mode, columns, parameters: parametersOf(fields), each: each !== undefined })
  if (mode === 'segment') return segment(program)
  if (mode === 'trigger') return trigger(program)
  if (mode === 'histogram') return histogram(program, fields)
  const scan = createScan(program, options)
  scan.run(blockOf(words.includes('person') ? people.slice(0, 1) : people, program.columns))
  const answer = new Answer(program.aggregates, 1, limits)
  answer.absorb(scan.partial(), 0)
  return answerKind === 'json debug' || !script.includes('tally') ? answer.debug : answer.reply()
}

function segment(program: Program): unknown {
  const members = new Uint32Array(1)
  createScan(program, options).run(blockOf(people, program.columns), undefined, members)
  return people.filter((_, i) => (members[0]! & (1 << i)) !== 0).map(({ id }) => id)
}

function trigger(program: Program): unknown {
  return people.flatMap((person) => {
    const [outcome] = createScan(program, options).call(blockOf([person], program.columns), 'on_insert')
    const scheduled = outcome!.scheduled.map(({ afterMs, entry }) => `in ${afterMs} ms: ${entry}`)
    return [...outcome!.emitted, ...(outcome!.returned === null ? [] : [outcome!.returned]), ...scheduled]
  })
}

function histogram(program: Program, fields: ReadonlyMap<string, string>): unknown {
  const column = fields.get('foreach')
  const values = column ? people.flatMap(({ rows }) => rows.map(({ cells }) => cells[column] as string)) : []
  const bucket = Number(fields.get('bucket'))
  const scan = createScan(program, { ...options, bucket, each: [...new Set(values)] })
  scan.run(blockOf(people, program.columns))
  const answer = new Histogram(1, limits)
  answer.absorb(scan.partial(), 0)
  const order = fields.get('order') as 'asc' | undefined
  return answer.reply({ name: 'spent', bucket, each: column !== undefined, ...(order && { order }) })
}

describe('the guide to PyQL', () => {
  for (const example of examples) {
    it(`tells the truth in line ${example.line}`, () => {
      if (example.words.includes('error')) {
        expect(() => run(example)).to.throw(PyqlError)
        try {
          run(example)
        } catch (error) {
          const { place, picture, message } = error as PyqlError
          expect(`line ${place!.line}, column ${place!.column}\n${picture}\n${message}\n`).to.equal(example.answer)
        }
      } else expect(run(example)).to.deep.equal(JSON.parse(example.answer))
    })
  }
})
