import { setTimeout as sleep } from 'node:timers/promises'
import type { Reactions, ReactProgram } from '../analytics/index.js'
import type { Program, Scalar } from '../pyql/index.js'
import type { WriteTransaction } from '../storage/index.js'
import type { Message } from './message.js'
import type { TriggersSettings } from './settings.js'
import type { TriggerSource } from './source.js'
import type { Due, TriggerStore } from './store.js'
import type { Trigger } from './trigger.js'

export const onInsert = 'on_insert'

export interface LiveTrigger {
  readonly trigger: Trigger
  failures: number
  lastFailure: string | undefined
}

export interface ReactorOptions {
  readonly source: TriggerSource
  readonly store: TriggerStore
  readonly settings: TriggersSettings
  readonly messageCharactersMax: number
  /** The triggers of a table. */
  readonly triggersOf: (tableId: number) => LiveTrigger[]
  readonly triggerOf: (id: number) => LiveTrigger | undefined
  /** The program of a trigger for its table as it is now; undefined when the script does not fit the table any more. */
  readonly programOf: (live: LiveTrigger) => Program | undefined
  /** Puts a message into the queues of a trigger's subscribers. */
  readonly send: (transaction: WriteTransaction, trigger: number, message: Message) => void
  /** Told when a transaction has sent all of its messages. */
  readonly sent: (transaction: WriteTransaction) => void
  readonly onError: (error: unknown) => void
  /** Told what scripts say with log(). */
  readonly onLog: (lines: readonly string[]) => void
}

type Outcome = Reactions['outcomes'][number]

/**
 * Runs triggers: after inserts, and when a scheduled turn has come. What a script says is stored in one transaction
 * with what is to be remembered of it; only then the insert counts as seen. A stop in between runs it once more.
 */
export class Reactor implements AsyncDisposable {
  readonly #options: ReactorOptions
  readonly #dirty = new Set<number>()
  readonly #stop = new AbortController()
  readonly #timer: NodeJS.Timeout
  #busy: Promise<void> | undefined
  #turns: Promise<void> | undefined

  constructor(options: ReactorOptions) {
    this.#options = options
    options.source.onInsert((tableId) => {
      if (options.triggersOf(tableId).length > 0) this.look(tableId)
    })
    this.#timer = setInterval(() => {
      this.#turns ??= this.#takeTurns()
        .catch(options.onError)
        .finally(() => {
          this.#turns = undefined
        })
    }, options.settings.schedule_check_ms)
    this.#timer.unref()
  }

  /** Looks for inserts that triggers have not seen. */
  look(tableId: number): void {
    this.#dirty.add(tableId)
    this.#busy ??= this.#work().finally(() => {
      this.#busy = undefined
      if (this.#dirty.size > 0 && !this.#stop.signal.aborted) this.look([...this.#dirty][0]!)
    })
  }

  async #work(): Promise<void> {
    for (const tableId of this.#dirty) {
      if (this.#stop.signal.aborted) return
      this.#dirty.delete(tableId)
      try {
        while (await this.#react(tableId));
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.#options.onError(error)
        await sleep(1000, undefined, { signal: this.#stop.signal }).catch(() => {})
        this.#dirty.add(tableId)
      }
    }
  }

  /** Whether there was anything to see. */
  async #react(tableId: number): Promise<boolean> {
    const { source, settings, messageCharactersMax } = this.#options
    const triggers = this.#options.triggersOf(tableId)
    const [first] = triggers
    if (!first || this.#stop.signal.aborted) return false
    const programs = triggers.flatMap((live): ReactProgram[] => {
      const program = this.#options.programOf(live)
      return program ? [{ id: String(live.trigger.id), program, entry: onInsert }] : []
    })
    const { database, table } = first.trigger
    const options = { arrivalsMax: settings.inserts_batch_max, messageCharactersMax }
    const { outcomes, log, seen } = await source.react(database, table, programs, options)
    if (log.length > 0) this.#options.onLog(log)
    if (seen.length === 0) return false
    await this.#keep(outcomes, onInsert)
    await source.reacted(seen)
    return true
  }

  async #keep(outcomes: readonly Outcome[], method: string, done: readonly Due[] = []): Promise<void> {
    const { store } = this.#options
    const now = Date.now()
    await store.write((transaction) => {
      for (const due of done) store.endTurn(transaction, due)
      for (const { id, outcome } of outcomes) this.#keepOne(transaction, Number(id), outcome, method, now)
      this.#options.sent(transaction)
    })
  }

  #keepOne(transaction: WriteTransaction, id: number, outcome: Outcome['outcome'], method: string, now: number): void {
    const { store, send } = this.#options
    const live = this.#options.triggerOf(id)
    const { person, emitted, returned, scheduled, error } = outcome
    if (!live || store.isDone(transaction, id, person)) return
    if (error !== undefined) {
      live.failures++
      live.lastFailure = error
    }
    const say = (message: Scalar) => {
      if (message !== null) send(transaction, id, { stamp: now, uid: person, message, method })
    }
    for (const message of emitted) say(message)
    say(returned)
    if (emitted.length > 0) {
      store.setDone(transaction, id, person)
      const entries = this.#options.programOf(live)?.functions ?? []
      for (const entry of entries) store.unschedule(transaction, { trigger: id, person, entry })
      return
    }
    for (const { afterMs, entry } of scheduled) {
      store.schedule(transaction, { at: Math.round(now + afterMs), trigger: id, person, entry })
    }
  }

  /** Runs what was scheduled and is due. */
  async #takeTurns(): Promise<void> {
    const { store, settings } = this.#options
    for (;;) {
      const due = store.due(Date.now(), settings.scheduled_max)
      if (due.length === 0 || this.#stop.signal.aborted) return
      for (const turns of byFunction(due)) await this.#takeTurn(turns)
    }
  }

  async #takeTurn(turns: readonly Due[]): Promise<void> {
    const { source, triggerOf, messageCharactersMax } = this.#options
    const { trigger: id, entry } = turns[0]!
    const live = triggerOf(id)
    const program = live && this.#options.programOf(live)
    if (!live || !program?.functions.includes(entry)) return this.#keep([], entry, turns)
    const { trigger } = live
    const people = turns.map(({ person }) => person)
    const programs = [{ id: String(id), program, entry }]
    const options = { arrivalsMax: 0, messageCharactersMax, people }
    const { outcomes, log } = await source.react(trigger.database, trigger.table, programs, options)
    if (log.length > 0) this.#options.onLog(log)
    await this.#keep(outcomes, entry, turns)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    clearInterval(this.#timer)
    await this.#busy
    await this.#turns
  }
}

/** Turns of one function of one trigger, which are taken together. */
function byFunction(due: readonly Due[]): Iterable<Due[]> {
  const groups = new Map<string, Due[]>()
  for (const one of due) {
    const key = `${one.trigger}/${one.entry}`
    const group = groups.get(key)
    if (group) group.push(one)
    else groups.set(key, [one])
  }
  return groups.values()
}
