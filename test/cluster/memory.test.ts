import { expect } from 'chai'
import { Problem } from '../../src/lib/index.js'
import type { FollowOptions, Mesh } from '../../src/mesh/index.js'
import { EventOutbox, type SharedEvents } from '../../src/replication/event-outbox.js'
import { PeerStore } from '../../src/replication/peers.js'
import { type Receiver, TableReceiver } from '../../src/replication/receiver.js'
import { Subscriber } from '../../src/replication/subscriber.js'
import type { WriteTransaction } from '../../src/storage/index.js'
import { eventually } from '../support/eventually.js'
import { RememberedLog } from '../support/mesh.js'
import { withStore } from '../support/store.js'

const table = { database: 'dev', table: 'dog' }
const peer = { name: 'b', publicKey: 'key', addedAt: 1, subscriptions: [] }

/** Runs a write that comes to nothing. */
const inVain = (write: (run: (transaction: WriteTransaction) => void) => Promise<void>) => ({
  write: async (run: (transaction: WriteTransaction) => void) => {
    const failed = write((transaction) => {
      run(transaction)
      throw new Problem('disk_full', {})
    })
    expect(await failed.catch((error: Problem) => error.code)).to.equal('disk_full')
  },
})

describe('what a node remembers of its peers', () => {
  it('is what is on disk, where a write has failed', async () => {
    await withStore(async ({ storage }) => {
      const peers = new PeerStore(storage)
      const { write } = inVain((run) => storage.write(run))
      await write((transaction) => peers.putArrived(transaction, 'b', 5))
      expect(peers.arrived('b')).to.equal(undefined)
      await storage.write((transaction) => {
        peers.putPeer(transaction, peer)
        peers.putArrived(transaction, 'b', 7)
      })
      await write((transaction) => peers.removePeer(transaction, 'b', true))
      expect(peers.arrived('b')).to.equal(7)
      expect(new PeerStore(storage).arrived('b')).to.equal(7)
      await storage.write((transaction) => peers.removePeer(transaction, 'b', true))
      expect([peers.arrived('b'), new PeerStore(storage).arrived('b')]).to.deep.equal([undefined, undefined])
    })
  })

  it('has no change of a peer as seen that was not stored', async () => {
    await withStore(async ({ storage, catalog, tables }) => {
      await catalog.createTable({ ...table, kind: 'records', primaryKey: 'id', options: {} })
      const peers = new PeerStore(storage)
      const receiver = new TableReceiver({
        peer: 'b',
        nodeName: 'a',
        peers,
        storage,
        catalog,
        tables,
        events: {} as SharedEvents,
        dropTable: async () => {},
        clockAheadMsMax: 60_000,
        tell: () => {},
        log: new RememberedLog(),
      })
      const time = Date.now()
      const entry = { time, origin: 'b', user: '', operation: 'insert' as const, keys: [1], records: [{ id: 1 }] }
      const { write } = inVain((run) => storage.write(run))
      await write((transaction) => void receiver.apply(transaction, table, entry, false))
      const position = { incarnation: 'one', sequence: 1, time: 0, at: 0, conflicts: 0 }
      await storage.write((transaction) => receiver.putPosition(transaction, table, position))
      expect(peers.position('b', table)).to.not.have.property('seen')
    })
  })

  it('is told with the times of columns that older versions kept without', async () => {
    await withStore(async ({ storage }) => {
      const space = storage.keyspace('mesh')
      const stored = JSON.stringify({ columns: ['age'] })
      await storage.write((transaction) => transaction.put(space, 'dropped dev\0dog', stored))
      expect(new PeerStore(storage).dropped(table)).to.deep.equal({ columns: { age: { at: 0, gone: true } } })
    })
  })
})

describe('events for other nodes', () => {
  it('are carried on however late an insert comes between two looks', async () => {
    for (let turns = 0; turns < 20; turns++) {
      let looks = 0
      let told = () => {}
      let looked = () => {}
      const first = new Promise<void>((resolve) => {
        looked = resolve
      })
      const events = {
        onInsert: (listener: (schema: { id: number }) => void) => {
          told = () => listener({ id: 1 })
        },
        share: async () => {},
        outgoing: async () => {
          if (looks++ === 1) looked()
          return []
        },
      }
      const tables = new Map([['dog', { id: 1, kind: 'events', database: 'dev', name: 'dog' }]])
      const catalog = { current: { databases: new Map([['dev', { tables }]]) } }
      const options = { events, catalog, nodeName: 'a', republish: false, log: new RememberedLog() }
      await using outbox = new EventOutbox(options as never)
      await outbox.share([table])
      told()
      await first
      for (let turn = 0; turn < turns; turn++) await undefined
      const before = looks
      told()
      await eventually(`it looks again after ${turns} turns`, () => looks > before)
    }
  })
})

describe('a peer whose stream does not reach back', () => {
  it('is read from its log, and what keeps that from being done is told', async () => {
    const described = { incarnation: 'one', sequence: 0, tables: [] }
    const changes = { incarnation: 'one', entries: [], upTo: 0, more: false, states: [], gone: [] }
    let isFull = false
    let reads = 0
    const mesh = {
      requests: {
        keyOf: () => undefined,
        ask: async (_: string, method: string) => {
          if (isFull) throw new Problem('disk_full', {})
          return method === 'describe' ? described : changes
        },
      },
      outbox: {
        state: async () => ({ created: 1, firstSequence: 1, lastSequence: 0, bytes: 0, messages: 0 }),
        follow: async (_: string, { gap, reachable, signal }: FollowOptions) => {
          reads++
          reachable(true)
          isFull = reads === 1
          await gap().catch(() => {})
          if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve))
        },
      },
    }
    const position = { incarnation: 'one', sequence: 0, time: 0, at: 0, conflicts: 0 }
    const receiver = {
      position: () => position,
      prepare: async () => {},
      write: async (run: (transaction: object) => unknown) => run({ onUndo: () => {} }),
    }
    const log = new RememberedLog()
    const options = { mesh: mesh as unknown as Mesh, peer: 'b', tables: [table], log }
    await using subscriber = new Subscriber({ ...options, receiver: receiver as unknown as Receiver })
    await eventually('it says why', () => subscriber.lastError !== '')
    isFull = false
    await eventually('it reads again', () => reads > 1 && subscriber.lastError === '')
  })
})

describe('a peer that tells of a table while it is being described', () => {
  it('is read from before that', async () => {
    let told = 0
    let place: FollowOptions['from'] | undefined
    const mesh = {
      requests: {
        keyOf: () => undefined,
        ask: async () => {
          told = 1
          return {
            incarnation: 'one',
            sequence: 0,
            tables: [],
            entries: [],
            upTo: 0,
            more: false,
            states: [],
            gone: [],
          }
        },
      },
      outbox: {
        state: async () => ({ created: 1, firstSequence: 1, lastSequence: told, bytes: 0, messages: 0 }),
        follow: async (_: string, { from, signal }: FollowOptions) => {
          place = from
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
        },
      },
    }
    const position = { incarnation: 'one', sequence: 0, time: 0, at: 0, conflicts: 0 }
    const write = async (run: (transaction: object) => unknown) => run({ onUndo: () => {} })
    const receiver = { position: () => position, prepare: async () => {}, write } as unknown as Receiver
    const options = { mesh: mesh as unknown as Mesh, peer: 'b', tables: [table], receiver, log: new RememberedLog() }
    await using _ = new Subscriber(options)
    await eventually('it is read', () => place !== undefined)
    expect(place).to.deep.equal({ created: 1, sequence: 1 })
  })
})
