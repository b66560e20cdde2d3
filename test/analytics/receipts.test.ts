import { rmSync } from 'node:fs'
import { expect } from 'chai'
import { EventStore, type EventTable } from '../../src/analytics/index.js'
import { partitionOf } from '../../src/analytics/schema.js'
import { eventually } from '../support/eventually.js'
import { eventFolder, settings } from './settings.js'

const table: EventTable = {
  ...{ id: 1, version: 1, partitions: 6, zOrder: [], foldCase: false },
  columns: [{ id: 1, name: 'n', type: 'int', isSet: false }],
}
const eventsOf = (first: number, count: number) =>
  Array.from({ length: count }, (_, at) => ({
    ...{ person: `p${first + at}`, stamp: 1_700_000_000, action: 'a' },
    _: { n: first + at },
  }))
const receipt = Buffer.alloc(32, 7).toString('base64url')
const other = Buffer.alloc(32, 8).toString('base64url')

describe('an insert of events that is sent again with its receipt', () => {
  let folder: string
  let store: EventStore
  const open = async (more: Partial<typeof settings> = {}, workers = 2) => {
    store = await EventStore.open({ folder, settings: { ...settings, ...more }, workers }, [table])
  }
  const restart = async (more: Partial<typeof settings> = {}, workers = 2) => {
    await store[Symbol.asyncDispose]()
    await open(more, workers)
  }

  beforeEach(async () => {
    folder = eventFolder()
    await open({ rowsPerPersonMax: 2 })
  })
  afterEach(async () => {
    await store[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  it('is answered as the first time, whatever was refused or there already', async () => {
    await store.insert(table, eventsOf(0, 5))
    const full = [1, 2].map((second) => ({ person: 'p9', stamp: 1_700_000_000 + second, action: 'a', _: {} }))
    await store.insert(table, full)
    const body = [...eventsOf(0, 20), { person: 'p1' }]
    const first = await store.insert(table, body, { receipt })
    expect(first).to.include({ inserted: 14, duplicates: 5 })
    expect(first.rejected.map(({ index }) => index)).to.deep.equal([9, 20])
    expect(await store.insert(table, body, { receipt })).to.deep.equal(first)
    await restart({ rowsPerPersonMax: 2 }, 1)
    expect(await store.insert(table, body, { receipt })).to.deep.equal(first)
    expect((await store.figures(table)).events).to.equal(21)
  })

  for (const atomic of [false, true]) {
    it(`is done where it was not and told where it was, ${atomic ? 'all or nothing' : 'event by event'}`, async () => {
      // As a stop leaves it: some partitions have all of theirs, the others nothing.
      const isDone = ({ person }: { person: string }) => partitionOf(person, table.partitions) < 3
      const all = eventsOf(0, 40)
      const done = all.filter(isDone)
      const body = [...done, ...all.filter((event) => !isDone(event))]
      await store.insert(table, body.slice(0, 3))
      await store.insert(table, done, { receipt })
      await restart()
      const answer = await store.insert(table, body, { atomic, receipt })
      expect(answer).to.include({ inserted: 37, duplicates: 3 })
      expect((await store.figures(table)).events).to.equal(40)
      await restart({}, 1)
      expect(await store.insert(table, body, { atomic, receipt })).to.deep.equal(answer)
    })
  }

  it('finds its receipt where its partition was moved to', async () => {
    const body = eventsOf(0, 30)
    const first = await store.insert(table, body, { receipt })
    for (let partition = 0; partition < table.partitions; partition++)
      await store.movePartition(table, partition, (partition + 1) % 3)
    expect(await store.insert(table, body, { receipt })).to.deep.equal(first)
  })

  it('counts as another insert when its receipt is forgotten, or has been there for too long', async () => {
    const body = eventsOf(0, 30)
    const first = await store.insert(table, body, { receipt })
    expect(await store.insert(table, body, { receipt: other })).to.include({ inserted: 0, duplicates: 30 })
    store.forgetReceipt(receipt)
    // Receipts go with the next round of the background.
    let answer = first
    await eventually('it counts as another', async () => {
      answer = await store.insert(table, body, { receipt })
      return answer.inserted === 0
    })
    expect(answer).to.include({ inserted: 0, duplicates: 30 })
    await store.insert(table, eventsOf(50, 10), { receipt })
    await restart({ receiptLifeMs: -1 })
    expect(await store.insert(table, eventsOf(50, 10), { receipt })).to.include({ duplicates: 10 })
  })
})
