import { expect } from 'chai'
import { Storage, type WriteTransaction } from '../../src/storage/index.js'
import { withFolder } from '../support/store.js'

const SETTINGS = { map_bytes: 2 ** 30, readers_max: 64, group_bytes_max: 2 ** 20 }
const ALL = { start: 'aaaa', end: 'aaab' }
const KEYS = 12
const ROUNDS = 300
/** Several parts of a flush. */
const MANY = 9_000
const FLUSHES = 10

const random = (below: number) => Math.floor(Math.random() * below)

describe('keys that wait in memory', () => {
  it('are read as if they were written, whatever else a commit does to them', () =>
    withFolder(async (path) => {
      await using storage = await Storage.open({ path, settings: SETTINGS })
      const space = storage.keyspace('test')
      const meta = storage.keyspace('meta')
      const model = new Set<string>()
      const change = (transaction: WriteTransaction) => {
        const key = `aaaa${random(KEYS)}`
        const kind = random(4)
        if (kind === 0) transaction.remove(space, key)
        else if (kind === 1) transaction.put(space, key, '')
        else transaction.postpone(space, key)
        model[kind === 0 ? 'delete' : 'add'](key)
        if (random(2)) expect(transaction.get(space, key) !== undefined).to.equal(kind !== 0)
        if (random(4) === 0) expect(transaction.keys(space, ALL)).to.deep.equal([...model].sort())
      }
      const giveUp = (transaction: WriteTransaction) => {
        for (let n = 0; n < KEYS; n++) transaction.remove(space, `aaaa${n}`)
        throw new Error('given up')
      }
      for (let round = 0; round < ROUNDS; round++) {
        const writers = Array.from({ length: 1 + random(4) }, () =>
          storage.write((transaction) => {
            for (let n = random(4); n >= 0; n--) change(transaction)
          }),
        )
        if (random(5) === 0) await storage.write(giveUp).catch(() => {})
        await Promise.all(writers)
        using snapshot = storage.snapshot()
        expect([...snapshot.keys(space, ALL)], `round ${round}`).to.deep.equal([...model].sort())
        if (random(20) === 0) {
          await storage.flushPostponed(space, (transaction) => transaction.put(meta, 'flushed', ''))
          expect(storage.postponedCount(space)).to.equal(0)
        }
      }
      await storage.flushPostponed(space, (transaction) => transaction.put(meta, 'flushed', ''))
      expect([...space.keys(ALL)], 'in the B-tree').to.deep.equal([...model].sort())
    }))

  it('go into the tree in parts while others write, and every snapshot sees what it saw', () =>
    withFolder(async (path) => {
      await using storage = await Storage.open({ path, settings: SETTINGS })
      const space = storage.keyspace('test')
      const places = Array.from({ length: MANY }, (_, n) => `aaaa${String(n).padStart(5, '0')}`)
      const model = new Set<string>()
      const change = (transaction: WriteTransaction, key: string, kind: number) => {
        if (kind === 0) transaction.remove(space, key)
        else if (!model.has(key)) transaction.postpone(space, key)
        model[kind === 0 ? 'delete' : 'add'](key)
      }
      await storage.write((transaction) => {
        for (const key of places) if (random(3)) change(transaction, key, 1)
      })
      for (let round = 0; round < FLUSHES; round++) {
        const before = [...model].sort()
        const old = storage.snapshot()
        const flushed = storage.flushPostponed(space, () => {})
        for (let turn = 0; turn < 10; turn++) {
          const writers = Array.from({ length: 3 }, async () => {
            for (let wait = random(3); wait > 0; wait--) await new Promise((resolve) => setImmediate(resolve))
            await storage.write((transaction) => {
              for (let n = 0; n < 200; n++) change(transaction, places[random(MANY)]!, random(2))
            })
          })
          await Promise.all(writers)
          using snapshot = storage.snapshot()
          expect([...snapshot.keys(space, ALL)], `round ${round}, turn ${turn}`).to.deep.equal([...model].sort())
        }
        await flushed
        expect([...old.keys(space, ALL)], `an old snapshot, round ${round}`).to.deep.equal(before)
        old[Symbol.dispose]()
        using snapshot = storage.snapshot()
        expect([...snapshot.keys(space, ALL)], `after round ${round}`).to.deep.equal([...model].sort())
      }
      await storage.flushPostponed(space, () => {})
      expect([...space.keys(ALL)], 'in the B-tree').to.deep.equal([...model].sort())
    }))
})
