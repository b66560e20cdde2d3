import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
    this.timeout(60_000)
    const folder = mkdtempSync(join(tmpdir(), 'events-full-'))
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]).status !== 0) this.skip()
    try {
      writeFileSync(join(folder, 'ballast'), Buffer.alloc(12 << 20))
      const store = await EventStore.open({ folder: join(folder, 'events'), settings }, [table])
      try {
        let inserted = 0
        let problem: Problem | undefined
        for (let number = 0; number < 300 && !problem; number++) {
          await store.insert(table, batch(number), { atomic: true }).then(
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
})
