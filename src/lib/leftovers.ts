import { Problem } from './problem.js'

type Removal = () => Promise<void>

/** Between looks whether there is space, in milliseconds. */
const RETRY_MS = 500

/**
 * Removals of what nobody reads any more. Those that a full disk has no room for are no failure of who asked for them:
 * they are tried again until there is space, and the next start finds what is still there.
 */
export class Leftovers implements AsyncDisposable {
  readonly #waiting = new Set<Removal>()
  readonly #timer: NodeJS.Timeout
  #removing: Promise<void> | undefined

  constructor() {
    this.#timer = setInterval(() => this.#tryAgain(), RETRY_MS)
    this.#timer.unref()
  }

  /** Removes now, or later where the disk is full. */
  async remove(removal: Removal): Promise<void> {
    if (!(await whereThereIsRoom(removal))) this.#waiting.add(removal)
  }

  #tryAgain(): void {
    if (this.#waiting.size === 0) return
    this.#removing ??= this.#removeAll()
      .catch(() => undefined) // of storage that takes no writes any more others are told
      .finally(() => {
        this.#removing = undefined
      })
  }

  async #removeAll(): Promise<void> {
    for (const removal of this.#waiting) {
      if (!(await whereThereIsRoom(removal))) return
      this.#waiting.delete(removal)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.#removing
  }
}

/** Whether there was room for a removal. */
export async function whereThereIsRoom(removal: Removal): Promise<boolean> {
  try {
    await removal()
    return true
  } catch (error) {
    if (error instanceof Problem && error.code === 'disk_full') return false
    throw error
  }
}
