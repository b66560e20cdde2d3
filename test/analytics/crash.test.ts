import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { EventStore } from '../../src/analytics/index.js'
import { runAndKill } from '../support/run-and-kill.js'
import { batchOf, crashTable, isAtomic, PEOPLE } from './crash-table.js'
import { eventFolder, settings } from './settings.js'

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 6)

const child = fileURLToPath(new URL('./crash-child.js', import.meta.url))

describe('the event store, killed at any moment', function () {
  this.timeout(300_000 + ROUNDS * 10_000)
  it('keeps every batch that it acknowledged, and no part of an atomic one that it did not finish, also while partitions are moved', async () => {
    const folder = eventFolder()
    const acknowledged = new Set<number>()
    let first = 1
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const workers = 1 + (round % 2)
        const args = [folder, String(workers), String(first)]
        const seen = await runAndKill(child, args, { lifeMs: 150 + ((round * 373) % 700), least: 4 })
        for (const batch of seen) acknowledged.add(batch)
        await check(folder, 2 - (round % 2), acknowledged)
        first = Math.max(first, ...seen) + 100
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

async function check(folder: string, workers: number, acknowledged: ReadonlySet<number>): Promise<void> {
  const store = await EventStore.open({ folder, settings, workers }, [crashTable])
  try {
    const people = new Map<number, number>()
    for (let person = 0; person < PEOPLE; person++) {
      const rows = (await store.person(crashTable, `p${person}`, ['batch', 'word', 'words'])) ?? []
      const batches = rows.map(({ values }) => values.batch as number)
      expect(new Set(batches).size, 'no row is there twice').to.equal(batches.length)
      for (const [at, row] of rows.entries()) {
        const { stamp, action, _ } = batchOf(batches[at]!)[person]!
        expect(row).to.deep.equal({ stamp, action, values: _ })
        if (at > 0) expect(row.stamp).to.be.at.least(rows[at - 1]!.stamp)
      }
      for (const batch of batches) people.set(batch, (people.get(batch) ?? 0) + 1)
    }
    for (const batch of acknowledged) expect(people.get(batch), `batch ${batch}`).to.equal(PEOPLE)
    for (const [batch, count] of people) if (isAtomic(batch)) expect(count, `atomic batch ${batch}`).to.equal(PEOPLE)
    expect((await store.figures(crashTable)).events).to.equal(
      [...people.values()].reduce((sum, count) => sum + count, 0),
    )
  } finally {
    await store[Symbol.asyncDispose]()
  }
}
