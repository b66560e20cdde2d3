import { setTimeout as delay } from 'node:timers/promises'
import type { Catalog, TableDefinition } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import type { Json, Mesh } from '../mesh/index.js'
import type { Storage } from '../storage/index.js'
import type { Tables } from '../tables/index.js'
import { EventComparison } from './event-comparison.js'
import type { SharedEvents } from './event-outbox.js'
import type { PeerStore, Position, Subscription } from './peers.js'
import { definitionOf } from './receiver.js'
import { stateOf } from './served.js'
import type { Description } from './subscriber.js'
import { isCopyPage, isTableName, nameOf, type TableName, type TableState } from './wire.js'

/** A subscription as it is asked for. */
export interface Wanted extends Subscription {
  /** Catch up from changes of this time on, in milliseconds since 1970; left out: from now on. */
  since?: number
  /** Begin with a full copy, merged by version. */
  copy?: boolean
}

export interface Skipped extends Subscription {
  reason: string
}

/** What a full copy would do here. */
export interface CopyPreview extends TableName {
  /** Rows that would come or change. */
  rows: number
  /** Rows that are the same. */
  known: number
  /** Rows of which a later version is here, and stays. */
  kept: number
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
  incarnation: string
  /** Called when the subscriptions of a peer have changed. */
  changed: (peer: string) => Promise<void>
  /** Lets removed nodes make their links again, or keeps them out. */
  admit: (removed: boolean) => Promise<void>
  /** Called when a peer was removed. */
  removed: (peer: string) => Promise<void>
}

interface LinkRequest {
  subscriptions: Wanted[]
  states: TableState[]
  incarnation: string
  sequence: number
}

/** A checked wish, with what both sides know of the tables. */
interface Plan {
  node: string
  publicKey: string
  wanted: Wanted[]
  skipped: Skipped[]
  description: Description
  states: Map<string, TableState>
}

const SUBSCRIPTIONS_MAX = 10_000
const GOODBYE_MS = 2_000
const READMIT_RETRY_MS = 250

/** Makes and ends agreements between this node and others on which tables go which way. Both sides remember them. */
export class Agreement {
  readonly #options: AgreementOptions

