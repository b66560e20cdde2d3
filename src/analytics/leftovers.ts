import { Problem } from '../lib/index.js'

type Removal = () => Promise<void>

/**
 * Removals of what nobody reads any more. Those that a full disk has no room for are no failure of who asked for them:
 * they are tried again until there is space, and the next start finds what is still there.
 */
export class Leftovers {
  readonly #waiting = new Set<Removal>()
  #removing: Promise<void> | undefined

  /** Removes now, or later where the disk is full. */
  async remove(removal: Removal): Promise<void> {
    if (!(await whereThereIsRoom(removal))) this.#waiting.add(removal)
  }

  /** Tries again what waits for space. */
  soon(): void {
    if (this.#waiting.size === 0) return
    this.#removing ??= this.#removeAll()
      .catch(() => undefined) // of storage that takes no writes any more others are told
      .finally(() => {
        this.#removing = undefined
      })
  }

  /** Waits for what is being removed. */
  async idle(): Promise<void> {
    await this.#removing
  }

  async #removeAll(): Promise<void> {
    for (const removal of this.#waiting) {
      if (!(await whereThereIsRoom(removal))) return
      this.#waiting.delete(removal)
    }
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
