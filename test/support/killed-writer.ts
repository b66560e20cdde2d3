// A process that writes with 64 writers until it is killed, and prints what was acknowledged: node killed-writer.js FOLDER ROUND
import { author, openStore } from './store.js'

const WRITERS = 64
const [folder, round] = process.argv.slice(2)
const { tables } = await openStore(folder!, { settings: { 'tables.postponed_entries_max': '200' } })

async function write(writer: number): Promise<void> {
  for (let n = 0; ; n++) {
    const id = `${round}-${writer}-${n}`
    const record = { id, writer, value: (n * 7919) % 100, tags: [`t${n % 5}`, n % 3], note: 'x'.repeat(n % 300) }
    await tables.transact(author, (batch) => batch.insert('dev', 'item', [record]))
    console.log(`insert ${id}`)
    if (n % 3 === 1) {
      await tables.transact(author, (batch) => batch.update('dev', 'item', [{ id, value: -n, tags: ['changed'] }]))
      console.log(`update ${id} ${-n}`)
    }
    if (n % 3 === 2) {
      await tables.transact(author, (batch) => batch.delete('dev', 'item', [id]))
      console.log(`delete ${id}`)
    }
  }
}

console.log('ready')
for (let writer = 0; writer < WRITERS; writer++) void write(writer)
