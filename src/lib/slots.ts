/** So many may work at the same time; who comes later waits in turn. */
export class Slots {
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #taken = 0

  constructor(most: number) {
    this.#most = most
  }

  /** How many wait for a slot. */
  get waiting(): number {
    return this.#waiting.length
  }

  get isFull(): boolean {
    return this.#taken >= this.#most
  }

  /** Runs once a slot is free, and has it until it is over. */
  async take<T>(run: () => Promise<T>): Promise<T> {
    // A slot is handed on as it is: nobody who comes in between takes it from the one who waits.
    if (this.isFull) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#taken++
    try {
      return await run()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#taken--
    }
  }
}
