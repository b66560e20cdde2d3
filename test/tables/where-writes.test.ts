import { expect } from 'chai'
import { loadConfig } from '../../src/config/index.js'
import { allRights, everything, Problem } from '../../src/lib/index.js'
import { type LogEntry, Writes } from '../../src/tables/index.js'
import { author, expectSound, rowsOf, type Store, type StoreOptions, withStore } from '../support/store.js'

const TASK = { database: 'dev', table: 'task', name: 'task', primaryKey: 'id' }
const names = { database: 'dev', table: 'task' }
const ROWS = 400
const { select } = loadConfig({ flags: [] })

type Task = Record<string, unknown> & { id: number }

/** Writes that pause after every step, so that everything that can come between does. */
function writesOf(store: Store): Writes {
  return new Writes(store.tables, { ...select, slice_ms: 0, records_max: 10_000 })
}

function writer(user: string, signal = new AbortController().signal) {
  return { user, view: everything, rights: allRights, signal }
}

async function withTasks(rows: number, test: (store: Store, writes: Writes) => Promise<void>, options?: StoreOptions) {
  await withStore(async (store) => {
    await store.catalog.createTable(TASK)
    const records = Array.from({ length: rows }, (_, id) => ({ id, state: id % 2 ? 'open' : 'closed', round: 0 }))
    await store.tables.transact(author, (batch) => batch.insert('dev', 'task', records))
    await test(store, writesOf(store))
  }, options)
}

/** What the table holds after each change of the log; `visit` is told before each. */
function replay(store: Store, visit: (state: ReadonlyMap<number, Task>, entry: LogEntry) => void): Map<number, Task> {
  const state = new Map<number, Task>()
  for (
    let after = 0, entries = store.tables.changes.next(0);
    entries.length > 0;
    entries = store.tables.changes.next(after)
  ) {
    for (const entry of entries) {
      visit(state, entry)
      entry.keys.forEach((key, at) => {
        if (entry.operation === 'delete') state.delete(key as number)
        else state.set(key as number, entry.records[at] as Task)
      })
      after = entry.sequence
    }
  }
  return state
}

async function until(done: () => boolean, work: (round: number) => Promise<unknown>): Promise<number> {
  let round = 0
  for (; !done(); round++) await work(round)
  return round
}

/** Updates by a condition; something else is done while it looks for the records. */
async function updateWhile(writes: Writes, condition: unknown[], work: () => Promise<void>) {
  let looks = 0
  let isDone = false
  const throwIfAborted = () => {
    looks++
    if (!isDone) sleep(2) // looking takes thousands of pauses: the other work is done before, on a slow disk too
  }
  const signal = Object.defineProperty(new AbortController().signal, 'throwIfAborted', { value: throwIfAborted })
  const set = { state: 'taken' }
  const update = writes.update({ ...names, where: [condition], set }, writer('taker', signal)).finally(() => {
    expect(isDone, 'it was still looking').to.equal(true)
  })
  while (looks === 0) await new Promise(setImmediate)
  await work()
  isDone = true
  return await update
}

