import { SettledLater } from '../lib/index.js'
import type { BinaryEnvironment, Write } from '../storage/index.js'

/** Writes that reach the disk together. */
class Group extends SettledLater {
  readonly writes: Write[] = []
}

/**
 * The writes of one environment, one group after the other: what comes while one is on its way to disk is the next.
 *
 * Memory is ahead of the disk, and what comes later builds on it: it counts as there what an earlier write brings, and
 * uses the numbers that it gives to people and texts. So nothing is stored behind a write that has failed; the group
 * behind fails with it, and memory is read again from what is stored.
 */
export class WriteQueue {
  readonly #environment: BinaryEnvironment
  readonly #onFailure: () => void
  #flight: Group | undefined
  #open: Group | undefined

  /** @param onFailure forgets what is in memory; nothing is under way then */
  constructor(environment: BinaryEnvironment, onFailure: () => void) {
    this.#environment = environment
    this.#onFailure = onFailure
  }

  /**
   * Kept when the writes are durable, and all that were asked for before; without any it waits for those.
   * @throws Problem of BinaryEnvironment.write
   */
  async write(writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return await (this.#open ?? this.#flight)?.done
    const group = (this.#open ??= new Group())
    for (const write of writes) group.writes.push(write)
    if (!this.#flight) this.#launch(group)
    await group.done
  }

  #launch(group: Group): void {
    this.#open = undefined
    this.#flight = group
    this.#environment.write(group.writes).then(
      () => this.#landed(group),
      (error: unknown) => this.#failed(group, error),
    )
  }

  #landed(group: Group): void {
    this.#flight = undefined
    group.resolve()
    if (this.#open) this.#launch(this.#open)
  }

  #failed(group: Group, error: unknown): void {
    const behind = this.#open
    this.#flight = undefined
    this.#open = undefined
    this.#onFailure()
    group.reject(error)
    behind?.reject(error) // nothing of it was written
  }
}
