import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { encodeId, encodeValue, type Migration, Storage } from '../../src/storage/index.js'
import { KEYS, ladder, settings } from '../support/migrating.js'
import { author, expectSound, openStore, rowsOf, type Store, withFolder } from '../support/store.js'

const ROUNDS = 6
const migrating = fileURLToPath(new URL('../support/migrating.js', import.meta.url))

const open = (path: string, migrations: readonly Migration[]) => Storage.open({ path, settings, migrations })

/** The different values of the keys, each with the number of keys that have it, and the format. */
async function stateOf(folder: string, migrations: readonly Migration[]): Promise<Record<string, unknown>> {
  const storage = await open(folder, migrations)
  const [test, meta] = [storage.keyspace('test'), storage.keyspace('meta')]
  const counts: Record<string, unknown> = {}
  const snapshot = storage.snapshot()
  for (const [, value] of snapshot.entries(test, { start: 'k', end: 'l' }))
    counts[value] = ((counts[value] as number) ?? 0) + 1
  counts['format'] = snapshot.get(meta, 'format')
  snapshot[Symbol.dispose]()
  await storage[Symbol.asyncDispose]()
  return counts
}

/** Migrates in a process of its own, which is killed after a while. How long it took if it was faster. */
async function migrateAndKill(folder: string, ms: number): Promise<number | undefined> {
  const child = spawn(process.execPath, [migrating, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  let begun = 0
  let done: number | undefined
  child.stdout.on('data', (chunk: Buffer) => {
    if (output === '') {
      begun = performance.now()
      if (ms < Number.POSITIVE_INFINITY) setTimeout(() => child.kill('SIGKILL'), ms)
    }
    output += chunk.toString()
    if (output.includes('done')) done ??= performance.now() - begun
  })
  await once(child, 'close')
  return done
}

describe('a folder of an older format', () => {
  it('is migrated step by step, each done once, however often the process is killed meanwhile', async () => {
    await withFolder(async (base) => {
      const old = join(base, 'old')
      const storage = await open(old, [])
      await storage.write((transaction) => {
        for (let n = 0; n < KEYS; n++) transaction.put(storage.keyspace('test'), `k${n}`, 'a')
      })
      await storage[Symbol.asyncDispose]()
      const whole = join(base, 'whole')
      cpSync(old, whole, { recursive: true })
      const takes = (await migrateAndKill(whole, Number.POSITIVE_INFINITY))!
      let killed = 0
      const formats = new Set<unknown>()
      for (let round = 0; round < ROUNDS || formats.size < 2; round++) {
        const folder = join(base, `copy-${round}`)
        cpSync(old, folder, { recursive: true })
        if ((await migrateAndKill(folder, ((round % ROUNDS) / ROUNDS) * takes)) === undefined) killed++
        // Whatever number stands there, the steps of before it are done in every value, and no others.
        const { format, ...values } = await lookAt(folder)
        formats.add(format)
        expect(values).to.deep.equal({ ['abcde'.slice(0, Number(format))]: KEYS })
        expect(await stateOf(folder, ladder), 'after the next start').to.deep.equal({ abcde: KEYS, format: '5' })
      }
      expect(killed, 'processes that were killed').to.be.greaterThan(0)
    })
  })

  it('1 loses the answers of idempotency keys, which were kept open, and keeps everything else', () =>
    withFolder(async (folder) => {
      const storage = await open(folder, [])
      await storage.write((transaction) => {
        const replay = { fingerprint: 'f', answer: { key: 'secret' }, time: Date.now() }
        transaction.put(storage.keyspace('replays'), 'place', JSON.stringify(replay))
        transaction.put(storage.keyspace('replay_times'), 'time-place', '')
      })
      await storage[Symbol.asyncDispose]()
      const store = await openStore(folder)
      const snapshot = store.storage.snapshot()
      const all = { start: '\0', end: '\xff\xff' }
      for (const name of ['replays', 'replay_times'])
        expect([...snapshot.keys(store.storage.keyspace(name), all)], name).to.deep.equal([])
      expect(snapshot.get(store.storage.keyspace('meta'), 'format')).to.equal('5')
      snapshot[Symbol.dispose]()
      await store.catalog.createTable({ database: 'dev', table: 'dog', primaryKey: 'id' })
      const once = { ...author, idempotency: { owner: 'u', key: 'k', fingerprint: 'f' } }
      for (let time = 0; time < 2; time++)
        await store.tables.transact(once, (batch) => batch.insert('dev', 'dog', [{ a: 1 }]))
      expect(rowsOf(store, { database: 'dev', name: 'dog' })).to.have.lengthOf(1)
      await store.close()
    }))

  it('2 knows objects in unique columns by their members as they were sent: they are put in order', () =>
    withFolder(async (folder) => {
      const sent = { b: 1, a: [{ d: 1, c: 2 }], long: 'x'.repeat(300) }
      const columns = [
        { name: 'id', type: 'int' },
        { name: 'short', type: 'json', unique: true },
        { name: 'long', type: 'json', unique: true },
      ]
      const records = [{ id: 1, short: { b: 1, a: 2 }, long: sent }, { id: 2, short: [3, 2] }, { id: 3 }]
      const before = await openStore(folder)
      const table = await before.catalog.createTable({ database: 'dev', table: 'dog', primaryKey: 'id', columns })
      await before.tables.transact(author, (batch) => batch.insert('dev', 'dog', records))
      const uniques = before.storage.keyspace('uniques')
      await before.storage.write((transaction) => {
        for (const key of transaction.keys(uniques, { start: '\0', end: '\xff\xff' })) transaction.remove(uniques, key)
        const [, short, long] = table.columns.map(({ id }) => encodeId(id))
        const digest = createHash('sha256')
          .update(encodeValue(JSON.stringify(sent)), 'latin1')
          .digest()
        transaction.put(uniques, `${short}v${encodeValue('{"b":1,"a":2}')}`, encodeValue(1))
        transaction.put(uniques, `${short}v${encodeValue('[3,2]')}`, encodeValue(2))
        transaction.put(uniques, `${long}d${digest.toString('latin1')}`, encodeValue(1))
        transaction.put(before.storage.keyspace('meta'), 'format', '2')
      })
      await before.close()
      const store = await openStore(folder)
      const insert = (record: object) =>
        store.tables
          .transact(author, (batch) => batch.insert('dev', 'dog', [{ id: 9, ...record }]))
          .then(
            () => 'stored',
            ({ code }: { code: string }) => code,
          )
      for (const record of [{ short: { b: 1, a: 2 } }, { short: { a: 2, b: 1 } }, { short: [3, 2] }, { long: sent }])
        expect(await insert(record), JSON.stringify(record)).to.equal('value_taken')
      await store.tables.transact(author, (batch) => batch.delete('dev', 'dog', [1]))
      expect(await insert({ short: { a: 2, b: 1 }, long: sent })).to.equal('stored')
      await store.close()
    }))

  it('3 does not tell what columns hold: only the times of dynamic tables are known', () =>
    withFolder(async (folder) => {
      const before = await openStore(folder)
      await before.catalog.createTable({ database: 'dev', table: 'dog', primaryKey: 'id' })
      const columns = [
        { name: 'id', type: 'int' },
        { name: 'a', type: 'int' },
      ]
      await before.catalog.createTable({ database: 'dev', table: 'cat', primaryKey: 'id', columns })
      const insert = (store: Store, table: string, record: object) =>
        store.tables.transact(author, (batch) => batch.insert('dev', table, [{ ...record }]))
      await before.catalog.createTable({ database: 'dev', table: 'shared', primaryKey: 'id' })
      for (const table of ['dog', 'cat', 'shared']) await insert(before, table, { id: 1, a: 1 })
      await before.storage.write((transaction) => {
        const change = { version: { time: 1, origin: 'e' }, user: '', operation: 'insert' as const }
        const records = { keys: [5], records: [{ id: 5, a: 1 }] }
        before.tables.replica.apply(transaction, 'dev', 'shared', { ...change, ...records }, { logLost: true })
      })
      const catalog = before.storage.keyspace('catalog')
      await before.storage.write((transaction) => {
        for (const key of transaction.keys(catalog, { start: 't', end: 'u' }))
          transaction.put(catalog, key, transaction.get(catalog, key)!.replaceAll(/,"content":"\w+"/g, ''))
        transaction.put(before.storage.keyspace('meta'), 'format', '3')
      })
      await before.close()
      const store = await openStore(folder)
      for (const table of ['dog', 'cat']) await insert(store, table, { id: 2, a: null })
      const known = (table: string) =>
        store.catalog.current.table('dev', table)!.columns.flatMap(({ name, content }) => (content ? [name] : []))
      expect(known('dog')).to.deep.equal(['__createdtime__', '__updatedtime__'])
      expect(known('cat')).to.deep.equal([])
      const [, created] = store.catalog.current.table('dev', 'shared')!.columns
      expect(created, 'with a record of a node where the table is declared').to.include({ content: 'nullable' })
      expectSound(store)
      await store.close()
    }))
})

/** The folder as the killed process has left it: with as many steps as are done, nothing is migrated. */
async function lookAt(folder: string): Promise<Record<string, unknown>> {
  for (let steps = 0; ; steps++) {
    try {
      return await stateOf(folder, ladder.slice(0, steps))
    } catch (error) {
      if ((error as { code?: string }).code !== 'data_folder_newer' || steps === ladder.length) throw error
    }
  }
}
