import type { RowBits } from '../pyql/index.js'
import type { Scalars } from './codec.js'
import { copyPicked, hasBit } from './picked-rows.js'

/** Picked rows that each person may get before all are laid out anew, beside a quarter of what it has. */
const ROOM = 4

/** The block whose rows are picked: a person's rows run from rowStart up to rowEnd, and change as it grows. */
export interface GrowingRows {
  readonly rowStart: Uint32Array
  readonly rowEnd: Uint32Array
  /** Pairs of a person and the first row of it that changed, in the order of the changes. */
  readonly changes: readonly number[]
}

let made = 0

/** Rows of a condition in a block that grows, with room behind each person: what changes is picked again, and no more. */
export class GrownPick {
  readonly serial = ++made
  readonly from: Uint32Array
  readonly to: Uint32Array
  readonly rows: Uint32Array
  readonly #block: GrowingRows
  /** Up to where in the changes the rows are. */
  #known: number
  /** The same of copies of columns. */
  readonly #copied = new WeakMap<Scalars, number>()

  constructor(block: GrowingRows, bits: RowBits) {
    const { rowStart, rowEnd } = block
    const people = rowEnd.length
    this.#block = block
    this.from = new Uint32Array(people + 1)
    this.to = new Uint32Array(people)
    for (let person = 0; person < people; person++) {
      let own = 0
      for (let row = rowStart[person]!; row < rowEnd[person]!; row++) if (hasBit(bits, row)) own++
      this.from[person + 1] = this.from[person]! + own + (own >> 2) + ROOM
    }
    this.rows = new Uint32Array(this.from[people]!)
    for (let person = 0; person < people; person++) {
      this.to[person] = this.from[person]!
      this.#pick(person, rowStart[person]!, bits)
    }
    this.#known = block.changes.length
  }

  /** Picks what has changed. False: there is no room for it. */
  update(bits: RowBits): boolean {
    const { changes } = this.#block
    for (; this.#known < changes.length; this.#known += 2) {
      if (!this.#pick(changes[this.#known]!, changes[this.#known + 1]!, bits)) return false
    }
    return true
  }

  /** Brings a copy of a column up to these rows; one that is not known is filled. */
  copy(into: Scalars, all: Scalars): Scalars {
    const { changes } = this.#block
    const known = this.#copied.get(into)
    if (known === undefined) {
      for (let person = 0; person < this.to.length; person++)
        copyPicked(into, all, this.rows, this.from[person]!, this.to[person]!)
    }
    for (let at = known ?? changes.length; at < changes.length; at += 2) {
      const person = changes[at]!
      copyPicked(into, all, this.rows, this.#placeOf(person, changes[at + 1]!), this.to[person]!)
    }
    this.#copied.set(into, changes.length)
    return into
  }

  /** Picks the rows of a person from one on. */
  #pick(person: number, first: number, bits: RowBits): boolean {
    let place = this.#placeOf(person, first)
    const end = this.#block.rowEnd[person]!
    for (let row = first; row < end; row++) {
      if (!hasBit(bits, row)) continue
      if (place === this.from[person + 1]) return false
      this.rows[place++] = row
    }
    this.to[person] = place
    return true
  }

  /** The place of the first picked row of a person that is not before a row. */
  #placeOf(person: number, row: number): number {
    let place = this.to[person]!
    while (place > this.from[person]! && this.rows[place - 1]! >= row) place--
    return place
  }
}
