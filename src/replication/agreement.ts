import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Catalog } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import type { Json, Log, Mesh } from '../mesh/index.js'
import type { Receipt, Storage, WriteTransaction } from '../storage/index.js'
import type { Tables } from '../tables/index.js'
import { AgreementLock } from './agreement-lock.js'
import { type CopyPreview, previewCopies } from './copy-preview.js'
import type { SharedEvents } from './event-outbox.js'
import type { Observe } from './observer.js'
import type { Begun, PeerStore, Remembered, Subscription } from './peers.js'
import { type ReceiptOf, Removal } from './removal.js'
import { followDrop } from './table-drops.js'
import { type Made, TableMaker } from './table-maker.js'
import { stateOf } from './table-state.js'
import { type Description, isDescription, isTableState, nameOf, type TableName, type TableState } from './wire.js'
import { bare, beginning, isWanted, merged, objection, published, subscriptionOf, type Wanted } from './wish.js'

export interface Skipped extends Subscription {
  reason: string
}

export interface Agreed {
  done: Subscription[]
  skipped: Skipped[]
  preview?: CopyPreview[]
}

export interface AgreementOptions {
  mesh: Mesh
  peers: PeerStore
  catalog: Catalog
  tables: Tables
  storage: Storage
  events: SharedEvents
  dropTable: (database: string, table: string) => Promise<void>
  log: Log
  incarnation: string
  /** Takes note of a time of another node. @throws Problem clock_ahead */
  observe: Observe
  /** Resolves when inserts into these event tables, and those of all agreements, are kept for others. */
  keepEvents: (tables: readonly TableName[]) => Promise<void>
  /** Called when the subscriptions of a peer have changed. */
  changed: (peer: string) => Promise<void>
  /** Lets removed nodes make their links again, or keeps them out. */
  admit: (removed: boolean) => Promise<void>
  /** Called when a peer was removed. */
  removed: (peer: string) => Promise<void>
  /** Aborts when the node stops. */
  signal: AbortSignal
}

interface LinkRequest {
  subscriptions: Wanted[]
  states: TableState[]
  incarnation: string
  sequence: number
  /** When this was agreed on, by the hybrid time of the node that asks; older versions do not say. */
  at?: number
}

/** What is remembered of an agreement. */
interface Stored {
  node: string
  publicKey: string
  wanted: Wanted[]
  /** Where the other node's log was when it was asked. */
  description: Pick<Description, 'incarnation' | 'sequence'>
  /** The same on both nodes: later than every drop before it, and earlier than every one behind it. */
  at: number
}

/** A checked wish, with what both sides know of the tables. */
interface Plan extends Omit<Stored, 'at'> {
  skipped: Skipped[]
  states: Map<string, TableState>
}

/** An agreement that another node has asked for. */
export interface Trial extends Pick<Stored, 'wanted' | 'description' | 'at'> {
  id: string
  replace: boolean
  made: Made[]
  /** What held before; undefined while it only is prepared. */
  before: Remembered | undefined
}

const SUBSCRIPTIONS_MAX = 10_000
const ADMIT_RETRY_MS = 250
/** How long an agreement may take that another node makes: then it has gone, or was lost. */
const TRIAL_MS = 30_000
/** Between tries to take back what could not be taken back: a time that doubles, and when it is given up. */
const TAKE_BACK_MS = { first: 500, last: 30_000, timeout: 5_000, most: 7 * 86_400_000 }
/** Two nodes that were in each other's way wait differently long. */
const BUSY_RETRY_MS = { least: 20, most: 250 }

/** Makes and ends agreements between this node and others on which tables go which way. Both sides remember them. */
export class Agreement {
  readonly removal: Removal
  readonly #options: AgreementOptions
  readonly #tables: TableMaker
  /** The last agreement that each node has asked for: it may be taken back. */
  readonly #trials = new Map<string, Trial>()
  /** Nodes for which the doors were opened to agree with them. */
  readonly #admitted = new Set<string>()
  /** Agreements are made one after the other. */
  #turn: Promise<void> = Promise.resolve()
  readonly #lock: AgreementLock

