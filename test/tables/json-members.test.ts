import { expect } from 'chai'
import fc from 'fast-check'
import { everything, type JsonText, type View } from '../../src/lib/index.js'
import { encodeValue } from '../../src/storage/index.js'
import { type Key, Queries } from '../../src/tables/index.js'
import { MemberOrder, Members } from '../../src/tables/json-members.js'
import { hashIn, hashOf } from '../../src/tables/key-filter.js'
import { encodeJson } from '../../src/tables/stored-row.js'
import { author, type Store, withStore } from '../support/store.js'
import { asker, limits } from './select/asker.js'

const NAMES = ['id', 'a', 'ab', 'b', 'long name', 'ä"', 'x\\', 'last']
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.constantFrom(-0, 1e21, 5e-324),
)
const plain = fc.oneof(
  number,
  fc.boolean(),
  fc.constant(null),
  fc.string(),
  fc.constantFrom('a,b', '{', '"a":1', '😀é'),
)
const value = fc.oneof({ weight: 9, arbitrary: plain }, { weight: 1, arbitrary: fc.jsonValue() })
const record = fc
  .shuffledSubarray(NAMES)
  .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), value))))
  .map((members) => Object.fromEntries(members) as Record<string, unknown>)
const runs = { numRuns: Number(process.env['FC_RUNS'] ?? 3_000) }
const HEAD = '17@node|'
const DEFAULT = 'by default'

