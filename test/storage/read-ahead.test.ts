import { expect } from 'chai'
import { Storage } from '../../src/storage/index.js'
import type { Keyspace } from '../../src/storage/keyspace.js'
import { ReadAhead } from '../../src/storage/read-ahead.js'
import { withFolder } from '../support/store.js'

const SETTINGS = { map_bytes: 2 ** 30, readers_max: 64, group_bytes_max: 2 ** 20 }
const SLOW_MS = 5
const QUICK_MS = 0.01
/** Far more lots than samples are needed, as any of them may be slow by chance. */
const LOTS_MAX = 2_000

describe('reading ahead', () => {
  it('begins when two reads near each other were slow', () => {
    const ahead = new ReadAhead()
    ahead.note(SLOW_MS)
    for (let n = 0; n < 1000; n++) ahead.note(QUICK_MS)
    ahead.note(SLOW_MS)
    expect(ahead.isOn).to.equal(false)
    ahead.note(QUICK_MS)
    ahead.note(SLOW_MS)
    expect(ahead.isOn).to.equal(true)
  })

  it('ends when what it leaves out is quick to read', () =>
    withFolder(async (path) => {
      await using storage = await Storage.open({ path, settings: SETTINGS })
      const space = storage.keyspace('test')
      const keys = Array.from({ length: 100 }, (_, n) => `key ${n}`)
      await storage.write((transaction) => {
        for (const key of keys) transaction.put(space, key, 'value')
      })
      const ahead = new ReadAhead()
      for (let n = 0; n < 2; n++) ahead.note(SLOW_MS)
      let lots = 0
      for (; ahead.isOn && lots < LOTS_MAX; lots++) await ahead.fetch(space, keys)
      expect(lots).to.be.within(2, LOTS_MAX - 1)
      for (let n = 0; n < 2; n++) ahead.note(SLOW_MS)
      for (lots = 0; ahead.isOn && lots < LOTS_MAX; lots++) await ahead.fetch(space, ['key 1'])
      expect(lots).to.be.within(2, LOTS_MAX - 1)
    }))

  it('leaves out keys that are longer than any that is stored, and ranges are read as before', () =>
    withFolder(async (path) => {
      await using storage = await Storage.open({ path, settings: SETTINGS })
      const space = storage.keyspace('test')
      await storage.write((transaction) => transaction.put(space, 'key', 'value'))
      for (const length of [0, 1_978, 1_979, 8_150, 8_170, 8_190, 20_000])
        await storage.fetch(space, ['sample', 'x'.repeat(length), 'key'])
      using snapshot = storage.snapshot()
      for (let n = 0; n < 1_000; n++)
        expect([...snapshot.keys(space, { start: 'a', end: `z${n}` })]).to.deep.equal(['key'])
    }))

  it('takes keys that are not there, and more than its threads take, also when the storage is closed meanwhile', () =>
    withFolder(async (path) => {
      const storage = await Storage.open({ path, settings: SETTINGS })
      const space = storage.keyspace('test')
      const keys = Array.from({ length: 5_000 }, (_, n) => `${n}`.repeat(1 + (n % 300)))
      await storage.fetch(space, keys)
      const more = Promise.all(Array.from({ length: 20 }, () => storage.fetch(space, keys)))
      await storage[Symbol.asyncDispose]()
      await more
    }))

  it('lets who wants few keys through between the parts of who wants many, and stops where nobody waits', async () => {
    const ahead = new ReadAhead()
    const begun: string[] = []
    const fetch = async (keys: readonly string[]) => {
      begun.push(keys[0]!)
      await new Promise(setImmediate)
    }
    const space = { read: () => undefined, fetch } as unknown as Keyspace
    const many = Array.from({ length: 10_000 }, (_, n) => `many ${n}`)
    const { signal, abort } = abortable()
    const all = ahead.fetch(space, many, signal)
    await ahead.fetch(space, ['sample', 'few'])
    expect(begun.indexOf('few')).to.be.within(1, 10)
    abort()
    await all
    expect(begun.length).to.be.lessThan(20)
  })

  it('leaves snapshots readable when LMDB has no reader left for what is fetched', () =>
    withFolder(async (path) => {
      await using storage = await Storage.open({ path, settings: { ...SETTINGS, readers_max: 16 } })
      const space = storage.keyspace('test')
      const keys = Array.from({ length: 100 }, (_, n) => `key ${n}`)
      const snapshots = []
      let isFull = false
      for (let n = 0; !isFull && n < 100; n++) {
        await storage.write((transaction) => {
          for (const key of keys) transaction.put(space, key, `${n}`)
        })
        await new Promise(setImmediate)
        try {
          snapshots.push(storage.snapshot())
        } catch {
          isFull = true
        }
      }
      expect(isFull).to.equal(true)
      await storage.fetch(space, keys)
      for (let n = 0; n < 20; n++) await storage.fetch(space, ['key 1'])
      for (const [n, snapshot] of snapshots.entries()) {
        expect(snapshot.get(space, 'key 1')).to.equal(`${n}`)
        snapshot[Symbol.dispose]()
      }
    }))
})

function abortable() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}
