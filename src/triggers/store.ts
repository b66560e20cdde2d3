import type { Keyspace, Storage, WriteTransaction } from '../storage/index.js'
import type { Letter } from './message.js'
import type { Subscription, Trigger } from './trigger.js'

/** Which of the two lists of a subscriber. */
export type Tray = 'waiting' | 'dead'

export interface Due {
  readonly at: number
  readonly trigger: number
  readonly person: string | number
  readonly entry: string
}

/** Keys are byte strings; numbers in them have a fixed width, so that their order is that of the numbers. */
function wide(number: number): string {
  return String(number).padStart(16, '0')
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function personKey(person: string | number): string {
  return typeof person === 'number' ? `n${person}` : `t${bytesOf(person)}`
}

/** All keys that begin with a prefix. */
function under(prefix: string): { start: string; end: string } {
  return { start: prefix, end: `${prefix}\u00ff` }
}

/** Triggers, their subscribers, queues and schedules, in the environment of records: one transaction covers them. */
export class TriggerStore {
  readonly #storage: Storage
  readonly #definitions: Keyspace
  readonly #letters: Keyspace
  readonly #people: Keyspace

  constructor(storage: Storage) {
    this.#storage = storage
    this.#definitions = storage.keyspace('triggers')
    this.#letters = storage.keyspace('trigger_letters')
    this.#people = storage.keyspace('trigger_people')
  }

  write<T>(run: (transaction: WriteTransaction) => T): Promise<T> {
    return this.#storage.write(run)
  }

  // --- definitions ---

  all(): { triggers: Trigger[]; subscriptions: Subscription[] } {
    using snapshot = this.#storage.snapshot()
    const read = <T>(prefix: string) =>
      [...snapshot.entries(this.#definitions, under(prefix))].map(([, text]) => JSON.parse(text) as T)
    return { triggers: read<Trigger>('trigger/'), subscriptions: read<Subscription>('sub/') }
  }

  /** A number for a trigger or a subscription. */
  nextId(transaction: WriteTransaction): number {
    const id = Number(transaction.get(this.#definitions, 'id') ?? 0) + 1
    transaction.put(this.#definitions, 'id', String(id))
    return id
  }

  put(transaction: WriteTransaction, trigger: Trigger): void {
    transaction.put(this.#definitions, `trigger/${wide(trigger.id)}`, JSON.stringify(trigger))
  }

  putSubscription(transaction: WriteTransaction, subscription: Subscription): void {
    transaction.put(this.#definitions, `sub/${wide(subscription.id)}`, JSON.stringify(subscription))
  }

  /** Removes a trigger with what it knows of people; its subscriptions are removed one by one. */
  remove(transaction: WriteTransaction, { id }: Trigger): void {
    transaction.remove(this.#definitions, `trigger/${wide(id)}`)
    for (const key of transaction.keys(this.#people, under(`done/${wide(id)}/`))) transaction.remove(this.#people, key)
    for (const key of transaction.keys(this.#people, under(`set/${wide(id)}/`))) {
      const at = transaction.get(this.#people, key)!
      transaction.remove(this.#people, `due/${at}/${key.slice(4)}`)
      transaction.remove(this.#people, key)
    }
  }

  removeSubscription(transaction: WriteTransaction, { id }: Subscription): void {
    transaction.remove(this.#definitions, `sub/${wide(id)}`)
    transaction.remove(this.#letters, lastKey(id))
    for (const tray of ['waiting', 'dead'] as const) {
      for (const key of transaction.keys(this.#letters, under(`${tray}/${wide(id)}/`))) {
        transaction.remove(this.#letters, key)
      }
    }
  }

  // --- letters ---

  count(tray: Tray, subscription: number): number {
    using snapshot = this.#storage.snapshot()
    return snapshot.count(this.#letters, under(`${tray}/${wide(subscription)}/`))
  }

  /** The number of the newest letter that there has been, or 0. */
  lastNumber(subscription: number): number {
    using snapshot = this.#storage.snapshot()
    const noted = Number(snapshot.get(this.#letters, lastKey(subscription)) ?? 0)
    const trays = (['waiting', 'dead'] as const).map((tray) => {
      const range = { ...under(`${tray}/${wide(subscription)}/`), reverse: true, limit: 1 }
      const [key] = snapshot.keys(this.#letters, range)
      return key === undefined ? 0 : numberOf(key)
    })
    return Math.max(noted, ...trays) // letters of before that was noted
  }

  /** The oldest letters, from a number on. */
  letters(tray: Tray, subscription: number, most: number, from = 0): Letter[] {
    using snapshot = this.#storage.snapshot()
    const prefix = `${tray}/${wide(subscription)}/`
    const range = { start: `${prefix}${wide(from)}`, end: under(prefix).end, limit: most }
    return [...snapshot.entries(this.#letters, range)].map(([key, text]) => letterOf(key, text))
  }

  /** Notes the newest number: web-hooks know repeats by numbers, so none is given again when the trays are empty. */
  noteNumber(transaction: WriteTransaction, subscription: number, number: number): void {
    transaction.put(this.#letters, lastKey(subscription), String(number))
  }

  putLetter(transaction: WriteTransaction, tray: Tray, subscription: number, { number, ...rest }: Letter): void {
    transaction.put(this.#letters, letterKey(tray, subscription, number), JSON.stringify(rest))
  }

  removeLetter(transaction: WriteTransaction, tray: Tray, subscription: number, number: number): void {
    transaction.remove(this.#letters, letterKey(tray, subscription, number))
  }

  /** Removes a letter, unless it has gone since it was read: with its subscriber, or to the other tray. */
  takeLetter(transaction: WriteTransaction, tray: Tray, subscription: number, number: number): Letter | undefined {
    const key = letterKey(tray, subscription, number)
    const text = transaction.get(this.#letters, key)
    if (text === undefined) return undefined
    transaction.remove(this.#letters, key)
    return letterOf(key, text)
  }

  /** The numbers of the oldest letters. */
  oldest(transaction: WriteTransaction, tray: Tray, subscription: number, most: number): number[] {
    return transaction.keys(this.#letters, { ...under(`${tray}/${wide(subscription)}/`), limit: most }).map(numberOf)
  }

  // --- people ---

  isDone(transaction: WriteTransaction, trigger: number, person: string | number): boolean {
    return transaction.get(this.#people, `done/${wide(trigger)}/${personKey(person)}`) !== undefined
  }

  setDone(transaction: WriteTransaction, trigger: number, person: string | number): void {
    transaction.put(this.#people, `done/${wide(trigger)}/${personKey(person)}`, '')
  }

  /** One turn for each person and function: a later one takes the place of an earlier one. */
  schedule(transaction: WriteTransaction, due: Due): void {
    this.unschedule(transaction, due)
    const tail = tailOf(due)
    transaction.put(this.#people, `set/${tail}`, wide(due.at))
    transaction.put(this.#people, `due/${wide(due.at)}/${tail}`, JSON.stringify(due))
  }

  /** A turn was taken; one that was scheduled meanwhile in its place stays. */
  endTurn(transaction: WriteTransaction, due: Due): void {
    const at = transaction.get(this.#people, `set/${tailOf(due)}`)
    if (at === wide(due.at)) this.unschedule(transaction, due)
  }

  unschedule(transaction: WriteTransaction, due: Omit<Due, 'at'>): void {
    const tail = tailOf(due)
    const at = transaction.get(this.#people, `set/${tail}`)
    if (at === undefined) return
    transaction.remove(this.#people, `set/${tail}`)
    transaction.remove(this.#people, `due/${at}/${tail}`)
  }

  /** Turns that have come, the oldest first. */
  due(now: number, most: number): Due[] {
    using snapshot = this.#storage.snapshot()
    const range = { start: 'due/', end: `due/${wide(now + 1)}`, limit: most }
    return [...snapshot.entries(this.#people, range)].map(([, text]) => JSON.parse(text) as Due)
  }
}

function tailOf({ trigger, entry, person }: Omit<Due, 'at'>): string {
  return `${wide(trigger)}/${bytesOf(entry)}/${personKey(person)}`
}

function letterKey(tray: Tray, subscription: number, number: number): string {
  return `${tray}/${wide(subscription)}/${wide(number)}`
}

function lastKey(subscription: number): string {
  return `last/${wide(subscription)}`
}

function letterOf(key: string, text: string): Letter {
  return { number: numberOf(key), ...(JSON.parse(text) as Omit<Letter, 'number'>) }
}

function numberOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1))
}
