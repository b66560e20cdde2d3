import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { EventStore, type EventTable } from '../../src/analytics/index.js'
import type { Problem } from '../../src/lib/index.js'
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
