import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import type { Batch, Key, Row, Snapshot, TableReader } from '../../src/tables/index.js'
import { IndexCache, type Stretch } from '../../src/tables/index-cache.js'
import { author, expectSound, type Store, withStore } from '../support/store.js'

const TABLE = { database: 'dev', table: 'plain', primaryKey: 'id' }
const KEYS = 400
const VALUES = 12
const WRITES = 120
const LOOKS = 120

const random = (below: number) => Math.floor(Math.random() * below)
const someRecord = () => ({ id: random(KEYS), a: random(VALUES), b: `text ${random(VALUES)}` })

function someWrite(batch: Batch): void {
  const records = Array.from({ length: 1 + random(5) }, someRecord)
  const kind = random(4)
  if (kind === 0) batch.delete('dev', 'plain', [random(KEYS), random(KEYS)])
  else if (kind === 1) batch.update('dev', 'plain', records)
  else batch.upsert('dev', 'plain', records)
}

async function writing({ tables }: Store): Promise<void> {
  for (let n = 0; n < WRITES; n++) {
    await tables.transact(author, someWrite)
    for (let turns = random(3); turns > 0; turns--) await turn()
  }
}

/** The keys that a stretch of values has, by reading every row. */
function byScan(reader: TableReader, name: string, from: unknown, to: unknown): Key[] {
  const isWithin = (row: Row) => (row[name] as number) >= (from as number) && (row[name] as number) <= (to as number)
  const rows = [...reader.scan()].filter(isWithin)
  const order = (a: Row, b: Row) => ((a[name] as number) < (b[name] as number) ? -1 : 1)
  return rows.sort((a, b) => (a[name] === b[name] ? (a['id'] as number) - (b['id'] as number) : order(a, b))).map(keyOf)
}

const keyOf = (row: Row) => row['id'] as Key

function look(snapshot: Snapshot): void {
  const reader = snapshot.table('dev', 'plain')!
  const [low, high] = [random(VALUES), random(VALUES)].sort((a, b) => a - b) as [number, number]
  const [name, from, to] = random(2) ? ['a', low, high] : ['b', `text ${low}`, `text ${low}`]
  const ends = { from: { value: from, inclusive: true }, to: { value: to, inclusive: true } }
  const found = [...reader.range({ attribute: name as string, ...ends })]
  const keys = byScan(reader, name as string, from, to)
  expect(found, `${name} from ${from} to ${to}`).to.deep.equal(keys)
  const records = [...reader.records({ attribute: name as string, ...ends })].map((record) => record?.row)
  const rows = new Map([...reader.scan()].map((row) => [keyOf(row), row]))
  expect(records, `the records of ${name} from ${from} to ${to}`).to.deep.equal(keys.map((key) => rows.get(key)))
}

/** Looks at one moment, and again at the same moment when others have written. */
async function looking({ tables }: Store): Promise<void> {
  for (let n = 0; n < LOOKS; n++) {
    using snapshot = tables.snapshot()
    for (let times = 0; times < 3; times++) {
      look(snapshot)
      for (let turns = random(4); turns > 0; turns--) await turn()
    }
  }
}

describe('the stretches of an index in memory', () => {
  for (const [bytes, recordBytes] of [
    [0, 10_000_000],
    [0, 0],
    [4_000, 10_000_000],
    [10_000_000, 10_000_000],
    [10_000_000, 40_000],
  ])
    for (const waiting of [0, 60, 100_000])
      it(`show every snapshot its own moment, with ${bytes} bytes, ${recordBytes} of records and ${waiting} entries that wait`, async () => {
        const settings = {
          'tables.index_cache_bytes_max': String(bytes),
          'tables.cache_bytes_max': String(recordBytes),
          'tables.postponed_entries_max': String(waiting),
        }
        await withStore(
          async (store) => {
            await store.catalog.createTable(TABLE)
            await store.tables.transact(author, (batch) => batch.insert('dev', 'plain', [{ id: 0, a: 0, b: 'text 0' }]))
            const all = [writing(store), writing(store), writing(store), looking(store), looking(store)]
            await Promise.allSettled(all)
            await Promise.all(all)
            expectSound(store)
          },
          { settings },
        )
      })

  it('never overlap, stay within their bytes, and are gone when an entry of theirs changes', () => {
    const cache = new IndexCache(20_000)
    for (let n = 0; n < 5_000; n++) {
      const place = `colu${String.fromCharCode(97 + random(26))}${random(10)}`
      const found = cache.find(place)
      if (found) {
        expect(found.start <= place && place < found.end).to.equal(true)
        if (random(2)) cache.forget(place)
        if (random(2)) continue
        cache.forget(place)
        expect(cache.find(place)).to.equal(undefined)
      }
      const next = cache.nextAfter(place)
      const own = `${place}~`
      const end = next !== undefined && next < own ? next : own
      cache.add({ start: place, end, entries: [place], keys: [1], since: 0 } satisfies Stretch)
      expect(cache.bytes).to.be.at.most(20_000)
      expect([undefined, place]).to.include(cache.find(place)?.start)
    }
  })
})
