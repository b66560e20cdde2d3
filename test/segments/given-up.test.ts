import { expect } from 'chai'
import type { EventStore } from '../../src/analytics/index.js'
import type { TableSchema } from '../../src/catalog/index.js'
import { everything } from '../../src/lib/index.js'
import { createScan, type Program } from '../../src/pyql/index.js'
import { Compile } from '../../src/segments/compile.js'
import { Questions } from '../../src/segments/questions.js'
import type { Segments } from '../../src/segments/segments.js'
import { blockOf } from '../support/pyql-people.js'
import { limits } from '../support/pyql-run.js'
import { turnsDuring } from '../support/turns.js'

const GROUPS = 100_000
const column = { id: 1, name: 'uid', type: 'text', indexed: false, notNull: false, unique: false } as const
const schema = {
  ...{ id: 1, database: 'd', name: 't', kind: 'events' as const, primaryKey: 'id', dynamic: false, columns: [column] },
  ...{ foreignKeys: [], createdAt: 0, options: { partitions: 1 } },
} satisfies TableSchema
const people = Array.from({ length: GROUPS }, (_, at) => ({
  id: at,
  rows: [{ stamp: at, action: 'a', cells: { uid: `u${at}` } }],
}))

/** What the workers would find: as many groups as there are people. */
function partialOf(program: Program) {
  const scan = createScan(program, {
    now: 0,
    sessionTime: 1,
    trace: false,
    limits: { ...limits, nodesMax: 2 * GROUPS },
  })
  for (let from = 0; from < GROUPS; from += 10_000)
    scan.run(blockOf(people.slice(from, from + 10_000), program.columns, from))
  return scan.partial()
}

const store = {
  scan: (_: unknown, { program }: { program: Program }) =>
    Promise.resolve({ partials: [[partialOf(program)]], people: GROUPS }),
  column: () =>
    Promise.resolve({
      people: [GROUPS],
      values: people.map(({ rows }) => ({ value: rows[0]!.cells.uid, counts: [1] })),
    }),
}
const questions = new Questions({
  store: store as unknown as EventStore,
  segments: { uses: () => Promise.resolve([]), release: () => Promise.resolve() } as unknown as Segments,
  compile: new Compile({ scriptCharactersMax: 1_000, scan: { ...limits, nodesMax: 2 * GROUPS } }),
  rowsPerEventMax: 10,
})

describe('answers of a hundred thousand groups', () => {
  const script = 'agg:\n    count person\nmatch:\n    tally(uid)\n'
  const events = (more: object) => (signal: AbortSignal) =>
    questions.query(schema, { script, ...more }, { view: everything, signal })
  const kinds: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
    query_events: events({}),
    'query_events with trim': events({ trim: 10 }),
    'query_events by the least of texts': events({ script: script.replace('count person', 'max uid') }),
    query_column: (signal) => questions.queryColumn(schema, { column: 'uid' }, { view: everything, signal }),
    query_batch: (signal) =>
      questions.queryBatch(schema, { script: '@column uid\n@column uid\n' }, { view: everything, signal }),
    query_histogram: (signal) =>
      questions.queryHistogram(
        schema,
        { name: 'h', script: 'match:\n    return event_time\n' },
        { view: everything, signal },
      ),
  }
  for (const [name, ask] of Object.entries(kinds)) {
    it(`are put together while others are served, and given up with their caller: ${name}`, async () => {
      const [given, kept] = [new AbortController(), new AbortController()]
      const gone = new Error('nobody waits')
      const answer = ask(given.signal)
      setImmediate(() => given.abort(gone))
      expect(await answer.catch((error: unknown) => error)).to.equal(gone)
      expect(await turnsDuring(() => ask(kept.signal))).at.least(3)
      expect(kept.signal.aborted).to.equal(false)
    })
  }
})
