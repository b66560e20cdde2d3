// Events of people whom only one caller knows, no two with one stamp.
import type { Change, Scene } from './change.js'
import type { Door } from './door.js'
import { DATABASE, type Row, type Rows } from './state.js'

const PEOPLE = 4
/** More are not inserted at once: every event is read after every third kill. */
const BATCH = 100
const visits = { database: DATABASE, table: 'visit' }

function peopleOf(owner: string): string[] {
  return Array.from({ length: PEOPLE }, (_, place) => `${owner} person ${place}`)
}

export function insertVisits({ owner, luck, state }: Scene): Change {
  const people = peopleOf(owner)
  const fresh = Array.from({ length: Math.min(luck.size(), BATCH) }, () => {
    const stamp = 1_700_000_000_000 + 1_000 * luck.number()
    return { person: luck.of(people), stamp, page: `p${luck.below(9)}`, n: luck.below(100) }
  })
  const known = luck.chance(0.3) ? luck.some(Object.values(state.visit)) : undefined
  const again = known === undefined ? [] : [known]
  const events = [...fresh, ...again].map(({ person, stamp, page, n }) => ({
    person,
    stamp,
    action: 'visit',
    _: { page, n },
  }))
  for (const row of fresh) state.visit[keyOf(row)] = row
  return {
    name: 'insert_events',
    request: { operation: 'insert_events', ...visits, events, atomic: luck.chance(0.5) },
    inParts: true,
    fault: ({ inserted, duplicates }, there) =>
      inserted === fresh.length - there && duplicates === again.length + there
        ? undefined
        : `${inserted} inserted and ${duplicates} duplicates of ${fresh.length}, ${again.length} and ${there} known`,
  }
}

function keyOf({ person, stamp }: Row): string {
  return `${person} ${stamp}`
}

export async function readVisits(door: Door, owner: string, fail: (text: string) => void): Promise<Rows> {
  const found: Rows = {}
  for (const person of peopleOf(owner)) {
    const ask = { operation: 'query_person', ...visits, sid: person }
    const reply = await door.askFor<{ rows: { stamp: number; attr: Row }[] }>(ask, 'person_unknown')
    for (const { stamp, attr } of reply?.rows ?? []) {
      const row = { person, stamp, ...attr }
      if (found[keyOf(row)]) fail(`the event ${keyOf(row)} is there twice`)
      found[keyOf(row)] = row
    }
  }
  return found
}

/**
 * Whose events of a batch that a kill cut off are there by half. A person's lie in one partition, which stores them at
 * once; those of different partitions are stored one after the other.
 */
export function halfPeople(found: Rows, before: Rows, after: Rows): string[] {
  const fresh = Object.keys(after).filter((key) => !before[key])
  const people = [...new Set(fresh.map((key) => after[key]!['person'] as string))]
  return people.filter((person) => {
    const stored = fresh.filter((key) => after[key]!['person'] === person).map((key) => key in found)
    return stored.includes(true) && stored.includes(false)
  })
}
