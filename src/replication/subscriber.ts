import { setTimeout as delay } from 'node:timers/promises'
import { JoinedSignal, Problem, untilAborted } from '../lib/index.js'
import type { Arrival, Log, Mesh, Place } from '../mesh/index.js'
import { Applier, type Delivery, Restart } from './applier.js'
import { CatchUp } from './catch-up.js'
import { PeerAsker } from './peer-asker.js'
import type { Receiver } from './receiver.js'
import { TransactionAssembly } from './transaction-assembly.js'
import { type Description, isDescription, nameOf, parseShipment, type TableName, topicOf } from './wire.js'

const RETRY_MS = { first: 250, last: 5_000 }
/** Tables that the peer does not share yet are asked for again after a time that doubles. */
const MISSED_MS = { first: 250, last: 32_000 }
const MISSED_SAID_MS = 2_000
/** Once for all messages that are refused meanwhile the log is asked for what they may have told. */
const REFUSED_MS = 1_000
const ENTRIES_PER_TRANSACTION = 2_000
/** More than these are not named where the stream is read: what is not wanted is left out here. */
const TOPICS_MAX = 64

export type Link = 'closed' | 'catching up' | 'open'

export interface SubscriberOptions {
  mesh: Mesh
  /** The node whose changes come here. */
  peer: string
  tables: readonly TableName[]
  receiver: Receiver
  log: Log
}

/** One try to read a peer, until it fails or must begin anew. */
interface Reading {
  readonly incarnation: string
  readonly applier: Applier
  readonly assembly: TransactionAssembly
  /** Ends it, and says why. */
  readonly fail: (error: unknown) => void
}

/**
 * Brings the changes of one peer here, exactly once: first what its log has behind our positions (or a full copy), then
 * what its outbox brings. Whatever fails, it begins again from the positions, which are stored with the records.
 */
export class Subscriber implements AsyncDisposable {
  readonly #options: SubscriberOptions
  readonly #stop = new AbortController()
  readonly #asker: PeerAsker
  readonly #catchUp: CatchUp
  readonly #done: Promise<void>
  readonly #byTopic: ReadonlyMap<string, TableName>
  #link: Link = 'closed'
  #lastError = ''
  #refused = 0
  /** Topics of tables that the peer does not share with us: it stores an agreement later than we do, or was killed before. */
  readonly #unshared = new Set<string>()
  #missedWait = MISSED_MS.first

