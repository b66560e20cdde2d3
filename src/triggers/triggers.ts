import { Leftovers, nearest, Problem, Turns } from '../lib/index.js'
import type { EventMetrics, TriggerLoad } from '../metrics/index.js'
import type { Program } from '../pyql/index.js'
import type { Receipt, Storage, WriteTransaction } from '../storage/index.js'
import { Delivery } from './delivery.js'
import type { Letter } from './message.js'
import { type LiveTrigger, onInsert, Reactor } from './reactor.js'
import type { TriggersSettings, WebhooksSettings } from './settings.js'
import type { TriggerSource } from './source.js'
import { TriggerStore } from './store.js'
import type { Subscriber, Subscription, Trigger, TriggerView } from './trigger.js'
import { post, type Target } from './webhook.js'

export interface TriggersOptions {
  readonly storage: Storage
  readonly source: TriggerSource
  readonly settings: TriggersSettings
  readonly webhooks: WebhooksSettings
  readonly metrics: EventMetrics
  /** Told what the background could not do; it is tried again. */
  readonly onError: (error: unknown) => void
  /** Told what scripts say with log(). */
  readonly onLog: (lines: readonly string[]) => void
}

/** Turns what a change has found out into what goes into its transaction: the answer for a repeat. */
type Settle<Outcome> = (outcome: Outcome) => Receipt

const noReceipt = (): Receipt => ({ alongside: () => {} })

/** Where a trigger is. */
export interface TriggerPlace {
  readonly database: string
  readonly table: string
  readonly trigger: string
}

export interface SubscribeRequest {
  readonly subscriber: string
  readonly host: string
  readonly port: number
  readonly path: string
  readonly tls: boolean
  readonly retention?: number
  /** Null: the messages are not signed any more; undefined: as they are now. */
  readonly secret?: string | null
}

/** The triggers of all event tables, and their subscribers. */
export class Triggers implements AsyncDisposable {
  readonly #options: TriggersOptions
  readonly #store: TriggerStore
  readonly #triggers = new Map<number, LiveTrigger>()
  readonly #deliveries = new Map<number, Delivery>()
  readonly #reactor: Reactor
  /** Changes of the triggers of a table and their subscribers go one by one. */
  readonly #turns = new Turns()
  readonly #leftovers = new Leftovers()

  private constructor(options: TriggersOptions) {
    this.#options = options
    this.#store = new TriggerStore(options.storage)
    const all = () => [...this.#triggers.values()]
    this.#reactor = new Reactor({
      ...{
        source: options.source,
        store: this.#store,
        settings: options.settings,
        onError: options.onError,
        onLog: options.onLog,
      },
      messageCharactersMax: options.webhooks.message_characters_max,
      triggersOf: (tableId) => all().filter(({ trigger }) => trigger.tableId === tableId),
      triggerOf: (id) => this.#triggers.get(id),
      programOf: (live) => this.#programOf(live),
      send: (transaction, trigger, message) => {
        for (const delivery of this.#deliveriesOf(trigger)) delivery.add(transaction, message)
      },
      sent: (transaction) => {
        for (const delivery of this.#deliveries.values()) delivery.trimDead(transaction)
      },
    })
  }

  /** Goes on with what the last process has left. */
  static async open(options: TriggersOptions): Promise<Triggers> {
    const triggers = new Triggers(options)
    await triggers.#load()
    return triggers
  }

  async #load(): Promise<void> {
    const { source } = this.#options
    const { triggers, subscriptions } = this.#store.all()
    for (const trigger of triggers) {
      const { database, table, tableId, id } = trigger
      if (!source.isTable(database, table, tableId)) {
        const own = subscriptions.filter((one) => one.trigger === id)
        await this.#leftovers.remove(() => this.#store.write((transaction) => this.#remove(transaction, trigger, own)))
        continue
      }
      this.#triggers.set(id, { trigger, failures: 0, lastFailure: undefined })
      for (const one of subscriptions) if (one.trigger === id) this.#deliver(trigger, one)
      await source.watch(database, table, true)
    }
    for (const { trigger } of this.#triggers.values()) this.#reactor.look(trigger.tableId)
  }

  /** A column that the script names may be gone: the trigger rests, and says why, until it gets another script. */
  #programOf(live: LiveTrigger, counts = true): Program | undefined {
    const { database, table, script } = live.trigger
    try {
      return this.#options.source.compile(database, table, script)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      if (counts) live.failures++
      const { line } = error.more
      live.lastFailure = line === undefined ? error.message : `Line ${line}: ${error.message}`
      return undefined
    }
  }

