import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { everything } from '../../src/lib/index.js'
import type { Batch, Key, TableReader } from '../../src/tables/index.js'
import { Queries } from '../../src/tables/index.js'
import { hashOf, KeyFilter } from '../../src/tables/key-filter.js'
import { author, read, type Store, withStore } from '../support/store.js'

const LIMITS = {
  memory_bytes_max: 1e8,
  result_rows_max: 10_000,
  groups_max: 1000,
  conditions_max: 100,
  slice_ms: 5,
  stream_above_bytes: 1e6,
}
/** So many searches in vain have a filter built. */
const WANTED = 2
const ASKER = { view: everything, signal: new AbortController().signal }

const random = (below: number) => Math.floor(Math.random() * below)
const TABLE = { database: 'dev', table: 'plain', primaryKey: 'id' }
const ON = { attribute: 'on', value: true }
const end = { value: true, inclusive: true }

/** Makes known that a filter is wanted, until there is one. */
async function filtered(store: Store): Promise<void> {
  const isThere = () => read(store, (snapshot) => snapshot.table('dev', 'plain')!.filter!(ON) !== undefined)
  for (let turns = 0; !isThere(); turns++) {
    expect(turns, 'turns without a filter').to.be.below(20_000)
    read(store, (snapshot) => snapshot.table('dev', 'plain')!.wantFilter!(ON))
    await turn()
  }
}

/** Whatever the filter denies has no entry. Answers whether there was a filter. */
function look(reader: TableReader): boolean {
  const test = reader.filter!(ON)
  if (!test) return false
  const denied = [...reader.range({ attribute: 'on', from: end, to: end })].filter((key) => !test(key))
  expect(denied, 'keys that were denied').to.deep.equal([])
  const rows = [...reader.scan()].filter((row) => row['on'] === true || (row['on'] as unknown[])?.[0] === true)
  expect(rows.filter((row) => !test(row['id'] as Key))).to.deep.equal([])
  return true
}

const KEYS = 600
const someKey = (): Key => (random(2) ? random(KEYS) : `key ${random(KEYS)}`)
const someRecord = () => ({ id: someKey(), on: random(4) ? false : random(3) ? true : [true, 'x'] })

function someWrite(batch: Batch): void {
  if (random(4) === 0) batch.delete('dev', 'plain', [someKey(), someKey()])
  else batch.upsert('dev', 'plain', Array.from({ length: 1 + random(8) }, someRecord))
}

