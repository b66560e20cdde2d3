import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { EventStore, type EventTable } from '../../src/analytics/index.js'
import { Answer, compile } from '../../src/pyql/index.js'
import { EnvironmentCopier } from '../../src/storage/index.js'
import { eventually } from '../support/eventually.js'
import { limits } from '../support/pyql-run.js'
import { columnLimits, settings } from './settings.js'

const table: EventTable = {
  id: 1,
  version: 1,
  partitions: 5,
  zOrder: [],
  foldCase: false,
  columns: [
    { id: 1, name: 'page', type: 'text', isSet: false },
    { id: 2, name: 'price', type: 'double', isSet: false },
  ],
}

const event = (person: string | number, stamp: unknown, values: object = {}) => ({
  person,
  stamp,
  action: 'a',
  _: values,
})

async function withStore<Result>(
  test: (store: EventStore, folder: string) => Promise<Result>,
  changes: Partial<typeof settings> = {},
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'events-'))
  const store = await EventStore.open({ folder, settings: { ...settings, ...changes }, workers: 2 }, [table])
  try {
    return await test(store, folder)
  } finally {
    await store[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('the event store', () => {
  it('names each event that it refuses, and why', () =>
    withStore(async (store) => {
      const events = [
        event('p', 1_500_000_000),
        event('', 1_500_000_000),
        { stamp: 5, action: 'a', _: {} },
        event(2 ** 53, 1_500_000_000),
        event('p', -1),
        event('p', '2026-02-30'),
        event('p', 'yesterday'),
        { person: 'p', stamp: 5, _: {} },
        { person: 'p', stamp: 5, action: 'a' },
        { person: 'p', id: 'q', stamp: 5, action: 'a', _: {} },
        'text',
        event('p', 1_500_000_001, { page: 'x'.repeat(70_000) }),
        event('p', '9999-12-31T23:59:59+00:00'),
      ]
      const { inserted, rejected } = await store.insert(table, JSON.stringify(events))
      expect(inserted).to.equal(2)
      expect(rejected.map(({ index }) => index)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
      expect(rejected.map(({ reason }) => reason)).to.deep.equal([
        'the person is missing, or neither a text nor a number',
        'the person is missing, or neither a text nor a number',
        'the person is a number beyond the safe integers: send it as a text',
        'the stamp -1 is out of range (1970 to 9999)',
        "the stamp '2026-02-30' is no time of the calendar",
        "the stamp 'yesterday' is not an ISO 8601 time",
        'the action is missing or not a text',
        "the values are missing: '_' (or 'attr') is an object, {} when there are none",
        "the event has both 'person' and 'id'",
        'an event is an object',
        "the text of 'page' is longer than 65536 characters",
      ])
    }))

  it('reads every form of a stamp', () =>
    withStore(async (store) => {
      const stamps = [
        1_458_820_830,
        1_458_820_830_005,
        '2016-03-24T12:00:30Z',
        '2016-03-24 12:00:30.25+05:30',
        '2016-03-24',
        0,
      ]
      await store.insert(
        table,
        stamps.map((stamp, at) => event('p', stamp, { price: at })),
      )
      const rows = await store.person(table, 'p', ['price'])
      expect(rows!.map(({ stamp, values }) => [stamp, values.price])).to.deep.equal([
        [0, 5],
        [1_458_777_600_000, 4],
        [1_458_801_030_250, 3],
        [1_458_820_830_000, 0],
        [1_458_820_830_000, 2],
        [1_458_820_830_005, 1],
      ])
    }))

  it('takes lines of JSON, and names the lines that are none', () =>
    withStore(async (store) => {
      const lines = `${JSON.stringify(event('a', 1))}\n{"person":\n\n${JSON.stringify(event(7, 2))}\n`
      const { inserted, rejected } = await store.insert(table, lines, { lines: true })
      expect(inserted).to.equal(2)
      expect(rejected).to.have.length(1)
      expect(rejected[0]).to.include({ index: 1 })
      expect(rejected[0]!.reason).to.match(/^the line is not valid JSON/)
    }))

  it('keeps a number and a text that look the same apart', () =>
    withStore(async (store) => {
      await store.insert(table, [event(5, 1, { page: 'number' }), event('5', 1, { page: 'text' })])
      expect((await store.person(table, 5, ['page']))![0]!.values.page).to.equal('number')
      expect((await store.person(table, '5', ['page']))![0]!.values.page).to.equal('text')
    }))

  it('inserts all or nothing when it is asked to', () =>
    withStore(async (store) => {
      const events = Array.from({ length: 20 }, (_, at) => event(`p${at}`, at))
      const error = await store
        .insert(table, [...events, event('bad', 'never')], { atomic: true })
        .catch((failure) => failure)
      expect(error).to.include({ code: 'events_rejected' })
      expect(error.more.rejected).to.deep.equal([{ index: 20, reason: "the stamp 'never' is not an ISO 8601 time" }])
      expect((await store.figures(table)).events).to.equal(0)
      const answers = await Promise.all([1, 2, 3].map(() => store.insert(table, events, { atomic: true })))
      expect(answers.map(({ inserted }) => inserted)).to.deep.equal([20, 0, 0])
      expect((await store.figures(table)).events).to.equal(20)
    }))

  it('limits the rows of a person, and takes what is beyond back', () =>
    withStore(
      async (store) => {
        const events = Array.from({ length: 12 }, (_, at) => event('p', at))
        const { inserted, rejected } = await store.insert(table, events)
        expect(inserted).to.equal(10)
        expect(rejected).to.deep.equal(
          [10, 11].map((index) => ({ index, reason: 'the person would have more than 10 rows' })),
        )
        const again = await store.insert(table, [event('p', 3), event('p', 100, { page: ['a', 'b'] })])
        expect(again).to.include({ inserted: 0, duplicates: 1 })
        expect((await store.person(table, 'p', []))!.length).to.equal(10)
        const most = Array.from({ length: 11 }, (_, at) => `page ${at}`)
        expect((await store.insert(table, [event('new', 1, { page: most })])).rejected).to.have.length(1)
        expect(await store.person(table, 'new', [])).to.equal(undefined)
      },
      { rowsPerPersonMax: 10 },
    ))

  it('ends queries of a table that is dropped under them, and starts it anew from nothing', () =>
    withStore(async (store) => {
      for (let round = 0; round < 5; round++) {
        await store.insert(
          table,
          Array.from({ length: 3_000 }, (_, at) => event(`p${at % 300}`, at, { page: `page ${at}` })),
        )
        if (round % 2 === 0) await store.fold(table)
        const queries = Array.from({ length: 8 }, () =>
          store.column(table, { column: 'page', segments: [], limits: columnLimits }),
        )
        const dropped = store.drop(table)
        for (const outcome of await Promise.allSettled(queries)) {
          if (outcome.status === 'rejected') expect(outcome.reason).to.include({ code: 'query_cancelled' })
          else expect([0, 3_000]).to.include(outcome.value.values.length)
        }
        await dropped
        expect((await store.figures(table)).events).to.equal(0)
      }
    }))

  it('answers others while a script takes long at each person', () =>
    withStore(async (store) => {
      const people = 1_000
      await store.insert(
        table,
        Array.from({ length: people }, (_, at) => event(`p${at}`, 5)),
      )
      const ten = '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]'
      const lines = ['a', 'b', 'c', 'd', 'e'].map((name, at) => `${'    '.repeat(at)}for ${name} in ${ten}:\n`)
      const script = `x = 0\n${lines.join('')}${'    '.repeat(lines.length)}x = x + e\ntally(x)\n`
      const program = compile(script, { mode: 'event', columns: table.columns })
      let isOver = false
      const scanned: number[] = []
      const progress = (count: number) => void scanned.push(count)
      const request = { program, segments: [], now: 0, sessionTime: 1, trace: false, limits }
      const scan = store.scan(table, request, { progress }).finally(() => {
        isOver = true
      })
      let answered = 0
      while (!isOver) {
        expect(await store.person(table, `p${answered % people}`, ['page'])).to.have.length(1)
        answered++
      }
      const answer = new Answer(program.aggregates, 1, limits)
      for (const [partial] of (await scan).partials) answer.absorb(partial!, 0)
      expect(answer.reply()).to.deep.equal({ _: [{ g: 550_000, c: [people] }] })
      // Were they kept waiting for all that is scanned in one go, there would be one for each of the partitions.
      expect(answered).to.be.greaterThan(4 * table.partitions)
      expect(scanned.filter((count) => count > 0 && count < people)).not.to.deep.equal([])
    })).timeout(60_000)

  it('removes what dropped tables have left when it is opened', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'events-'))
    const other = { ...table, id: 2 }
    const open = (tables: EventTable[]) => EventStore.open({ folder, settings, workers: 1 }, tables)
    try {
      const first = await open([table, other])
      await first.insert(table, [event('p', 1)])
      await first.insert(other, [event('q', 1)])
      await first[Symbol.asyncDispose]()
      const second = await open([table])
      expect((await second.figures(table)).events).to.equal(1)
      expect((await second.figures(other)).events).to.equal(0)
      await second[Symbol.asyncDispose]()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('writes nothing while it is quiet, neither inserts nor folds nor segments', () =>
    withStore(async (store, folder) => {
      await store.insert(table, [event('a', 1), event('b', 2), event('c', 3)])
      const stored = () => store.files.map((file) => readFileSync(join(folder, file)).toString('base64'))
      let isFolded = false
      let folding: Promise<void> | undefined
      await store.quietly(async () => {
        const before = stored()
        folding = store.fold(table).then(() => {
          isFolded = true
        })
        await new Promise((resolve) => setTimeout(resolve, 200))
        expect(isFolded).to.equal(false)
        expect(stored()).to.deep.equal(before)
      })
      await folding
      expect(isFolded).to.equal(true)
    }))

  it('copies all its data in one cut while inserts go on', () =>
    withStore(async (store, folder) => {
      const pages = ['x', 'y']
      let sent = 0
      let go = true
      const inserting = (async () => {
        // The rows of one insert lie in different partitions: a cut has all or none.
        while (go) await store.insert(table, [event('a', ++sent), event('c', sent), event('e', sent), event('b', sent)])
      })()
      await eventually('some are there', () => sent > 5)
      const files = store.files.map((file) => ({ from: join(folder, file), to: join(folder, 'copy', file) }))
      mkdirSync(join(folder, 'copy'))
      store.describeIn(join(folder, 'copy'))
      {
        await using copier = new EnvironmentCopier(files.length)
        await using copies = await copier.prepare(files)
        await store.quietly(() => copies.begin())
        await copies.finish()
      }
      go = false
      await inserting
      const copy = await EventStore.open({ folder: join(folder, 'copy'), settings }, [table])
      const counts = await Promise.all(
        ['a', 'b', 'c', 'e'].map(async (person) => (await copy.person(table, person, pages))!.length),
      )
      await copy[Symbol.asyncDispose]()
      expect(new Set(counts).size).to.equal(1)
      expect(counts[0])
        .to.be.above(0)
        .and.below(sent + 1)
    }))

  it('names what stands beside the values of an event', () =>
    withStore(async (store) => {
      const beside = { ...event('p', 1_500_000_000), price: 5, note: null }
      const { inserted, warnings } = await store.insert(table, [beside, { ...beside, stamp: 1_500_000_001 }])
      expect(inserted).to.equal(2)
      expect(warnings).to.deep.equal([
        "'price' stands beside the values, not in them: stored without it (2 times)",
        "'note' stands beside the values, not in them: stored without it (2 times)",
      ])
    }))

  it('holds so much of what triggers say at once, and cuts off what is too long', () =>
    withStore(async (store) => {
      const people = Array.from({ length: 40 }, (_, at) => `p${at}`)
      await store.watch(table, true)
      for (let at = 0; at < 5; at++) {
        const batch = people.map((person) => event(person, 1_500_000_000 + at))
        await store.insert(table, batch)
      }
      const script = "def on_insert():\n    x = 'x'\n    for i in [1, 2, 3, 4, 5]:\n        x += x + x\n    return x\n"
      const columns = table.columns.map(({ name, type, isSet }) => ({ name, type, isSet }))
      const programs = [{ id: '1', program: compile(script, { mode: 'trigger', columns }), entry: 'on_insert' }]
      const options = { now: 0, arrivalsMax: 100, messageCharactersMax: 100, limits: { ...limits, charactersMax: 1 } }
      const rounds = async () => {
        const said: unknown[][] = []
        for (;;) {
          const { outcomes, seen } = await store.react(table, programs, options)
          if (seen.length === 0) return said
          said.push(outcomes.map(({ outcome }) => outcome.returned))
          await store.reacted(seen)
        }
      }
      const said = await rounds()
      expect(said.flat()).to.deep.equal(Array.from({ length: 5 * people.length }, () => 'x'.repeat(100)))
      expect(said.length).to.be.above(5)
      await store.insert(
        table,
        Array.from({ length: 5_000 }, (_, at) => event(`q${at}`, 1_500_000_000)),
      )
      const ofOne = await rounds()
      expect(ofOne.flat()).to.have.length(5_000)
      expect(ofOne.length).to.be.above(4)
    }))
})
