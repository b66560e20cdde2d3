import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { expectSound, openStore, rowsOf, withFolder } from '../support/store.js'

const ROUNDS = 20
/** In each round, one with another: a slow disk gets the time for it. */
const ACKNOWLEDGED_LEAST = 10
const writer = fileURLToPath(new URL('../support/killed-writer.js', import.meta.url))

/** What the writers were told is stored: key → its value, or that it is deleted. */
type Acknowledged = Map<string, number | 'deleted' | 'inserted'>

/** Lets 64 writers write for a while, kills the process, and takes note of every acknowledgement. */
async function writeAndKill(folder: string, round: number, acknowledged: Acknowledged): Promise<void> {
  const least = (round + 1) * ACKNOWLEDGED_LEAST
  const child = spawn(process.execPath, [writer, folder, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  let isOver = false
  const look = () => {
    if (isOver && acknowledged.size >= least) child.kill('SIGKILL')
  }
  const end = () => {
    isOver = true
    look()
  }
  for await (const line of createInterface(child.stdout)) {
    const [what, key, value] = line.split(' ')
    if (what === 'ready') setTimeout(end, 40 + Math.random() * 160)
    if (what === 'insert') acknowledged.set(key!, 'inserted')
    if (what === 'update') acknowledged.set(key!, Number(value))
    if (what === 'delete') acknowledged.set(key!, 'deleted')
    look()
  }
  const [, signal] = (await exit) as [number | null, string | null]
  expect(signal).to.equal('SIGKILL')
}

describe('a process killed in the middle of 64 writers', () => {
  it(`loses nothing that it acknowledged, ${ROUNDS} times, and its indexes equal a full scan`, async () => {
    await withFolder(async (folder) => {
      const first = await openStore(folder)
      await first.catalog.createTable({ database: 'dev', table: 'item', primaryKey: 'id' })
      await first.close()
      const acknowledged: Acknowledged = new Map()
      for (let round = 0; round < ROUNDS; round++) {
        await writeAndKill(folder, round, acknowledged)
        const store = await openStore(folder)
        const rows = new Map(rowsOf(store, { database: 'dev', name: 'item' }).map((row) => [row['id'], row]))
        for (const [key, state] of acknowledged) {
          const row = rows.get(key)
          // the next change of the same record may have been stored without having been acknowledged
          if (state === 'deleted') expect(row, key).to.equal(undefined)
          else if (typeof state === 'number') expect(row?.['value'], key).to.equal(state)
          else if (Number(key.split('-')[2]) % 3 === 0) expect(row, key).to.not.equal(undefined)
        }
        expectSound(store)
        await store.close()
      }
    })
  })
})
