import type { PersonId } from './schema.js'

/** The people of a partition: a number for each id, in the order in which they came, and what their rows are like. */
export class People {
  readonly #numbers = new Map<PersonId, number>()
  readonly #ids: PersonId[] = []
  #written = 0
  /** By number: the stamp of the last row; -1 where there is none. */
  lastStamp = new Float64Array(16)
  /** By number: how many rows. */
  rowCount = new Uint32Array(16)

  get size(): number {
    return this.#ids.length
  }

  /** The person's number, or undefined when nobody of that id is here. */
  numberOf(id: PersonId): number | undefined {
    return this.#numbers.get(id)
  }

  idOf(number: number): PersonId {
    return this.#ids[number]!
  }

  /** Gives somebody new a number. */
  add(id: PersonId): number {
    const number = this.#ids.push(id) - 1
    this.#numbers.set(id, number)
    if (number >= this.lastStamp.length) {
      const stamps = new Float64Array(number * 2)
      stamps.set(this.lastStamp)
      this.lastStamp = stamps
      const counts = new Uint32Array(number * 2)
      counts.set(this.rowCount)
      this.rowCount = counts
    }
    this.lastStamp[number] = -1
    return number
  }

  /** Takes people as they lie in the environment. */
  load(ids: readonly PersonId[]): void {
    for (const id of ids) this.add(id)
    this.#written = this.size
  }

  /** People who came since the last call, and the number of the first. */
  fresh(): { first: number; ids: PersonId[] } | undefined {
    const first = this.#written
    if (first === this.size) return undefined
    this.#written = this.size
    return { first, ids: this.#ids.slice(first) }
  }
}
