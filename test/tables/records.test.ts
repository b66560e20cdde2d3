import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import fc from 'fast-check'
import { Problem } from '../../src/lib/index.js'
import type { Batch, LogEntry, TableReader, WriteOptions } from '../../src/tables/index.js'
import { eventually } from '../support/eventually.js'
import { author, expectSound, openStore, read, rowsOf, type Store, withFolder, withStore } from '../support/store.js'

const DOG = { database: 'dev', table: 'dog', name: 'dog', primaryKey: 'id' }
type Fields = Record<string, unknown>

function insert(store: Store, records: Fields[], options: WriteOptions = {}) {
  return store.tables.transact(author, (batch) => batch.insert('dev', 'dog', records, options))
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((thrown: unknown) => thrown)
  expect(error).to.be.instanceOf(Problem)
  return (error as Problem).code
}

function countOf(store: Store, keyspace: string): number {
  const snapshot = store.storage.snapshot()
  const count = snapshot.count(store.storage.keyspace(keyspace), { start: '\0', end: '\xff\xff' })
  snapshot[Symbol.dispose]()
  return count
}

function textOf(store: Store, keyspace: string): string {
  using snapshot = store.storage.snapshot()
  const space = store.storage.keyspace(keyspace)
  return [...snapshot.entries(space, { start: '\0', end: '\xff\xff' })].map(([, text]) => text).join(' ')
}

