// Fills the file system of FOLDER, frees space, and writes again: node full-disk-writer.js FOLDER BALLAST. Without the
// file BALLAST it is the limit for the size of a file that is reached and raised. Prints JSON.
import { execFileSync } from 'node:child_process'
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../../src/lib/index.js'
import { author, expectSound, openStore, rowsOf } from './store.js'

const [folder, ballast] = process.argv.slice(2)
process.on('unhandledRejection', (error) => {
  console.error('unhandled rejection', error)
  process.exit(3)
})

const limitTo = (bytes: number | 'unlimited') =>
  execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`])

function take(bytes: number): void {
  if (ballast !== undefined) writeFileSync(ballast, Buffer.alloc(bytes))
  else limitTo(statSync(join(folder!, 'records/data.mdb')).size + bytes)
}

function free(): void {
  if (ballast !== undefined) rmSync(ballast)
  else limitTo('unlimited')
}

const store = await openStore(folder!)
if (ballast === undefined) take(8 << 20)
await store.catalog.createTable({ database: 'dev', table: 'item', primaryKey: 'id' })
const stored: number[] = []
const codes = new Set<string>()
let next = 0

async function write(): Promise<boolean> {
  const id = next++
  try {
    const record = { id, note: 'x'.repeat(2000), kind: `k${id % 10}` }
    await store.tables.transact(author, (batch) => batch.insert('dev', 'item', [record]))
    stored.push(id)
    return true
  } catch (error) {
    codes.add(error instanceof Problem ? error.code : String(error))
    return false
  }
}

async function fill(): Promise<void> {
  for (let failed = 0; failed < 20; ) {
    const results = await Promise.all(Array.from({ length: 16 }, write))
    failed += results.filter((done) => !done).length
  }
}

/** Exactly what was acknowledged is there. */
function check(): boolean {
  expectSound(store)
  const keys = rowsOf(store, { database: 'dev', name: 'item' }).map((row) => row['id'])
  return JSON.stringify(keys) === JSON.stringify([...stored].sort((a, b) => a - b))
}

await fill()
const whenFull = { codes: [...codes], stored: stored.length, sound: check() }
free()
codes.clear()
const resumed: boolean[] = []
for (let n = 0; n < 50; n++) resumed.push(await write())
const sound = check()
take(8 << 20)
await fill()
await store.close() // right after a commit that failed
free()
const again = await openStore(folder!)
const survived = rowsOf(again, { database: 'dev', name: 'item' }).length
await again.close()
console.log(JSON.stringify({ whenFull, resumed: resumed.every(Boolean), sound, survived: survived === stored.length }))
