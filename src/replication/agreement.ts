import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Catalog } from '../catalog/index.js'
import { Problem, Turns } from '../lib/index.js'
import type { Json, Log, Mesh } from '../mesh/index.js'
import type { Receipt, Storage } from '../storage/index.js'
import type { Tables } from '../tables/index.js'
import { AgreementLock } from './agreement-lock.js'
import { type CopyPreview, previewCopies } from './copy-preview.js'
import type { SharedEvents } from './event-outbox.js'
import { InterruptedAgreements } from './interrupted-agreements.js'
import type { Observe } from './observer.js'
import type { PeerStore, Subscription } from './peers.js'
import { type ReceiptOf, Removal } from './removal.js'
import { checkTables, type Stored, storeAgreement } from './stored-agreement.js'
import { followDrops } from './table-drops.js'
import { type Made, TableMaker } from './table-maker.js'
import { stateOf } from './table-state.js'
import { type LinkRequest, Trials } from './trials.js'
import { isDescription, isSameTable, nameOf, type TableName, type TableState } from './wire.js'
import { bare, objection, published, subscriptionOf, type Wanted } from './wish.js'

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

/** A checked wish, with what both sides know of the tables. */
interface Plan extends Omit<Stored, 'at'> {
  skipped: Skipped[]
  states: Map<string, TableState>
}

const ADMIT_RETRY_MS = 250
/** Two nodes that were in each other's way wait differently long. */
const BUSY_RETRY_MS = { least: 20, most: 250 }

/** Makes and ends agreements between this node and others on which tables go which way. Both sides remember them. */
export class Agreement {
  readonly removal: Removal
  readonly #options: AgreementOptions
  readonly #tables: TableMaker
  readonly #trials: Trials
  readonly #interrupted: InterruptedAgreements
  /** Nodes for which the doors were opened to agree with them. */
  readonly #admitted = new Set<string>()
  /** Agreements are made one after the other. */
  readonly #turns = new Turns()
  readonly #lock: AgreementLock

  constructor(options: AgreementOptions) {
    this.#options = options
    const lock = new AgreementLock(options.mesh.nodeName)
    this.#lock = lock
    this.removal = new Removal({ ...options, lock })
    this.#tables = new TableMaker({ ...options, isWanted: (table) => this.#isWanted(table) })
    this.#trials = new Trials({ ...options, lock, maker: this.#tables })
    const unmake = (made: readonly Made[]) => this.#inTurn(() => this.#tables.unmake(made))
    this.#interrupted = new InterruptedAgreements({ ...options, unmake })
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
    if (!dryRun) await followDrops(this.#options, node, description.tables)
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
    await this.#inTurn(() => this.#carryOutWhenFree(plans, timeoutMs, replace, receipt))
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    return this.#turns.take('agree', run)
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
    const { catalog, changed, keepEvents, mesh, peers, removed, storage, tables } = this.#options
    const id = randomBytes(12).toString('base64url')
    const asked: string[] = []
    const made: Made[] = []
    const begun = { nodes: plans.map(({ node }) => node), made, since: Date.now() }
    const others = replace ? [...peers.peers.keys()].filter((name) => !plans.some(({ node }) => node === name)) : []
    try {
      for (const { states, wanted } of plans) {
        const theirs = wanted.map((wish) => states.get(nameOf(wish)))
        await this.#tables.make(theirs, made)
        checkTables(catalog, wanted)
      }
      // Whoever is killed before it has stored what others have stored already takes it back there at the next start.
      await storage.write((transaction) => peers.putBegun(transaction, id, begun))
      const at = tables.clock.now()
      for (const plan of plans) {
        asked.push(plan.node)
        const request: LinkRequest = { ...this.#askedOf(plan), at, replace, id }
        await mesh.requests.ask(plan.node, 'link', request as unknown as Json, timeoutMs)
      }
      for (const { node } of plans) await mesh.requests.ask(node, 'settle', { id }, timeoutMs)
      await keepEvents(plans.flatMap(({ wanted }) => published(wanted)))
      await storage.write((transaction) => {
        for (const plan of plans) storeAgreement(this.#options, transaction, { ...plan, at }, replace)
        for (const name of others) peers.removePeer(transaction, name, false)
        // What these nodes have asked for before holds no longer as they asked for it.
        for (const { node } of plans) peers.putTrial(transaction, node, undefined)
        peers.putBegun(transaction, id, undefined)
        receipt.alongside(transaction)
      })
    } catch (error) {
      const stuck = await this.#interrupted.takeBack(asked, id, timeoutMs)
      const left = await this.#tables.unmake(made).then(
        () => [],
        () => made, // as on a full disk: it is tried again until it can be done
      )
      await this.#interrupted.note(id, { ...begun, nodes: stuck, made: left })
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

  #askedOf({ states, wanted }: Plan): Omit<LinkRequest, 'at' | 'replace' | 'id'> {
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

  /** Whether a table is part of an agreement, or of one that is being made. */
  #isWanted(table: TableName): boolean {
    const agreed = [...this.#options.peers.peers.values()].flatMap(({ subscriptions }) => subscriptions)
    return [...agreed, ...this.#trials.tables()].some((one) => isSameTable(one, table))
  }
}

const agreedOf = ({ skipped, wanted }: Plan): Agreed => ({ done: wanted.map(subscriptionOf), skipped })