describe('a filter of keys', () => {
  it('never denies a key that it holds, and seldom has one that it does not', () => {
    const kinds: ((n: number) => Key)[] = [
      (n) => n,
      (n) => n * 4096,
      (n) => -n * 3,
      (n) => n / 7,
      (n) => n * 2 ** 40,
      (n) => `item ${n}`,
      (n) => `${n}`.repeat(3),
    ]
    for (const keyOf of kinds) {
      const filter = new KeyFilter(20_000)
      for (let n = 0; n < 20_000; n++) filter.add(hashOf(keyOf(2 * n)))
      let wrong = 0
      for (let n = 0; n < 20_000; n++) {
        expect(filter.mayHave(hashOf(keyOf(2 * n))), `${keyOf(2 * n)}`).to.equal(true)
        if (filter.mayHave(hashOf(keyOf(2 * n + 1)))) wrong++
      }
      expect(wrong, `keys like ${keyOf(3)}`).to.be.below(2_000)
    }
  })

  for (const waiting of [0, 60, 100_000])
    it(`holds for every snapshot, whatever is written while it is made and after, with ${waiting} entries that wait`, async () => {
      const settings = { 'tables.postponed_entries_max': String(waiting) }
      await withStore(
        async (store) => {
          const { catalog, tables } = store
          await catalog.createTable(TABLE)
          let [isOver, looks] = [false, 0]
          const writing = async () => {
            for (let n = 0; n < 400; n++) {
              await tables.transact(author, someWrite)
              for (let turns = random(3); turns > 0; turns--) await turn()
            }
            isOver = true
          }
          const wanting = async () => {
            while (!isOver) {
              read(store, (snapshot) => snapshot.table('dev', 'plain')?.wantFilter?.(ON))
              await turn()
            }
          }
          const looking = async () => {
            while (!isOver) {
              using snapshot = tables.snapshot()
              for (let times = 0; times < 3; times++) {
                const reader = snapshot.table('dev', 'plain')!
                if (look(reader)) looks++
                for (let turns = random(4); turns > 0; turns--) await turn()
              }
            }
          }
          await Promise.all([writing(), wanting(), looking(), looking()])
          expect(looks, 'looks at a filter').to.be.above(20)
        },
        { settings },
      )
    })

  it('spares a search by another condition the records without the value, and finds the same', async () => {
    await withStore(async (store) => {
      const { catalog, tables } = store
      await catalog.createTable(TABLE)
      const records = Array.from({ length: 6_000 }, (_, id) => ({ id, level: id % 2, on: id % 2 === 0 || id > 5_980 }))
      await tables.transact(author, (batch) => batch.insert('dev', 'plain', records))
      const queries = new Queries(() => tables.snapshot(), LIMITS)
      const search = async (explain: boolean) => {
        const conditions = [
          { attribute: 'level', comparator: 'between', value: [1, 3] },
          { attribute: 'on', comparator: 'equals', value: true },
        ]
        const request = { database: 'dev', table: 'plain', conditions, limit: 8, get_attributes: ['id'], explain }
        const answer = await queries.searchByConditions(request, ASKER)
        return JSON.parse((answer as { text: string }).text)
      }
      const slow = (await search(true)).plan.rows_read as number
      const before = await search(false)
      expect(before).to.have.length(8)
      expect(slow).to.be.above(500)
      await filtered(store)
      expect(await search(false)).to.deep.equal(before)
      expect((await search(true)).plan.rows_read).to.be.below(slow / 5)
      await tables.transact(author, (batch) => batch.update('dev', 'plain', [{ id: 1, on: true }]))
      expect((await search(false))[0]).to.deep.equal({ id: 1 })
    })
  })

  it('is waited for by searches in vain while another one reads on', async () => {
    await withStore(async (store) => {
      const { catalog, tables } = store
      await catalog.createTable(TABLE)
      const levels = 8
      for (let first = 0; first < 120_000; first += 10_000) {
        const records = Array.from({ length: 10_000 }, (_, n) => ({
          id: first + n,
          level: n % levels,
          on: n % levels > 0,
        }))
        await tables.transact(author, (batch) => batch.insert('dev', 'plain', records))
      }
      const queries = new Queries(() => tables.snapshot(), { ...LIMITS, slice_ms: 0 })
      const rowsRead = async () => {
        const conditions = [
          { attribute: 'level', comparator: 'equals', value: 0 },
          { attribute: 'on', comparator: 'equals', value: true },
        ]
        const request = { database: 'dev', table: 'plain', conditions, limit: 8, get_attributes: ['id'], explain: true }
        const answer = await queries.searchByConditions(request, ASKER)
        return JSON.parse((answer as { text: string }).text).plan.rows_read as number
      }
      const searches: Promise<number>[] = []
      for (let first = 0; first < WANTED; first++) {
        searches.push(rowsRead())
        await turn()
      }
      for (let later = 0; later < 8; later++) searches.push(rowsRead())
      const isThere = () => read(store, (snapshot) => snapshot.table('dev', 'plain')!.filter!(ON) !== undefined)
      expect(isThere(), 'the filter is still being built').to.equal(false)
      const inVain = (await Promise.all(searches)).filter((rows) => rows > 10_000)
      expect(inVain.length, 'searches that have read all records of the level').to.be.at.most(WANTED)
      expect(isThere()).to.equal(true)
    })
  })
})