/** Blocks this thread; those that flush go on. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

async function reasonOf(work: Promise<unknown>): Promise<Problem> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).to.be.instanceOf(Problem)
  return error as Problem
}

describe('writes by a condition', () => {
  it('are refused where a part of the condition is empty, which would mean every record or hide what stands beside', () =>
    withTasks(4, async (store, writes) => {
      const before = rowsOf(store, TASK)
      const condition = { state: 'open' }
      const empty: (object | unknown[])[] = [{}, [], [{}], [['id', '=', 1], {}], { and: [] }, { or: [] }, { not: {} }]
      // Nobody is in a list without members: what says so means every record, too.
      empty.push([['id', 'not in', []]], [['id', 'NOT  in', []], { and: [['round', 'not in', []]] }])
      empty.push(
        { or: [condition, ['id', 'not in', []]] },
        { not: ['id', 'in', []] },
        { not: { not: [['id', 'not in', []]] } },
      )
      empty.push(
        { not: [condition, ['id', 'in', []]] },
        { not: { or: [['id', 'in', []], { and: [['id', 'in', []]] }] } },
      )
      empty.push({ not: [] }, { and: [{}] }, { or: [{}, condition] }, { not: { or: [] } }, [{ and: [{ or: [{}] }] }])
      for (const where of empty) {
        const records = [{ id: 1, round: 1 }]
        const operations = [{ operation: 'delete' as const, table: 'task', where }]
        for (const [part, change] of [
          ['where', () => writes.delete({ ...names, where }, writer('a'))],
          ['where', () => writes.update({ ...names, where, set: { round: 1 } }, writer('a'))],
          ['where', () => writes.transaction({ database: 'dev', operations }, writer('a'))],
          ['if', () => writes.update({ ...names, records, if: where }, writer('a'))],
          ['if', () => writes.upsert({ ...names, records, if: where }, writer('a'))],
          ['if', () => writes.delete({ ...names, ids: [1], if: where }, writer('a'))],
        ] as const) {
          const { code, message } = await reasonOf(change())
          expect([code, message], JSON.stringify(where)).to.satisfy(
            () => code === 'invalid_request' && message.startsWith(`'${part}' must hold a condition`),
          )
        }
      }
      expect(rowsOf(store, TASK)).to.deep.equal(before)
    }))

  it('may compare with what is empty', () =>
    withTasks(2, async (store, writes) => {
      const whole: (object | unknown[])[] = [{ state: {} }, [['state', '=', {}]], { not: ['state', 'is not null'] }]
      whole.push({ not: ['state', '!=', null] }, { and: [['state', 'in', []]] }, { or: [{ and: [{ state: [] }] }] })
      whole.push([{ state: 'gone' }, ['id', 'not in', []]], {
        not: {
          or: [
            ['id', 'in', []],
            ['id', '>=', 0],
          ],
        },
      })
      for (const where of whole)
        expect((await writes.delete({ ...names, where }, writer('a'))).deleted_hashes, JSON.stringify(where)).to.be
          .empty
      expect(rowsOf(store, TASK)).to.have.length(2)
    }))

  it('puts the index entries of many records at once, instead of having each of them wait in memory', () =>
    withTasks(ROWS, async ({ storage, tables }, writes) => {
      const waiting = () => storage.postponedCount(storage.keyspace('indexes'))
      const before = waiting()
      await writes.update({ ...names, set: { round: 1 }, where: [['id', '>=', 0]] }, writer('ann'))
      const entries = 2 // round, and the time of the update
      expect(waiting() - before).to.be.within(1, 100 * entries)
      using snapshot = tables.snapshot()
      const one = { value: 1, inclusive: true }
      const found = snapshot.table('dev', 'task')!.range({ attribute: 'round', from: one, to: one })
      expect([...found]).to.deep.equal(Array.from({ length: ROWS }, (_, id) => id))
    }))

  it('change exactly the records that meet it at that moment, while others write', async () => {
    await withTasks(ROWS, async (store, writes) => {
      let changed = 0
      const rounds = 25
      const isOpen = [['state', '=', 'open']]
      const take = async () => {
        for (let round = 0; round < rounds; round++) {
          const set = { state: 'taken', round }
          if (round % 3 === 0) await writes.update({ ...names, where: isOpen, set }, writer('taker'))
          else if (round % 3 === 1) await writes.delete({ ...names, where: isOpen }, writer('taker'))
          else {
            const step = { operation: 'update' as const, table: 'task', where: isOpen, set }
            const before = {
              operation: 'upsert' as const,
              table: 'task',
              records: [{ id: 5000 + round, state: 'open' }],
            }
            await writes.transaction({ database: 'dev', operations: [before, step] }, writer('taker'))
          }
        }
        changed = rounds
      }
      const others = (user: string, from: number) =>
        until(
          () => changed === rounds,
          async (round) => {
            const id = from + ((round * 7) % ROWS)
            const state = round % 3 === 0 ? 'closed' : 'open'
            await writes.upsert({ ...names, records: [{ id, state }] }, writer(user))
          },
        )
      const [, ...written] = await Promise.all([take(), others('one', 0), others('two', 100), others('three', ROWS)])
      expect(Math.min(...written), 'others wrote meanwhile').to.be.greaterThan(rounds)
      let caught = 0
      const end = replay(store, (state, { user, operation, keys }) => {
        if (user !== 'taker' || operation === 'upsert') return
        const open = [...state.values()].filter((task) => task['state'] === 'open').map(({ id }) => id)
        expect([...keys].sort(), 'the keys of one write').to.deep.equal(open.sort())
        caught += keys.length
      })
      expect(caught, 'records that came and went').to.be.greaterThan(ROWS / 2 + rounds)
      expect(new Map(rowsOf(store, TASK).map((row) => [row['id'], row]))).to.deep.equal(end)
      expectSound(store)
    })
  })

  it('find what changed meanwhile also when the log does not hold it any more', () =>
    withTasks(9000, async (store, writes) => {
      const { update_hashes } = await updateWhile(writes, ['state', '=', 'open'], async () => {
        for (const id of [0, 2, 4]) await writes.upsert({ ...names, records: [{ id, state: 'open' }] }, writer('one'))
        const before = Date.now() + 1000
        await store.tables.deleteLogBefore(TASK, before, new AbortController().signal, () => {})
      })
      expect(update_hashes).to.include.members([0, 2, 4]).and.to.have.lengthOf(4503)
    }))

  it('look again when the table is another one of the same name', () =>
    withTasks(9000, async (store, writes) => {
      const { update_hashes } = await updateWhile(writes, ['state', 'like', 'e'], async () => {
        await store.catalog.dropTable('dev', 'task')
        await store.catalog.createTable({ ...TASK, columns: [{ name: 'id' }, { name: 'state' }] })
        await writes.insert({ ...names, records: [{ id: 'new', state: 'open' }] }, writer('one'))
      })
      expect(update_hashes).to.deep.equal(['new'])
    }))

  it('end at any pause when the caller is gone or the time is over, and leave nothing', async () => {
    const where = [['state', 'like', 'e']]
    const set = { state: 'taken' }
    const step = { operation: 'update' as const, table: 'task', where, set }
    const records = Array.from({ length: 1500 }, (_, id) => ({ id, state: 'taken' }))
    const all: ((writes: Writes, signal: AbortSignal) => Promise<unknown>)[] = [
      (writes, signal) => writes.update({ ...names, where, set }, writer('taker', signal)),
      (writes, signal) => writes.delete({ ...names, where }, writer('taker', signal)),
      (writes, signal) => writes.transaction({ database: 'dev', operations: [step, step] }, writer('taker', signal)),
      (writes, signal) => writes.upsert({ ...names, records }, writer('taker', signal)),
    ]
    for (const write of all) {
      await withTasks(1500, async (store, writes) => {
        const before = rowsOf(store, TASK)
        let refusals = 0
        for (let pauses = 1; ; pauses *= 3) {
          const error = await write(writes, abortedAt(pauses)).catch((thrown: unknown) => thrown)
          if (!(error instanceof Problem)) break
          expect(error.code).to.equal('client_left')
          expect(rowsOf(store, TASK)).to.deep.equal(before)
          refusals++
        }
        expect(refusals, 'pauses at which it was ended').to.be.greaterThan(5)
        expect(rowsOf(store, TASK)).to.not.deep.equal(before)
        // The next writer is not held up by what was given up.
        const { inserted_hashes } = await writes.insert({ ...names, records: [{ id: -1 }] }, writer('one'))
        expect(inserted_hashes).to.deep.equal([-1])
        expectSound(store)
      })
    }
  })
})

/** A signal that aborts when it is asked for the given time. */
function abortedAt(asked: number): AbortSignal {
  const controller = new AbortController()
  const { signal } = controller
  const throwIfAborted = () => {
    if (--asked === 0) controller.abort(new Problem('client_left', {}))
    if (signal.aborted) throw signal.reason
  }
  return Object.defineProperty(signal, 'throwIfAborted', { value: throwIfAborted })
}

