import { Problem, Turns } from '../lib/index.js'

/** One agreement at a time on a node, its own or another node's: two at once would leave different ones on two nodes. */
export class AgreementLock {
  readonly #own: string
  #held: { by: string; until: number } | undefined
  readonly #turns = new Turns()

  constructor(own: string) {
    this.#own = own
  }

  /**
   * From now on this node makes agreements with one node only (or its own), until that is done or the time is over.
   * @throws Problem agreement_busy
   */
  hold(by: string, forMs: number): void {
    const held = this.#held
    if (held && held.by !== by && Date.now() < held.until)
      throw new Problem('agreement_busy', { node: this.#own, other: held.by })
    this.#held = { by, until: Date.now() + forMs }
  }

  isHeldBy(node: string): boolean {
    return this.#held?.by === node
  }

  release(by: string): void {
    if (this.#held?.by === by) this.#held = undefined
  }

  /**
   * One node's requests are done in their order, also when they come late and all at once: what is taken back is gone
   * before the next agreement is made.
   */
  inTurn<T>(node: string, run: () => Promise<T>): Promise<T> {
    return this.#turns.take(node, run)
  }
}
