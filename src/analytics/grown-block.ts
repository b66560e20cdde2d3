import type { PickedRows, RowBits } from '../pyql/index.js'
import type { BlockEntry } from './block-entry.js'
import type { Scalars } from './codec.js'
import type { Delta } from './delta.js'
import { GrownPick } from './grown-pick.js'
import { isAskedAgain } from './picked-rows.js'
import { ACTION, STAMP } from './schema.js'
import type { BlockRows } from './stored-blocks.js'

/** Rows that each person may get before the block is full, beside a quarter of what it has. */
const ROOM = 8

/** What a block that grows reads of its partition. */
export interface Grounds {
  readonly block: BlockEntry
  readonly rows: BlockRows
  readonly delta: Delta
  /** A stored column of the block, as scalars; undefined where all is None. */
  stored(id: number, width: number): Scalars | undefined
  /** The same; it is not asked for soon again. */
  taken(id: number, width: number): Scalars | undefined
  /** What was made of a column of the block, by a name. */
  kept<T extends Scalars>(id: number, name: string, make: () => T): T
  /** It is not asked for any more. */
  forgotten(id: number, name: string): void
}

/** A column as it is asked for: its number, its fresh rows, and an array of its class for rows where all is None. */
export interface GrowingSource {
  readonly id: number
  readonly width: number
  readonly fresh: Scalars
  readonly make: new (length: number) => Scalars
  readonly none: (make: new (length: number) => Scalars, rows: number) => Scalars
}

let made = 0

/**
 * A block together with the rows that came after it was written. Scans ask again and again while events come in: rows
 * are added in place, where their people have room left, so that a scan pays for what is new and not for all there is.
 * Only the newest state is held: a scan of an older one merges for itself.
 */
export class GrownBlock {
  /** Rows of person p are rowStart[p] up to rowEnd[p]; what follows up to the next person is room. */
  readonly rowStart: Uint32Array
  readonly rowEnd: Uint32Array
  readonly #grounds: Grounds
  /** By row where it comes from: a row of the block, or ~row of the delta. */
  readonly #origin: Int32Array
  readonly #lastStamp: Float64Array
  /** Arrays by this block are known by its number: another one of the same stored block lies otherwise. */
  readonly #serial = ++made
  /** Pairs of a person and the first row of it that changed, in the order of the changes. */
  readonly #changes: number[] = []
  /** Up to where in the changes an array is. */
  readonly #known = new WeakMap<Scalars, number>()
  /** What was asked to be kept, by column. */
  readonly #kept = new Map<number, Set<string>>()
  /** By the array that the cache keeps of it, so that it goes when that goes. */
  readonly #picks = new WeakMap<Uint32Array, GrownPick>()
  /** By column, whether the stored block has any values. */
  readonly #stored = new Map<number, boolean>()
  /** Rows of the delta that were looked at. */
  #seen: number
  #isFull = false

  constructor(grounds: Grounds) {
    const { block, rows } = grounds
    this.#grounds = grounds
    this.#seen = block.foldedRows
    this.#lastStamp = rows.lastStamp.slice()
    this.rowStart = new Uint32Array(block.people + 1)
    this.rowEnd = new Uint32Array(block.people)
    for (let person = 0; person < block.people; person++) {
      const own = rows.rowStart[person + 1]! - rows.rowStart[person]!
      this.rowEnd[person] = this.rowStart[person]! + own
      this.rowStart[person + 1] = this.rowEnd[person]! + (own >> 2) + ROOM
    }
    this.#origin = new Int32Array(this.rows)
    for (let person = 0; person < block.people; person++) {
      const shift = rows.rowStart[person]! - this.rowStart[person]!
      for (let row = this.rowStart[person]!; row < this.rowEnd[person]!; row++) this.#origin[row] = row + shift
    }
  }

  /** Places for rows. */
  get rows(): number {
    return this.rowStart[this.rowStart.length - 1]!
  }