describe('records', () => {
  it('come back exactly as they were sent', async () => {
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom('\ud800', '\0', '"', '\\', 'é', '\u{1F600}'), fc.string()),
    })
    const name = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', ''), text)
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(
          fc.constant(-0),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.boolean(),
          fc.constant(null),
          text,
        ),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.array(fc.tuple(name, tie('value')), { maxLength: 3 }).map((members) => Object.fromEntries(members)),
      ),
    }))
    await withStore(async (store) => {
      await store.catalog.createTable(DOG)
      let id = 0
      await fc.assert(
        fc.asyncProperty(value, async (data) => {
          // through JSON, as a request comes: there `__proto__` is an own key
          const sent = JSON.parse(`{"id":${++id},"data":${exactJson(data)},"__proto__":${exactJson(data)}}`) as Fields
          await insert(store, [sent])
          const row = read(store, (snapshot) => snapshot.table('dev', 'dog')!.get(id))!
          expect(exactJson({ ...row, __createdtime__: 0, __updatedtime__: 0 })).to.equal(
            exactJson({ ...sent, __createdtime__: 0, __updatedtime__: 0 }),
          )
        }),
        { numRuns: 300 },
      )
    })
  })

  it('carry the times of the server, whatever the client says', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await insert(store, [{ id: 1, __createdtime__: 5, __updatedtime__: 6 }])
      const [first] = rowsOf(store, DOG)
      expect(first!['__createdtime__']).to.be.greaterThan(1e12)
      await store.tables.transact(author, (batch) => batch.update('dev', 'dog', [{ id: 1, a: 1, __createdtime__: 7 }]))
      const [second] = rowsOf(store, DOG)
      expect(second!['__createdtime__']).to.equal(first!['__createdtime__'])
      expect(second!['__updatedtime__']).to.be.greaterThan(first!['__updatedtime__'] as number)
    }))

  it('are refused where they could not be kept or found again', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      const codes: string[] = []
      for (const record of [
        { id: true },
        { id: {} },
        { id: '' },
        { id: 'x'.repeat(2000) },
        { id: '\ud800' },
        { id: 1, big: Number.POSITIVE_INFINITY },
        { id: 1, ['x'.repeat(300)]: 1 },
      ])
        codes.push(await codeOf(insert(store, [{ id: 2 }, record])))
      expect(codes).to.deep.equal([...Array<string>(5).fill('key_invalid'), 'record_invalid', 'record_invalid'])
      const tooLarge = await insert(store, [{ id: 1, big: [1e308 * 10] }]).catch((error: Problem) => error.message)
      expect(tooLarge).to.include("the number of 'big' is too large")
      expect(rowsOf(store, DOG)).to.deep.equal([])
      await insert(store, [
        { id: 'k'.repeat(1000), text: 'long '.repeat(1000) },
        { id: 1, text: 'long '.repeat(1000) },
      ])
      expectSound(store)
    }))

  it('that a refused operation brought leave no attributes', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await insert(store, [{ id: 1 }])
      const refused = insert(store, [{ id: 2, fresh: 1 }, { id: 1 }], { atomic: true })
      const neighbour = insert(store, [{ id: 3, other: 1 }])
      expect(await codeOf(refused)).to.equal('record_exists')
      await neighbour
      const names = store.catalog.table('dev', 'dog').columns.map(({ name }) => name)
      expect(names).to.deep.equal(['id', '__createdtime__', '__updatedtime__', 'other'])
    }))

  it('are changed only where the condition holds, by one of many who try', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await insert(store, [{ id: 1, stock: 5 }])
      const sell = (batch: Batch) =>
        batch.update('dev', 'dog', [{ id: 1, stock: 4 }], { condition: (row) => row?.['stock'] === 5 })
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => store.tables.transact(author, sell)))
      expect(results.filter(({ status }) => status === 'fulfilled')).to.have.length(1)
    }))

  it('of one transaction are all stored or none, and readers never see half of it', async () => {
    await withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await insert(
        store,
        Array.from({ length: 10 }, (_, id) => ({ id, money: 100 })),
      )
      let going = true
      const move = async (n: number) => {
        const [from, to] = [n % 10, (n * 7 + 3) % 10]
        if (from === to) return
        await store.tables
          .transact(author, (batch) => {
            const reader = batch.reader('dev', 'dog')
            const [a, b] = [reader.get(from)!['money'] as number, reader.get(to)!['money'] as number]
            batch.update('dev', 'dog', [{ id: from, money: a - 1 }])
            batch.update('dev', 'dog', [{ id: to, money: b + 1 }])
            if (n % 5 === 0) throw new Error('changed my mind')
          })
          .catch(() => {})
      }
      const sums = new Set<number>()
      const look = async () => {
        while (going) {
          read(store, (snapshot) => {
            const reader = snapshot.table('dev', 'dog')!
            const rows = [...Array(10).keys()].map((id) => reader.get(id)!)
            sums.add(rows.reduce((sum, row) => sum + (row['money'] as number), 0))
          })
          await new Promise(setImmediate)
        }
      }
      const looking = look()
      const movers = Array.from({ length: 8 }, async (_, mover) => {
        for (let n = 0; n < 60; n++) await move(mover * 13 + n)
      })
      await Promise.all(movers)
      going = false
      await looking
      expect([...sums]).to.deep.equal([1000])
    })
  })

  it('are read in a snapshot as they were, though the cache holds newer ones', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await insert(store, [{ id: 1, n: 0 }])
      const snapshots = []
      for (let n = 1; n < 6; n++) {
        const snapshot = store.tables.snapshot()
        snapshots.push(snapshot)
        await store.tables.transact(author, (batch) => batch.update('dev', 'dog', [{ id: 1, n }]))
        read(store, (now) => expect(now.table('dev', 'dog')!.get(1)!['n']).to.equal(n))
      }
      expect(snapshots.map((snapshot) => snapshot.table('dev', 'dog')!.get(1)!['n'])).to.deep.equal([0, 1, 2, 3, 4])
      for (const snapshot of snapshots) snapshot[Symbol.dispose]()
    }))

  it('are frozen, so that nobody can change what others read', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await insert(store, [{ id: 1, deep: { list: [1] } }])
      const row = read(store, (snapshot) => snapshot.table('dev', 'dog')!.get(1))!
      expect(() => (row['deep'] as { list: number[] }).list.push(2)).to.throw(TypeError)
    }))
})