  constructor(options: SubscriberOptions) {
    const { mesh, peer, tables } = options
    this.#options = options
    this.#byTopic = new Map(tables.map((table) => [topicOf(table), table]))
    this.#asker = new PeerAsker(mesh, peer, this.#stop.signal)
    this.#catchUp = new CatchUp({
      ...options,
      asker: this.#asker,
      signal: this.#stop.signal,
      isUnshared: (table) => this.#unshared.has(topicOf(table)),
      miss: (table) => this.#miss(table),
      strange: () => this.#strange(),
    })
    this.#done = this.#run()
  }

  get link(): Link {
    return this.#link
  }

  /** Why the last attempt failed, or what does not come; empty when all is well. */
  get lastError(): string {
    const [table] = this.#options.tables.filter((table) => this.#unshared.has(topicOf(table)))
    if (this.#lastError !== '' || !table) return this.#lastError
    return new Problem('not_shared', { node: this.#options.peer, database: table.database, table: table.table }).message
  }

  /** Messages of the peer's outbox that were not what they claimed to be. */
  get refused(): number {
    return this.#refused
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    let wait = RETRY_MS.first
    while (!signal.aborted) {
      try {
        await this.#read(() => {
          wait = RETRY_MS.first
        })
      } catch (error) {
        if (!(error instanceof Restart)) this.#failed(error)
      }
      await delay(wait, undefined, { signal }).catch(() => {})
      wait = Math.min(wait * 2, RETRY_MS.last)
    }
  }

  #failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    if (this.#stop.signal.aborted) return
    const { log, peer } = this.#options
    if (text !== this.#lastError) log.warn({ peer, error: text }, 'cannot read a peer; trying again')
    if (!(error instanceof Problem)) log.debug({ peer, error: String((error as Error).stack) }, 'cannot read a peer')
    this.#lastError = text
  }

  /** @param began is called when the stream is read */
  async #read(began: () => void): Promise<void> {
    const { log, peer, receiver } = this.#options
    const ended = new AbortController()
    const fail = (error: unknown) => {
      if (!ended.signal.aborted) this.#failed(error)
      ended.abort()
    }
    const isRead = (topic: string) => this.#byTopic.has(topic) && !this.#unshared.has(topic)
    const applier = new Applier({ peer, receiver, log })
    const assembly = new TransactionAssembly({ isRead, onMissing: fail })
    this.#unshared.clear()
    try {
      const place = await this.#endOfStream()
      const { incarnation } = await this.#describe()
      this.#link = 'catching up'
      await this.#catchUp.run(applier, incarnation)
      applier.onFailure = fail
      await this.#follow(place, { incarnation, applier, assembly, fail }, ended, began)
    } finally {
      this.#link = 'closed'
      assembly.clear()
      await applier.stored.catch(() => {}) // the next reading begins where this one has ended
    }
  }

  /** Behind it comes what neither the tables nor the log say in a moment. */
  async #endOfStream(): Promise<Place> {
    const { mesh, peer } = this.#options
    const state = await untilAborted(this.#stop.signal, mesh.outbox.state(peer)).catch(async (error: unknown) => {
      await this.#describe() // Says it better, where the peer is not in reach.
      throw error
    })
    return { created: state.created, sequence: state.lastSequence + 1 }
  }

  /** Reads the stream until something is wrong, or must be asked of the log again. */
  async #follow(from: Place, reading: Reading, ended: AbortController, began: () => void): Promise<void> {
    const { mesh, peer, tables } = this.#options
    let again: NodeJS.Timeout | undefined
    let refused: NodeJS.Timeout | undefined
    const askAgain = () => {
      if (this.#unshared.size === 0) this.#missedWait = MISSED_MS.first
      else again ??= setTimeout(() => ended.abort(), this.#missedWait)
    }
    const orFail = async (work: Promise<void>) => {
      try {
        await work
      } catch (error) {
        reading.fail(error)
        throw error
      }
    }
    using stopped = new JoinedSignal(this.#stop.signal, ended.signal)
    askAgain()
    try {
      await mesh.outbox.follow(peer, {
        from,
        topics: tables.length > TOPICS_MAX ? [] : tables.map(topicOf),
        keyOf: () => mesh.requests.keyOf(peer),
        gap: async () => {
          await orFail(this.#bridge(reading))
          askAgain()
        },
        take: (arrivals) => orFail(this.#take(arrivals, reading)),
        refused: (reason) => {
          this.#refuse(reason)
          // Perhaps it was a right one, as where a large message was sent in two tries: the log has what it told.
          refused ??= setTimeout(() => ended.abort(), REFUSED_MS)
        },
        reachable: (yes) => {
          this.#link = yes ? 'open' : 'closed'
          if (!yes) return
          this.#lastError = ''
          began()
        },
        signal: stopped.signal,
      })
    } finally {
      clearTimeout(again)
      clearTimeout(refused)
      if (again) this.#missedWait = Math.min(this.#missedWait * 2, MISSED_MS.last)
    }
  }

  /** Gets from the log what the stream does not have any more. */
  async #bridge({ applier, assembly }: Reading): Promise<void> {
    this.#link = 'catching up'
    assembly.clear()
    await this.#catchUp.run(applier, (await this.#describe()).incarnation)
  }

  async #describe(): Promise<Description> {
    const { tables, receiver } = this.#options
    const answer = await this.#asker.ask('describe', {
      tables: tables.map(({ database, table }) => ({ database, table })),
    })
    if (!isDescription(answer)) throw this.#strange()
    const wanted = new Set(tables.map(nameOf))
    for (const state of answer.tables) if (wanted.has(nameOf(state))) await receiver.adopt(state)
    return answer
  }

  /** The others go on: a peer that was killed while it agreed may lack one of many, and somebody has to agree again. */
  #miss(table: TableName): void {
    const { log, peer } = this.#options
    this.#unshared.add(topicOf(table))
    // Said once for all the times that it is asked for, and not while the peer may still be storing the agreement.
    if (this.#missedWait === MISSED_SAID_MS)
      log.warn({ peer, ...table }, 'a peer does not share a table with us that we share with it: add it again')
  }

  /** Applies what came with the stream, up to the end of the last transaction that is whole. */
  async #take(arrivals: readonly Arrival[], { applier, assembly, incarnation }: Reading): Promise<void> {
    const { receiver } = this.#options
    let whole: Delivery[] = []
    let count = 0
    const flush = async () => {
      if (whole.length > 0) await applier.apply(whole, incarnation)
      whole = []
      count = 0
    }
    for (const { bytes, topic } of arrivals) {
      const table = this.#byTopic.get(topic)
      if (!table || this.#unshared.has(topic)) continue
      const shipment = parseShipment(bytes)
      if (!shipment) {
        this.#refuse('not a shipment')
        continue
      }
      const { after, entries, state } = shipment
      if (shipment.incarnation !== incarnation) throw new Restart('another incarnation')
      if (state) {
        await flush()
        if (after !== undefined) applier.checkPlace(receiver.position(table), after)
        if (nameOf(state) === nameOf(table)) await receiver.adopt(state)
        continue
      }
      whole.push(...assembly.add({ table, entries, after }))
      for (const { keys, records } of entries) count += Math.max(keys.length, records.length)
      if (count >= ENTRIES_PER_TRANSACTION) await flush()
    }
    assembly.awaitRest()
    await flush()
  }

  #strange(): Problem {
    this.#refuse('an answer of a wrong shape')
    return new Problem('node_answer_refused', { node: this.#options.peer })
  }

  #refuse(reason: string): void {
    this.#refused++
    this.#options.log.warn({ peer: this.#options.peer, reason }, 'refused a message between nodes')
  }
}