  /** Takes the rows of the delta in, up to `to`. False: it cannot be as it was then, or there is no room. */
  grow(to: number, rank: Uint32Array): boolean {
    const { first, people } = this.#grounds.block
    while (!this.#isFull && this.#seen < to) {
      const person = this.#grounds.delta.person[this.#seen]! - first
      if (person >= 0 && person < people && !this.#insert(person, this.#seen, rank)) this.#isFull = true
      else this.#seen++
    }
    return !this.#isFull && this.#seen === to
  }

  /** A column of scalars, with None in the room behind each person. */
  column(source: GrowingSource): Scalars {
    const { id, width, fresh, make, none } = source
    const { block } = this.#grounds
    let stored: Scalars | undefined
    const array = this.#keep(id, make.name, () => {
      stored = this.#grounds.taken(id, width) ?? none(make, block.rows)
      return new make(this.rows)
    })
    const gather = gatherFor(array, fresh)
    return this.#upToDate(array, (into, from, to) => {
      // Most changes are fresh rows alone, for which nothing stored is read.
      if (!stored && this.#holdsStored(from, to)) stored = this.#grounds.stored(id, width) ?? none(make, block.rows)
      gather(into, from, to, this.#origin, stored ?? into, fresh)
    })
  }

  /** The rows of a condition on a column, which `mark` looks for among some rows. */
  bits(id: number, name: string, mark: (bits: RowBits, from: number, to: number) => void): RowBits {
    const words = (this.rows + 31) >>> 5
    return this.#upToDate(
      this.#keep(id, name, () => new Uint32Array(words)),
      mark,
    )
  }

  /** The rows of a condition by themselves; `columnOf` gives a column of the block by its slot, with a name of it. */
  pick(
    id: number,
    name: string,
    bits: RowBits,
    columnOf: (slot: number) => { name: string; values: Scalars },
  ): PickedRows | undefined {
    if (!isAskedAgain(bits)) return undefined
    const what = `${name} picked`
    let pick = this.#picked(id, what, bits)
    if (!pick.update(bits)) {
      this.#forget(id, (known) => known.startsWith(what))
      pick = this.#picked(id, what, bits)
    }
    const column = (slot: number) => {
      const { name: of, values } = columnOf(slot)
      const make = values.constructor as new (length: number) => Scalars
      return pick.copy(
        this.#keep(id, `${what} ${pick.serial} ${of} ${make.name}`, () => new make(pick.rows.length)),
        values,
      )
    }
    return { from: pick.from, to: pick.to, rows: pick.rows, column }
  }

  #picked(id: number, what: string, bits: RowBits): GrownPick {
    let pick: GrownPick | undefined
    const rows = this.#keep(id, what, () => {
      pick = new GrownPick({ rowStart: this.rowStart, rowEnd: this.rowEnd, changes: this.#changes }, bits)
      this.#picks.set(pick.rows, pick)
      return pick.rows
    })
    return pick ?? this.#picks.get(rows)!
  }

  #forget(id: number, isMeant: (name: string) => boolean): void {
    const names = this.#kept.get(id) ?? new Set()
    const prefix = `grown ${this.#serial} `
    for (const name of names) {
      if (!isMeant(name.slice(prefix.length))) continue
      names.delete(name)
      this.#grounds.forgotten(id, name)
    }
  }

  /** Whether a column is stored with the block: fresh rows aside. */
  hasStored(id: number, width: number): boolean {
    const known = this.#stored.get(id) ?? this.#grounds.stored(id, width) !== undefined
    this.#stored.set(id, known)
    return known
  }

  /** Lets go of all that was kept. */
  end(): void {
    for (const [id, names] of this.#kept) for (const name of names) this.#grounds.forgotten(id, name)
  }

  #keep<T extends Scalars>(id: number, what: string, make: () => T): T {
    const name = `grown ${this.#serial} ${what}`
    const names = this.#kept.get(id) ?? new Set()
    this.#kept.set(id, names.add(name))
    return this.#grounds.kept(id, name, make)
  }

  /** Fills an array in: all of it when it is new, else where rows have changed since. */
  #upToDate<T extends Scalars>(array: T, fill: (array: T, from: number, to: number) => void): T {
    const known = this.#known.get(array)
    if (known === undefined) {
      for (let person = 0; person < this.rowEnd.length; person++)
        fill(array, this.rowStart[person]!, this.rowEnd[person]!)
    }
    for (let at = known ?? this.#changes.length; at < this.#changes.length; at += 2) {
      fill(array, this.#changes[at + 1]!, this.rowEnd[this.#changes[at]!]!)
    }
    this.#known.set(array, this.#changes.length)
    return array
  }

  #holdsStored(from: number, to: number): boolean {
    for (let row = from; row < to; row++) if (this.#origin[row]! >= 0) return true
    return false
  }

  /** Rows by (stamp, rank, arrival). */
  #insert(person: number, row: number, rank: Uint32Array): boolean {
    const end = this.rowEnd[person]!
    if (end === this.rowStart[person + 1]) return false
    const stamp = this.#grounds.delta.stamp[row]!
    let at = end
    if (stamp > this.#lastStamp[person]!) this.#lastStamp[person] = stamp
    else {
      const own = rank[this.#grounds.delta.action[row]!]!
      for (; at > this.rowStart[person]! && this.#isAfter(at - 1, stamp, own, rank); at--) {
        this.#origin[at] = this.#origin[at - 1]!
      }
    }
    this.#origin[at] = ~row
    this.rowEnd[person] = end + 1
    this.#changes.push(person, at)
    return true
  }

  #isAfter(place: number, stamp: number, rankOfRow: number, rank: Uint32Array): boolean {
    const origin = this.#origin[place]!
    const other = origin >= 0 ? this.#grounds.stored(STAMP, 0)![origin]! : this.#grounds.delta.stamp[~origin]!
    if (other !== stamp) return other > stamp
    const action = origin >= 0 ? this.#grounds.stored(ACTION, 0)![origin]! : this.#grounds.delta.action[~origin]!
    return rank[action]! > rankOfRow
  }
}

type Gather = (into: Scalars, from: number, to: number, origin: Int32Array, stored: Scalars, fresh: Scalars) => void

/** Each maker call gives a function with type feedback of its own, so that every one of them sees one width only. */
const makeGather = (): Gather => (into, from, to, origin, stored, fresh) => {
  for (let row = from; row < to; row++) {
    const at = origin[row]!
    into[row] = at >= 0 ? stored[at]! : fresh[~at]!
  }
}
const [gatherBytes, gatherBools, gatherShorts, gatherWords, gatherDoubles] = Array.from({ length: 5 }, makeGather) as [
  Gather,
  Gather,
  Gather,
  Gather,
  Gather,
]

function gatherFor(into: Scalars, fresh: Scalars): Gather {
  if (into instanceof Float64Array) return gatherDoubles
  if (into.BYTES_PER_ELEMENT === 1) return fresh instanceof Uint8Array ? gatherBools : gatherBytes
  return into.BYTES_PER_ELEMENT === 2 ? gatherShorts : gatherWords
}
