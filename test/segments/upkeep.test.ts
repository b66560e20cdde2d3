import { expect } from 'chai'
import { EventStore, type EventTable } from '../../src/analytics/index.js'
import { Compile } from '../../src/segments/compile.js'
import { readSections } from '../../src/segments/sections.js'
import { Segments } from '../../src/segments/segments.js'
import { settings } from '../analytics/settings.js'
import { withClock } from '../support/clock.js'
import { eventually } from '../support/eventually.js'
import { onNode, type TestNode, withNode } from '../support/node.js'
import { withFolder } from '../support/store.js'

type Body = Record<string, unknown>

const compileSettings = {
  scriptCharactersMax: 65_536,
  scan: {
    stepsMax: 10_000_000,
    memoryMax: 10_000_000,
    nodesMax: 1000,
    charactersMax: 100_000_000,
    depthMax: 64,
    traceMax: 0,
  },
}

const HOUR_MS = 3_600_000
const RICH = 'match where SUM price > 100:\n    tally\n'

async function ask(node: TestNode, operation: string, more: object): Promise<Body> {
  return node.ok<Body>({ operation, table: 't', ...more })
}

async function makeTable(node: TestNode, partitions = 7): Promise<void> {
  await ask(node, 'create_table', { kind: 'events', partitions, columns: [{ name: 'price', type: 'int' }] })
}

function define(node: TestNode, name: string, flags: string, script = RICH): Promise<Body> {
  return ask(node, 'query_segments', { script: `@segment ${name} ${flags}:\n${script.replace(/^/gm, '    ')}\n` })
}

function countOf(body: Body): number {
  return (body._ as { c: number[] }[])[0]?.c[0] ?? 0
}

async function people(node: TestNode, segments: string): Promise<number[]> {
  const body = await ask(node, 'query_events', { segments, script: 'tally("all")\n' })
  const [root] = body._ as { c: number[]; c2?: number[] }[]
  return [root?.c[0] ?? 0, root?.c2?.[0] ?? 0]
}

async function listed(node: TestNode): Promise<Body[]> {
  return (await ask(node, 'list_segments', {})).segments as Body[]
}

/** Events of random people, so that some become rich with every batch. */
function batch(random: () => number, size: number, people = 300): object[] {
  return Array.from({ length: size }, () => ({
    person: `p${Math.floor(random() * people)}`,
    stamp: Math.floor(random() * 1e9),
    action: 'buy',
    _: { price: Math.floor(random() * 40) },
  }))
}

function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32
    return state / 2 ** 32
  }
}

describe('segments that are kept up on insert', () => {
  it('are exact for every question while inserts and folds go on, and after a restart', async () => {
    await withNode(async (first) => {
      await makeTable(first)
      await define(first, 'rich', 'ttl=1h on_insert')
      const random = randomOf(5)
      let go = true
      const inserting = (async () => {
        while (go) await ask(first, 'insert_events', { events: batch(random, 40) })
      })()
      for (let round = 0; round < 25; round++) {
        // The same script, computed from all rows in the same scan, for people of the segment and for everyone else.
        const script = 'tally(SUM price > 100)\n'
        const body = await ask(first, 'query_events', { segments: 'rich,*', script })
        for (const { g, c, c2 } of body._ as { g: boolean; c: number[]; c2: number[] }[]) {
          expect(c[0] ?? 0, `round ${round}, ${g}`).to.equal(g ? c2[0] : 0)
        }
        if (round % 5 === 0) await first.node.services.events.fold(schemaOf(first))
      }
      go = false
      await inserting
      const before = await people(first, 'rich')
      expect(before[0]).to.be.greaterThan(50)
      await first.node[Symbol.asyncDispose]()
      await onNode(first.folder, async (node) => {
        expect(await people(node, 'rich')).to.deep.equal(before)
        await ask(node, 'insert_events', { events: [{ person: 'new', stamp: 1, action: 'buy', _: { price: 500 } }] })
        expect((await people(node, 'rich'))[0]).to.equal(before[0]! + 1)
      })
    })
  })

  it('miss nobody who changed while they were computed', async () => {
    await withNode(async (node) => {
      await makeTable(node)
      const random = randomOf(9)
      // So many that the scan is cut into slices, between which events come in.
      for (let i = 0; i < 20; i++) await ask(node, 'insert_events', { events: batch(random, 5000, 20_000) })
      for (let round = 0; round < 5; round++) {
        const inserts = Array.from({ length: 40 }, () =>
          ask(node, 'insert_events', { events: batch(random, 100, 20_000) }),
        )
        await define(node, `rich${round}`, 'ttl=1h on_insert')
        await Promise.all(inserts)
        const once = countOf(await define(node, 'once', ''))
        expect(await people(node, `rich${round}`), `round ${round}`).to.deep.equal([once, 0])
      }
    })
  })

  it('are brought up by inserts, without anybody asking; one that fails is told of, and keeps no other from it', () =>
    withFolder(async (folder) => {
      const columns = [{ id: 1, name: 'price', type: 'int', isSet: false }] as const
      const table: EventTable = { id: 1, version: 1, partitions: 7, zOrder: [], foldCase: false, columns }
      await using store = await EventStore.open({ folder, settings, workers: 2 }, [table])
      const errors: unknown[] = []
      const options = { segmentsMax: 10, expiredKeepMs: 1000, onError: (error: unknown) => void errors.push(error) }
      await using segments = new Segments(store, new Compile(compileSettings), options)
      const failing = 'match where price > 1000:\n    x = "a" in "b"\n    tally\n'
      for (const [name, script] of [
        ['failing', failing],
        ['rich', RICH],
      ] as const) {
        const [section] = readSections(`@segment ${name} ttl=1h on_insert:\n${script.replace(/^/gm, '    ')}`)
        await segments.define(table, section!, new Map(), {})
      }
      await store.insert(table, [{ person: 'a', stamp: 1, action: 'buy', _: { price: 5000 } }])
      segments.inserted(table)
      const stored = async () => (await store.populations(table)).map(({ name, people }) => [name, people])
      await eventually('the other is up', async () => (await stored())[1]![1] === 1)
      expect(await stored()).to.deep.equal([
        ['failing', 0],
        ['rich', 1],
      ])
      expect(errors).to.have.lengthOf(1)
      expect(errors[0]).to.include({ code: 'script_failed' })
    }))
})