describe('an idempotency key', () => {
  const once = (store: Store, key: string, fingerprint: string, records: Fields[]) =>
    store.tables.transact({ user: 'u', idempotency: { owner: 'u', key, fingerprint } }, (batch) =>
      batch.insert('dev', 'dog', records),
    )

  it('makes a repeat answer the first time again, at the same moment and after a restart', () =>
    withFolder(async (folder) => {
      const store = await openStore(folder)
      await store.catalog.createTable(DOG)
      const answers = await Promise.all([1, 2, 3].map(() => once(store, 'k', 'f', [{ name: 'Penny' }])))
      await store.close()
      const again = await openStore(folder)
      expect(textOf(again, 'replays'), 'what is on disk')
        .to.include('sealed')
        .and.to.not.match(/Penny|inserted|done/)
      answers.push(await once(again, 'k', 'f', [{ name: 'Penny' }]))
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).to.equal(1)
      expect(rowsOf(again, DOG)).to.have.length(1)
      await again.close()
    }))

  it('is refused for another request, and free again after a day', () => {
    let now = Date.now()
    return withStore(
      async (store) => {
        await store.catalog.createTable(DOG)
        await once(store, 'k', 'f', [{ id: 1 }])
        expect(await codeOf(once(store, 'k', 'g', [{ id: 2 }]))).to.equal('idempotency_key_reused')
        now += 25 * 3_600_000
        expect((await once(store, 'k', 'g', [{ id: 2 }])).done).to.deep.equal([2])
        await store.tables.cleaning.run()
        expect([countOf(store, 'replays'), countOf(store, 'replay_times')]).to.deep.equal([1, 1])
        now += 25 * 3_600_000
        await store.tables.cleaning.run()
        expect([countOf(store, 'replays'), countOf(store, 'replay_times')]).to.deep.equal([0, 0])
      },
      { now: () => now },
    )
  })
})

describe('the change log', () => {
  it('can be followed from any point, across commits', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      for (let id = 0; id < 3; id++) await insert(store, [{ id }])
      const controller = new AbortController()
      const seen: LogEntry[] = []
      const following = (async () => {
        for await (const entry of store.tables.changes.watch(1, controller.signal)) {
          seen.push(entry)
          if (seen.length === 5) controller.abort()
        }
      })()
      for (let id = 3; id < 6; id++) await insert(store, [{ id }])
      await following
      expect(seen.map(({ sequence, keys }) => [sequence, keys])).to.deep.equal([
        [2, [1]],
        [3, [2]],
        [4, [3]],
        [5, [4]],
        [6, [5]],
      ])
      expect(seen[0]).to.deep.include({
        user: 'admin',
        operation: 'insert',
        database: 'dev',
        table: 'dog',
        origin: 'test',
      })
    }))

  it('tells of a record that follows others twice in the order in which it did', () =>
    withStore(async (store) => {
      const key = (column: string, on_delete: 'cascade' | 'set_null') => ({
        column,
        table: 'dog',
        references: 'id',
        on_delete,
      })
      const foreignKeys = [key('with', 'cascade'), key('of', 'set_null')]
      const columns = ['id', 'with', 'of'].map((name) => ({ name, type: 'int' }))
      await store.catalog.createTable({ ...DOG, columns: [{ name: 'id', type: 'int' }] })
      await store.catalog.createTable({ ...DOG, table: 'pup', columns, foreignKeys })
      await insert(store, [{ id: 1 }, { id: 2 }])
      await store.tables.transact(author, (batch) => {
        batch.insert('dev', 'pup', [
          { id: 3, with: 2, of: 1 },
          { id: 4, with: 1 },
        ])
        batch.delete('dev', 'dog', [1, 2])
      })
      const left = new Map<unknown, unknown>()
      const { id: tableId } = store.catalog.table('dev', 'pup')
      for (const { keys, records } of store.tables.changes.read({ tableId, limit: 100 }))
        for (const [place, id] of keys.entries())
          if (records[place]) left.set(id, records[place])
          else left.delete(id)
      expect([...left], 'what is left by the log').to.deep.equal(rowsOf(store, { ...DOG, name: 'pup' }))
    }))

  it('forgets by age and by size, and goes on counting after a restart', () =>
    withFolder(async (folder) => {
      let now = Date.now()
      const open = () => openStore(folder, { now: () => now, settings: { 'tables.log_bytes_max': '1048576' } })
      const store = await open()
      await store.catalog.createTable(DOG)
      const { id: tableId } = store.catalog.table('dev', 'dog')
      await insert(store, [{ id: 1 }])
      await store.tables.transact(author, (batch) => batch.delete('dev', 'dog', [1]))
      now += 8 * 24 * 3_600_000
      for (let id = 0; id < 30; id++) await insert(store, [{ id, note: 'x'.repeat(50_000) }])
      await store.tables.cleaning.run()
      const left = [...store.tables.changes.read({ tableId, limit: 100 })].map(({ sequence }) => sequence)
      expect(left.at(-1)).to.equal(32)
      expect(left.length).to.be.within(15, 22)
      expect([countOf(store, 'log'), countOf(store, 'log_tables')]).to.deep.equal([left.length, left.length])
      now += 31 * 24 * 3_600_000
      await store.tables.cleaning.run()
      expect([countOf(store, 'tombstones'), countOf(store, 'tombstone_times')]).to.deep.equal([0, 0])
      await store.close()
      const again = await open()
      await insert(again, [{ id: 99 }])
      expect(again.tables.changes.sequence).to.equal(33)
      await again.close()
    }))
})