  constructor(options: AgreementOptions) {
    this.#options = options
    const lock = new AgreementLock(options.mesh.nodeName)
    this.#lock = lock
    this.removal = new Removal({ ...options, lock })
    for (const [node, trial] of options.peers.trials) this.#trials.set(node, { ...trial })
    this.#tables = new TableMaker({ ...options, isWanted: (table) => this.#isWanted(table) })
    const { requests } = options.mesh
    const serveInTurn = (method: string, run: (body: Json, from: string) => Promise<Json>) =>
      requests.serve(method, (body, from) => this.#lock.inTurn(from, () => run(body, from)))
    serveInTurn('link', (body, from) => this.#linked(body as unknown as LinkRequest, from))
    serveInTurn('settle', (body, from) => this.#settled(body, from))
    serveInTurn('take_back', (body, from) => this.#takenBack(body, from))
    for (const id of options.peers.begun.keys()) void this.#undo(id)
  }

  /**
   * Agrees with a node on tables; those not named stay as they are.
   * @throws Problem node_is_self, node_unreachable, node_silent, node_identity_changed, agreement_stuck
   */
  async share(
    node: string,
    wanted: readonly Wanted[],
    timeoutMs: number,
    { dryRun, receiptOf }: { dryRun: boolean; receiptOf: ReceiptOf<Agreed> },
  ): Promise<Agreed> {
    try {
      const plan = await this.#plan(node, wanted, timeoutMs, dryRun)
      const { skipped } = plan
      if (dryRun) return { done: plan.wanted, skipped, preview: await previewCopies(this.#options, plan, timeoutMs) }
      const agreed = agreedOf(plan)
      await this.#carryOut([plan], timeoutMs, false, receiptOf(agreed))
      return agreed
    } finally {
      await this.#shutOut([node])
    }
  }

  /**
   * Replaces all agreements by these. When one of the nodes cannot be asked, or refuses, everything stays as it was.
   * @throws Problem those of share
   */
  async configure(
    wishes: readonly { node: string; wanted: readonly Wanted[] }[],
    timeoutMs: number,
    receiptOf: ReceiptOf<ReadonlyMap<string, Agreed>>,
  ): Promise<ReadonlyMap<string, Agreed>> {
    try {
      const plans = []
      for (const { node, wanted } of wishes) plans.push(await this.#plan(node, wanted, timeoutMs))
      const agreed = new Map(plans.map((plan) => [plan.node, agreedOf(plan)]))
      await this.#carryOut(plans, timeoutMs, true, receiptOf(agreed))
      return agreed
    } finally {
      await this.#shutOut(wishes.map(({ node }) => node))
    }
  }

  /** Asks the node what it has, and sorts out what cannot be. */
  async #plan(node: string, wanted: readonly Wanted[], timeoutMs: number, dryRun = false): Promise<Plan> {
    const { catalog, mesh, peers } = this.#options
    if (node === mesh.nodeName) throw new Problem('node_is_self', { node })
    // From the first removal on links are taken only from nodes that are known.
    const isKeptOut = peers.removed.size > 0 && !mesh.requests.keyOf(node)
    const publicKey = await (isKeptOut ? this.#admit(node, timeoutMs) : mesh.requests.hello(node, timeoutMs))
    const names = wanted.map(({ database, table }) => ({ database, table }))
    const description: unknown = await mesh.requests.ask(node, 'describe', { tables: names }, timeoutMs)
    if (!isDescription(description)) throw new Problem('node_answer_refused', { node })
    if (description.time !== undefined) this.#options.observe(node, description.time)
    if (!dryRun) await this.#followDrops(node, description.tables)
    const states = new Map(description.tables.map((state) => [nameOf(state), state]))
    const plan: Plan = { node, publicKey, wanted: [], skipped: [], description, states }
    for (const wish of wanted) {
      const here = catalog.find(wish.database, wish.table)
      const there = states.get(nameOf(wish))?.schema
      const reason = objection(wish, here, there)
      const { database, publish, subscribe, table } = wish
      if (reason === undefined) plan.wanted.push(wish)
      else plan.skipped.push({ database, table, publish, subscribe, reason })
    }
    return plan
  }

  /** Greets a node that was removed, or is new: its link may have to be made first. */
  async #admit(node: string, timeoutMs: number): Promise<string> {
    const { admit, mesh } = this.#options
    const until = Date.now() + timeoutMs
    this.#admitted.add(node)
    mesh.requests.forget(node)
    await admit(true)
    for (;;) {
      try {
        return await mesh.requests.hello(node, Math.max(100, until - Date.now()))
      } catch (error) {
        if (Date.now() + ADMIT_RETRY_MS >= until) throw error
        await delay(ADMIT_RETRY_MS)
      }
    }
  }

  /** Closes the doors again that were opened for nodes with which nothing was agreed: one that was removed stays out. */
  async #shutOut(nodes: readonly string[]): Promise<void> {
    const { admit, log, mesh, peers } = this.#options
    const left = nodes.filter((node) => this.#admitted.delete(node) && !peers.peers.has(node))
    if (left.length === 0) return
    for (const node of left) if (peers.removed.has(node)) mesh.requests.ban(node)
    await admit(false).catch((error: unknown) =>
      log.warn({ nodes: left, error: String(error) }, 'the doors could not be closed to nodes that did not come in'),
    )
  }

  /**
   * First every node, this one too, prepares what it has to; only then is it carried out. What fails is taken back
   * everywhere.
   * @param replace whether this is all that is shared, with these nodes and at all
   */
  async #carryOut(plans: readonly Plan[], timeoutMs: number, replace: boolean, receipt: Receipt): Promise<void> {
    const turn = this.#turn.then(() => this.#carryOutWhenFree(plans, timeoutMs, replace, receipt))
    this.#turn = turn.catch(() => undefined)
    await turn
  }

  /** Tries again while a node that is needed, this one or another, is at another agreement. */
  async #carryOutWhenFree(
    plans: readonly Plan[],
    timeoutMs: number,
    replace: boolean,
    receipt: Receipt,
  ): Promise<void> {
    const own = this.#options.mesh.nodeName
    for (const until = Date.now() + timeoutMs; ; ) {
      try {
        this.#lock.hold(own, Number.POSITIVE_INFINITY)
        return await this.#carryOutNow(plans, timeoutMs, replace, receipt)
      } catch (error) {
        const isBusy = error instanceof Problem && error.code === 'agreement_busy'
        if (!isBusy || Date.now() > until) throw error
      } finally {
        this.#lock.release(own)
      }
      await delay(BUSY_RETRY_MS.least + Math.random() * (BUSY_RETRY_MS.most - BUSY_RETRY_MS.least))
    }
  }

  async #carryOutNow(plans: readonly Plan[], timeoutMs: number, replace: boolean, receipt: Receipt): Promise<void> {
    const { changed, keepEvents, mesh, peers, removed, storage, tables } = this.#options
    const id = randomBytes(12).toString('base64url')
    const asked: string[] = []
    const made: Made[] = []
    const begun = { nodes: plans.map(({ node }) => node), made, since: Date.now() }
    const others = replace ? [...peers.peers.keys()].filter((name) => !plans.some(({ node }) => node === name)) : []
    try {
      for (const { states, wanted } of plans) {
        made.push(...(await this.#tables.make(wanted.map((wish) => states.get(nameOf(wish))))))
        this.#checkTables(wanted)
      }
      // Whoever is killed before it has stored what others have stored already takes it back there at the next start.
      await storage.write((transaction) => peers.putBegun(transaction, id, begun))
      const at = tables.clock.now()
      for (const plan of plans) {
        asked.push(plan.node)
        const request = { ...this.#requestOf(plan), at, replace, id }
        await mesh.requests.ask(plan.node, 'link', request as unknown as Json, timeoutMs)
      }
      for (const { node } of plans) await mesh.requests.ask(node, 'settle', { id }, timeoutMs)
      await keepEvents(plans.flatMap(({ wanted }) => published(wanted)))
      await storage.write((transaction) => {
        for (const plan of plans) this.#store(transaction, { ...plan, at }, replace)
        for (const name of others) peers.removePeer(transaction, name, false)
        // What these nodes have asked for before holds no longer as they asked for it.
        for (const { node } of plans) peers.putTrial(transaction, node, undefined)
        peers.putBegun(transaction, id, undefined)
        receipt.alongside(transaction)
      })
    } catch (error) {
      const stuck = await this.#takeBack(asked, id, timeoutMs)
      await this.#tables.unmake(made)
      await this.#noteStuck(id, { ...begun, nodes: stuck, made: [] })
      await keepEvents([]).catch(() => {}) // What is kept for nobody costs room, and the next agreement ends it.
      if (stuck.length === 0) throw error
      const reason = error instanceof Problem ? error.message : String(error)
      throw new Problem('agreement_stuck', { reason, nodes: stuck.join(', ') })
    }
    for (const { node } of plans) await changed(node)
    await Promise.all(
      others.map(async (name) => {
        await this.removal.sayGoodbye(name)
        await removed(name)
      }),
    )
  }

  /** Has nodes put back what an agreement has changed; answers those that could not be asked. */
  async #takeBack(nodes: readonly string[], id: string, timeoutMs: number): Promise<string[]> {
    const { requests } = this.#options.mesh
    const outcomes = await Promise.all(
      nodes.map((node) =>
        requests.ask(node, 'take_back', { id }, timeoutMs).then(
          () => undefined,
          () => node,
        ),
      ),
    )
    return outcomes.filter((node) => node !== undefined)
  }

  /** Remembers where an agreement could not be taken back, to do it when that is possible. */
  async #noteStuck(id: string, begun: Begun): Promise<void> {
    const { peers, storage } = this.#options
    const rest = begun.nodes.length > 0 ? begun : undefined
    if (!rest && !peers.begun.has(id)) return
    // What cannot be noted now stands there as it was begun: then all are asked again.
    await storage.write((transaction) => peers.putBegun(transaction, id, rest)).catch(() => {})
    if (peers.begun.has(id)) void this.#undo(id)
  }

  /** Takes an agreement back that was interrupted, here and where it was asked for, whenever these nodes are in reach. */
  async #undo(id: string): Promise<void> {
    const { log, signal } = this.#options
    for (let wait = TAKE_BACK_MS.first; ; wait = Math.min(wait * 2, TAKE_BACK_MS.last)) {
      await delay(wait, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      try {
        const left = await this.#undoNow(id)
        if (left === 0) return
      } catch (error) {
        log.warn({ error: String(error) }, 'an agreement that was interrupted could not be taken back; trying again')
      }
    }
  }

  /** Answers how many nodes could not be asked. */
  async #undoNow(id: string): Promise<number> {
    const { log, peers, storage } = this.#options
    const { made, nodes, since } = peers.begun.get(id)!
    if (made.length > 0) {
      // Not while another agreement is being made, which may need the same tables.
      const turn = this.#turn.then(() => this.#tables.unmake(made))
      this.#turn = turn.catch(() => undefined)
      await turn
    }
    const stuck = await this.#takeBack(nodes, id, TAKE_BACK_MS.timeout)
    const isOver = Date.now() - since > TAKE_BACK_MS.most
    const left = isOver ? [] : stuck.filter((node) => !peers.removed.has(node))
    const rest = left.length > 0 ? { made: [], nodes: left, since } : undefined
    await storage.write((transaction) => peers.putBegun(transaction, id, rest))
    if (stuck.length < nodes.length)
      log.info({ nodes: nodes.filter((node) => !stuck.includes(node)) }, 'took back an agreement that was interrupted')
    return left.length
  }

  #requestOf({ states, wanted }: Plan): LinkRequest {
    const { catalog, incarnation, peers, tables } = this.#options
    return {
      subscriptions: wanted.map((wish) => ({ ...wish, publish: wish.subscribe, subscribe: wish.publish })),
      // Of those that the other node lacks, and of those of which it may not have read yet that they were dropped.
      states: wanted
        .map((wish) => stateOf(catalog, peers, bare(wish)))
        .filter((state) => !states.get(nameOf(state))?.schema || state.droppedBefore !== undefined),
      incarnation,
      sequence: tables.changes.committed(),
    }
  }

  /** Remembers an agreement, and from where each table is read. */
  #store(transaction: WriteTransaction, agreed: Stored, replace: boolean): void {
    const { catalog, peers } = this.#options
    const { at, description, node, publicKey, wanted } = agreed
    // One may have been dropped while the nodes asked each other: who reads of it would read nothing else either.
    for (const { database, table } of wanted) catalog.draftTable(database, table)
    const old = peers.peers.get(node)
    const subscriptions = merged(replace ? [] : (old?.subscriptions ?? []), wanted, at)
    peers.putPeer(transaction, { name: node, publicKey, addedAt: old?.addedAt ?? Date.now(), subscriptions })
    if (peers.arrived(node) === undefined) peers.putArrived(transaction, node, this.#options.tables.changes.committed())
    for (const wish of wanted) {
      const known = peers.position(node, wish)
      const position = beginning(this.#reachable(wish), known, description.incarnation, description.sequence)
      if (position) peers.putPosition(transaction, node, bare(wish), position)
    }
  }

  /** The other side of carrying out: a node wants to agree with us on tables. What we have to make is made now. */
  async #linked(request: LinkRequest & { replace?: boolean; id?: string }, from: string): Promise<Json> {
    const { clock } = this.#options.tables
    const { at = clock.now(), id, incarnation, replace = false, sequence, states, subscriptions } = request ?? {}
    const right =
      Array.isArray(subscriptions) &&
      subscriptions.length <= SUBSCRIPTIONS_MAX &&
      subscriptions.every(isWanted) &&
      Array.isArray(states) &&
      states.every(isTableState) &&
      typeof incarnation === 'string' &&
      typeof id === 'string' &&
      Number.isFinite(at) &&
      Number.isSafeInteger(sequence)
    if (!right) throw new Problem('invalid_request', { reason: 'The request to share tables has a wrong shape.' })
    this.#options.observe(from, at)
    this.#lock.hold(from, TRIAL_MS)
    const made: Made[] = []
    try {
      await this.#followDrops(from, states)
      made.push(...(await this.#tables.make(states)))
      this.#checkTables(subscriptions)
    } catch (error) {
      await this.#tables.unmake(made)
      this.#lock.release(from)
      throw error
    }
    const description = { incarnation, sequence }
    this.#trials.set(from, { at, id, replace, made, description, wanted: subscriptions, before: undefined })
    return null
  }

  /** Every node is prepared: the agreement holds. */
  async #settled(body: Json, from: string): Promise<Json> {
    const { changed, keepEvents, mesh, peers, storage } = this.#options
    const trial = this.#trialOf(body, from)
    if (!trial || !this.#lock.isHeldBy(from)) throw new Problem('agreement_gone', { node: mesh.nodeName })
    trial.before = peers.remembered(from)
    await keepEvents(published(trial.wanted))
    await storage.write((transaction) => {
      const key = mesh.requests.keyOf(from)
      if (!key) throw new Problem('node_removed', { node: from })
      this.#store(transaction, { ...trial, node: from, publicKey: key.text }, trial.replace)
      // Whoever asked may not get the answer, and take back what a process behind this one has to put back.
      peers.putTrial(transaction, from, trial)
    })
    this.#lock.release(from)
    await changed(from)
    return null
  }

  /**
   * Drops tables of which a word of the other node has not been read yet: agreed on again they would pass for the new
   * ones, with all old records.
   */
  async #followDrops(node: string, states: readonly TableState[]): Promise<void> {
    for (const state of states) await followDrop(this.#options, node, state)
  }

  /** A table that was there when it was asked for may have gone since: one that is nowhere is not to be shared. */
  #checkTables(wanted: readonly TableName[]): void {
    for (const { database, table } of wanted) this.#options.catalog.table(database, table)
  }

  /** Some node could not: everything is put back. */
  async #takenBack(body: Json, from: string): Promise<Json> {
    const { changed, peers, storage } = this.#options
    const trial = this.#trialOf(body, from)
    if (!trial) return null
    const { before, made } = trial
    // Not what has been agreed on, or ended, with that node since.
    if (before && peers.trials.get(from)?.id === trial.id) {
      await storage.write((transaction) => {
        peers.restore(transaction, this.#stillThere(before))
        peers.putTrial(transaction, from, undefined)
      })
      trial.before = undefined
      await changed(from)
    }
    // Only now: what could not be stored can be asked for again.
    this.#trials.delete(from)
    this.#lock.release(from)
    await this.#tables.unmake(made)
    return null
  }

  /** What was known of a peer, without tables that were dropped since. */
  #stillThere(before: Remembered): Remembered {
    const { peer } = before
    if (!peer) return before
    const isThere = ({ database, table }: TableName) => this.#options.catalog.find(database, table) !== undefined
    return { ...before, peer: { ...peer, subscriptions: peer.subscriptions.filter(isThere) } }
  }

  /** Whether a table is part of an agreement, or of one that is being made. */
  #isWanted(table: TableName): boolean {
    const agreements: { subscriptions: readonly TableName[] }[] = [...this.#options.peers.peers.values()]
    for (const { wanted } of this.#trials.values()) agreements.push({ subscriptions: wanted })
    return agreements.some(({ subscriptions }) => subscriptions.some((one) => nameOf(one) === nameOf(table)))
  }

  #trialOf(body: Json, from: string): Trial | undefined {
    const trial = this.#trials.get(from)
    return trial?.id === (body as { id?: unknown } | null)?.id ? trial : undefined
  }

  /** The log has no events of before they were shared: an earlier start is a full copy. */
  #reachable(wish: Wanted): Wanted {
    const isEvents = this.#options.catalog.find(wish.database, wish.table)?.kind === 'events'
    return isEvents && wish.since !== undefined ? { ...wish, copy: true } : wish
  }
}

const agreedOf = ({ skipped, wanted }: Plan): Agreed => ({ done: wanted.map(subscriptionOf), skipped })
