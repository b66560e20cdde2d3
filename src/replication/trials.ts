import { Problem } from '../lib/index.js'
import type { Json, Mesh } from '../mesh/index.js'
import type { Storage } from '../storage/index.js'
import type { AgreementLock } from './agreement-lock.js'
import type { Remembered } from './peers.js'
import { checkTables, type Stored, type StoredIn, storeAgreement } from './stored-agreement.js'
import { type Following, followDrops } from './table-drops.js'
import type { Made, TableMaker } from './table-maker.js'
import { isTableState, type TableName, type TableState } from './wire.js'
import { isWanted, published, type Wanted } from './wish.js'

/** An agreement that another node has asked for. */
export interface Trial extends Pick<Stored, 'wanted' | 'description' | 'at'> {
  id: string
  replace: boolean
  made: Made[]
  /** What held before; undefined while it only is prepared. */
  before: Remembered | undefined
}

/** What a node asks of another to prepare. */
export interface LinkRequest {
  id: string
  /** The tables, as the node that is asked sees them. */
  subscriptions: Wanted[]
  /** Tables as the node that asks knows them, for who lacks them. */
  states: TableState[]
  incarnation: string
  sequence: number
  /** Whether this is all that is shared with the node that asks. */
  replace: boolean
  /** When this was agreed on, by the hybrid time of the node that asks; older versions do not say. */
  at?: number
}

export interface TrialsOptions extends StoredIn, Following {
  mesh: Mesh
  storage: Storage
  lock: AgreementLock
  maker: TableMaker
  /** Resolves when inserts into these event tables, and those of all agreements, are kept for others. */
  keepEvents: (tables: readonly TableName[]) => Promise<void>
  /** Called when the subscriptions of a peer have changed. */
  changed: (peer: string) => Promise<void>
}

const SUBSCRIPTIONS_MAX = 10_000
/** How long an agreement may take that another node makes: then it has gone, or was lost. */
const TRIAL_MS = 30_000

/** Agreements that other nodes ask for: each is prepared first, then settled; and the last of each may be taken back. */
export class Trials {
  readonly #options: TrialsOptions
  /** By the node that has asked. */
  readonly #trials = new Map<string, Trial>()
  /** By the id of an agreement that came to nothing: tables made for it that are still to be dropped. */
  readonly #left = new Map<unknown, readonly Made[]>()

  constructor(options: TrialsOptions) {
    this.#options = options
    for (const [node, trial] of options.peers.trials) this.#trials.set(node, { ...trial })
    const serve = (method: string, run: (body: Json, from: string) => Promise<void>) =>
      options.mesh.requests.serve(method, async (body, from) => {
        await options.lock.inTurn(from, () => run(body, from))
        return null
      })
    serve('link', (body, from) => this.#prepare(body, from))
    serve('settle', (body, from) => this.#settle(body, from))
    serve('take_back', (body, from) => this.#takeBack(body, from))
  }

  /** The tables that other nodes have asked for. */
  *tables(): Generator<TableName> {
    for (const { wanted } of this.#trials.values()) yield* wanted
  }

  /** What we have to make is made now. */
  async #prepare(body: Json, from: string): Promise<void> {
    const { catalog, lock, maker, observe, tables } = this.#options
    if (!isLinkRequest(body)) {
      throw new Problem('invalid_request', { reason: 'The request to share tables has a wrong shape.' })
    }
    const { at = tables.clock.now(), id, incarnation, replace = false, sequence, states, subscriptions } = body
    observe(from, at)
    lock.hold(from, TRIAL_MS)
    const made: Made[] = []
    try {
      await followDrops(this.#options, from, states)
      await maker.make(states, made)
      checkTables(catalog, subscriptions)
    } catch (error) {
      this.#left.set(id, made)
      await this.#unmake(id).catch(() => {}) // who asks has it taken back
      lock.release(from)
      throw error
    }
    const description = { incarnation, sequence }
    this.#trials.set(from, { at, id, replace, made, description, wanted: subscriptions, before: undefined })
  }

  /** Every node is prepared: the agreement holds. */
  async #settle(body: Json, from: string): Promise<void> {
    const { changed, keepEvents, lock, mesh, peers, storage } = this.#options
    const trial = this.#trialOf(body, from)
    if (!trial || !lock.isHeldBy(from)) throw new Problem('agreement_gone', { node: mesh.nodeName })
    trial.before = peers.remembered(from)
    await keepEvents(published(trial.wanted))
    await storage.write((transaction) => {
      const key = mesh.requests.keyOf(from)
      if (!key) throw new Problem('node_removed', { node: from })
      storeAgreement(this.#options, transaction, { ...trial, node: from, publicKey: key.text }, trial.replace)
      // Whoever asked may not get the answer, and take back what a process behind this one has to put back.
      peers.putTrial(transaction, from, trial)
    })
    lock.release(from)
    await changed(from)
  }

  /** Some node could not: everything is put back. What fails of that can be asked for again. */
  async #takeBack(body: Json, from: string): Promise<void> {
    const trial = this.#trialOf(body, from)
    if (trial) await this.#restore(from, trial)
    await this.#unmake(idOf(body))
  }

  async #restore(from: string, trial: Trial): Promise<void> {
    const { changed, lock, peers, storage } = this.#options
    const { before, id, made } = trial
    // Not what has been agreed on, or ended, with that node since.
    if (before && peers.trials.get(from)?.id === id) {
      await storage.write((transaction) => {
        peers.restore(transaction, this.#stillThere(before))
        peers.putTrial(transaction, from, undefined)
      })
      trial.before = undefined
      await changed(from)
    }
    this.#trials.delete(from)
    lock.release(from)
    this.#left.set(id, made)
  }

  /** Drops what was made for an agreement that came to nothing. */
  async #unmake(id: unknown): Promise<void> {
    const made = this.#left.get(id)
    if (!made) return
    await this.#options.maker.unmake(made)
    this.#left.delete(id)
  }

  /** What was known of a peer, without tables that were dropped since. */
  #stillThere(before: Remembered): Remembered {
    const { peer } = before
    if (!peer) return before
    const isThere = ({ database, table }: TableName) => this.#options.catalog.find(database, table) !== undefined
    return { ...before, peer: { ...peer, subscriptions: peer.subscriptions.filter(isThere) } }
  }

  #trialOf(body: Json, from: string): Trial | undefined {
    const trial = this.#trials.get(from)
    return trial?.id === idOf(body) ? trial : undefined
  }
}

function idOf(body: Json): unknown {
  return (body as { id?: unknown } | null)?.id
}

/** Older versions leave out what has a default. */
type SentLinkRequest = Omit<LinkRequest, 'replace'> & Partial<Pick<LinkRequest, 'replace'>>

function isLinkRequest(value: unknown): value is SentLinkRequest {
  const { at = 0, id, incarnation, sequence, states, subscriptions } = (value ?? {}) as Record<string, unknown>
  if (typeof incarnation !== 'string' || typeof id !== 'string') return false
  if (!Number.isFinite(at) || !Number.isSafeInteger(sequence)) return false
  if (!Array.isArray(states) || !states.every(isTableState)) return false
  return Array.isArray(subscriptions) && subscriptions.length <= SUBSCRIPTIONS_MAX && subscriptions.every(isWanted)
}
