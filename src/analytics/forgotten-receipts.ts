import type { BinaryEnvironment, Write } from '../storage/index.js'
import type { Receipts } from './receipts.js'

/** Removes the receipts of inserts whose answers are stored elsewhere, those of many at a time. */
export class ForgottenReceipts {
  /** What removes the receipts of an insert, when it is time. */
  readonly #receipts = new Map<string, [BinaryEnvironment, Write][]>()
  /** Receipts to remove. */
  readonly #forgotten = new Map<BinaryEnvironment, Write[]>()
  #forgetting: Promise<void> | undefined

  /** Remembers where a receipt is. */
  add(receipt: string, environment: BinaryEnvironment, receipts: Receipts): void {
    const kept = this.#receipts.get(receipt) ?? []
    kept.push([environment, receipts.removal(receipt)])
    this.#receipts.set(receipt, kept)
  }

  /** The answer to an insert is stored elsewhere. What this has kept for its repeat goes soon, with that of others. */
  forget(receipt: string): void {
    for (const [environment, removal] of this.#receipts.get(receipt) ?? []) {
      const own = this.#forgotten.get(environment) ?? []
      own.push(removal)
      this.#forgotten.set(environment, own)
    }
    this.#receipts.delete(receipt)
  }

  /** What stays because it could not be removed goes at a start, when it is old. */
  soon(): void {
    if (this.#forgotten.size === 0) return
    this.#forgetting ??= this.#remove()
      .catch(() => undefined)
      .finally(() => {
        this.#forgetting = undefined
      })
  }

  /** Waits for what is being removed. */
  async idle(): Promise<void> {
    await this.#forgetting
  }

  async #remove(): Promise<void> {
    const forgotten = [...this.#forgotten]
    this.#forgotten.clear()
    await Promise.all(forgotten.map(([environment, removals]) => environment.write(removals)))
  }
}
