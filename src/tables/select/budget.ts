// The memory and the time of one query.
import { Problem, untilAborted } from '../../lib/index.js'

/** The memory that a query may hold: what it sorts, groups, hashes. Over the limit the caller is told what grew. */
export class Budget {
  readonly #limit: number
  #used = 0

  constructor(bytes: number) {
    this.#limit = bytes
  }

  charge(bytes: number, what: string): void {
    this.#used += bytes
    if (this.#used > this.#limit)
      throw new Problem('query_too_large', {
        what: `bytes of ${what}`,
        limit: this.#limit,
        setting: 'select.memory_bytes_max',
      })
  }

  refund(bytes: number): void {
    this.#used -= bytes
  }
}

/** Who waits for a query: `signal` is asked for only when the query takes longer than a slice. */
export interface Control {
  readonly signal: AbortSignal
}

const waiting: (() => void)[] = []

/** One query goes on in each round of the event loop: many long ones do not add up to a long pause for the others. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(next)
  })
}

function next(): void {
  waiting.shift()!()
  if (waiting.length > 0) setImmediate(next)
}

/** Something that a stage waits for before it goes on; whoever drives the stages takes it. */
export class Awaited {
  #promise: Promise<unknown> | undefined

  get isThere(): boolean {
    return this.#promise !== undefined
  }

  set(promise: Promise<unknown> | undefined): void {
    this.#promise = promise
  }

  take(): Promise<unknown> | undefined {
    const promise = this.#promise
    this.#promise = undefined
    return promise
  }
}

/** Cuts long work into slices, so that other requests are served in between. */
export class Slices {
  readonly #control: Control
  readonly #length: number
  readonly #awaited: Awaited
  #start = performance.now()

  constructor(control: Control, milliseconds: number, awaited: Awaited) {
    this.#control = control
    this.#length = milliseconds
    this.#awaited = awaited
  }

  /** True when the slice is used up, or a stage waits for something: then `rest`. */
  get over(): boolean {
    return this.#awaited.isThere || performance.now() - this.#start > this.#length
  }

  /** Whether other long queries wait for their turn. */
  get isContended(): boolean {
    return waiting.length > 0
  }

  /** Lets others run, until something is done that is worth waiting for. Throws when nobody waits for the result any more. */
  async rest(until = this.#awaited.take()): Promise<void> {
    await (until ? untilAborted(this.#control.signal, until) : turn())
    this.#control.signal.throwIfAborted()
    this.#start = performance.now()
  }
}
