// Inserts batch after batch and says which are acknowledged, until it is killed.
import { EventStore } from '../../src/analytics/index.js'
import { batchOf, crashTable, isAtomic } from './crash-table.js'
import { ENVIRONMENTS, settings } from './settings.js'

const [folder, workers, first] = process.argv.slice(2)
const store = await EventStore.open({ folder: folder!, settings, workers: Number(workers) }, [crashTable])
let next = Number(first)

async function insert(): Promise<void> {
  for (;;) {
    const number = next++
    await store.insert(crashTable, JSON.stringify(batchOf(number)), { atomic: isAtomic(number) })
    process.stdout.write(`${number}\n`)
  }
}

async function fold(): Promise<void> {
  for (;;) {
    await store.fold(crashTable)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Moves partitions to and fro. */
async function move(): Promise<void> {
  for (let turn = Number(first); ; turn++) {
    await store.movePartition(crashTable, turn % crashTable.partitions, turn % ENVIRONMENTS)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

await Promise.all([insert(), insert(), insert(), fold(), move()])
