import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { EventStore, type EventTable } from '../../src/analytics/index.js'
import { partitionOf } from '../../src/analytics/schema.js'
import type { Problem } from '../../src/lib/index.js'
import { Compile } from '../../src/segments/compile.js'
import { readSections } from '../../src/segments/sections.js'
import { Segments } from '../../src/segments/segments.js'
import { settings } from '../analytics/settings.js'
import { eventually } from '../support/eventually.js'
import { limits } from '../support/pyql-run.js'
import { withSmallDisk } from '../support/small-disk.js'

const columns = [{ id: 1, name: 'n', type: 'int', isSet: false }] as const
/** A partition in each of two environments. */
const table: EventTable = { id: 1, version: 1, partitions: 2, zOrder: [], foldCase: false, columns }
const FEW = 50
const MANY = 200_000

function* people(partition: number, count: number): Iterable<string> {
  for (let at = 0, found = 0; found < count; at++) {
    if (partitionOf(`p${at}`, table.partitions) !== partition) continue
    found++
    yield `p${at}`
  }
}

async function insert(store: EventStore, all: readonly string[]): Promise<void> {
  for (let at = 0; at < all.length; at += 20_000) {
    const events = all.slice(at, at + 20_000).map((person) => ({ person, stamp: 1, action: 'a', _: { n: 1 } }))
    await store.insert(table, events)
  }
}

describe('stored segments, when a write fails in one of two environments', () => {
  let errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)

  /** Many people are in the second environment, so that a population fits into the first one only. */
  async function withSegments(
    test: (segments: Segments, fill: () => void, free: () => void) => Promise<void>,
  ): Promise<boolean> {
    errors = []
    return await withSmallDisk(256, async (disk) => {
      const folder = join(disk.folder, 'events')
      mkdirSync(folder)
      writeFileSync(join(folder, 'format.json'), JSON.stringify({ format: 1, environments: 2 }))
      await using store = await EventStore.open({ folder, settings, workers: 2 }, [table])
      await insert(store, [...people(0, FEW), ...people(1, MANY)])
      await store.fold(table)
      const compile = new Compile({ scriptCharactersMax: 10_000, scan: limits })
      await using segments = new Segments(store, compile, { segmentsMax: 10, expiredKeepMs: 3_600_000, onError })
      await test(
        segments,
        () => disk.fill((4 << 20) + 24_000),
        () => disk.free(),
      )
    })
  }

  const define = (segments: Segments, name: string, script: string, flags = 'ttl=1h') => {
    const [section] = readSections(`@segment ${name} ${flags}:\n    ${script}\n`)
    return segments.define(table, section!, new Map(), {})
  }
  const listed = async (segments: Segments) => (await segments.list(table)).map(({ name, people }) => [name, people])
  const codeOf = (told: Promise<unknown>) => told.catch(({ code }: Problem) => code)

  it('are as they were before, in all partitions', async function () {
    this.timeout(60_000)
    const mayMount = await withSegments(async (segments, fill, free) => {
      expect(await define(segments, 'all', 'tally')).to.equal(FEW + MANY)
      fill()
      expect(await codeOf(define(segments, 'all', 'match where n > 1:\n        tally'))).to.equal('disk_full')
      free()
      expect(await listed(segments)).to.deep.equal([['all', FEW + MANY]])
    })
    if (!mayMount) this.skip()
  })

  it('keep their age when they cannot be computed anew', async function () {
    this.timeout(60_000)
    const mayMount = await withSegments(async (segments, fill, free) => {
      await define(segments, 'all', 'tally', 'ttl=1h refresh=1s')
      const [before] = await segments.list(table)
      fill()
      await eventually('it was tried', () => errors.length > 0)
      const [after] = await segments.list(table)
      free()
      expect(after!.computedAt).to.equal(before!.computedAt)
    })
    if (!mayMount) this.skip()
  })
})
