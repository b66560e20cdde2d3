import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ContentDigest, type CopyPlace, EventStore, type EventTable } from '../../src/analytics/index.js'
import { settings } from './settings.js'

const columns: EventTable['columns'] = [
  { id: 1, name: 'text', type: 'text', isSet: false },
  { id: 2, name: 'double', type: 'double', isSet: false },
  { id: 3, name: 'int', type: 'int', isSet: false },
  { id: 4, name: 'bool', type: 'bool', isSet: false },
  { id: 5, name: 'texts', type: 'text', isSet: true },
  { id: 6, name: 'numbers', type: 'double', isSet: true },
  { id: 7, name: '"quoted" name', type: 'bool', isSet: true },
]
const tableOf = (id: number, partitions: number): EventTable => ({
  id,
  version: 1,
  partitions,
  zOrder: ['late'],
  foldCase: false,
  columns,
})
/** The same table on two nodes: another number, other partitions, columns in another order. */
const here = tableOf(1, 5)
const there = { ...tableOf(7, 3), columns: [...columns].reverse() }

/** Every kind of value that an event may have, at its edges. */
const awkward = `[
  {"person":"p","stamp":0,"action":"a","_":{"text":""}},
  {"person":"p","stamp":4102444799999,"action":"late","_":{"text":"\\u0000\\ud800 \\"x\\"","double":-0.0}},
  {"person":"p","stamp":4102444799999,"action":"a","_":{"double":1.7976931348623157e308,"int":9007199254740991,"bool":false}},
  {"person":5,"stamp":1500000000,"action":"a","_":{"texts":["b","a","b"],"numbers":[0,-1.7976931348623157e308,1e21],"\\"quoted\\" name":[true,false]}},
  {"person":"5","stamp":"1969-12-31T23:00:00-01:00","action":"a","_":{"texts":[],"bool":true,"int":-7.9}},
  {"person":-5e-324,"stamp":1500000000123,"action":"nested","_":{"items":[{"text":"one"},{"text":"two","int":2}]}}
]`
const many = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => ({
    person: `person ${(from + at) % 37}`,
    stamp: 1_500_000_000 + from + at,
    action: at % 2 ? 'a' : 'b',
    _: { text: `t${at % 11}`, double: at / 7 },
  }))

async function withStores(test: (stores: EventStore[], folders: string[]) => Promise<void>): Promise<void> {
  const folders = ['a', 'b'].map(() => mkdtempSync(join(tmpdir(), 'events-')))
  const stores = [
    await EventStore.open({ folder: folders[0]!, settings, workers: 2 }, [here]),
    await EventStore.open({ folder: folders[1]!, settings, workers: 1 }, [there]),
  ]
  try {
    await test(stores, folders)
  } finally {
    for (const store of stores) await store[Symbol.asyncDispose]()
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }
}

/** What a table holds, whatever its partitions. */
async function contentOf(store: EventStore, table: EventTable): Promise<unknown> {
  const all = new ContentDigest()
  for (let partition = 0; partition < table.partitions; partition++) {
    for (const digest of await store.digests(table, partition, 16)) all.add(digest)
  }
  return all.toText()
}

async function send(from: EventStore, to: EventStore, table: EventTable): Promise<number> {
  const notes = await from.outgoing(1_000_000)
  for (const { origin, text } of notes) await to.insert(table, `[${text}]`, { origin: origin === '' ? 'a' : origin })
  await from.reacted(notes)
  return notes.length
}

describe('event tables that are shared', () => {
  it('note what was accepted, and give the same rows elsewhere', () =>
    withStores(async ([a, b]) => {
      await a!.insert(here, many(0, 10)) // Before it was shared.
      expect(await a!.outgoing(1_000)).to.deep.equal([])
      await a!.share(here, 'own')
      const { inserted } = await a!.insert(here, awkward)
      expect(inserted).to.equal(6)
      await a!.insert(here, many(0, 500)) // Ten are known.
      await a!.insert(here, many(0, 500), { atomic: true })
      await send(a!, b!, there)
      await b!.insert(there, many(0, 10))
      expect(await contentOf(b!, there))
        .to.deep.equal(await contentOf(a!, here))
        .and.to.include({ count: 507 })
      await a!.fold(here)
      expect(await contentOf(b!, there)).to.deep.equal(await contentOf(a!, here))
      expect(await a!.outgoing(1_000)).to.deep.equal([])
    }))

  it('note what came from others only where it is passed on, with its origin, and nothing twice', () =>
    withStores(async ([a, b]) => {
      await a!.share(here, 'own')
      await b!.share(there, 'own')
      await a!.insert(here, many(0, 20))
      await send(a!, b!, there)
      expect(await b!.outgoing(1_000)).to.deep.equal([])
      await b!.share(there, 'all')
      await a!.insert(here, many(20, 20))
      await send(a!, b!, there)
      const [note] = await b!.outgoing(1_000)
      expect(note).to.include({ origin: 'a', table: there.id })
      await send(b!, a!, here)
      expect(await a!.outgoing(1_000)).to.deep.equal([]) // Known, so not noted again.
    }))

  it('keep their notes, and that they are shared, over a start', () =>
    withStores(async (stores, folders) => {
      const [a, b] = stores
      await a!.share(here, 'own')
      await a!.insert(here, many(0, 30))
      await a![Symbol.asyncDispose]()
      const again = await EventStore.open({ folder: folders[0]!, settings, workers: 1 }, [here])
      stores[0] = again
      await again.insert(here, many(30, 30))
      expect(await send(again, b!, there)).to.be.greaterThan(0)
      expect(await contentOf(b!, there))
        .to.deep.equal(await contentOf(again, here))
        .and.to.include({ count: 60 })
      await again.share(here, 'none')
      await again.insert(here, many(100, 1))
      expect(await again.outgoing(1_000)).to.deep.equal([])
    }))

  it('are copied in pages, while events come in between', () =>
    withStores(async ([a, b]) => {
      await a!.insert(here, awkward)
      await a!.insert(here, many(0, 400))
      await a!.fold(here)
      await a!.share(here, 'own')
      let place: CopyPlace | undefined = { partition: 0, person: 0, row: 0 }
      let pages = 0
      while (place) {
        const { text, next }: { text: string; next?: CopyPlace } = await a!.copy(here, place, 2_000)
        await b!.insert(there, `[${text}]`, { origin: 'a' })
        if (++pages % 5 === 0) await a!.insert(here, many(1_000 - pages, 3)) // Before and behind the page.
        place = next
      }
      expect(pages).to.be.greaterThan(10)
      await send(a!, b!, there)
      expect(await contentOf(b!, there)).to.deep.equal(await contentOf(a!, here))
    }))

  it('name the people whose rows differ', () =>
    withStores(async ([a, b]) => {
      await a!.insert(here, many(0, 74))
      await b!.insert(there, many(0, 73))
      const differ = new Set<unknown>()
      for (let bucket = 0; bucket < 4; bucket++) {
        const ours = new Map((await a!.contents(here, 4, bucket)).map(({ person, digest }) => [person, digest]))
        const theirs = await b!.contents(there, 4, bucket)
        expect(theirs.map(({ person }) => person)).to.have.members([...ours.keys()])
        for (const { person, digest } of theirs) if (ours.get(person) !== digest) differ.add(person)
      }
      expect([...differ]).to.deep.equal(['person 36'])
    }))
})
