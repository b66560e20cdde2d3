import type { Json, Log, Mesh } from '../mesh/index.js'
import type { Storage } from '../storage/index.js'
import type { ChangeLog } from '../tables/index.js'
import type { PeerStore } from './peers.js'
import type { Subscriber } from './subscriber.js'
import { isTableName, nameOf, topicOf } from './wire.js'

const TELL_MS = 5_000
const ASK_MS = 2_000
const SAVE_MS = 60_000
/** Of what the log keeps: from here on it is said that a peer is about to lose its place. */
const NEARLY = 0.8

export interface LogLimits {
  log_retention_hours: number
  log_bytes_max: number
}

/** What of this node's log a peer has not taken. */
export interface Waiting {
  node: string
  characters: number
  /** Age of the oldest of it. */
  seconds: number
  /** Of what the log keeps, by size or by time, whichever is more. */
  share: number
}

export interface OutboxWatchOptions {
  mesh: Mesh
  peers: PeerStore
  storage: Storage
  changes: ChangeLog
  limits: LogLimits
  subscriber: (peer: string) => Subscriber | undefined
  /** The newest entry of a topic that was sent since the start, and of all. */
  newest: (topic: string) => number | undefined
  published: () => number
  log: Log
}

/**
 * Knows how far each peer has taken our changes, so that somebody is told before the log forgets what a peer that is
 * away still needs: it would then get a full copy. Peers tell how far they are now and then.
 */
export class OutboxWatch implements Disposable {
  readonly #options: OutboxWatchOptions
  readonly #timer: NodeJS.Timeout
  readonly #warned = new Set<string>()
  #savedAt = 0

  constructor(options: OutboxWatchOptions) {
    this.#options = options
    options.mesh.requests.serve('arrived', async (body, from) => this.#arrived(body, from))
    this.#timer = setInterval(() => this.#turn(), TELL_MS).unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  /** What waits, for each peer that something is published to. */
  waiting(): Waiting[] {
    const { changes, limits, peers } = this.#options
    const all: Waiting[] = []
    for (const { name, subscriptions } of peers.peers.values()) {
      const arrived = peers.arrived(name)
      if (arrived === undefined || !subscriptions.some(({ publish }) => publish)) continue
      const { characters, time } = changes.behind(arrived) ?? { characters: 0, time: Date.now() }
      const seconds = Math.max(0, Math.round((Date.now() - time) / 1_000))
      const share = Math.max(characters / limits.log_bytes_max, seconds / 3_600 / limits.log_retention_hours)
      all.push({ node: name, characters, seconds, share: Math.round(share * 1_000) / 1_000 })
    }
    return all
  }

  /** What a person should know of it. */
  warnings(): string[] {
    return this.waiting()
      .filter(({ share }) => share >= NEARLY)
      .map(
        ({ node, share }) =>
          `Node ${node} lacks changes that are ${Math.round(share * 100)} % of what the log keeps (tables.log_bytes_max, tables.log_retention_hours): beyond that it will get a full copy.`,
      )
  }

  #turn(): void {
    const { log, mesh, peers, subscriber } = this.#options
    for (const { name, subscriptions } of peers.peers.values()) {
      if (subscriber(name)?.link !== 'open') continue
      const tables = subscriptions
        .filter(({ subscribe }) => subscribe)
        .map(({ database, table }) => ({
          database,
          table,
          sequence: peers.position(name, { database, table })?.sequence ?? 0,
        }))
      mesh.requests.ask(name, 'arrived', { tables }, ASK_MS).catch(() => {}) // It hears of it the next time.
    }
    for (const { node, ...facts } of this.waiting()) {
      if (facts.share < NEARLY) this.#warned.delete(node)
      else if (!this.#warned.has(node)) {
        this.#warned.add(node)
        log.warn({ node, ...facts }, 'the log is about to forget changes that a node has not taken')
      }
    }
  }

  /** A peer says up to which entries of our log it has what. */
  async #arrived(body: Json, from: string): Promise<Json> {
    const { newest, peers, published, storage } = this.#options
    const peer = peers.peers.get(from)
    const { tables } = (body ?? {}) as { tables?: unknown }
    if (!peer || !Array.isArray(tables)) return null
    const told = new Map<string, number>()
    for (const one of tables) {
      const { sequence } = one as { sequence?: unknown }
      if (isTableName(one) && Number.isSafeInteger(sequence)) told.set(nameOf(one), sequence as number)
    }
    let arrived = published()
    for (const { publish, ...name } of peer.subscriptions) {
      const sequence = told.get(nameOf(name))
      const last = newest(topicOf(name))
      if (publish && sequence !== undefined && last !== undefined && sequence < last)
        arrived = Math.min(arrived, sequence)
    }
    const isDue = Date.now() - this.#savedAt >= SAVE_MS
    if (arrived <= (peers.arrived(from) ?? 0) && !isDue) return null
    peers.noteArrived(from, arrived)
    if (!isDue) return null
    this.#savedAt = Date.now()
    await storage.write((transaction) => peers.saveArrived(transaction))
    return null
  }
}