describe('stored segments', () => {
  it('are of one script, however many define one of that name at once', async () => {
    await withNode(async (node) => {
      await makeTable(node, 16)
      const random = randomOf(3)
      await ask(node, 'insert_events', { events: batch(random, 3000) })
      const scripts = [
        'match where price > 30:\n    tally\n',
        'match where price > 39:\n    tally\n',
        'match:\n    tally\n',
      ]
      const alone: number[] = []
      for (const script of scripts) alone.push(countOf(await define(node, 'alone', '', script)))
      for (let round = 0; round < 5; round++) {
        const asked = scripts.map((script) => define(node, 's', 'ttl=1h', script))
        const between = Array.from({ length: 5 }, async () => {
          const answer = await node.post({
            ...{ operation: 'query_events', table: 't', segments: 's,*', script: 'tally("all")\n' },
          })
          return answer.status === 200 ? (answer.body as { _: { c: number[] }[] })._[0]!.c[0] : alone[0]
        })
        expect((await Promise.all(asked)).map(countOf)).to.deep.equal(alone)
        for (const count of await Promise.all(between)) expect(count).to.be.oneOf(alone)
        const [only] = await listed(node)
        expect(only!.people).to.equal(alone[scripts.indexOf(only!.script as string)])
        expect((await people(node, 's'))[0]).to.equal(only!.people)
      }
    })
  })

  it('that expired can be used by name, and go when nobody has used them for long', () =>
    withClock(({ pass }) =>
      withNode(
        async (node) => {
          await makeTable(node)
          await ask(node, 'insert_events', { events: [{ person: 'a', stamp: 1, action: 'buy', _: { price: 500 } }] })
          await define(node, 'short', 'ttl=1h')
          await define(node, 'lasting', 'ttl=1000h')
          await define(node, 'renewed', 'ttl=1h refresh=1h')
          pass(1.5 * HOUR_MS)
          expect((await people(node, 'short'))[0]).to.equal(1)
          const segment = async (wanted: string) => (await listed(node)).find(({ name }) => name === wanted)
          await eventually('it is renewed', async () => !(await segment('renewed'))!.expired)
          pass(2 * HOUR_MS)
          await eventually('it is gone', async () => (await segment('short')) === undefined)
          expect((await listed(node)).map(({ name }) => name)).to.deep.equal(['lasting', 'renewed'])
          const gone = await node.post({
            operation: 'query_events',
            table: 't',
            segments: 'short',
            script: 'tally(1)\n',
          })
          expect(gone.body).to.include({ code: 'segment_unknown' })
        },
        { 'events.expired_segment_keep_ms': String(1.5 * HOUR_MS) },
      ),
    ))

  it('that expired first make room when there are too many', () =>
    withClock(({ pass }) =>
      withNode(
        async (node) => {
          await makeTable(node)
          await define(node, 'one', 'ttl=1h')
          await define(node, 'two', 'ttl=1000h')
          const full = await node.post({
            operation: 'query_segments',
            table: 't',
            script: '@segment three ttl=1h:\n    tally\n',
          })
          expect(full.body).to.include({ code: 'too_many_segments' })
          pass(2 * HOUR_MS)
          await define(node, 'three', 'ttl=1h')
          expect((await listed(node)).map(({ name }) => name)).to.deep.equal(['three', 'two'])
        },
        { 'events.segments_max': '2' },
      ),
    ))
})

function schemaOf({ node }: TestNode) {
  return node.services.catalog.table('data', 't')
}
