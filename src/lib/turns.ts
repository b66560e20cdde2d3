/** Work that goes one by one for each name. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs when all that was asked for under this name before is over, however it ended. */
  async take<T>(name: string, run: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve()
    const turn = before.then(run, run)
    const ended = turn.catch(() => undefined)
    this.#last.set(name, ended)
    try {
      return await turn
    } finally {
      if (this.#last.get(name) === ended) this.#last.delete(name)
    }
  }
}
