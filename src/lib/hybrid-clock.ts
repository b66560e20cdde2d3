/** Smallest step of the clock in milliseconds: a double holds it exactly until the year 2109 (2^42 ms). */
const STEP_MS = 1 / 2048

/**
 * A hybrid logical clock (Kulkarni et al., 2014) in one double: milliseconds since 1970 whose fraction is the logical
 * counter. Times are strictly increasing, follow the wall clock while it runs forward, and sort as numbers.
 */
export class HybridClock {
  #last = 0
  readonly #wall: () => number

  constructor(wall: () => number = Date.now) {
    this.#wall = wall
  }

  /** The next time, later than every time returned or observed before. */
  now(): number {
    this.#last = Math.max(this.#wall(), this.#last + STEP_MS)
    return this.#last
  }

  /** Takes note of a time seen elsewhere (another node, the disk), so that `now` is later than it. */
  observe(time: number): void {
    if (time > this.#last) this.#last = Math.ceil(time / STEP_MS) * STEP_MS
  }
}