describe('numbers that count up', () => {
  const no = { name: 'no', type: 'int', auto_increment: true, unique: true }
  const withDogs = (test: (store: Store) => Promise<void>) =>
    withStore(async (store) => {
      await store.catalog.createTable({ ...DOG, columns: [{ name: 'id', type: 'int' }, no] })
      await test(store)
    })
  const keys = (store: Store) => rowsOf(store, DOG).map(({ id, no: number }) => [id, number])

  it('are new ones also when a record has moved on before them, or has come from another node', () =>
    withDogs(async (store) => {
      const { tables } = store
      await insert(store, [{}])
      await tables.transact(author, (batch) => [...batch.moving('dev', 'dog', [1], { id: 3, no: 2 })])
      expect((await insert(store, [{}], { atomic: true })).done).to.deep.equal([4])
      const version = { time: Date.now(), origin: 'other' }
      const change = { version, user: '', operation: 'upsert' as const, keys: [5], records: [{ id: 5, no: 4 }] }
      await tables.transact(author, ({ transaction }) =>
        tables.replica.apply(transaction, 'dev', 'dog', change, { logLost: true }),
      )
      // Without a key of its own, an upsert changed the record that had the next number.
      expect((await tables.transact(author, (batch) => batch.upsert('dev', 'dog', [{}]))).done).to.deep.equal([6])
      expect(keys(store)).to.deep.equal([3, 4, 5, 6].map((id) => [id, id - 1]))
    }))

  it('stay with records that are replaced without theirs', () =>
    withDogs(async (store) => {
      await insert(store, [{ id: 1 }, { id: 2 }])
      await store.tables.transact(author, (batch) => batch.replaceAll('dev', 'dog', [{ id: 2 }, { id: 3 }]))
      expect(keys(store)).to.deep.equal([
        [2, 2],
        [3, 3],
      ])
    }))

  it('end where doubles would give the same one again', () =>
    withDogs(async (store) => {
      await insert(store, [{ id: Number.MAX_SAFE_INTEGER - 1, no: 1 }])
      expect((await insert(store, [{}])).done).to.deep.equal([Number.MAX_SAFE_INTEGER])
      expect(await codeOf(insert(store, [{}]))).to.equal('record_invalid')
    }))
})

