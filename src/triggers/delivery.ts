import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '../lib/index.js'
import type { EventMetrics } from '../metrics/index.js'
import type { WriteTransaction } from '../storage/index.js'
import { type Letter, type Message, wireForm } from './message.js'
import type { WebhooksSettings } from './settings.js'
import type { TriggerStore } from './store.js'
import type { Subscription } from './trigger.js'
import { post } from './webhook.js'

const restMsMax = 60_000
/** Counting dead letters costs more than storing one. */
const TRIM_EVERY = 100

export interface DeliveryOptions {
  readonly store: TriggerStore
  readonly settings: WebhooksSettings
  /** The name of the trigger, as the web-hook gets it. */
  readonly trigger: string
  readonly metrics: EventMetrics
  readonly onError: (error: unknown) => void
}

/**
 * The queue of one subscriber and what brings it to its web-hook: one call at a time, in order, the same letters again
 * until the hook takes them. Letters leave the queue when they were taken, or as dead letters when they are too old.
 */
export class Delivery implements AsyncDisposable {
  #subscription: Subscription
  readonly #options: DeliveryOptions
  readonly #stop = new AbortController()
  #number: number
  #waiting: number
  #dead: number
  #wake: () => void = () => {}
  #retry = new AbortController()
  #failures = 0
  #lastFailure: string | undefined
  readonly #running: Promise<void>

  constructor(subscription: Subscription, options: DeliveryOptions) {
    this.#subscription = subscription
    this.#options = options
    this.#number = options.store.lastNumber(subscription.id)
    this.#waiting = options.store.count('waiting', subscription.id)
    this.#dead = options.store.count('dead', subscription.id)
    this.#running = this.#run()
  }

  get subscription(): Subscription {
    return this.#subscription
  }

  get waiting(): number {
    return this.#waiting
  }

  get deadLetters(): number {
    return this.#dead
  }

  /** When the oldest message that waits was said; undefined when none does. */
  get oldest(): number | undefined {
    return this.#options.store.letters('waiting', this.#subscription.id, 1)[0]?.message.stamp
  }

  get failures(): number {
    return this.#failures
  }

  get lastFailure(): string | undefined {
    return this.#lastFailure
  }

  /** Takes another address; a delivery that waits to try again does so at once. */
  readdress(subscription: Subscription): void {
    this.#subscription = subscription
    this.#retry.abort()
    this.#retry = new AbortController()
  }

  /** Puts a message into the queue, or among the dead letters when the queue is full. */
  add(transaction: WriteTransaction, message: Message): void {
    const { store, settings } = this.#options
    const number = ++this.#number
    const isFull = this.#waiting >= settings.queue_max
    const letter = { number, message, ...(isFull && { reason: 'the queue was full' }) }
    store.putLetter(transaction, isFull ? 'dead' : 'waiting', this.#subscription.id, letter)
    if (isFull) this.#dead++
    else this.#waiting++
    transaction.onUndo(() => {
      if (isFull) this.#dead--
      else this.#waiting--
    })
    if (isFull && number % TRIM_EVERY === 0) this.#trimDead(transaction)
    transaction.onCommit(() => {
      this.#options.metrics.messageQueued()
      if (isFull) this.#options.metrics.messagesDied(1)
      this.#wake()
    })
  }

  /** Puts dead letters behind the queue again; how many. */
  revive(most: number, also: (transaction: WriteTransaction, count: number) => void): Promise<number> {
    const { store } = this.#options
    const { id } = this.#subscription
    const letters = store.letters('dead', id, most)
    return store.write((transaction) => {
      for (const { number, message } of letters) {
        store.removeLetter(transaction, 'dead', id, number)
        this.add(transaction, { ...message, stamp: Date.now() })
      }
      this.#fewerDead(transaction, letters.length)
      also(transaction, letters.length)
      return letters.length
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#bury()
        const letters = this.#options.store.letters(
          'waiting',
          this.#subscription.id,
          this.#options.settings.messages_max,
        )
        if (letters.length > 0) await this.#deliver(letters)
        else await this.#rest(restMsMax)
      } catch (error) {
        if (signal.aborted) return
        this.#options.onError(error)
        await this.#rest(this.#options.settings.backoff_max_ms)
      }
    }
  }

