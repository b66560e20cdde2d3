import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { EventStore, type EventTable } from '../../src/analytics/index.js'
import { partitionOf } from '../../src/analytics/schema.js'
import type { Problem } from '../../src/lib/index.js'
import { Answer, compile } from '../../src/pyql/index.js'
import { limits } from '../support/pyql-run.js'
import { type SmallDisk, withSmallDisk } from '../support/small-disk.js'
import { settings } from './settings.js'

const columns = [
  { id: 1, name: 'n', type: 'int', isSet: false },
  { id: 2, name: 'text', type: 'text', isSet: false },
] as const
const table: EventTable = { id: 4, version: 1, partitions: 48, zOrder: [], foldCase: false, columns }
const EACH = 2
const ROWS = 320

const named = Array.from({ length: 2_000 }, (_, at) => `p${at}`)
const peopleOf = (partition: number) => named.filter((person) => partitionOf(person, table.partitions) === partition)

/** Some of each partition, in the order in which questions visit these. */
const everyone = Array.from({ length: table.partitions }, (_, partition) => peopleOf(partition).slice(0, EACH)).flat()
const last = everyone.slice(-EACH)
/** More of the last partition, who are not there yet. */
const [refused, stored] = peopleOf(table.partitions - 1).slice(EACH) as [string, string]

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

const greeting = compile(
  `def on_insert():
    x = 0
    match where n + x < 0 or n > x:
        match where n + x < 0:
            x = x + 1
    return "welcome"
`,
  { mode: 'trigger', columns },
)

const counting = compile('def on_insert():\n    return COUNT text\n', { mode: 'trigger', columns })

/** All partitions of one environment. */
async function openOn(disk: SmallDisk, more: Partial<typeof settings> = {}): Promise<EventStore> {
  const folder = join(disk.folder, 'events')
  mkdirSync(folder)
  writeFileSync(join(folder, 'format.json'), JSON.stringify({ format: 1, environments: 1 }))
  return await EventStore.open({ folder, settings: { ...settings, ...more } }, [table])
}

/** How much room there was is remembered for less. */
const FORGOTTEN_MS = 50

/** Too much for a disk that is nearly full: 1.2 MB, of which twice as much must be free. */
const TOO_MUCH = Array.from({ length: 20 }, (_, at) => `${at}${'x'.repeat(60_000)}`)

/**
 * Leaves room for a small insert and whatever else is written meanwhile, and waits until nobody remembers how much there
 * was before.
 */
async function fillNearly(disk: SmallDisk): Promise<void> {
  disk.fill((4 << 20) + 2_000_000)
  await delay(FORGOTTEN_MS)
}

/** Makes room again, and waits until nobody remembers that there was none. */
async function free(disk: SmallDisk): Promise<void> {
  disk.free()
  await delay(FORGOTTEN_MS)
}

/** Runs the trigger for inserts that it has not seen. */
function react(store: EventStore) {
  const programs = [{ id: '1', program: greeting, entry: 'on_insert' }]
  return store.react(table, programs, { now: 0, limits: patient, arrivalsMax: 100 })
}

describe('partitions that are read again after a write has failed', () => {
  it('keep what questions under way read', async function () {
    this.timeout(60_000)
    const mayMount = await withSmallDisk(128, async (disk) => {
      await using store = await openOn(disk, { cacheBytesMax: 0 })
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

  it('run triggers for those who were stored, and not for those who were not', async function () {
    this.timeout(60_000)
    const mayMount = await withSmallDisk(128, async (disk) => {
      await using store = await openOn(disk)
      await store.watch(table, true)
      await store.insert(table, events(everyone, 0, 2 * ROWS))
      await fillNearly(disk)
      const small = store.insert(table, events(everyone.slice(0, 1), 2 * ROWS, 1))
      // It waits behind the small one while the trigger begins to look, and is refused while it looks.
      const large = TOO_MUCH.map((text) => ({ person: refused, stamp: 1_500_000_000_000, action: 'a', _: { text } }))
      const refusing = store.insert(table, large).catch(({ code }: Problem) => code)
      const looking = react(store).catch(() => undefined)
      await small
      expect(await refusing).to.equal('disk_full')
      await free(disk)
      await store.insert(table, events([stored], 0, 1))
      const greeted: unknown[] = []
      for (let next = (await looking) ?? (await react(store)); next.seen.length > 0; next = await react(store)) {
        greeted.push(...next.outcomes.map(({ outcome }) => outcome.person))
        await store.reacted(next.seen)
      }
      expect(greeted).to.include.members([...everyone, stored])
      expect(greeted).not.to.include(refused)
    })
    if (!mayMount) this.skip()
  })

  it('let no trigger tell of rows that were refused', async function () {
    this.timeout(60_000)
    const mayMount = await withSmallDisk(128, async (disk) => {
      await using store = await openOn(disk)
      await store.watch(table, true)
      const large = TOO_MUCH.map((text) => ({ person: stored, stamp: 1_500_000_000_000, action: 'b', _: { text } }))
      const programs = [{ id: '1', program: counting, entry: 'on_insert' }]
      const look = () => store.react(table, programs, { now: 0, limits: patient, arrivalsMax: 100 })
      for (let round = 0; round < 15; round++) {
        await store.insert(table, events([stored], round, 1))
        await fillNearly(disk)
        const small = store.insert(table, events(everyone.slice(0, 1), round, 1))
        // It waits in memory behind the small one when the trigger looks.
        const refusing = store.insert(table, large).catch(({ code }: Problem) => code)
        const looking = look().catch(() => undefined)
        await small
        expect(await refusing).to.equal('disk_full')
        await free(disk)
        const { outcomes, seen } = (await looking) ?? (await look())
        const told = outcomes.filter(({ outcome }) => outcome.person === stored)
        expect(told.map(({ outcome }) => outcome.returned)).to.deep.equal([0])
        await store.reacted(seen)
      }
    })
    if (!mayMount) this.skip()
  })
})
