import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { Problem } from '../../src/lib/index.js'
import { type Migration, Storage, type StorageSettings, type WriteTransaction } from '../../src/storage/index.js'
import { eventually } from '../support/eventually.js'
import { withFolder } from '../support/store.js'

const settings: StorageSettings = { map_bytes: 2 ** 32, readers_max: 64, group_bytes_max: 2 ** 20 }
const holder = fileURLToPath(new URL('../support/folder-holder.js', import.meta.url))

async function withStorage(test: (storage: Storage) => Promise<void>): Promise<void> {
  await withFolder(async (path) => {
    const storage = await Storage.open({ path, settings })
    try {
      await test(storage)
    } finally {
      await storage[Symbol.asyncDispose]()
    }
  })
}

async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).to.be.instanceOf(Problem)
  return error as Problem
}

/** Does something as a user who may not read what nobody may; to root that makes no difference. */
async function asAnother<T>(run: () => Promise<T>): Promise<T> {
  const isRoot = process.getuid?.() === 0
  if (isRoot) process.seteuid!(65_534)
  try {
    return await run()
  } finally {
    if (isRoot) process.seteuid!(0)
  }
}

describe('the storage', () => {
  it('shows a transaction its own changes and those of the writes before it', () =>
    withStorage(async (storage) => {
      const space = storage.keyspace('test')
      const seen: unknown[] = []
      const writes = [1, 2, 3].map((n) =>
        storage.write((transaction) => {
          const all = { start: 'a', end: 'z' }
          transaction.put(space, `k${n}`, String(n))
          if (n === 3) transaction.remove(space, 'k1')
          seen.push(transaction.get(space, 'k1'), transaction.keys(space, all))
        }),
      )
      await Promise.all(writes)
      expect(seen).to.deep.equal(['1', ['k1'], '1', ['k1', 'k2'], undefined, ['k2', 'k3']])
    }))

  it('keeps nothing of a function that throws, and everything of its neighbours', () =>
    withStorage(async (storage) => {
      const space = storage.keyspace('test')
      const undone: string[] = []
      const results = await Promise.allSettled([
        storage.write((transaction) => transaction.put(space, 'a', 'before')),
        storage.write((transaction) => {
          transaction.onUndo(() => undone.push('first'))
          transaction.onUndo(() => undone.push('second'))
          transaction.onCommit(() => undone.push('never'))
          transaction.put(space, 'a', 'lost')
          transaction.put(space, 'b', 'lost')
          throw new Error('no')
        }),
        storage.write((transaction) => transaction.put(space, 'c', transaction.get(space, 'a')!)),
      ])
      expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled'])
      expect(undone).to.deep.equal(['second', 'first'])
      const snapshot = storage.snapshot()
      expect([...snapshot.entries(space, { start: '\0', end: '\xff' })]).to.deep.equal([
        ['a', 'before'],
        ['c', 'before'],
      ])
      snapshot[Symbol.dispose]()
    }))

  it('refuses nobody because of what others have written before that is on disk', () =>
    withStorage(async (storage) => {
      const space = storage.keyspace('test')
      const told: string[] = []
      const tell = (work: Promise<unknown>, name: string) =>
        work.then(
          () => told.push(`${name} stored`),
          () => told.push(`${name} refused`),
        )
      const once = (transaction: WriteTransaction, key: string) => {
        if (transaction.get(space, key) !== undefined) throw new Error('it is there')
        transaction.put(space, key, '')
      }
      function* inSteps(transaction: WriteTransaction) {
        yield
        once(transaction, 'b')
      }
      await Promise.all([
        tell(
          storage.write((transaction) => once(transaction, 'a')),
          'a',
        ),
        tell(
          storage.write((transaction) => once(transaction, 'a')),
          'another a',
        ),
        tell(storage.writeInSteps(inSteps, { slice_ms: 1 }), 'b'),
        tell(storage.writeInSteps(inSteps, { slice_ms: 1 }), 'another b'),
      ])
      expect(told).to.deep.equal(['a stored', 'another a refused', 'b stored', 'another b refused'])
    }))

  it('keeps a snapshot as it was while others write', () =>
    withStorage(async (storage) => {
      const space = storage.keyspace('test')
      await storage.write((transaction) => transaction.put(space, 'a', '1'))
      const before = storage.snapshot()
      for (let n = 2; n < 20; n++) await storage.write((transaction) => transaction.put(space, 'a', String(n)))
      const after = storage.snapshot()
      expect([before.get(space, 'a'), after.get(space, 'a')]).to.deep.equal(['1', '19'])
      before[Symbol.dispose]()
      after[Symbol.dispose]()
    }))

  it('reads ranges forwards, backwards and in parts', () =>
    withStorage(async (storage) => {
      const space = storage.keyspace('test')
      await storage.write((transaction) => {
        for (const key of ['a', 'b', 'c', 'd']) transaction.put(space, key, '')
      })
      const snapshot = storage.snapshot()
      const keys = (range: object) => [...snapshot.keys(space, { start: 'a', end: 'd', ...range })]
      expect(keys({})).to.deep.equal(['a', 'b', 'c'])
      expect(keys({ reverse: true })).to.deep.equal(['c', 'b', 'a'])
      expect(keys({ reverse: true, limit: 2 })).to.deep.equal(['c', 'b'])
      expect(snapshot.count(space, { start: 'b', end: 'z' })).to.equal(3)
      expect(snapshot.count(space, { start: 'b', end: 'z', limit: 2 })).to.equal(2)
      snapshot[Symbol.dispose]()
      const inside = await storage.write((transaction) => {
        transaction.put(space, 'bb', '')
        transaction.remove(space, 'c')
        return [false, true].map((reverse) => transaction.keys(space, { start: 'a', end: 'z', reverse, limit: 3 }))
      })
      expect(inside).to.deep.equal([
        ['a', 'b', 'bb'],
        ['d', 'bb', 'b'],
      ])
    }))

  it('refuses a folder that another process has, and names it', () =>
    withFolder(async (path) => {
      const child = spawn(process.execPath, [holder, path], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      const problem = await problemOf(Storage.open({ path, settings }))
      expect(problem.code).to.equal('data_folder_in_use')
      expect(problem.facts).to.deep.include({ pid: child.pid })
      child.kill('SIGKILL')
      await once(child, 'exit')
      const storage = await Storage.open({ path, settings })
      await storage[Symbol.asyncDispose]()
    }))

  it('takes over a lock of a process that was killed and that its parent has not asked about', async function () {
    if (process.platform !== 'linux') this.skip()
    await withFolder(async (path) => {
      const command = `'${process.execPath}' '${holder}' '${path}' & exec sleep 600`
      const parent = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] })
      try {
        await once(parent.stdout, 'data')
        const { facts } = await problemOf(Storage.open({ path, settings }))
        const pid = (facts as { pid: number }).pid
        process.kill(pid, 'SIGKILL')
        await eventually('it has ended', () => readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z '))
        let storage: Storage | undefined
        await eventually('its threads have ended too', async () => {
          storage = await Storage.open({ path, settings }).catch(() => undefined)
          return storage !== undefined
        })
        await storage![Symbol.asyncDispose]()
        process.kill(pid, 0) // it is still there for its parent
      } finally {
        parent.kill('SIGKILL')
      }
    })
  })

  it('takes over a lock of a process that died before it wrote its pid', () =>
    withFolder(async (path) => {
      writeFileSync(join(path, 'trellis.lock'), '')
      const storage = await Storage.open({ path, settings })
      await storage[Symbol.asyncDispose]()
    }))

  it('takes a lock of another container over when nobody touches it any more, and refuses it before', () =>
    withFolder(async (path) => {
      const lock = join(path, 'trellis.lock')
      const first = await Storage.open({ path, settings })
      const before = statSync(lock).mtimeMs
      await eventually('every owner touches its lock', () => statSync(lock).mtimeMs > before)
      await first[Symbol.asyncDispose]()
      // Its number is that of a process of this container too.
      writeFileSync(lock, JSON.stringify({ pid: process.pid, started: '1', namespace: 'pid:[1]' }))
      const beat = setInterval(() => utimesSync(lock, new Date(), new Date()), 500)
      const refused = await problemOf(Storage.open({ path, settings })).finally(() => clearInterval(beat))
      expect(refused).to.include({ code: 'data_folder_in_use' })
      expect(refused.message).to.include(`${process.pid} of another container`)
      expect(existsSync(lock)).to.equal(true)
      const storage = await Storage.open({ path, settings })
      await storage[Symbol.asyncDispose]()
    })).timeout(30_000)

  it('says whose files are in the way, and leaves the lock of another user alone', () =>
    withFolder(async (path) => {
      const first = await Storage.open({ path, settings })
      const lock = join(path, 'trellis.lock')
      for (const folder of [path, join(path, 'records')]) chmodSync(folder, 0o777)
      for (const file of [lock, join(path, 'records/data.mdb'), join(path, 'records/lock.mdb')]) chmodSync(file, 0)
      const refused = () => asAnother(() => problemOf(Storage.open({ path, settings })))
      expect(await refused()).to.include({ code: 'data_folder_unusable' })
      expect(existsSync(lock), 'the first keeps its lock').to.equal(true)
      await first[Symbol.asyncDispose]()
      expect((await refused()).message).to.include('its files belong to another user')
    }))

  it('migrates a folder of an older format, one step after the other, and refuses one of a newer', () =>
    withFolder(async (path) => {
      const step =
        (name: string): Migration =>
        (transaction, storage) =>
          transaction.put(storage.keyspace('test'), name, transaction.get(storage.keyspace('test'), 'one') ?? 'none')
      const open = (migrations: Migration[]) => Storage.open({ path, settings, migrations })
      await (await open([]))[Symbol.asyncDispose]()
      const migrated = await open([step('one'), step('two')])
      const snapshot = migrated.snapshot()
      expect(snapshot.get(migrated.keyspace('test'), 'two')).to.equal('none')
      snapshot[Symbol.dispose]()
      await migrated[Symbol.asyncDispose]()
      expect((await problemOf(open([step('one')]))).code).to.equal('data_folder_newer')
      await (await open([step('one'), step('two')]))[Symbol.asyncDispose]()
    }))

  it('makes writers wait when a commit has gathered too much', () =>
    withStorage(async (storage) => {
      const space = storage.keyspace('test')
      const big = 'x'.repeat(300_000)
      await Promise.all(
        Array.from({ length: 30 }, (_, n) => storage.write((transaction) => transaction.put(space, `k${n}`, big))),
      )
      const snapshot = storage.snapshot()
      expect(snapshot.count(space, { start: 'k', end: 'l' })).to.equal(30)
      snapshot[Symbol.dispose]()
      expect(storage.sequence).to.be.greaterThan(5)
    }))
})
