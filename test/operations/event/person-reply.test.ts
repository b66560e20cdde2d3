import { expect } from 'chai'
import { Chance } from '../../analytics/plain-store.js'
import { type TestNode, withNode } from '../../support/node.js'

type Body = Record<string, unknown>
type Row = { stamp: number; action: string; attr: Body }

const PEOPLE = Number(process.env.TRELLIS_PERSON_REPLIES ?? 25)
const ROWS_PER_EVENT_MAX = 5

/** Columns with the names of what events are made of among them. */
const COLUMNS = [
  { name: 'text', type: 'text' },
  { name: 'int', type: 'int' },
  { name: 'double', type: 'double' },
  { name: 'bool', type: 'bool' },
  { name: 'texts', type: 'text', is_set: true },
  { name: 'doubles', type: 'double', is_set: true },
  { name: 'bools', type: 'bool', is_set: true },
  { name: '_', type: 'text' },
  { name: '__', type: 'text', is_set: true },
  { name: 'attr', type: 'int' },
  { name: 'stamp', type: 'text' },
  { name: 'constructors', type: 'text' },
]
const TEXTS = ['', ' ', 'a', 'A', 'é', 'e\u0301', '\u{1f600}', '\ud800', '\u0000', '"\\\n', 'null', '1e3', '__proto__']
const INTS = [0, -1, 1, 7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 31, -(2 ** 31), 65_536, 255]
const DOUBLES = [0, -0, 0.1, 5e-324, -5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, Number.EPSILON, 1e21, 1 / 3, 2 ** 53]
const STAMPS = [0, 1, 86_400, 1_700_000_000, 1_700_000_000_123, 253_402_300_799_999, 4_102_444_800, 0.5]

function cellOf(chance: Chance, { type, is_set }: (typeof COLUMNS)[number]): unknown {
  const one = () =>
    type === 'text' ? chance.of(TEXTS) : type === 'bool' ? chance.in(2) : chance.of(type === 'int' ? INTS : DOUBLES)
  return is_set ? Array.from({ length: chance.below(4) }, one) : one()
}

/** Events that share stamps and actions more often than not, flat and nested, many of them repeats of others. */
function eventsOf(chance: Chance, person: string): Body[] {
  const names = COLUMNS.filter(() => chance.in(3))
  const values = () => {
    const filled = names.filter(() => !chance.in(3)).map((column) => [column.name, cellOf(chance, column)])
    return Object.fromEntries(filled) as Body
  }
  const stamps = [chance.of(STAMPS), chance.of(STAMPS)]
  return Array.from({ length: 1 + chance.below(14) }, () => {
    const nested = chance.in(4) ? { more: Array.from({ length: 1 + chance.below(4) }, values) } : {}
    const action = chance.of(['a', 'listed', 'b', '\u{1d4b3}'])
    return { person, stamp: chance.of(stamps), action, _: { ...values(), ...nested } }
  })
}

describe('the reply for a person', () => {
  for (const zOrder of [[], ['listed', 'b']]) {
    it(`gives the same rows when it is inserted again, whatever is in them (z-order: ${zOrder.join() || 'none'})`, () =>
      withNode(
        async (node) => {
          const make = (table: string, partitions: number) =>
            node.ok({ operation: 'create_table', table, kind: 'events', columns: COLUMNS, z_order: zOrder, partitions })
          await make('first', 3)
          await make('second', 1)
          for (let seed = 1; seed <= PEOPLE; seed++) await compare(node, new Chance(seed), `person ${seed}`)
          expect(await replyOf(node, 'second', `person ${PEOPLE}`)).to.not.deep.equal([])
        },
        { 'events.rows_per_event_max': String(ROWS_PER_EVENT_MAX) },
      ))
  }

  it('is about one person: who names two is told so', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', table: 'first', kind: 'events', columns: COLUMNS })
      for (const named of [{}, { sid: '5', id: 5 }]) {
        const { status, body } = await node.post({ operation: 'query_person', table: 'first', ...named })
        expect([status, (body as Body).code]).to.deep.equal([400, 'person_missing'])
      }
    }))

  it('refuses numbers that no double holds, and takes -0 for 0', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', table: 'first', kind: 'events', columns: COLUMNS })
      const events = '1e400 -1e400 [1,1e999]'.split(' ').map((text) => `{"doubles":${text}}`)
      const of = (values: string) => `{"person":"p","stamp":1,"action":"a","_":${values}}`
      const all = [...events, '{"double":-1e400}', '{"text":1e400}', '{"double":-0}', '{"double":0}'].map(of)
      const text = `{"operation":"insert_events","table":"first","events":[${all.join()},{"person":1e400,"stamp":1,"action":"a","_":{}}]}`
      const { body } = await node.post(text)
      expect(body).to.include({ inserted: 1, duplicates: 1 })
      const rejected = (body as { rejected: { index: number }[] }).rejected
      expect(rejected.map(({ index }) => index)).to.deep.equal([0, 1, 2, 3, 4, 7])
      expect(await replyOf(node, 'first', 'p')).to.deep.equal([
        { stamp: 1000, stamp_iso: '1970-01-01T00:00:01Z', action: 'a', attr: { double: 0 } },
      ])
    }))
})

async function replyOf(node: TestNode, table: string, sid: string): Promise<Row[]> {
  return (await node.ok<{ rows: Row[] }>({ operation: 'query_person', table, sid })).rows
}

async function compare(node: TestNode, chance: Chance, person: string): Promise<void> {
  const insert = (table: string, events: readonly Body[]) =>
    node.ok<Body>({ operation: 'insert_events', table, events })
  for (const event of eventsOf(chance, person)) await insert('first', [event])
  const rows = await replyOf(node, 'first', person)
  const again = rows.map((row) => ({ person, ...row }))
  const told = `${person}: ${JSON.stringify(rows)}`
  expect(await insert('first', again), told).to.deep.include({ inserted: 0, duplicates: again.length, rejected: [] })
  expect(await insert('second', again), told).to.deep.include({ duplicates: 0, rejected: [] })
  expect(await replyOf(node, 'second', person), told).to.deep.equal(rows)
  const script = 'agg:\n    count action as n all\nmatch:\n    tally("all")\n'
  const counts = ['first', 'second'].map((table) =>
    node.ok({ operation: 'query_events', table, script: script.replace('match', `match where person == "${person}"`) }),
  )
  const [first, second] = await Promise.all(counts)
  expect(second, told).to.deep.equal(first)
}