describe('columns', () => {
  it('are refused where two are to be the primary key, instead of taking one of them', () =>
    withStore(async (store) => {
      const names = { database: 'dev', table: 'dog' }
      const marks = [{ is_primary_key: true }, { mods: 'NOT NULL PRIMARY KEY' }]
      for (const mark of marks) {
        const columns = [
          { name: 'id', type: 'int', ...mark },
          { name: 'litter', type: 'int', ...mark },
        ]
        expect(await codeOf(store.catalog.createTable({ ...names, columns }))).to.equal('invalid_column')
        const [, litter] = columns
        const other = { ...names, primaryKey: 'id', columns: [{ name: 'id', type: 'int' }, litter!] }
        expect(await codeOf(store.catalog.createTable(other))).to.equal('invalid_column')
      }
      const words = { name: 'note', mods: "DEFAULT 'no primary key'" }
      await store.catalog.createTable({ ...names, primaryKey: 'id', columns: [{ name: 'id', ...marks[1] }, words] })
    }))

  it('that are the key and not null want it from the caller, unless they count up or have a default', () =>
    withStore(async (store) => {
      let count = 0
      const insertInto = async (id: object) => {
        const names = { database: 'dev', table: `table${++count}` }
        await store.catalog.createTable({ ...names, primaryKey: 'id', columns: [{ name: 'id', ...id }] })
        return store.tables.transact(author, (batch) => batch.insert('dev', names.table, [{}]))
      }
      for (const type of ['int', 'text', 'any'])
        expect(await codeOf(insertInto({ type, not_null: true })), type).to.equal('record_invalid')
      const counting = { type: 'int', mods: 'NOT NULL AUTOINCREMENT' }
      for (const id of [{ type: 'int' }, counting, { type: 'text', not_null: true, default: 'a' }])
        expect((await insertInto(id)).done, JSON.stringify(id)).to.have.length(1)
    }))

  it('that count up have no default: nobody could say which of the two is meant', () =>
    withStore(async (store) => {
      const no = { name: 'no', type: 'int', auto_increment: true }
      const create = (column: object) =>
        store.catalog.createTable({ ...DOG, columns: [{ name: 'id' }, { ...no, ...column }] })
      expect(await codeOf(create({ default: 5 }))).to.equal('invalid_column')
      expect(await codeOf(create({ mods: 'DEFAULT 5' }))).to.equal('invalid_column')
      await create({ default: null, mods: 'DEFAULT NULL' })
    }))

  it('whose mods say two things of one kind, or another one than the definition, are refused', () =>
    withStore(async (store) => {
      const create = (column: object) =>
        store.catalog.createTable({ ...DOG, columns: [{ name: 'id' }, { name: 'a', type: 'text', ...column }] })
      for (const column of [
        { mods: "DEFAULT 'x' DEFAULT 'y'" },
        { mods: 'NOT NULL NULL' },
        { mods: "DEFAULT 'x'", default: 'y' },
        { mods: 'UNIQUE', unique: false },
      ])
        expect(await codeOf(create(column)), JSON.stringify(column)).to.equal('invalid_column')
      await create({ mods: "NOT NULL UNIQUE DEFAULT 'x' NOT NULL", default: 'x', unique: true })
      const refer = (table: string, more: object) => {
        const foreignKeys = [{ column: 'a', table: 'dog', references: 'a', ...more }]
        const columns = [{ name: 'id' }, { name: 'a', type: 'text' }]
        return store.catalog.createTable({ database: 'dev', table, primaryKey: 'id', columns, foreignKeys })
      }
      for (const more of [
        { mods: 'ON DELETE CASCADE ON DELETE SET NULL' },
        { mods: 'ON UPDATE CASCADE', on_update: 'restrict' },
      ])
        expect(await codeOf(refer('refused', more)), JSON.stringify(more)).to.equal('invalid_column')
      await refer('puppy', { mods: 'ON DELETE NO ACTION ON UPDATE CASCADE', on_delete: 'restrict' })
    }))

  it('may refer to records of which very many go at once', () =>
    withStore(async (store) => {
      await store.catalog.createTable({ ...DOG, columns: [{ name: 'id', type: 'int' }] })
      const parents = Array.from({ length: 20 }, (_, index) => `parent_${index}`)
      const foreignKeys = parents.map((column) => ({ column, table: 'dog', references: 'id' }))
      const columns = [{ name: 'id', type: 'int' }, ...parents.map((name) => ({ name, type: 'int' }))]
      await store.catalog.createTable({ ...DOG, table: 'pup', columns, foreignKeys })
      const records = Array.from({ length: 10_000 }, (_, id) => ({ id }))
      await insert(store, records)
      const { done } = await store.tables.transact(author, (batch) =>
        batch.delete(
          'dev',
          'dog',
          records.map(({ id }) => id),
        ),
      )
      expect(done).to.have.length(records.length)
    }))

  it('follow a record that one operation changes twice to what it is in the end', () =>
    withStore(async (store) => {
      const columns = [
        { name: 'id', type: 'int' },
        { name: 'code', type: 'text', unique: true },
      ] as const
      await store.catalog.createTable({ ...DOG, columns: [...columns] })
      for (const [table, on_update] of [
        ['pup', 'cascade'],
        ['toy', 'set_null'],
        ['bed', 'restrict'],
      ] as const) {
        const foreignKeys = [{ column: 'code', table: 'dog', references: 'code', on_update }]
        const declared = columns.map(({ name, type }) => ({ name, type }))
        await store.catalog.createTable({ ...DOG, table, columns: declared, foreignKeys })
      }
      const change = (...codes: string[]) =>
        store.tables.transact(author, (batch) =>
          batch.update(
            'dev',
            'dog',
            codes.map((code) => ({ id: 1, code })),
          ),
        )
      const referring = (name: string) => rowsOf(store, { database: 'dev', name }).map(({ code }) => code)
      await insert(store, [{ id: 1, code: 'a' }])
      for (const table of ['pup', 'toy', 'bed'])
        await store.tables.transact(author, (batch) => batch.insert('dev', table, [{ id: 1, code: 'a' }]))
      await change('b', 'a')
      for (const table of ['pup', 'toy', 'bed']) expect(referring(table), table).to.deep.equal(['a'])
      await store.tables.transact(author, (batch) => batch.delete('dev', 'bed', [1]))
      await change('b', 'c')
      expect(referring('pup')).to.deep.equal(['c'])
      expect(referring('toy')).to.deep.equal([null])
      expectSound(store)
    }))

  it('are refused with a moment as default, which would be stored as text', () =>
    withStore(async (store) => {
      for (const word of ['CURRENT_TIMESTAMP', 'current_date', 'now()']) {
        const columns = [{ name: 'id' }, { name: 'made', type: 'text', mods: `DEFAULT ${word}` }]
        const made = store.catalog.createTable({ database: 'dev', table: 'dog', primaryKey: 'id', columns })
        expect(await codeOf(made), word).to.equal('invalid_column')
      }
    }))

  it('dropped take their values and entries with them; the name can be used again', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await insert(
        store,
        Array.from({ length: 2500 }, (_, id) => ({ id, name: `n${id}`, age: id })),
      )
      await store.tables.dropColumn('dev', 'dog', 'name')
      expect(rowsOf(store, DOG).every((row) => !Object.hasOwn(row, 'name'))).to.equal(true)
      await insert(store, [{ id: 'new', name: 7 }])
      expectSound(store)
    }))

  it('dropped are gone at once, though taking their values out of the records goes on', () =>
    withStore(
      async (store) => {
        await store.catalog.createTable(DOG)
        await insert(
          store,
          Array.from({ length: 300 }, (_, id) => ({ id, name: `n${id}` })),
        )
        await store.tables.beginDropColumn({ database: 'dev', table: 'dog' }, 'name', undefined, 0)
        expect(store.catalog.leftovers(), 'still being taken out').to.have.length(1)
        expect(store.catalog.table('dev', 'dog').columns.map(({ name }) => name)).to.not.include('name')
        expect(await codeOf(insert(store, [{ id: 'new', name: 7 }]))).to.equal('column_leaving')
        await eventually('they are out', () => store.catalog.leftovers().length === 0)
        expect(rowsOf(store, DOG).every((row) => !Object.hasOwn(row, 'name'))).to.equal(true)
        await insert(store, [{ id: 'new', name: 7 }])
        expectSound(store)
      },
      { settings: { 'tables.cleaning_step_max': '3' } },
    ))

  it('dropped, and built, let others run where no record has such a value', () =>
    withStore(
      async (store) => {
        const { catalog, tables } = store
        await catalog.createTable(DOG)
        await insert(
          store,
          Array.from({ length: 300 }, (_, id) => ({ id })),
        )
        await store.storage.write((transaction) => {
          catalog.noteStrangers(transaction, catalog.draftTable('dev', 'dog'))
        })
        let steps = 0
        const write = store.storage.write.bind(store.storage)
        store.storage.write = (run) => {
          steps++
          return write(run)
        }
        /** The greatest number of steps between two turns of the event loop. */
        const mostAtOnce = async (work: Promise<unknown>) => {
          let isDone = false
          const done = work.then(() => {
            isDone = true
          })
          let most = 0
          while (!isDone) {
            steps = 0
            await new Promise(setImmediate)
            most = Math.max(most, steps)
          }
          await done
          return most
        }
        const column = { name: 'empty', type: 'text' }
        expect(await mostAtOnce(tables.addColumn('dev', 'dog', column)), 'built').to.be.below(10)
        expect(await mostAtOnce(tables.dropColumn('dev', 'dog', 'empty')), 'dropped').to.be.below(10)
      },
      { settings: { 'tables.cleaning_step_max': '3' } },
    ))

  it('dropped take their values with them also from records that move meanwhile', () =>
    withStore(
      async (store) => {
        await store.catalog.createTable(DOG)
        const records = Array.from({ length: 100 }, (_, id) => ({ id, name: 'old', constructor: 'stays' }))
        await insert(store, records)
        let isDropped = false
        const dropping = store.tables.dropColumn('dev', 'dog', 'name').then(() => {
          isDropped = true
        })
        // Against the order in which the values are cleaned.
        for (let id = 99; id > 0 && !isDropped; id--)
          await store.tables.transact(author, (batch) => [...batch.moving('dev', 'dog', [id], { id: -id })])
        await dropping
        await insert(store, [{ id: 'new', name: 'new' }])
        expect(rowsOf(store, DOG).filter((row) => Object.hasOwn(row, 'name'))).to.have.length(1)
        expect(rowsOf(store, DOG).filter((row) => Object.hasOwn(row, 'constructor'))).to.have.length(100)
        expectSound(store)
      },
      { settings: { 'tables.cleaning_step_max': '3' } },
    ))

  it('dropped do not come again with records that are changed before their values are gone', () =>
    withStore(async (store) => {
      const { catalog, tables } = store
      await catalog.createTable(DOG)
      await insert(store, [{ id: 1, name: 'old', constructor: 'stays' }])
      await catalog.dropColumn('dev', 'dog', 'name')
      await tables.transact(author, (batch) => batch.update('dev', 'dog', [{ id: 1, age: 3 }]))
      // Other nodes would take the name for one of after the drop.
      const told = JSON.stringify(tables.changes.next(0).at(-1)!.records)
      expect(told).to.include('"age":3').and.include('stays').and.not.include('old')
      await tables.cleaning.run()
      expect(rowsOf(store, DOG)[0]).to.not.have.property('name')
    }))

  it('dropped as of a time stay in records of later versions, also where the process ends in the middle', () =>
    withFolder(async (folder) => {
      const options = { settings: { 'tables.cleaning_step_max': '3' } }
      const store = await openStore(folder, options)
      await store.catalog.createTable(DOG)
      const records = (from: number) => Array.from({ length: 10 }, (_, id) => ({ id: from + id, name: `n${from}` }))
      await insert(store, records(0))
      const time = store.tables.clock.now()
      await insert(store, records(10))
      await store.catalog.dropColumn('dev', 'dog', 'name', undefined, time)
      await store.close()
      const again = await openStore(folder, options)
      const { catalog, tables } = again
      await tables.transact(author, (batch) =>
        batch.update(
          'dev',
          'dog',
          [0, 10].map((id) => ({ id, age: 3 })),
        ),
      )
      const moving = tables.transact(author, (batch) => [...batch.moving('dev', 'dog', [11], { id: -1 })])
      expect(await moving.catch(({ code }: { code: string }) => code)).to.equal('column_leaving')
      await tables.cleaning.run()
      expect(catalog.leftovers()).to.deep.equal([])
      const names = rowsOf(again, DOG).map(({ name }) => name)
      expect(names).to.deep.equal([...Array<undefined>(10).fill(undefined), ...Array<string>(10).fill('n10')])
      read(again, (snapshot) => expect(snapshot.table('dev', 'dog')!.isIndexed('name')).to.equal(true))
      expectSound(again)
      await tables.dropColumn('dev', 'dog', 'name', undefined, tables.clock.now())
      expect(catalog.table('dev', 'dog').columns.map(({ name }) => name)).to.not.include('name')
      await again.close()
    }))

  it('added with a default read as if every record had it, and their index is whole', () =>
    withStore(async (store) => {
      const columns = [{ name: 'id', type: 'int' }]
      await store.catalog.createTable({ database: 'dev', table: 'dog', primaryKey: 'id', columns })
      await insert(
        store,
        Array.from({ length: 2500 }, (_, id) => ({ id })),
      )
      const adding = store.tables.addColumn('dev', 'dog', { name: 'level', type: 'int', default: '3', not_null: true })
      await Promise.all([adding, insert(store, [{ id: 9000, level: 4 }, { id: 9001 }])])
      await store.tables.transact(author, (batch) => batch.update('dev', 'dog', [{ id: 5, level: 8 }]))
      const rows = rowsOf(store, DOG)
      expect(rows.filter((row) => row['level'] === 3)).to.have.length(2500)
      expectSound(store)
    }))

  it('added as unique have no default where records are, with an index and without', () =>
    withStore(async (store) => {
      await store.catalog.createTable({ ...DOG, columns: [{ name: 'id', type: 'int' }] })
      await insert(store, [{ id: 1 }, { id: 2 }])
      for (const more of [{ type: 'text' }, { type: 'text', indexed: false }, { type: 'json' }])
        expect(
          await codeOf(
            store.tables.addColumn('dev', 'dog', { name: 'chip', unique: true, default: 'x', ...more }).then(String),
          ),
          JSON.stringify(more),
        ).to.equal('invalid_column')
    }))

  for (const columns of [undefined, [{ name: 'id', type: 'int' }]] as const)
    it(`reads as stored in a ${columns ? 'declared' : 'dynamic'} table, whatever was read of it before columns came and went`, () =>
      fc.assert(
        fc.asyncProperty(fc.array(schemaStep, { minLength: 3, maxLength: 12 }), (steps) =>
          withStore(async (store) => {
            await store.catalog.createTable({ ...DOG, ...(columns && { columns: [...columns] }) })
            const kind = { name: 'kind', type: 'text' as const }
            if (columns) await store.tables.addColumn('dev', 'dog', kind)
            await insert(
              store,
              [1, 2, 3].map((id) => ({ id, kind: 'k' })),
            )
            const there = new Set<string>()
            for (const { name, value, id } of [...steps, {}]) {
              const asStored = read(store, (snapshot) =>
                [...snapshot.table('dev', 'dog')!.texts()].map((text) => JSON.parse(text) as Fields),
              )
              const found = read(store, (snapshot) => keysAndIndexRead(snapshot.table('dev', 'dog')!))
              expect(found).to.deep.equal([...asStored, ...asStored])
              if (name === undefined) continue
              if (id !== undefined && there.has(name))
                await store.tables.transact(author, (batch) => batch.update('dev', 'dog', [{ id, [name]: 9 }]))
              else if (there.delete(name)) await store.tables.dropColumn('dev', 'dog', name)
              else {
                const more = value === undefined ? {} : { default: value }
                await store.tables.addColumn('dev', 'dog', { name, type: 'int', ...more })
                there.add(name)
              }
            }
            expectSound(store)
          }),
        ),
        { numRuns: 30 },
      ))
})