  /** Until there is something new, at most so long. */
  async #rest(ms: number): Promise<void> {
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    // What came in between is not waited for.
    if (this.#options.store.count('waiting', this.#subscription.id) > 0 || this.#stop.signal.aborted) return
    await sleep(Math.min(ms, restMsMax), undefined, { signal: woken.signal }).catch(() => {})
  }

  /** Brings some letters to the hook, however long it takes, or until they are too old. */
  async #deliver(letters: readonly Letter[]): Promise<void> {
    const { signal } = this.#stop
    const { id } = this.#subscription
    for (let attempt = 0; ; attempt++) {
      const failure = await this.#attempt(letters)
      if (signal.aborted) return
      if (failure === undefined) break
      this.#failures++
      this.#lastFailure = failure
      await sleep(this.#pause(attempt), undefined, { signal: AbortSignal.any([signal, this.#retry.signal]) }).catch(
        () => {},
      )
      if (signal.aborted || this.#isTooOld(letters[0]!)) return
    }
    await this.#options.store.write((transaction) => {
      for (const { number } of letters) this.#options.store.removeLetter(transaction, 'waiting', id, number)
      transaction.onCommit(() => {
        this.#waiting -= letters.length
        this.#options.metrics.messagesDelivered(letters.length)
      })
    })
  }

  /** Why the hook did not take the letters; undefined when it did. */
  async #attempt(letters: readonly Letter[]): Promise<string | undefined> {
    const { settings, trigger } = this.#options
    const { id, name } = this.#subscription
    const remaining = Math.max(0, this.#waiting - letters.length)
    try {
      await post(
        this.#subscription,
        {
          id: `msg_${id}_${letters[0]!.number}_${letters.at(-1)!.number}`,
          query: { revent: trigger, subscriber: name, count: letters.length, remaining },
          body: { messages: letters.map(({ message }) => wireForm(message)) },
        },
        settings,
        this.#stop.signal,
      )
      this.#options.metrics.hookCalled(true)
      return undefined
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      this.#options.metrics.hookCalled(false)
      return error.message
    }
  }

  /** Doubled with every attempt, and a part of it left to chance, so that hooks are not all called at once. */
  #pause(attempt: number): number {
    const { backoff_first_ms, backoff_max_ms } = this.#options.settings
    const full = Math.min(backoff_max_ms, backoff_first_ms * 2 ** Math.min(attempt, 30))
    return full * (0.5 + Math.random() / 2)
  }

  #isTooOld({ message }: Letter): boolean {
    return message.stamp < Date.now() - this.#subscription.retentionMs
  }

  /** Moves letters that are too old to the dead ones. */
  async #bury(): Promise<void> {
    const { store, settings } = this.#options
    const { id } = this.#subscription
    for (;;) {
      const oldest = store.letters('waiting', id, settings.messages_max)
      const old = oldest.filter((letter) => this.#isTooOld(letter))
      if (old.length === 0) return
      const reason = this.#lastFailure ?? 'it was not delivered in time'
      await store.write((transaction) => {
        for (const letter of old) {
          store.removeLetter(transaction, 'waiting', id, letter.number)
          store.putLetter(transaction, 'dead', id, { ...letter, reason })
        }
        this.#trimDead(transaction)
        transaction.onCommit(() => {
          this.#waiting -= old.length
          this.#dead += old.length
          this.#options.metrics.messagesDied(old.length)
        })
      })
    }
  }

  #trimDead(transaction: WriteTransaction): void {
    const { store, settings } = this.#options
    const { id } = this.#subscription
    const dead = store.oldest(transaction, 'dead', id, settings.dead_letters_max * 2)
    const surplus = dead.slice(0, Math.max(0, dead.length - settings.dead_letters_max))
    for (const number of surplus) store.removeLetter(transaction, 'dead', id, number)
    this.#fewerDead(transaction, surplus.length)
  }

  #fewerDead(transaction: WriteTransaction, count: number): void {
    this.#dead -= count
    transaction.onUndo(() => {
      this.#dead += count
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#running
  }
}