describe('members of JSON text', () => {
  it('are what JSON.parse finds, where they are read at all', () => {
    let read = 0
    fc.assert(
      fc.property(record, fc.subarray(NAMES, { minLength: 1 }), (row, names) => {
        const members = Members.of(names, (name) => (name === 'b' ? DEFAULT : undefined))!
        const found = members.read(HEAD + encodeJson(row), HEAD.length)
        if (!found) return
        read++
        const parsed = JSON.parse(encodeJson(row)) as Record<string, unknown>
        const absent = (name: string) => (name === 'b' ? DEFAULT : undefined)
        for (const name of names)
          expect(found[name]).to.deep.equal(Object.hasOwn(parsed, name) ? parsed[name] : absent(name))
        expect(Object.keys(found)).to.have.members(names)
      }),
      runs,
    )
    expect(read, 'records that were read').to.be.above(runs.numRuns / 4)
    expect(
      Members.of(['id', 'toString'], () => undefined),
      'names that every object has',
    ).to.equal(undefined)
  })

  it('have an order that no other record is taken for', () => {
    fc.assert(
      fc.property(record, record, (a, b) => {
        const order = new MemberOrder()
        expect(order.isOf(HEAD + encodeJson(a), HEAD.length)).to.equal(false)
        order.learn(Object.keys(a))
        const isSame = JSON.stringify(Object.keys(a)) === JSON.stringify(Object.keys(b))
        if (order.isOf(HEAD + encodeJson(b), HEAD.length)) expect(isSame).to.equal(true)
        const simple = Object.fromEntries(Object.keys(a).map((name, i) => [name.replace(/["\\]/, 'z'), i]))
        order.learn(Object.keys(simple))
        const text = HEAD + encodeJson(simple)
        expect(order.isOf(text, HEAD.length)).to.equal(Object.keys(simple).length > 0)
        expect(order.isOf(`${text.slice(0, -1)},"more":1}`, HEAD.length), 'one more').to.equal(false)
      }),
      runs,
    )
  })

  it('have keys whose hash among the bytes of an entry is that of the key', () => {
    fc.assert(
      fc.property(fc.oneof(number, fc.string({ unit: 'binary' }), fc.string()), fc.string(), (key, before) => {
        const bytes = Buffer.from(`${before.replace(/[^a-z]/g, '')}${encodeValue(key as Key)}`, 'latin1')
        const start = bytes.length - encodeValue(key as Key).length
        expect(hashIn(bytes, start, bytes.length)).to.equal(hashOf(key as Key))
      }),
      runs,
    )
  })

  const RECORDS: Record<string, unknown>[] = [
    { id: 1, kind: 'k', n: 1, secret: 's' },
    { id: 2, n: -0, kind: 'k', secret: 's', text: 'a "quoted" text' },
    { id: 3, kind: 'k', n: [-0, { a: '}' }], secret: 's' },
    { secret: 'kind', id: 4, kind: 'k', toString: 'own', text: 'ü😀,"n":7', n: 4.5e300 },
    { id: 5, kind: ['k', 'l'], secret: 's', n: null },
    { id: 6, kind: 'other', n: 6 },
  ]

  for (const bytes of [0, 3_000, 10_000_000])
    it(`give every search the records as they are, with ${bytes} bytes of records and of stretches in memory`, async () => {
      const settings = { 'tables.cache_bytes_max': String(bytes), 'tables.index_cache_bytes_max': String(bytes) }
      await withStore(expectRecords, { settings })
    })

  async function expectRecords({ catalog, tables }: Store): Promise<void> {
    const names = { database: 'dev', table: 'plain' }
    await catalog.createTable({ ...names, primaryKey: 'id' })
    await tables.transact(author, (batch) => batch.insert('dev', 'plain', RECORDS))
    const queries = new Queries(() => tables.snapshot(), limits)
    const seen: View = { seesTable: () => true, seesColumn: (_database, _table, column) => column !== 'secret' }
    const columns = ['id', 'kind', 'n', 'secret', 'text', 'toString']
    const shown = (row: object, wanted: readonly string[]) =>
      Object.fromEntries(wanted.map((name) => [name, Object.hasOwn(row, name) ? (row as never)[name] : null]))
    for (let times = 0; times < 12; times++)
      for (const view of [everything, seen]) {
        const visible = columns.filter((name) => view === everything || name !== 'secret')
        for (const get_attributes of [['*'], ['n', 'id'], ['id', 'text', 'kind'], ['toString', 'id']]) {
          const isAll = get_attributes[0] === '*'
          const wanted = isAll ? visible : get_attributes
          const expected = RECORDS.map((row) => shown(row, wanted))
          const rowsOf = async (answer: unknown) =>
            (JSON.parse(((await answer) as JsonText).text) as Record<string, unknown>[]).map((row) => {
              if (isAll) expect(row).to.have.all.keys(...visible, '__createdtime__', '__updatedtime__')
              const { __createdtime__, __updatedtime__, ...rest } = row
              return rest
            })
          const asked = { ...asker, view }
          const byValue = { ...names, attribute: 'kind', value: 'k', get_attributes }
          expect(await rowsOf(queries.searchByValue(byValue, asked))).to.deep.equal(expected.slice(0, 5))
          const byId = { ...names, ids: [6, 4, 9, 1, 3, 2], get_attributes }
          const found = [6, 4, 1, 3, 2].map((id) => expected[id - 1])
          expect(await rowsOf(queries.searchById(byId, asked))).to.deep.equal(found)
          const conditions = [
            { attribute: 'kind', comparator: 'starts_with', value: 'k' },
            { attribute: 'n', comparator: 'less_than', value: 5 },
          ]
          const request = { ...names, conditions, get_attributes, limit: 50 }
          expect(await rowsOf(queries.searchByConditions(request, asked))).to.deep.equal(expected.slice(0, 3))
        }
      }
  }

  for (const dynamic of [true, false])
    it(`have the defaults of columns that came later, in a ${dynamic ? 'dynamic' : 'declared'} table`, async () => {
      const settings = { 'tables.cache_bytes_max': '0', 'tables.index_cache_bytes_max': '0' }
      await withStore(
        async ({ tables, catalog }) => {
          const names = { database: 'dev', table: 'late' }
          const columns = [
            { name: 'id', type: 'int' as const },
            { name: 'kind', type: 'text' as const, indexed: true },
          ]
          await catalog.createTable({ ...names, primaryKey: 'id', ...(!dynamic && { columns }) })
          await tables.transact(author, (batch) => batch.insert('dev', 'late', [{ id: 1, kind: 'k' }]))
          await tables.addColumn('dev', 'late', { name: 'level', type: 'int', default: 3 })
          await tables.transact(author, (batch) => batch.insert('dev', 'late', [{ id: 2, kind: 'k', level: 4 }]))
          const queries = new Queries(() => tables.snapshot(), limits)
          const request = { ...names, attribute: 'kind', value: 'k', get_attributes: ['level', 'id'] }
          const answer = (await queries.searchByValue(request, asker)) as JsonText
          expect(JSON.parse(answer.text)).to.deep.equal([
            { level: 3, id: 1 },
            { level: 4, id: 2 },
          ])
          const whole = (await queries.searchById({ ...names, ids: [1, 2] }, asker)) as JsonText
          const levels = (JSON.parse(whole.text) as { level: number }[]).map(({ level }) => level)
          expect(levels).to.deep.equal([3, 4])
        },
        { settings },
      )
    })
})
