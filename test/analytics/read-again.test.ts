import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { EventStore, type EventTable } from '../../src/analytics/index.js'
import { partitionOf } from '../../src/analytics/schema.js'
import type { Problem } from '../../src/lib/index.js'
import { Answer, compile } from '../../src/pyql/index.js'
import { limits } from '../support/pyql-run.js'
import { withSmallDisk } from '../support/small-disk.js'
import { settings } from './settings.js'

const columns = [{ id: 1, name: 'n', type: 'int', isSet: false }] as const
const table: EventTable = { id: 4, version: 1, partitions: 48, zOrder: [], foldCase: false, columns }
const EACH = 2
const ROWS = 320

/** Some of each partition, in the order in which questions visit these. */
const everyone = Array.from({ length: table.partitions }, (_, partition) => {
  const all = Array.from({ length: 2_000 }, (_, at) => `p${at}`)
  return all.filter((person) => partitionOf(person, table.partitions) === partition).slice(0, EACH)
}).flat()
const last = everyone.slice(-EACH)

/** Rows of people from a number on. */
const events = (people: readonly string[], from: number, count: number) =>
  Array.from({ length: count }, (_, at) => from + at).flatMap((n) =>
    people.map((person) => ({ person, stamp: 1_500_000_000_000 + n * 1000, action: 'a', _: { n } })),
  )

const patient = { ...limits, stepsMax: 1_000_000_000 }

/** Takes its time: each row looks at those behind it, and each of these does too. */
const slow = compile(
  `agg:
    sum n
    count person

match:
    x = 0
    match where n + x < 0 or n > x:
        match where n + x < 0:
            x = x + 1
    tally("all")
`,
  { mode: 'event', columns },
)

async function asked(store: EventStore): Promise<unknown> {
  const { partials } = await store.scan(table, { program: slow, segments: [], now: 0, sessionTime: 1, limits: patient })
  const answer = new Answer(slow.aggregates, 1, limits)
  for (const [partial] of partials) answer.absorb(partial!, 0)
  return answer.reply()
}

describe('partitions that are read again after a write has failed', () => {
  it('keep what questions under way read', async function () {
    this.timeout(60_000)
    const mayMount = await withSmallDisk(128, async (disk) => {
      const folder = join(disk.folder, 'events')
      mkdirSync(folder)
      writeFileSync(join(folder, 'format.json'), JSON.stringify({ format: 1, environments: 1 }))
      await using store = await EventStore.open({ folder, settings: { ...settings, cacheBytesMax: 0 } }, [table])
      await store.insert(table, events(everyone, 0, ROWS))
      await store.fold(table)
      await store.insert(table, events(last, ROWS, 1))
      const expected = await asked(store)
      disk.fill()
      let isAsking = true
      const asking = asked(store).finally(() => {
        isAsking = false
      })
      const told = store.insert(table, events(last, ROWS + 1, 1))
      expect(await told.catch(({ code }: Problem) => code)).to.equal('disk_full')
      disk.free()
      await store.fold(table)
      await store.fold(table)
      const wasAsking = isAsking
      expect(await asking).to.deep.equal(expected)
      expect(wasAsking, 'the question went on meanwhile').to.equal(true)
    })
    if (!mayMount) this.skip()
  })
})
