import { didYouMean, Problem } from '../lib/index.js'
import type { EventMetrics, TriggerLoad } from '../metrics/index.js'
import type { Program } from '../pyql/index.js'
import type { Receipt, Storage } from '../storage/index.js'
import { Delivery } from './delivery.js'
import type { Letter } from './message.js'
import { type LiveTrigger, onInsert, Reactor } from './reactor.js'
import type { TriggersSettings, WebhooksSettings } from './settings.js'
import type { TriggerSource } from './source.js'
import { TriggerStore } from './store.js'
import type { Subscriber, Subscription, Trigger, TriggerView } from './trigger.js'
import { post } from './webhook.js'

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
  readonly secret?: string
}

/** The triggers of all event tables, and their subscribers. */
export class Triggers implements AsyncDisposable {
  readonly #options: TriggersOptions
  readonly #store: TriggerStore
  readonly #triggers = new Map<number, LiveTrigger>()
  readonly #deliveries = new Map<number, Delivery>()
  readonly #reactor: Reactor

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
        await this.#forget(
          trigger,
          subscriptions.filter((one) => one.trigger === id),
        )
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
      live.lastFailure = error.message
      return undefined
    }
  }

  /** Makes a trigger, or gives the one that there is another script. Whether it is new. */
  async create(
    { database, table, trigger: name }: TriggerPlace,
    script: string,
    settle: Settle<boolean> = noReceipt,
  ): Promise<boolean> {
    const { source, settings } = this.#options
    const tableId = source.tableId(database, table)
    const program = source.compile(database, table, script)
    if (!program.functions.includes(onInsert)) {
      throw new Problem('script_invalid', { reason: `A trigger has a function without parameters: def ${onInsert}():` })
    }
    const known = this.#find(tableId, name)
    if (!known && this.#triggers.size >= settings.triggers_max) {
      throw new Problem('triggers_too_many', { limit: settings.triggers_max })
    }
    const trigger = await this.#store.write((transaction): Trigger => {
      const created = { id: known?.trigger.id ?? this.#store.nextId(transaction), createdAt: Date.now() }
      const made = { database, table, tableId, name, script, ...created }
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
    const { trigger } = this.#get(place)
    const subscriptions = this.#deliveriesOf(trigger.id).map(({ subscription }) => subscription)
    await this.#forget(trigger, subscriptions, receipt)
    const more = [...this.#triggers.values()].some((live) => live.trigger.tableId === trigger.tableId)
    if (!more) await this.#options.source.watch(trigger.database, trigger.table, false)
  }

  /** Forgets the triggers of a table that was dropped. */
  async tableDropped(tableId: number): Promise<void> {
    for (const { trigger } of [...this.#triggers.values()]) {
      if (trigger.tableId !== tableId) continue
      await this.#forget(
        trigger,
        this.#deliveriesOf(trigger.id).map(({ subscription }) => subscription),
      )
    }
  }

  async #forget(trigger: Trigger, subscriptions: readonly Subscription[], receipt?: Receipt): Promise<void> {
    this.#triggers.delete(trigger.id)
    for (const { id } of subscriptions) await this.#end(id)
    await this.#store.write((transaction) => {
      this.#store.remove(transaction, trigger)
      for (const subscription of subscriptions) this.#store.removeSubscription(transaction, subscription)
      receipt?.alongside(transaction)
    })
  }

  /**
   * Sends a trigger's messages to a web-hook from now on, or changes where they go. The hook is called once, without
   * messages, and must answer 2xx. Whether the subscriber is new.
   */
  async subscribe(
    place: TriggerPlace,
    { subscriber: name, retention, ...target }: SubscribeRequest,
    settle: Settle<boolean> = noReceipt,
  ): Promise<boolean> {
    const { webhooks, settings } = this.#options
    const { trigger } = this.#get(place)
    await post(target, { id: `msg_test_${Date.now()}`, body: { events: [] } }, webhooks)
    const known = this.#deliveriesOf(trigger.id).find(({ subscription }) => subscription.name === name)
    if (!known && this.#deliveriesOf(trigger.id).length >= settings.subscribers_max) {
      throw new Problem('subscribers_too_many', { limit: settings.subscribers_max })
    }
    const subscription = await this.#store.write((transaction): Subscription => {
      const id = known?.subscription.id ?? this.#store.nextId(transaction)
      const retentionMs = retention ?? webhooks.retention_ms
      const made = { id, trigger: trigger.id, name, retentionMs, ...target }
      this.#store.putSubscription(transaction, made)
      settle(!known).alongside(transaction)
      return made
    })
    if (known) known.readdress(subscription)
    else this.#deliver(trigger, subscription)
    return !known
  }

  async unsubscribe(place: TriggerPlace, subscriber: string, receipt?: Receipt): Promise<void> {
    const { subscription } = this.#delivery(place, subscriber)
    await this.#end(subscription.id)
    await this.#store.write((transaction) => {
      this.#store.removeSubscription(transaction, subscription)
      receipt?.alongside(transaction)
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

  async #end(subscription: number): Promise<void> {
    const delivery = this.#deliveries.get(subscription)
    this.#deliveries.delete(subscription)
    await delivery?.[Symbol.asyncDispose]()
  }

  #deliveriesOf(trigger: number): Delivery[] {
    return [...this.#deliveries.values()].filter(({ subscription }) => subscription.trigger === trigger)
  }

  #delivery(place: TriggerPlace, subscriber: string): Delivery {
    const deliveries = this.#deliveriesOf(this.#get(place).trigger.id)
    const found = deliveries.find(({ subscription }) => subscription.name === subscriber)
    if (found) return found
    const names = deliveries.map(({ subscription }) => subscription.name)
    throw new Problem('subscriber_unknown', {
      ...{ subscriber, trigger: place.trigger, suggestion: didYouMean(subscriber, names) },
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
    const suggestion = didYouMean(
      name,
      own.map(({ trigger }) => trigger.name),
    )
    throw new Problem('trigger_unknown', { trigger: name, table, suggestion })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reactor[Symbol.asyncDispose]()
    await Promise.all([...this.#deliveries.values()].map((delivery) => delivery[Symbol.asyncDispose]()))
  }
}