  constructor(options: AgreementOptions) {
    this.#options = options
    const { requests } = options.mesh
    requests.serve('link', async (body, from) => await this.#linked(body as unknown as LinkRequest, from))
    requests.serve('unlink', async (_, from) => await this.#unlinked(from))
  }

  /**
   * Agrees with a node on tables; those not named stay as they are.
   * @throws Problem node_is_self, node_unreachable, node_silent, node_identity_changed
   */
  async share(node: string, wanted: readonly Wanted[], timeoutMs: number, dryRun = false): Promise<Agreed> {
    const plan = await this.#plan(node, wanted, timeoutMs)
    const { skipped } = plan
    if (dryRun) return { done: plan.wanted, skipped, preview: await this.#preview(plan, timeoutMs) }
    return await this.#carryOut(plan, timeoutMs, false)
  }

  /** Replaces all agreements by these. Nothing is changed when one of the nodes cannot be asked. */
  async configure(
    wishes: readonly { node: string; wanted: readonly Wanted[] }[],
    timeoutMs: number,
  ): Promise<Map<string, Agreed>> {
    const plans = []
    for (const { node, wanted } of wishes) plans.push(await this.#plan(node, wanted, timeoutMs))
    const answers = new Map<string, Agreed>()
    for (const plan of plans) answers.set(plan.node, await this.#carryOut(plan, timeoutMs, true))
    for (const name of [...this.#options.peers.peers.keys()]) if (!answers.has(name)) await this.#leave(name, false)
    return answers
  }

  /** Ends all sharing with a node, at once, whether it answers or not. @throws Problem peer_unknown */
  async remove(node: string): Promise<void> {
    if (!this.#options.peers.peers.has(node)) throw new Problem('peer_unknown', { node })
    await this.#leave(node, true)
  }

  async #leave(node: string, unwelcome: boolean): Promise<void> {
    const { mesh, peers, removed, storage } = this.#options
    const goodbye = mesh.requests.ask(node, 'unlink', null, GOODBYE_MS).catch(() => {})
    if (!unwelcome) await goodbye
    await Promise.race([goodbye, new Promise((resolve) => setTimeout(resolve, 200))])
    await storage.write((transaction) => peers.removePeer(transaction, node, unwelcome))
    if (unwelcome) mesh.requests.ban(node)
    await removed(node)
  }

  /** Asks the node what it has, and sorts out what cannot be. */
  async #plan(node: string, wanted: readonly Wanted[], timeoutMs: number): Promise<Plan> {
    const { catalog, mesh, peers } = this.#options
    if (node === mesh.nodeName) throw new Problem('node_is_self', { node })
    const publicKey = await (peers.removed.has(node)
      ? this.#readmit(node, timeoutMs)
      : mesh.requests.hello(node, timeoutMs))
    const names = wanted.map(({ database, table }) => ({ database, table }))
    const description = (await mesh.requests.ask(
      node,
      'describe',
      { tables: names },
      timeoutMs,
    )) as unknown as Description
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

  /** Greets a node that was removed: its link may have to be made again first. */
  async #readmit(node: string, timeoutMs: number): Promise<string> {
    const { admit, mesh } = this.#options
    const until = Date.now() + timeoutMs
    mesh.requests.forget(node)
    await admit(true)
    for (;;) {
      try {
        return await mesh.requests.hello(node, Math.max(100, until - Date.now()))
      } catch (error) {
        if (Date.now() + READMIT_RETRY_MS < until) await delay(READMIT_RETRY_MS)
        else {
          mesh.requests.ban(node)
          await admit(false)
          throw error
        }
      }
    }
  }

  async #carryOut(plan: Plan, timeoutMs: number, replace: boolean): Promise<Agreed> {
    const { catalog, changed, incarnation, mesh, peers, storage, tables } = this.#options
    const { description, node, publicKey, skipped, states, wanted } = plan
    for (const wish of wanted) this.#checkState(states.get(nameOf(wish)))
    for (const wish of wanted) await this.#makeTable(states.get(nameOf(wish)))
    const request: LinkRequest = {
      subscriptions: wanted.map((wish) => ({ ...wish, publish: wish.subscribe, subscribe: wish.publish })),
      states: wanted
        .filter((wish) => !states.get(nameOf(wish))?.schema)
        .map((wish) => stateOf(catalog, peers, bare(wish))),
      incarnation,
      sequence: tables.changes.committed(),
    }
    await mesh.requests.ask(node, 'link', { ...request, replace } as unknown as Json, timeoutMs)
    await storage.write((transaction) => {
      const old = peers.peers.get(node)
      const subscriptions = merged(replace ? [] : (old?.subscriptions ?? []), wanted)
      peers.putPeer(transaction, { name: node, publicKey, addedAt: old?.addedAt ?? Date.now(), subscriptions })
      for (const wish of wanted) {
        const known = peers.position(node, wish)
        const position = beginning(this.#reachable(wish), known, description.incarnation, description.sequence)
        if (position) peers.putPosition(transaction, node, bare(wish), position)
      }
    })
    await changed(node)
    return { done: wanted.map(subscriptionOf), skipped }
  }

  /** The other side of carrying out: a node has agreed with its user on tables with us. */
  async #linked(request: LinkRequest & { replace?: boolean }, from: string): Promise<Json> {
    const { changed, mesh, peers, storage } = this.#options
    const { incarnation, replace = false, sequence, states, subscriptions } = request ?? {}
    const right =
      Array.isArray(subscriptions) &&
      subscriptions.length <= SUBSCRIPTIONS_MAX &&
      subscriptions.every(isWanted) &&
      Array.isArray(states) &&
      states.every(isTableName) &&
      typeof incarnation === 'string' &&
      Number.isSafeInteger(sequence)
    if (!right) throw new Problem('invalid_request', { reason: 'The request to share tables has a wrong shape.' })
    for (const state of states) await this.#makeTable(state)
    await storage.write((transaction) => {
      const old = peers.peers.get(from)
      const publicKey = mesh.requests.keyOf(from)!.text
      const all = merged(replace ? [] : (old?.subscriptions ?? []), subscriptions)
      peers.putPeer(transaction, { name: from, publicKey, addedAt: old?.addedAt ?? Date.now(), subscriptions: all })
      for (const wish of subscriptions) {
        const position = beginning(this.#reachable(wish), peers.position(from, wish), incarnation, sequence)
        if (position) peers.putPosition(transaction, from, bare(wish), position)
      }
    })
    await changed(from)
    return null
  }

  async #unlinked(from: string): Promise<Json> {
    const { peers, removed, storage } = this.#options
    if (!peers.peers.has(from)) return null
    await storage.write((transaction) => peers.removePeer(transaction, from, false))
    // The answer leaves before the subscriber, which waits for its own requests, is ended.
    void removed(from)
    return null
  }

  /** The log has no events of before they were shared: an earlier start is a full copy. */
  #reachable(wish: Wanted): Wanted {
    const isEvents = this.#options.catalog.find(wish.database, wish.table)?.kind === 'events'
    return isEvents && wish.since !== undefined ? { ...wish, copy: true } : wish
  }

  #checkState(state: TableState | undefined): void {
    if (state?.schema && !Array.isArray(state.schema.columns)) throw new Problem('node_answer_refused', { node: '' })
  }

  /** Makes a table that the other side has and this one has not. */
  async #makeTable(state: TableState | undefined): Promise<void> {
    const { catalog } = this.#options
    if (!state?.schema || catalog.find(state.database, state.table)) return
    const { columns, dynamic, foreignKeys, kind, options, primaryKey } = state.schema
    const typed = columns.map(definitionOf)
    const definition: TableDefinition = {
      database: state.database,
      table: state.table,
      kind,
      primaryKey,
      options,
      ...(dynamic ? {} : { columns: typed }),
      foreignKeys: foreignKeys
        .filter(({ table }) => table === state.table || catalog.find(state.database, table))
        .map(({ column, onDelete, onUpdate, references, table }) => ({
          column,
          table,
          references,
          on_delete: onDelete,
          on_update: onUpdate,
        })),
    }
    await catalog.createTable(definition)
  }

  /** Reads what a copy would bring, and counts. */
  async #preview({ node, states, wanted }: Plan, timeoutMs: number): Promise<CopyPreview[]> {
    const { catalog, events, mesh, tables } = this.#options
    const previews: CopyPreview[] = []
    for (const { database, subscribe, table } of wanted) {
      if (!subscribe) continue
      const schema = catalog.find(database, table)
      const preview = { database, table, rows: 0, known: 0, kept: 0 }
      const there = states.get(nameOf({ database, table }))?.schema
      if (there?.kind === 'events') {
        const comparison = new EventComparison({
          mesh,
          events,
          node,
          table: { database, table },
          schema,
          timeoutMs,
          preview: true,
        })
        previews.push({ ...preview, ...(await comparison.preview()) })
        continue
      }
      for (let cursor: string | undefined, more = there !== undefined; more; ) {
        const asked = { database, table, preview: true, ...(cursor === undefined ? {} : { cursor }) }
        const page: unknown = await mesh.requests.ask(node, 'copy', asked, timeoutMs)
        if (!isCopyPage(page)) throw new Problem('node_answer_refused', { node })
        for (const row of page.rows) {
          const outcome = schema ? tables.replica.judge(schema, row) : 'applied'
          preview[outcome === 'applied' ? 'rows' : outcome === 'known' ? 'known' : 'kept']++
        }
        cursor = page.cursor
        more = cursor !== undefined
      }
      previews.push(preview)
    }
    return previews
  }
}

const bare = ({ database, table }: TableName): TableName => ({ database, table })

const subscriptionOf = ({ database, publish, subscribe, table }: Wanted): Subscription => ({
  database,
  table,
  publish,
  subscribe,
})

const isWanted = (value: unknown): value is Wanted =>
  isTableName(value) &&
  typeof (value as Wanted).publish === 'boolean' &&
  typeof (value as Wanted).subscribe === 'boolean' &&
  ((value as Wanted).since === undefined || typeof (value as Wanted).since === 'number')

/** Why a table cannot be shared; undefined when it can. */
function objection(
  { database, table }: Wanted,
  here: TableState['schema'],
  there: TableState['schema'],
): string | undefined {
  if (!here && !there) return `'${database}.${table}' exists on neither node; create it on one of them.`
  if (here && there && (here.kind !== there.kind || here.primaryKey !== there.primaryKey)) {
    return `'${database}.${table}' has another kind or primary key on the other node: '${there.primaryKey}' there, '${here.primaryKey}' here.`
  }
  const isSame = (option: string) => JSON.stringify(here?.options[option]) === JSON.stringify(there?.options[option])
  if (here && there && !(isSame('z_order') && isSame('fold_case'))) {
    return `'${database}.${table}' has another z_order or fold_case on the other node: its events would not be the same there.`
  }
  return undefined
}

/** The old subscriptions with the new ones in their place; those that go no way are left out. */
function merged(old: readonly Subscription[], wanted: readonly Wanted[]): Subscription[] {
  const all = new Map(old.map((one) => [nameOf(one), one]))
  for (const wish of wanted) all.set(nameOf(wish), subscriptionOf(wish))
  return [...all.values()].filter(({ publish, subscribe }) => publish || subscribe)
}

/** Where reading begins; undefined when it goes on where it is, or does not begin at all. */
function beginning(
  { copy, since, subscribe }: Wanted,
  known: Position | undefined,
  incarnation: string,
  sequence: number,
): Position | undefined {
  if (!subscribe) return undefined
  const zero = { time: 0, at: 0, conflicts: known?.conflicts ?? 0 }
  if (copy) return { ...zero, incarnation: '', sequence: 0, copy: { reason: 'asked for', rows: 0 } }
  if (since !== undefined) return { ...zero, incarnation, sequence: 0, since }
  return known ? undefined : { ...zero, incarnation, sequence }
}
