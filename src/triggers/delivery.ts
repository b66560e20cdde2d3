import { setTimeout as sleep } from 'node:timers/promises'
import { JoinedSignal, Problem } from '../lib/index.js'
import type { EventMetrics } from '../metrics/index.js'
import type { WriteTransaction } from '../storage/index.js'
import { type Letter, type Message, wireForm } from './message.js'
import type { WebhooksSettings } from './settings.js'
import type { TriggerStore } from './store.js'
import type { Subscription } from './trigger.js'
import { post } from './webhook.js'

const restMsMax = 60_000

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

  /** Since when the oldest message waits; undefined when none does. */
  get oldest(): number | undefined {
    const [letter] = this.#options.store.letters('waiting', this.#subscription.id, 1)
    return letter && waitsSince(letter)
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

  /** Puts a message into the queue, or among the dead letters when the queue is full; `trimDead` ends the write. */
  add(transaction: WriteTransaction, message: Message, since?: number): void {
    const { store, settings } = this.#options
    const { id } = this.#subscription
    const number = ++this.#number
    const isFull = this.#waiting >= settings.queue_max
    const letter = { number, message, ...(since !== undefined && { since }) }
    store.noteNumber(transaction, id, number)
    if (isFull) store.putLetter(transaction, 'dead', id, { ...letter, reason: 'the queue was full' })
    else store.putLetter(transaction, 'waiting', id, letter)
    if (isFull) this.#addDead(transaction, 1)
    else {
      this.#waiting++
      transaction.onUndo(() => {
        this.#waiting--
      })
    }
    transaction.onCommit(() => {
      this.#options.metrics.messageQueued()
      if (isFull) this.#options.metrics.messagesDied(1)
      this.#wake()
    })
  }

  /** Puts dead letters behind the queue again, as they were said; how many. */
  revive(most: number, also: (transaction: WriteTransaction, count: number) => void): Promise<number> {
    const { store } = this.#options
    const { id } = this.#subscription
    return store.write((transaction) => {
      const numbers = store.oldest(transaction, 'dead', id, most)
      for (const number of numbers) {
        const { message } = store.takeLetter(transaction, 'dead', id, number)!
        this.add(transaction, message, Date.now())
      }
      this.#addDead(transaction, -numbers.length)
      this.trimDead(transaction)
      also(transaction, numbers.length)
      return numbers.length
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    for (let errors = 0; !signal.aborted; ) {
      try {
        await this.#bury()
        const letters = this.#options.store.letters(
          'waiting',
          this.#subscription.id,
          this.#options.settings.messages_max,
        )
        if (letters.length > 0) await this.#deliver(letters)
        else await this.#rest()
        errors = 0
      } catch (error) {
        if (signal.aborted) return
        this.#options.onError(error)
        await this.#wait(errors++, signal)
      }
    }
  }

  /** Until there is something new, at most for a while. */
  async #rest(): Promise<void> {
    const woken = new AbortController()
    // Thousands of messages come at once, and each call makes an exception with its stack.
    this.#wake = () => {
      if (!woken.signal.aborted) woken.abort()
    }
    // What came in between is not waited for.
    if (this.#options.store.count('waiting', this.#subscription.id) > 0 || this.#stop.signal.aborted) return
    await sleep(restMsMax, undefined, { signal: woken.signal }).catch(() => {})
  }

  /** Brings some letters to the hook, however long it takes, or until they are too old. */
  async #deliver(letters: readonly Letter[]): Promise<void> {
    const { signal } = this.#stop
    for (let attempt = 0; ; attempt++) {
      const retry = this.#retry.signal // An address that is given during the attempt counts for the next one.
      const failure = await this.#attempt(letters)
      if (signal.aborted) return
      if (failure === undefined) break
      this.#failures++
      this.#lastFailure = failure
      using woken = new JoinedSignal(signal, retry)
      await this.#wait(attempt, woken.signal)
      if (signal.aborted || this.#isTooOld(letters[0]!)) return
    }
    await this.#strikeOut(letters)
  }

  /** Removes letters that the hook has taken. While that cannot be stored, as on a full disk, it does not get them again. */
  async #strikeOut(letters: readonly Letter[]): Promise<void> {
    const { store, metrics, onError } = this.#options
    const { id } = this.#subscription
    const { signal } = this.#stop
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await store.write((transaction) => {
          const taken = letters.filter(({ number }) => store.takeLetter(transaction, 'waiting', id, number))
          transaction.onCommit(() => {
            this.#waiting -= taken.length
            metrics.messagesDelivered(letters.length)
          })
        })
      } catch (error) {
        onError(error)
        await this.#wait(attempt, signal)
      }
    }
  }

  async #wait(attempt: number, signal: AbortSignal): Promise<void> {
    await sleep(this.#pause(attempt), undefined, { signal }).catch(() => {})
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

  #isTooOld(letter: Letter): boolean {
    return waitsSince(letter) < Date.now() - this.#subscription.retentionMs
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
        const taken = old.filter(({ number }) => store.takeLetter(transaction, 'waiting', id, number))
        for (const letter of taken) store.putLetter(transaction, 'dead', id, { ...letter, reason })
        this.#addDead(transaction, taken.length)
        this.trimDead(transaction)
        transaction.onCommit(() => {
          this.#waiting -= taken.length
          this.#options.metrics.messagesDied(taken.length)
        })
      })
    }
  }

  /** Removes the oldest dead letters beyond the most that are kept. */
  trimDead(transaction: WriteTransaction): void {
    const { store, settings } = this.#options
    const { id } = this.#subscription
    const surplus = this.#dead - settings.dead_letters_max
    if (surplus <= 0) return
    const numbers = store.oldest(transaction, 'dead', id, surplus)
    for (const number of numbers) store.removeLetter(transaction, 'dead', id, number)
    this.#addDead(transaction, -numbers.length)
  }

  #addDead(transaction: WriteTransaction, count: number): void {
    this.#dead += count
    transaction.onUndo(() => {
      this.#dead -= count
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#running
  }
}

function waitsSince({ since, message }: Letter): number {
  return since ?? message.stamp
}