describe('large writes', () => {
  it('pause for readers, who see nothing of them, and keep other writers waiting', async () => {
    await withTasks(5000, async (store, writes) => {
      let done = false
      const changed = rowsOf(store, TASK).map((row) => ({ id: row['id'], state: 'new' }))
      const large = writes.upsert({ ...names, records: changed }, writer('large')).finally(() => {
        done = true
      })
      let reads = 0
      const seen = new Set<unknown>()
      await new Promise(setImmediate)
      const small = writes.upsert({ ...names, records: [{ id: 1, state: 'small' }] }, writer('small'))
      while (!done) {
        using snapshot = store.tables.snapshot()
        const reader = snapshot.table('dev', 'task')!
        seen.add(`${reader.get(0)!['state']} ${reader.get(4999)!['state']}`)
        reads++
        await new Promise(setImmediate)
      }
      await Promise.all([large, small])
      expect(reads, 'reads in its pauses').to.be.greaterThan(1000)
      expect([...seen].filter((states) => states !== 'closed open' && states !== 'new new')).to.deep.equal([])
      const users: string[] = []
      replay(store, (_, { user }) => users.push(user))
      expect(users.slice(-2)).to.deep.equal(['large', 'small'])
      expect(rowsOf(store, TASK)[1]).to.have.property('state', 'small')
      expectSound(store)
    })
  })

  it('leave nothing when one record of them is wrong', () =>
    withTasks(10, async (store, writes) => {
      const before = rowsOf(store, TASK)
      const records = Array.from({ length: 5000 }, (_, id) => ({
        id: id < 4999 ? id + 100 : true,
        [`new_${id % 3}`]: 1,
      }))
      expect((await reasonOf(writes.insert({ ...names, records }, writer('large')))).code).to.equal('key_invalid')
      expect(rowsOf(store, TASK)).to.deep.equal(before)
      expect(store.catalog.table('dev', 'task').columns.map(({ name }) => name)).to.not.include('new_0')
      await writes.insert({ ...names, records: [{ id: 100 }] }, writer('one'))
      expectSound(store)
    }))
})
