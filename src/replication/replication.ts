import { setTimeout as delay } from 'node:timers/promises'
import type { Catalog } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import {
  type Announce,
  findLoop,
  type Log,
  type Mesh,
  type NodeLinks,
  type Route,
  type RoutesSet,
} from '../mesh/index.js'
import { incarnationOf, type Storage } from '../storage/index.js'
import type { RawEntry, Tables } from '../tables/index.js'
import { Agreement } from './agreement.js'
import type { EventOutbox, SharedEvents } from './event-outbox.js'
import { observerOf } from './observer.js'
import { type LogLimits, OutboxWatch } from './outbox-watch.js'
import type { PeerStore, Self } from './peers.js'
import { Publisher } from './publisher.js'
import { TableReceiver } from './receiver.js'
import type { SchemaWatch } from './schema-watch.js'
import { ServedTables } from './served.js'
import { StatusReader } from './status.js'
import { Subscriber } from './subscriber.js'
import { stateOf } from './table-state.js'
import { Verification } from './verification.js'
import { isSameTable, nameOf, type TableName, type TableState, topicOf } from './wire.js'

/** Between two tries to renew what is shared with a peer, in milliseconds. */
const RETRY_MS = 1_000

export interface ReplicationSettings {
  /** Whether changes of other nodes are passed on: for chains and rings of nodes. */
  republish: boolean
  /** How far ahead of our clock a change of another node may be, in milliseconds. */
  clock_ahead_ms_max: number
  /** How long a node may take to answer, in milliseconds. */
  request_timeout_ms: number
}

export interface ReplicationOptions {
  mesh: Mesh
  storage: Storage
  catalog: Catalog
  tables: Tables
  events: SharedEvents
  eventOutbox: EventOutbox
  /** Drops a table with all that belongs to it. */
  dropTable: (database: string, table: string) => Promise<void>
  peers: PeerStore
  schemaWatch: SchemaWatch
  /** How much of the log is kept. */
  limits: LogLimits
  settings: ReplicationSettings
  /** The port of the operations, once it is known. */
  operationsPort: () => number
  clusterPort: number
  startedAt: number
  log: Log
}

/**
 * Shares tables with other nodes: what was written here goes out through the log and the outbox, what was written there
 * comes in through subscribers. See DESIGN.md beside this file.
 */
export class Replication implements AsyncDisposable {
  readonly mesh: Mesh
  readonly peers: PeerStore
  readonly agreement: Agreement
  readonly status: StatusReader
  readonly verification: Verification
  readonly outbox: OutboxWatch
  readonly #options: ReplicationOptions
  readonly #incarnation: string
  readonly #publisher: Publisher
  readonly #subscribers = new Map<string, Subscriber>()
  readonly #changed = new Map<string, TableName>()
  readonly #stop = new AbortController()

  static async start(options: ReplicationOptions): Promise<Replication> {
    const { mesh, peers } = options
    const self = await lifeOf(options, peers)
    for (const { name, publicKey } of peers.peers.values()) mesh.requests.trust(name, publicKey)
    for (const name of peers.removed) mesh.requests.ban(name)
    const replication = new Replication(options, self)
    try {
      await replication.#pin()
      return replication
    } catch (error) {
      await replication[Symbol.asyncDispose]()
      throw error
    }
  }

