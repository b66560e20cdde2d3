import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 250
/** Upkeep takes at most about a tenth of the time. */
const PAUSE_FOR_EACH_MS = 9

/**
 * Brings up what inserts have changed, in rounds: each does all tables that changed since the last one, and the longer a
 * round took, the longer the pause after it. Whoever asks in between brings up what is missing by itself.
 */
export class Upkeep implements AsyncDisposable {
  readonly #bringUp: (table: number) => Promise<void>
  readonly #onError: (error: unknown) => void
  readonly #due = new Set<number>()
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor(bringUp: (table: number) => Promise<void>, onError: (error: unknown) => void) {
    this.#bringUp = bringUp
    this.#onError = onError
  }

  due(table: number): void {
    this.#due.add(table)
    if (!this.#stop.signal.aborted) this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    let pause = PAUSE_MS
    while (this.#due.size > 0) {
      await sleep(pause, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {})
      if (this.#stop.signal.aborted) return
      const started = performance.now()
      await this.#round()
      pause = PAUSE_MS + (performance.now() - started) * PAUSE_FOR_EACH_MS
    }
    this.#running = undefined
  }

  async #round(): Promise<void> {
    const tables = [...this.#due]
    this.#due.clear()
    for (const table of tables) {
      try {
        await this.#bringUp(table)
      } catch (error) {
        this.#onError(error)
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
  }
}