  /** Makes a trigger, or gives the one that there is another script. Whether it is new. */
  async create(
    { database, table, trigger: name }: TriggerPlace,
    script: string,
    settle: Settle<boolean> = noReceipt,
  ): Promise<boolean> {
    const { source } = this.#options
    const tableId = source.tableId(database, table)
    const program = source.compile(database, table, script)
    if (!program.functions.includes(onInsert)) {
      throw new Problem('script_invalid', { reason: `A trigger has a function without parameters: def ${onInsert}():` })
    }
    return await this.#turn(tableId, async () => {
      // It may be gone by now.
      if (!source.isTable(database, table, tableId)) throw new Problem('table_not_found', { database, table })
      return await this.#put({ database, table, tableId, name, script }, settle)
    })
  }

  async #put(definition: Omit<Trigger, 'id' | 'createdAt'>, settle: Settle<boolean>): Promise<boolean> {
    const { source, settings } = this.#options
    const { database, table, tableId, name } = definition
    const known = this.#find(tableId, name)
    if (!known && this.#triggers.size >= settings.triggers_max) {
      throw new Problem('triggers_too_many', { limit: settings.triggers_max })
    }
    const trigger = await this.#store.write((transaction): Trigger => {
      const created = { id: known?.trigger.id ?? this.#store.nextId(transaction), createdAt: Date.now() }
      const made = { ...definition, ...created }
      this.#store.put(transaction, made)
      settle(!known).alongside(transaction)
      return made
    })
    this.#triggers.set(trigger.id, { trigger, failures: 0, lastFailure: undefined })
    await source.watch(database, table, true)
    return !known
  }

  /** `whole`: with the paths of its web-hooks. */
  describe(place: TriggerPlace, whole: boolean): TriggerView {
    return this.#view(this.#get(place), whole)
  }

  list(database: string, table: string, whole: boolean): TriggerView[] {
    const tableId = this.#options.source.tableId(database, table)
    const own = [...this.#triggers.values()].filter(({ trigger }) => trigger.tableId === tableId)
    return own.map((live) => this.#view(live, whole)).sort((a, b) => (a.reevent < b.reevent ? -1 : 1))
  }

  #view(live: LiveTrigger, whole: boolean): TriggerView {
    const functions = [...(this.#programOf(live, false)?.functions ?? [])]
    const { trigger, failures, lastFailure } = live
    return {
      ...{ table: trigger.table, reevent: trigger.name, script: trigger.script, functions },
      created_at: new Date(trigger.createdAt).toISOString(),
      failures,
      ...(lastFailure !== undefined && { last_failure: lastFailure }),
      subscribers: this.#deliveriesOf(trigger.id).map((delivery) => this.#subscriberView(delivery, whole)),
    }
  }

  #subscriberView(delivery: Delivery, whole: boolean): Subscriber {
    const { name, host, port, path, tls, retentionMs, secret } = delivery.subscription
    return {
      ...{ sub: name, host, port, ...(whole && { path }), tls, retention: retentionMs, signed: secret !== undefined },
      waiting: delivery.waiting,
      dead_letters: delivery.deadLetters,
      failures: delivery.failures,
      ...(delivery.lastFailure !== undefined && { last_failure: delivery.lastFailure }),
    }
  }

  async drop(place: TriggerPlace, receipt?: Receipt): Promise<void> {
    await this.#turn(this.#get(place).trigger.tableId, async () => {
      const { trigger } = this.#get(place)
      await this.#forget(trigger, receipt)
      const more = [...this.#triggers.values()].some((live) => live.trigger.tableId === trigger.tableId)
      if (!more) await this.#options.source.watch(trigger.database, trigger.table, false)
    })
  }

  /** Forgets the triggers of a table that was dropped, without space for that as soon as there is some. */
  async tableDropped(tableId: number): Promise<void> {
    await this.#leftovers.remove(() =>
      this.#turn(tableId, async () => {
        for (const { trigger } of [...this.#triggers.values()]) {
          if (trigger.tableId === tableId) await this.#forget(trigger)
        }
      }),
    )
  }

  async #forget(trigger: Trigger, receipt?: Receipt): Promise<void> {
    const deliveries = this.#deliveriesOf(trigger.id)
    await this.#store.write((transaction) => {
      const subscriptions = deliveries.map(({ subscription }) => subscription)
      this.#remove(transaction, trigger, subscriptions)
      takeOut(transaction, this.#triggers, trigger.id)
      for (const { id } of subscriptions) takeOut(transaction, this.#deliveries, id)
      receipt?.alongside(transaction)
    })
    for (const delivery of deliveries) await delivery[Symbol.asyncDispose]()
  }

  #remove(transaction: WriteTransaction, trigger: Trigger, subscriptions: readonly Subscription[]): void {
    this.#store.remove(transaction, trigger)
    for (const subscription of subscriptions) this.#store.removeSubscription(transaction, subscription)
  }

  /**
   * Sends a trigger's messages to a web-hook from now on, or changes where they go. The hook is called once, without
   * messages, and must answer 2xx. Whether the subscriber is new.
   */
  async subscribe(
    place: TriggerPlace,
    request: SubscribeRequest,
    settle: Settle<boolean> = noReceipt,
  ): Promise<boolean> {
    const { trigger } = this.#get(place)
    const known = this.#deliveryOf(trigger.id, request.subscriber)
    const target = targetOf(request, known?.subscription)
    await post(target, { id: `msg_test_${Date.now()}`, body: { events: [] } }, this.#options.webhooks)
    // Hooks take their time: the trigger may be gone by now, or another one.
    return await this.#turn(trigger.tableId, () => this.#putSubscription(this.#get(place).trigger, request, settle))
  }

  async #putSubscription(trigger: Trigger, request: SubscribeRequest, settle: Settle<boolean>): Promise<boolean> {
    const { webhooks, settings } = this.#options
    const { subscriber: name, retention } = request
    const known = this.#deliveryOf(trigger.id, name)
    if (!known && this.#deliveriesOf(trigger.id).length >= settings.subscribers_max) {
      throw new Problem('subscribers_too_many', { limit: settings.subscribers_max })
    }
    const subscription = await this.#store.write((transaction): Subscription => {
      const id = known?.subscription.id ?? this.#store.nextId(transaction)
      const retentionMs = retention ?? webhooks.retention_ms
      const made = { id, trigger: trigger.id, name, retentionMs, ...targetOf(request, known?.subscription) }
      this.#store.putSubscription(transaction, made)
      settle(!known).alongside(transaction)
      return made
    })
    if (known) known.readdress(subscription)
    else this.#deliver(trigger, subscription)
    return !known
  }

  async unsubscribe(place: TriggerPlace, subscriber: string, receipt?: Receipt): Promise<void> {
    await this.#turn(this.#get(place).trigger.tableId, async () => {
      const delivery = this.#delivery(place, subscriber)
      const { subscription } = delivery
      await this.#store.write((transaction) => {
        this.#store.removeSubscription(transaction, subscription)
        takeOut(transaction, this.#deliveries, subscription.id)
        receipt?.alongside(transaction)
      })
      await delivery[Symbol.asyncDispose]()
    })
  }

  /** Messages that were given up, the oldest first. */
  deadLetters(place: TriggerPlace, subscriber: string, most: number, from = 0): Letter[] {
    return this.#store.letters('dead', this.#delivery(place, subscriber).subscription.id, most, from)
  }

  /** Puts dead letters behind the queue again; how many. */
  async resend(
    place: TriggerPlace,
    subscriber: string,
    most: number,
    settle: Settle<number> = noReceipt,
  ): Promise<number> {
    return this.#delivery(place, subscriber).revive(most, (transaction, count) => settle(count).alongside(transaction))
  }

  /** What waits, for the figures of the node. */
  measure(): TriggerLoad {
    const deliveries = [...this.#deliveries.values()]
    const oldest = Math.min(Date.now(), ...deliveries.flatMap((delivery) => delivery.oldest ?? []))
    return {
      triggers: this.#triggers.size,
      waiting: deliveries.reduce((sum, { waiting }) => sum + waiting, 0),
      oldestSeconds: (Date.now() - oldest) / 1000,
      deadLetters: deliveries.reduce((sum, { deadLetters }) => sum + deadLetters, 0),
    }
  }

  #deliver(trigger: Trigger, subscription: Subscription): void {
    const { webhooks: settings, metrics, onError } = this.#options
    const options = { store: this.#store, settings, trigger: trigger.name, metrics, onError }
    const delivery = new Delivery(subscription, options)
    this.#deliveries.set(subscription.id, delivery)
  }

  #turn<T>(tableId: number, run: () => Promise<T>): Promise<T> {
    return this.#turns.take(String(tableId), run)
  }

  #deliveriesOf(trigger: number): Delivery[] {
    return [...this.#deliveries.values()].filter(({ subscription }) => subscription.trigger === trigger)
  }

  #deliveryOf(trigger: number, subscriber: string): Delivery | undefined {
    return this.#deliveriesOf(trigger).find(({ subscription }) => subscription.name === subscriber)
  }

  #delivery(place: TriggerPlace, subscriber: string): Delivery {
    const { id } = this.#get(place).trigger
    const found = this.#deliveryOf(id, subscriber)
    if (found) return found
    const names = this.#deliveriesOf(id).map(({ subscription }) => subscription.name)
    throw new Problem('subscriber_unknown', {
      ...{ subscriber, trigger: place.trigger, suggestion: nearest(subscriber, names) },
    })
  }

  #find(tableId: number, name: string): LiveTrigger | undefined {
    return [...this.#triggers.values()].find(({ trigger }) => trigger.tableId === tableId && trigger.name === name)
  }

  #get({ database, table, trigger: name }: TriggerPlace): LiveTrigger {
    const tableId = this.#options.source.tableId(database, table)
    const found = this.#find(tableId, name)
    if (found) return found
    const own = [...this.#triggers.values()].filter(({ trigger }) => trigger.tableId === tableId)
    const suggestion = nearest(
      name,
      own.map(({ trigger }) => trigger.name),
    )
    throw new Problem('trigger_unknown', { trigger: name, table, suggestion })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#leftovers[Symbol.asyncDispose]()
    await this.#reactor[Symbol.asyncDispose]()
    await Promise.all([...this.#deliveries.values()].map((delivery) => delivery[Symbol.asyncDispose]()))
  }
}

/** Where messages go: signed as before, unless a secret is given, or null. */
function targetOf({ host, port, path, tls, secret }: SubscribeRequest, known: Subscription | undefined): Target {
  const signing = secret === undefined ? known?.secret : (secret ?? undefined)
  return { host, port, path, tls, ...(signing !== undefined && { secret: signing }) }
}

/** Takes something out of memory ahead of the commit: what a failed one leaves on disk goes on. */
function takeOut<T>(transaction: WriteTransaction, live: Map<number, T>, id: number): void {
  const taken = live.get(id)
  if (taken === undefined) return
  live.delete(id)
  transaction.onUndo(() => live.set(id, taken))
}
