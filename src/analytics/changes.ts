/** People of rows, beyond which it is only known that many changed. */
const ROWS_MAX = 1 << 20

/** Whose rows came into a partition, in order, from some row on: who must be looked at again since a moment. */
export class Changes {
  /** Rows of the partition before the first that is noted. */
  #from = 0
  #people: number[] = []

  start(rows: number): void {
    this.#from = rows
    this.#people = []
  }

  /** One person for each row. */
  note(people: Iterable<number>): void {
    for (const person of people) this.#people.push(person)
    if (this.#people.length > ROWS_MAX) this.start(this.#from + this.#people.length)
  }

  /** The people of the rows that came after so many; undefined when that is not known any more. */
  since(rows: number): readonly number[] | undefined {
    if (rows < this.#from) return undefined
    return rows === this.#from + this.#people.length ? [] : [...new Set(this.#people.slice(rows - this.#from))]
  }

  forgetBefore(rows: number): void {
    if (rows <= this.#from) return
    this.#people = this.#people.slice(rows - this.#from)
    this.#from = rows
  }
}