/** A column comes, goes or is set in one record. */
const schemaStep = fc.record({
  name: fc.constantFrom('a', 'b'),
  value: fc.constantFrom(undefined, 1, 2),
  id: fc.constantFrom(undefined, undefined, 1, 2),
})

/** Its records by key, and by the index of `kind`: as questions read them, by way of what is kept in memory. */
function keysAndIndexRead(table: TableReader): Fields[] {
  const shown = (row: Fields | undefined) => {
    const columns = table.schema.dynamic ? Object.keys(row!) : table.schema.columns.map(({ name }) => name)
    return Object.fromEntries(columns.map((name) => [name, row![name] ?? null]))
  }
  const byKey = [1, 2, 3].map((id) => shown(table.get(id)))
  const byIndex = [...table.records({ attribute: 'kind' })].map((found) => shown(found?.row))
  return [...byKey, ...byIndex]
}

describe('index entries that wait', () => {
  it('are there after a kill, also when that was the first process and had brought none into the tree', () =>
    withStore(async (store) => {
      await store.catalog.createTable(DOG)
      await insert(store, [{ id: 1, name: 'rex' }])
      await withFolder(async (killed) => {
        cpSync(join(store.folder, 'records'), join(killed, 'records'), { recursive: true })
        const next = await openStore(killed)
        expectSound(next)
        await next.close()
      })
    }))
})

describe('a dropped table', () => {
  it('is gone at once, and cleaned also by the next process', () =>
    withFolder(async (folder) => {
      const store = await openStore(folder)
      await store.catalog.createTable(DOG)
      await insert(
        store,
        Array.from({ length: 3000 }, (_, id) => ({ id, a: id, b: 'x' })),
      )
      await store.catalog.dropTable('dev', 'dog')
      await store.catalog.createTable(DOG)
      expect(rowsOf(store, DOG)).to.deep.equal([])
      await insert(store, [{ id: 1, a: 1 }])
      await store.close()
      const again = await openStore(folder)
      await again.tables.cleaning.run()
      expect([countOf(again, 'records'), countOf(again, 'indexes')]).to.deep.equal([1, 4])
      expect(again.catalog.leftovers()).to.deep.equal([])
      expectSound(again)
      await again.close()
    }))
})

/** JSON that also tells -0. */
function exactJson(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (Array.isArray(value)) return `[${value.map(exactJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}:${exactJson(member)}`)
    .join(',')}}`
}