  private constructor(options: ReplicationOptions, self: Self) {
    const { catalog, events, eventOutbox, mesh, peers, schemaWatch, settings, tables } = options
    this.#options = options
    this.mesh = mesh
    this.peers = peers
    this.#incarnation = self.incarnation
    for (const table of peers.published()) this.#changed.set(nameOf(table), table)
    // What the last process has not told any more, or dropped while clustering was off: who reads on never asks.
    for (const [table, dropped] of peers.allDropped())
      if (dropped.table !== undefined) this.#changed.set(nameOf(table), table)
    schemaWatch.listen((news, ended) => this.#schemaChanged(news, ended))
    tables.changes.seen = ({ database, name }) => peers.seen({ database, table: name })
    const { incarnation } = self
    const { changes, clock, replica } = tables
    const { republish } = settings
    const ships = (entry: RawEntry) => !entry.lost && (republish || entry.origin === mesh.nodeName)
    this.#publisher = this.#publisherFrom(self, ships)
    const sharing = () => eventOutbox.share(peers.published())
    new ServedTables({ mesh, peers, catalog, changes, clock, replica, events, sharing, incarnation, republish, ships })
    this.agreement = new Agreement({
      ...options,
      incarnation,
      observe: observerOf(tables.clock, settings.clock_ahead_ms_max),
      keepEvents: (wanted) => eventOutbox.share([...peers.published(), ...wanted]),
      changed: (peer) => this.#renew(peer),
      admit: (removed) => (removed ? mesh.pin([]) : this.#pin()),
      removed: (peer) => this.#renew(peer),
      signal: this.#stop.signal,
    })
    const subscriber = (peer: string) => this.#subscribers.get(peer)
    const newest = (topic: string) => this.#publisher.newest(topic)
    const published = () => this.#publisher.published
    this.outbox = new OutboxWatch({ ...options, changes, subscriber, newest, published })
    this.status = new StatusReader({ ...options, outbox: this.outbox, incarnation, subscriber, published })
    const timeoutMs = settings.request_timeout_ms
    this.verification = new Verification({ mesh, peers, catalog, replica, events, timeoutMs })
    for (const peer of peers.peers.keys()) void this.#renew(peer)
  }

  /** What carries the log out, from where the last process was. */
  #publisherFrom(self: Self, ships: (entry: RawEntry) => boolean): Publisher {
    const { catalog, log, mesh, peers, settings, storage, tables } = this.#options
    const { changes } = tables
    const authors = settings.republish ? undefined : mesh.nodeName
    return new Publisher({
      mesh,
      changes,
      incarnation: self.incarnation,
      published: self.published,
      news: () => this.#news(),
      ships,
      wants: (entry) => this.#isPublished(entry),
      tell: ({ database, table }) => this.#changed.set(nameOf({ database, table }), { database, table }),
      before: (entry) => changes.before(entry, authors),
      last: ({ database, table }, upTo) => {
        const { id } = catalog.find(database, table) ?? {}
        return id && changes.before({ sequence: upTo + 1, tableId: id, time: Number.MAX_SAFE_INTEGER }, authors)
      },
      checkpoint: (published) => storage.write((transaction) => peers.putSelf(transaction, { ...self, published })),
      log,
    })
  }

  get incarnation(): string {
    return this.#incarnation
  }

  /** Adds routes after a look at what they would join. @throws Problem route_loop and those of Mesh.setRoutes */
  async setRoutes(server: 'hub' | 'leaf', routes: readonly Route[], announce: Announce<RoutesSet>): Promise<RoutesSet> {
    const names = await Promise.all(routes.map((route) => this.mesh.nodeAt(server, route)))
    const reached = names.filter((name) => name !== undefined && name !== this.mesh.nodeName) as string[]
    if (reached.length > 0) {
      const links = await this.status.links(reached)
      const own = links.find(({ name }) => name === this.mesh.nodeName)!
      const added: NodeLinks =
        server === 'hub' ? { ...own, hubs: [...own.hubs, ...reached] } : { ...own, leafs: [...own.leafs, ...reached] }
      const loop = findLoop([...links.filter(({ name }) => name !== own.name), added])
      if (loop) throw new Problem('route_loop', loop)
    }
    return await this.mesh.setRoutes(server, routes, announce)
  }

  /**
   * Deletes messages of one table's outbox; nothing is lost by that: readers then ask the log.
   * @param announce is told how many they are, before
   */
  async purge(table: TableName, what: { keep?: number; seq?: number }, announce: Announce<number>): Promise<number> {
    const { database, table: name } = table
    this.#options.catalog.table(database, name)
    const refuse = (error: unknown) => {
      this.#options.log.warn({ ...table, error: String(error) }, 'the outbox could not be purged')
      throw new Problem('own_server_silent', { server: 'leaf' })
    }
    const { outbox } = this.mesh
    await announce(await outbox.countPurged(topicOf(table), what).catch(refuse))
    const purged = await outbox.purge(topicOf(table), what).catch(refuse)
    // Readers that were not through with it learn by the next message that something is missing.
    this.#changed.set(nameOf(table), table)
    this.#publisher.wake()
    return purged
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.outbox[Symbol.dispose]()
    const subscribers = [...this.#subscribers.values()]
    this.#subscribers.clear()
    await Promise.all(subscribers.map((subscriber) => subscriber[Symbol.asyncDispose]()))
    await this.#publisher[Symbol.asyncDispose]()
  }

  /**
   * Does what follows from an agreement that is stored. What cannot be done now, as on a full disk, is tried again, and
   * whoever agreed is not told of a failure: there was none.
   */
  async #renew(name: string): Promise<void> {
    if (!(await this.#isRenewed(name))) void this.#renewLater(name)
  }

  async #renewLater(name: string): Promise<void> {
    const { signal } = this.#stop
    do await delay(RETRY_MS, undefined, { signal }).catch(() => {})
    while (!signal.aborted && !(await this.#isRenewed(name)))
  }

  async #isRenewed(name: string): Promise<boolean> {
    try {
      await this.#refresh(name)
      await this.#pin()
      return true
    } catch (error) {
      this.#options.log.warn({ peer: name, error: String(error) }, 'what is shared with a peer could not be renewed')
      return false
    }
  }

  /** Gives a peer the subscriber that its subscriptions ask for. */
  async #refresh(name: string): Promise<void> {
    const { eventOutbox, log, mesh, settings } = this.#options
    // First, and whatever becomes of the rest: nothing more comes by what does not hold any more.
    const old = this.#subscribers.get(name)
    this.#subscribers.delete(name)
    await old?.[Symbol.asyncDispose]()
    await eventOutbox.share(this.peers.published())
    const peer = this.peers.peers.get(name)
    if (!peer || this.#subscribers.has(name) || this.#stop.signal.aborted) return
    for (const table of this.peers.published()) this.#changed.set(nameOf(table), table)
    this.#publisher.wake()
    const wanted = peer.subscriptions.filter(({ subscribe }) => subscribe)
    if (wanted.length === 0) return
    const receiver = new TableReceiver({
      ...this.#options,
      peer: name,
      nodeName: mesh.nodeName,
      clockAheadMsMax: settings.clock_ahead_ms_max,
      tell: ({ database, table }) => this.#schemaChanged([{ database, table }], []),
    })
    this.#subscribers.set(name, new Subscriber({ mesh, peer: name, tables: wanted, receiver, log }))
  }

  /** From the first removal on, the hub takes links only from nodes that are known, so not from the removed one. */
  async #pin(): Promise<void> {
    if (this.peers.removed.size === 0) return await this.mesh.pin([])
    await this.mesh.pin([...this.mesh.requests.knownKeys(), this.mesh.identity.publicKey])
  }

  #isPublished(table: TableName): boolean {
    for (const { subscriptions } of this.peers.peers.values()) {
      if (subscriptions.some((one) => one.publish && isSameTable(one, table))) return true
    }
    return false
  }

  /** What the publisher has to tell of tables before it goes on. */
  #news(): TableState[] {
    const { catalog } = this.#options
    const names = [...this.#changed.values()]
    this.#changed.clear()
    return names.map((name) => stateOf(catalog, this.peers, name))
  }

  /** Has others told of tables that were changed or dropped, and ends what is shared no more. */
  #schemaChanged(news: readonly TableName[], ended: readonly string[]): void {
    for (const peer of ended) void this.#renew(peer)
    for (const name of news) this.#changed.set(nameOf(name), name)
    this.#publisher.wake()
  }
}

/**
 * Which life of the log this is. A folder that was restored from a backup lives another one: its sequences would
 * otherwise mean other changes to its peers than before.
 */
async function lifeOf({ storage, tables, log }: ReplicationOptions, peers: PeerStore): Promise<Self> {
  const { id: incarnation } = await incarnationOf(storage)
  const known = peers.self()
  if (known?.incarnation === incarnation) return known
  const self: Self = { incarnation, published: tables.changes.committed() }
  await storage.write((transaction) => {
    peers.putSelf(transaction, self)
    // What the peers have of ours and we have lost comes back by full copies, merged by version.
    for (const { name, subscriptions } of peers.peers.values()) {
      for (const { database, subscribe, table } of subscriptions) {
        const position = subscribe && peers.position(name, { database, table })
        if (!position) continue
        const copy = { reason: 'this node was restored from a backup', rows: 0 }
        peers.putPosition(transaction, name, { database, table }, { ...position, incarnation: '', sequence: 0, copy })
      }
    }
  })
  if (known) log.warn({ incarnation }, 'the data folder was restored from a backup: a new incarnation begins')
  return self
}
