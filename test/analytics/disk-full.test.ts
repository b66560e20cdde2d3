import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { EventReader } from '../../src/analytics/event-reader.js'
import { EventStore, type EventTable } from '../../src/analytics/index.js'
import { Owner } from '../../src/analytics/owner.js'
import type { Problem } from '../../src/lib/index.js'
import { createScan } from '../../src/pyql/index.js'
import { eventually } from '../support/eventually.js'
import { withSmallDisk } from '../support/small-disk.js'
import { settings } from './settings.js'

const table: EventTable = {
  id: 1,
  version: 1,
  partitions: 4,
  zOrder: [],
  foldCase: false,
  columns: [{ id: 1, name: 'text', type: 'text', isSet: false }],
}

const batch = (number: number) =>
  Array.from({ length: 50 }, (_, at) => ({
    person: `p${at}`,
    stamp: 1_700_000_000 + number,
    action: 'a',
    _: { text: randomBytes(2_000).toString('base64') },
  }))

describe('the event store on a full disk', () => {
  it('refuses inserts with 507, goes on reading, and takes inserts again when there is space', async function () {
    const folder = mkdtempSync(join(tmpdir(), 'events-full-'))
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]).status !== 0) this.skip()
    try {
      writeFileSync(join(folder, 'ballast'), Buffer.alloc(12 << 20))
      const store = await EventStore.open({ folder: join(folder, 'events'), settings }, [table])
      try {
        let inserted = 0
        let problem: Problem | undefined
        for (let number = 0; number < 300 && !problem; number++) {
          await store.insert(table, batch(number)).then(
            (answer) => {
              inserted += answer.inserted
            },
            (error: Problem) => {
              problem = error
            },
          )
        }
        expect(problem?.code, String(problem)).to.equal('disk_full')
        const rows = await store.person(table, 'p1', ['text'])
        expect(rows!.length).to.be.at.least(inserted / 50)
        rmSync(join(folder, 'ballast'))
        const again = await store.insert(table, batch(1000))
        expect(again.inserted).to.equal(50)
      } finally {
        await store[Symbol.asyncDispose]()
      }
    } finally {
      execFileSync('umount', [folder])
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('loses no row when it is full while rows are folded into blocks', async function () {
    const folder = mkdtempSync(join(tmpdir(), 'events-full-'))
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]).status !== 0) this.skip()
    try {
      const path = { folder: join(folder, 'events'), settings }
      const counts = async (store: EventStore) => {
        const rows = Array.from(
          { length: 50 },
          async (_, at) => (await store.person(table, `p${at}`, ['text']))?.length,
        )
        return await Promise.all(rows)
      }
      const BATCHES = 20
      const whole = Array.from({ length: 50 }, () => BATCHES)
      {
        await using store = await EventStore.open(path, [table])
        for (let number = 0; number < BATCHES; number++) await store.insert(table, batch(number))
        const { bavail, bsize } = statfsSync(folder)
        writeFileSync(join(folder, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - (3 << 20))))
        for (let times = 0; times < 3; times++) {
          const code = await store.fold(table).then(
            () => 'folded',
            (error: Problem) => error.code,
          )
          expect(code, 'there was no room').to.equal('disk_full')
          expect(await counts(store), `${times + 1} times in vain`).to.deep.equal(whole)
        }
        rmSync(join(folder, 'ballast'))
        await store.fold(table)
        expect(await counts(store)).to.deep.equal(whole)
      }
      await using again = await EventStore.open(path, [table])
      expect(await counts(again), 'after a restart').to.deep.equal(whole)
    } finally {
      execFileSync('umount', [folder])
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('keeps what was acknowledged to any of many who insert at once, the same events among them', async function () {
    this.timeout(60_000)
    const folder = mkdtempSync(join(tmpdir(), 'events-full-'))
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', folder]).status !== 0) this.skip()
    try {
      const path = { folder: join(folder, 'events'), settings }
      const acknowledged = new Set<number>()
      const codes: string[] = []
      let stamp = 1_700_000_000
      const PEOPLE = 8
      // Some are large, and find no room where small ones do.
      const event = (at: number) => ({
        person: `p${at % PEOPLE}`,
        stamp: at,
        action: 'a',
        _: { text: `${at} ${'x'.repeat(at % 24 < 8 ? 4_000 : 10)}` },
      })
      const stored = async (store: EventStore) => {
        const people = Array.from({ length: PEOPLE }, (_, at) => store.person(table, `p${at}`, ['text']))
        const stamps = new Set<number>()
        for (const [at, rows] of (await Promise.all(people)).entries()) {
          for (const { stamp, values } of rows ?? []) {
            const number = stamp / 1000
            expect(number % PEOPLE, 'whose it is').to.equal(at)
            expect(values).to.deep.equal(event(number)._)
            expect(stamps.has(number), 'twice').to.equal(false)
            stamps.add(number)
          }
        }
        return stamps
      }
      {
        await using store = await EventStore.open(path, [table])
        for (let round = 0; round < 60; round++) {
          const { bavail, bsize } = statfsSync(folder)
          const left = 4_100 + (round % 20) * 15
          writeFileSync(join(folder, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - left * 1024)))
          const inserting: Promise<unknown>[] = []
          for (let batch = 0; batch < 12; batch++) {
            const events = Array.from({ length: 12 }, () => event(stamp++))
            stamp -= 4 // each has some events of the one before
            const insert = store.insert(table, events).then(
              ({ rejected }) => {
                expect(rejected).to.deep.equal([])
                for (const { stamp } of events) acknowledged.add(stamp)
                codes.push('stored')
              },
              (error: Problem) => codes.push(error.code),
            )
            inserting.push(insert)
            if (batch % 4 === 3) await new Promise(setImmediate)
          }
          await Promise.all(inserting)
          stamp += 4
          rmSync(join(folder, 'ballast'))
        }
        expect(codes).to.include.members(['stored', 'disk_full'])
        const there = await stored(store)
        expect([...acknowledged].filter((stamp) => !there.has(stamp))).to.deep.equal([])
      }
      await using again = await EventStore.open(path, [table])
      const there = await stored(again)
      expect(
        [...acknowledged].filter((stamp) => !there.has(stamp)),
        'after a restart',
      ).to.deep.equal([])
    } finally {
      execFileSync('umount', [folder])
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('leaves an atomic insert whole or not at all, whatever is inserted next', async function () {
    const folder = mkdtempSync(join(tmpdir(), 'events-full-'))
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]).status !== 0) this.skip()
    try {
      await using store = await EventStore.open({ folder: join(folder, 'events'), settings }, [table])
      const codes = new Map<number, string>()
      const insert = async (number: number) => {
        const told = store.insert(table, batch(number), { atomic: true })
        codes.set(number, await told.then(() => 'stored').catch((error: Problem) => error.code))
      }
      await insert(0)
      // At every size of what is left the place where it ends is another one.
      let ballast = 0
      for (let left = 4_700; left > 4_000; left -= 25, ballast++) {
        const { bavail, bsize } = statfsSync(folder)
        writeFileSync(join(folder, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - left * 1024)))
        await insert(2 * ballast + 1)
        rmSync(join(folder, 'ballast'))
        await insert(2 * ballast + 2)
      }
      const stored = new Map<number, number>()
      for (let at = 0; at < 50; at++) {
        for (const { stamp } of (await store.person(table, `p${at}`, [])) ?? []) {
          const number = stamp / 1000 - 1_700_000_000
          stored.set(number, (stored.get(number) ?? 0) + 1)
        }
      }
      for (const [number, code] of codes) {
        const whole = code === 'disk_full' ? undefined : 50
        expect(stored.get(number), `batch ${number}: ${code}`).to.equal(whole)
      }
      expect([...codes.values()]).to.include('disk_full')
    } finally {
      execFileSync('umount', [folder])
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('event data that has to go', () => {
  const other: EventTable = { ...table, id: 2 }
  const BATCHES = 10
  const liveBytes = async (store: EventStore) => (await store.sizes()).liveBytes
  const rows = async (store: EventStore) => (await store.person(table, 'p1', []))?.length

  it('keeps nobody from starting and reading on a full disk, and goes when there is space', async function () {
    const mayMount = await withSmallDisk(64, async (disk) => {
      const path = { folder: join(disk.folder, 'events'), settings }
      {
        await using store = await EventStore.open(path, [table, other])
        await store.insert(table, batch(0))
        for (let number = 0; number < BATCHES; number++) await store.insert(other, batch(number))
      }
      disk.fill()
      await using again = await EventStore.open(path, [table])
      expect(await rows(again)).to.equal(1)
      const before = await liveBytes(again)
      disk.free()
      await eventually('the data is gone', async () => (await liveBytes(again)) < before / 2)
      expect(await rows(again)).to.equal(1)
    })
    if (!mayMount) this.skip()
  })

  it('goes when there is space, where a table was dropped without', async function () {
    const mayMount = await withSmallDisk(64, async (disk) => {
      const path = { folder: join(disk.folder, 'events'), settings }
      await using store = await EventStore.open(path, [table, other])
      await store.insert(table, batch(0))
      for (let number = 0; number < BATCHES; number++) await store.insert(other, batch(number))
      disk.fill()
      await store.drop(other)
      const before = await liveBytes(store)
      disk.free()
      await eventually('the data is gone', async () => (await liveBytes(store)) < before / 2)
      expect(await rows(store)).to.equal(1)
    })
    if (!mayMount) this.skip()
  })

  it('may be receipts that are too old', async function () {
    const mayMount = await withSmallDisk(64, async (disk) => {
      const path = { folder: join(disk.folder, 'events'), settings: { ...settings, receiptLifeMs: -1 } }
      {
        await using store = await EventStore.open(path, [table])
        await store.insert(table, batch(0), { receipt: 'abcd' })
      }
      disk.fill()
      {
        await using again = await EventStore.open(path, [table])
        expect(await rows(again)).to.equal(1)
      }
      disk.free()
    })
    if (!mayMount) this.skip()
  })

  it('may be the mark of an atomic insert, which is finished when there is space', async function () {
    const mayMount = await withSmallDisk(64, async (disk) => {
      const folder = join(disk.folder, 'events')
      mkdirSync(folder)
      writeFileSync(join(folder, 'format.json'), JSON.stringify({ format: 1, environments: 1 }))
      const path = { folder, settings }
      {
        await using store = await EventStore.open(path, [table])
        await store.insert(table, batch(0))
      }
      {
        // It stops when it has written down what it will do.
        const start = { folder, worker: 0, workers: 1, environments: 1, settings }
        await using owner = new Owner(start, createScan, () => {})
        const { batches } = new EventReader(table, 1, () => 0, settings.limits).read(batch(1))
        await owner.intend({ table: table.id, batches, receipt: undefined })
      }
      disk.fill()
      await using again = await EventStore.open(path, [table])
      expect(await rows(again)).to.equal(1)
      disk.free()
      await again.insert(table, batch(2), { atomic: true })
      expect(await rows(again)).to.equal(3)
    })
    if (!mayMount) this.skip()
  })
})
