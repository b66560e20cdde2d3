import { rmSync } from 'node:fs'
import { expect } from 'chai'
import { EventStore, type EventTable } from '../../src/analytics/index.js'
import { Answer, compile, type TableColumn } from '../../src/pyql/index.js'
import type { Person } from '../support/pyql-people.js'
import { limits, runEvents } from '../support/pyql-run.js'
import { Chance } from './plain-store.js'
import { eventFolder, settings } from './settings.js'

const columns: TableColumn[] = [
  { name: 'page', type: 'text', isSet: false },
  { name: 'price', type: 'double', isSet: false },
  { name: 'late', type: 'bool', isSet: false },
]
const zOrder = ['first', 'second']
const table: EventTable = {
  ...{ id: 1, version: 1, partitions: 1, zOrder, foldCase: false },
  columns: columns.map((column, at) => ({ ...column, id: at + 1 })),
}
const START = 1_500_000_000_000

/** What depends on the order of rows, on the rows of conditions, on columns that are all None at first. */
const scripts = [
  "order = ''\nmatch:\n    order = order + action + page + '\\n'\ntally(person, order)\n",
  'agg:\n    count person\n    count action\nmatch where page == "page 3":\n    before = action\n    iter_next()\n    match 1 where price is not None:\n        tally(before, page, action)\n',
  'agg:\n    count person\n    sum price\n    count late\nmatch where price is not None:\n    tally(action, late)\n',
  'agg:\n    count person\n    sum price\n    count late\nmatch where page == "page 3":\n    tally(action, page, late)\n',
  'agg:\n    count action\nmatch where price == 0.5 and event_time > 1500000010000:\n    before = page\n    match where page == "page 2":\n        tally(before, action)\n    match where price == 0.5:\n        tally2 = page\n    tally(tally2, late)\n',
  'agg:\n    max price as most\nmatch where event_time > 1500000050000:\n    tally(page)\n',
]

interface Event {
  person: string
  stamp: number
  action: string
  _: { page: string; price?: number; late?: boolean }
}

/**
 * Few stamps, so that many are alike; ever more pages, so that their codes get wider; most to a few people, who get more
 * rows of one page than there is room for beside those that they have.
 */
function event(chance: Chance, round: number): Event {
  const late = round > 30 && chance.in(3)
  const again = round > 0 && chance.in(2)
  return {
    person: `person ${Math.floor(chance.next() * chance.next() * 40)}`,
    stamp: START + 1000 * (chance.in(3) ? 100 + round : chance.below(100)),
    action: chance.of(['second', 'other', 'first']),
    _: {
      page: `page ${again ? 3 : chance.in(2) ? chance.below(6) : chance.below(150 + round * 10)}`,
      ...(chance.in(3) && { price: chance.below(8) / 4 }),
      ...(late && { late: chance.in(2) }),
    },
  }
}

function peopleOf(events: readonly Event[]): Person[] {
  const rank = (action: string) => (zOrder.includes(action) ? zOrder.indexOf(action) : zOrder.length)
  const seen = new Set<string>()
  const distinct = events.filter((one) => seen.size < seen.add(JSON.stringify(one)).size)
  return [...new Set(events.map(({ person }) => person))].map((id) => ({
    id,
    rows: distinct
      .filter(({ person }) => person === id)
      .sort((a, b) => a.stamp - b.stamp || rank(a.action) - rank(b.action))
      .map(({ stamp, action, _ }) => ({ stamp, action, cells: { ..._ } })),
  }))
}

async function compare(store: EventStore, events: readonly Event[], when: string): Promise<void> {
  const people = peopleOf(events)
  for (const text of scripts) {
    const program = compile(text, { mode: 'event', columns })
    const { partials } = await store.scan(table, { program, segments: [], now: 0, sessionTime: 1, limits })
    const answer = new Answer(program.aggregates, 1, limits)
    for (const partial of partials.flat()) answer.absorb(partial, 0)
    expect(answer.reply(), `${when}\n${text}`).to.deep.equal(runEvents(text, people, { columns }).reply)
  }
}

describe('a block in memory', () => {
  it('takes rows in as they come: in the middle, at stamps that are there, until it is full', async () => {
    const folder = eventFolder()
    const store = await EventStore.open({ folder, settings }, [table])
    const chance = new Chance(11)
    const events: Event[] = []
    try {
      for (let round = 0; round < 60; round++) {
        const more = Array.from({ length: round === 0 ? 600 : 1 + chance.below(6) }, () => event(chance, round))
        events.push(...more)
        await store.insert(table, JSON.stringify(more))
        if (round === 0) await store.fold(table)
        await compare(store, events, `round ${round}`)
      }
      await store.fold(table)
      // What is asked again and again is answered by what was made for it.
      for (let round = 0; round < 3; round++) await compare(store, events, `folded, round ${round}`)
    } finally {
      await store[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    }
  })
})
