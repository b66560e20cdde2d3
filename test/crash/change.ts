import { Random } from '../hostile/random.js'
import type { Body, Door } from './door.js'
import type { State } from './state.js'

/** One change that a caller asks for. */
export interface Change {
  name: string
  request: Body
  /** Problems that other callers may bring about; nothing is changed then. */
  mayRefuse?: string
  /** The problem that must come; nothing is changed. */
  mustRefuse?: string | false
  /** What is wrong with the answer, if `there` of what it changes was there before. */
  fault?: (answer: Body, there: number) => string | undefined
  /** The answer names a job, which does it. */
  job?: boolean
  /** Of events: what it inserts about each person is stored at once, but not about all of them. */
  inParts?: boolean
}

/** Chooses a change, and brings about in `scene.state` what it would bring about; nothing when there is nothing to do. */
export type Kind = (scene: Scene) => Change | undefined | Promise<Change | undefined>

/** What a caller looks at when it chooses. */
export interface Scene {
  owner: string
  luck: Luck
  /** What is, which a kind makes what shall be. Where the change is refused it is forgotten. */
  state: State
  door: Door
}

/** The random choices of a caller, and names that it has not used before. */
export class Luck extends Random {
  readonly #owner: string
  #used = 0

  constructor(owner: string, seed: number) {
    super(seed)
    this.#owner = owner
  }

  number(): number {
    return this.#used++
  }

  id(): string {
    return `${this.#owner}-${this.#used++}`
  }

  some<Item>(items: readonly Item[]): Item | undefined {
    return items.length === 0 ? undefined : this.of(items)
  }

  /** Mostly one, sometimes more than are stored in one piece. */
  size(): number {
    const choice = this.next()
    if (choice < 0.6) return 1
    if (choice < 0.9) return 1 + this.below(20)
    return choice < 0.99 ? 1 + this.below(300) : 1_001 + this.below(800)
  }

  /** So many as `size` says. */
  several<Item>(make: () => Item): Item[] {
    return Array.from({ length: this.size() }, make)
  }
}
