import { Problem } from '../lib/index.js'

/** Who has to wait for whom: inserts, what keeps populations, questions, copies of the files, and partitions that move. */
export class Gate {
  readonly #insertsMax: number
  /** Inserts under way. */
  readonly #inserts = new Set<Promise<unknown>>()
  #waiting = 0
  /** What keeps populations, which are not to be lost when their partition moves. */
  readonly #keeping = new Set<Promise<unknown>>()
  /** What new inserts wait for. */
  #held: Promise<unknown> | undefined
  /** A partition that is about to be elsewhere: questions wait as well. */
  #moving: Promise<unknown> | undefined

  constructor(insertsMax: number) {
    this.#insertsMax = insertsMax
  }

  /** @throws Problem too_many_requests */
  async insert<T>(run: () => Promise<T>): Promise<T> {
    if (this.#inserts.size + this.#waiting >= this.#insertsMax) {
      const reason = `${this.#insertsMax} inserts are under way (setting events.inserts_max): try again.`
      throw new Problem('too_many_requests', { reason }, { retry_after_s: 1 })
    }
    this.#waiting++
    while (this.#held) await this.#held
    this.#waiting--
    return during(this.#inserts, run)
  }

  keep<T>(run: () => Promise<T>): Promise<T> {
    return during(this.#keeping, run)
  }

  /** What questions wait for, again and again until there is nothing. */
  get moving(): Promise<unknown> | undefined {
    return this.#moving
  }

  /** Does something short while nothing is inserted: inserts under way are done, what comes later waits. */
  async withoutInserts<T>(run: () => Promise<T>): Promise<T> {
    while (this.#held) await this.#held
    const result = Promise.allSettled([...this.#inserts]).then(run)
    this.#held = result.catch(() => undefined)
    try {
      return await result
    } finally {
      this.#held = undefined
    }
  }

  /** Runs when no insert and nothing that keeps populations is under way; all that is new waits. */
  async alone(run: () => Promise<void>): Promise<void> {
    // Most of what takes long is waited for before the rest has to wait.
    await Promise.allSettled([...this.#keeping])
    while (this.#held) await this.#held
    const work = (async () => {
      await Promise.allSettled([...this.#inserts, ...this.#keeping])
      await run()
    })()
    const ended = work.catch(() => undefined)
    this.#held = ended
    this.#moving = ended
    try {
      await work
    } finally {
      this.#held = undefined
      this.#moving = undefined
    }
  }
}

/** Is in the set for as long as it runs. */
async function during<T>(set: Set<Promise<unknown>>, run: () => Promise<T>): Promise<T> {
  const running = run()
  set.add(running)
  try {
    return await running
  } finally {
    set.delete(running)
  }
}
