import { rmSync } from 'node:fs'
import { expect } from 'chai'
import { EventStore, type EventTable, type SegmentUse } from '../../src/analytics/index.js'
import { Answer, compile } from '../../src/pyql/index.js'
import { limits } from '../support/pyql-run.js'
import { ENVIRONMENTS, eventFolder, settings } from './settings.js'

const columns = [{ id: 1, name: 'n', type: 'int', isSet: false }] as const
const table: EventTable = { id: 4, version: 1, partitions: 5, zOrder: [], foldCase: false, columns }
const scanOptions = { now: 1_600_000_000_000, sessionTime: 1_800_000, limits }
const program = (text: string, mode: 'event' | 'segment' | 'trigger') => compile(text, { mode, columns })

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = eventFolder()
  try {
    await run(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const open = (folder: string, workers: number) => EventStore.open({ folder, settings, workers }, [table])

function events(from: number, count: number) {
  return Array.from({ length: count }, (_, at) => {
    const n = from + at
    return { person: `p${n % 97}`, stamp: 1_500_000_000_000 + n * 1000, action: 'a', _: { n } }
  })
}

/** Rows and people, as a scan counts them. */
async function counted(store: EventStore, segment?: SegmentUse): Promise<number[]> {
  const query = program('agg:\n    count n\n    count person\n\nmatch:\n    tally("all")\n', 'event')
  const segments = segment ? [segment] : []
  const { partials } = await store.scan(table, { program: query, segments, ...scanOptions })
  const answer = new Answer(query.aggregates, 1, limits)
  for (const [partial] of partials) answer.absorb(partial!, 0)
  return (answer.reply()._[0]?.c ?? [0, 0]) as number[]
}

describe('the places of partitions', () => {
  it('change while events are inserted and questions asked, and stay changed with other numbers of workers', () =>
    withFolder(async (folder) => {
      let inserted = 0
      {
        await using store = await open(folder, 2)
        let go = true
        const inserting = (async () => {
          for (; go; inserted += 40) await store.insert(table, events(inserted, 40))
        })()
        const asking = (async () => {
          while (go) {
            const before = inserted
            const [rows] = await counted(store)
            expect(rows).to.be.within(before, inserted + 40)
          }
        })()
        for (let turn = 0; turn < 40; turn++) {
          await store.movePartition(table, turn % table.partitions, (turn * 7) % ENVIRONMENTS)
          if (turn % 8 === 0) await store.fold(table)
        }
        go = false
        await inserting
        await asking
        for (let partition = 0; partition < table.partitions; partition++)
          await store.movePartition(table, partition, 2)
        expect(await counted(store)).to.deep.equal([inserted, 97])
      }
      for (const workers of [1, 3]) {
        await using store = await open(folder, workers)
        expect(await counted(store)).to.deep.equal([inserted, 97])
        expect(await store.person(table, 'p5', ['n'])).to.have.lengthOf(Math.ceil((inserted - 5) / 97))
        const again = await store.insert(table, events(0, inserted))
        expect(again).to.include({ inserted: 0, duplicates: inserted })
      }
    }))

  it('take segments, and inserts that triggers have not seen, along', () =>
    withFolder(async (folder) => {
      await using store = await open(folder, 2)
      await store.watch(table, true)
      await store.insert(table, events(0, 500))
      const even = program('match where n > 400:\n    tally\n', 'segment')
      const keep = { name: 'making', watch: true }
      await store.scan(table, { program: even, segments: [], ...scanOptions, keep })
      await store.movePartition(table, 1, 2)
      await store.promote(table, 'making', 'even', '{}')
      await store.insert(table, events(500, 10))
      const expected = await counted(store, { name: 'even', program: even })
      for (let partition = 0; partition < table.partitions; partition++) {
        await store.movePartition(table, partition, (partition + 1) % ENVIRONMENTS)
        expect(await counted(store, { name: 'even', program: even })).to.deep.equal(expected)
      }
      const reacting = [
        { id: '1', program: program('def on_insert():\n    return 1\n', 'trigger'), entry: 'on_insert' },
      ]
      const { outcomes, seen } = await store.react(table, reacting, { now: 0, limits, arrivalsMax: 100 })
      expect(new Set(outcomes.map(({ outcome }) => outcome.person)).size).to.equal(97)
      await store.reacted(seen)
      expect((await store.react(table, reacting, { now: 0, limits, arrivalsMax: 100 })).outcomes).to.deep.equal([])
    }))

  it('may be in another store: a partition is exported at one moment, and imported whole or not at all', () =>
    withFolder((from) =>
      withFolder(async (to) => {
        await using source = await open(from, 2)
        let inserted = 0
        let go = true
        const inserting = (async () => {
          for (; go; inserted += 10) await source.insert(table, events(inserted, 10))
        })()
        while (inserted < 500) await new Promise((resolve) => setTimeout(resolve, 5))
        await source.fold(table)
        {
          await using target = await open(to, 1)
          const broken = async function* () {
            for await (const pieces of source.exportPartition(table, 0)) {
              yield pieces
              throw new Error('the line is cut')
            }
          }
          const failed = await target.importPartition(table, 0, broken()).catch((error: Error) => error.message)
          expect(failed).to.equal('the line is cut')
          expect(await counted(target)).to.deep.equal([0, 0])
          const before = inserted
          for (let partition = 0; partition < table.partitions; partition++) {
            await target.importPartition(table, partition, source.exportPartition(table, partition))
          }
          go = false
          await inserting
          expect((await counted(target))[0]).to.be.within(before, inserted)
          const used = await target
            .importPartition(table, 0, source.exportPartition(table, 0))
            .catch((error) => error.code)
          expect(used).to.equal('partition_in_use')
          await target.insert(table, events(0, inserted))
          expect(await counted(target)).to.deep.equal([inserted, 97])
        }
        await using target = await open(to, 2)
        expect(await counted(target)).to.deep.equal([inserted, 97])
      }),
    ))
})
