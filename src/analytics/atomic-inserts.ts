import { Problem, Turns } from '../lib/index.js'
import type { InsertAnswer, Request } from './protocol.js'
import type { Threads } from './threads.js'

/** Inserts of all events or none. They go one by one: there is one place for an intent. */
export class AtomicInserts {
  readonly #threads: Threads
  readonly #turns = new Turns()
  /** Whether one of them may have been cut off: it is finished before the next one begins. */
  #isCutOff = false

  constructor(threads: Threads) {
    this.#threads = threads
  }

  /** `run` is called when the ones before are over. */
  insert(run: () => Promise<InsertAnswer>): Promise<InsertAnswer> {
    return this.#turns.take('insert', () => this.#insert(run))
  }

  async #insert(run: () => Promise<InsertAnswer>): Promise<InsertAnswer> {
    await this.finish()
    this.#isCutOff = true
    const answer = await run()
    // All of it is stored. Without space that this is so will be noted later, as after one that was cut off.
    await unlessFull(async () => {
      await this.#threads.of(0).call({ kind: 'intend', intent: undefined } satisfies Request)
      this.#isCutOff = false
    })
    return answer
  }

  /** Finishes one that may have been cut off. */
  async finish(): Promise<void> {
    if (!this.#isCutOff) return
    await this.#threads.of(0).call({ kind: 'recover' } satisfies Request)
    this.#isCutOff = false
  }

  /** Finishes one that a stop of the node has cut off; without space for it the next one begins with that. */
  async finishAfterStop(): Promise<void> {
    this.#isCutOff = true
    await unlessFull(() => this.finish())
  }
}

async function unlessFull(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'disk_full') throw error
  }
}
