// Walks an access: puts one row of the base table after the other into the frame.
//
// Every stage of a query is a generator of booleans over one shared frame: `true` says that the frame holds the next
// row, `false` that some work was done without one. So whoever drives the query can pause it between any two rows,
// however selective it is, and rows cost no allocation.

import type { Bound, FoundRecord, IndexRange, Key, KeyTest, Row, TableReader } from '../reader.js'
import { type Access, type Leg, sieveOf } from './access.js'
import type { Awaited, Budget } from './budget.js'
import type { Test } from './condition.js'
import type { Position } from './cursor.js'
import { type Frame, reading } from './scope.js'
import { compareValues } from './value.js'

export type Stage = Iterable<boolean>

/** Work done between two signs of life. */
export const TICK = 128

/** What the plan shows of the work that was done. */
export interface Tally {
  /** Index entries visited. */
  keysRead: number
  /** How long the way through the base table was: of its index the entries, of itself the rows, wanted or not. */
  walked: number
  /** Rows fetched, of every table. */
  rowsRead: number
  /** Rows that met the conditions, for each table that was joined. */
  kept: number[]
}

export interface Walk {
  readonly reader: TableReader
  readonly access: Access
  readonly frame: Frame
  /** Conditions on the base table. */
  readonly test: Test
  readonly tally: Tally
  readonly budget: Budget
  /** Takes what must be waited for before the walk goes on; absent where nobody would. */
  readonly awaited?: Awaited
  /** Every entry of the index is a row that is wanted, and none of it is read: the frame stays empty. */
  readonly isCount?: boolean
  /** Leg that is being walked: a cursor notes it. */
  leg: number
  readonly resume?: Resume
}

/** Where an earlier page ended. */
export interface Resume {
  readonly position: Position
  /** The row itself is visited again: joins may have more to give for it, or its place among equals is not exact. */
  readonly again: 'no' | 'row' | 'value'
}

/** Visits the legs one after the other. */
export function walk(state: Walk): Stage {
  const { access, resume } = state
  if (access.legs.length > 1 || access.within.length > 0) return walkAll(state)
  const [leg] = access.legs
  return leg ? walkLeg(state, leg, offering(state, leg, 0, new Set()), resume, undefined) : []
}

function* walkAll(state: Walk): Stage {
  const { access, resume } = state
  const within = access.within.length > 0 ? new Set<Key>() : undefined
  if (within) yield* collect(state, within)
  const seen = new Set<unknown>()
  const first = resume?.position.leg ?? 0
  for (let number = first; number < access.legs.length; number++) {
    state.leg = number
    const leg = access.legs[number]!
    yield* walkLeg(state, leg, offering(state, leg, number, seen), number === first ? resume : undefined, within)
    yield false
  }
}

function* collect({ reader, access, tally, budget }: Walk, keys: Set<Key>): Stage {
  for (const range of access.within)
    for (const key of reader.range(range)) {
      budget.charge(48, 'keys of an index')
      keys.add(key)
      if (++tally.keysRead % TICK === 0) yield false
    }
}

/** Puts a row into the frame, and tells whether it counts. */
type Offer = (row: Row | undefined) => boolean

/** An array is met once for each of its elements that a range covers, but is one row: `seen` are the keys of such. */
function offering(state: Walk, leg: Leg, number: number, seen: Set<unknown>): Offer {
  const { access, frame, test, tally, budget, reader } = state
  const keep = access.keep[number]
  const attribute = leg.by === 'range' && leg.elements ? leg.range.attribute : undefined
  const isAgain = (row: Row): boolean => {
    if (attribute === undefined || !Array.isArray(row[attribute])) return false
    const key = row[reader.schema.primaryKey]
    if (seen.has(key)) return true
    budget.charge(48, 'rows with arrays')
    seen.add(key)
    return false
  }
  return (row) => {
    if (row === undefined) return false
    tally.rowsRead++
    frame[0] = row
    if (!test(frame) || (keep && !keep(frame)) || isAgain(row)) return false
    tally.kept[0]!++
    return true
  }
}

function walkLeg(
  state: Walk,
  leg: Leg,
  offer: Offer,
  resume: Resume | undefined,
  within: ReadonlySet<Key> | undefined,
): Stage {
  if (leg.by === 'keys') return byKeys(state, leg.keys, offer, resume)
  if (leg.by === 'scan') return byScan(state, leg, offer, resume)
  if (leg.by === 'nulls') return byNulls(state, leg, offer, resume)
  const sieve = sieveOf(state.reader, state.access)
  return byRange(state, leg.range, offer, resume, within ? (key) => within.has(key) && (!sieve || sieve(key)) : sieve)
}

function* byKeys(state: Walk, keys: readonly Key[], offer: Offer, resume: Resume | undefined): Stage {
  const { reader, tally } = state
  let start = 0
  if (resume) {
    const at = keys.indexOf(resume.position.keys[0] as Key)
    start = resume.again === 'no' ? at + 1 : Math.max(0, at)
  }
  let idle = 0
  for (const key of new FetchedKeys(state, start === 0 ? keys : keys.slice(start), undefined)) {
    if (key === undefined) {
      yield false
      continue
    }
    tally.keysRead++
    tally.walked++
    if (offer(reader.get(key))) yield true
    else if (++idle % TICK === 0) yield false
  }
}

function* byRange(
  state: Walk,
  range: IndexRange,
  offer: Offer,
  resume: Resume | undefined,
  sieve: KeyTest | undefined,
): Stage {
  const { reader, tally, awaited, isCount } = state
  const rest = resume ? resumed(range, resume) : range
  if (reader.isSlow && awaited) {
    awaited.set(reader.fetchRange?.(rest))
    yield false
  }
  if (resume?.again === 'row' && offer(rowAgain(reader, range.attribute, resume))) yield true
  const copies = isCount ? undefined : reader.gathered?.(rest)
  if (copies) return yield* byCopies(state, copies, offer)
  const before = tally.keysRead
  let idle = 0
  for (const key of new FetchedKeys(state, reader.range(rest), sieve)) {
    if (key === undefined) {
      yield false
      continue
    }
    tally.keysRead++
    tally.walked++
    if (isCount) {
      tally.kept[0]!++
      yield true
    } else if ((!sieve || sieve(key)) && offer(reader.get(key))) yield true
    else if (++idle % TICK === 0) yield false
  }
  reader.wantGathered?.(rest, tally.keysRead - before)
}

function* byCopies({ tally }: Walk, copies: Iterable<FoundRecord>, offer: Offer): Stage {
  let idle = 0
  for (const { row } of copies) {
    tally.keysRead++
    tally.walked++
    if (offer(row)) yield true
    else if (++idle % TICK === 0) yield false
  }
}

/** Keys that are fetched in one go at first, and at most: perhaps only few rows are wanted. */
const LOT_MIN = 16
const LOT_MAX = 128

/**
 * Hands keys on. Where their records must be waited for, they come in lots that are fetched before; undefined stands
 * before each lot, for a pause in which that is done.
 */
class FetchedKeys implements IterableIterator<Key | undefined> {
  readonly #walk: Walk
  readonly #keys: Iterator<Key>
  readonly #sieve: KeyTest | undefined
  #lot: Key[] = []
  #next = 0
  #length = LOT_MIN

  constructor(walk: Walk, keys: Iterable<Key>, sieve: KeyTest | undefined) {
    this.#walk = walk
    this.#keys = keys[Symbol.iterator]()
    this.#sieve = sieve
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<Key | undefined, undefined> {
    if (this.#next < this.#lot.length) return { done: false, value: this.#lot[this.#next++] }
    const { reader, awaited, isCount } = this.#walk
    if (!awaited || !reader.isSlow || isCount) return this.#keys.next()
    this.#take()
    if (this.#lot.length === 0) return { done: true, value: undefined }
    awaited.set(reader.fetch?.(this.#sieve ? this.#lot.filter(this.#sieve) : this.#lot))
    return { done: false, value: undefined }
  }

  return(): IteratorResult<Key | undefined, undefined> {
    this.#lot = []
    this.#keys.return?.()
    return { done: true, value: undefined }
  }

  #take(): void {
    this.#lot = []
    this.#next = 0
    for (let { done, value } = this.#keys.next(); !done; { done, value } = this.#keys.next()) {
      this.#lot.push(value)
      if (this.#lot.length >= this.#length) break
    }
    this.#length = Math.min(this.#length * 2, LOT_MAX)
  }
}

function resumed(range: IndexRange, { position, again }: Resume): IndexRange {
  const [value] = position.values
  const key = position.keys[0]
  if (again !== 'value') return { ...range, after: { value, key: key as Key } }
  return { ...range, [range.reverse ? 'to' : 'from']: { value, inclusive: true } }
}

/** The last row of the page before, if it still is where it was. */
function rowAgain(reader: TableReader, attribute: string, { position }: Resume): Row | undefined {
  const row = reader.get(position.keys[0] as Key)
  return row && compareValues(row[attribute], position.values[0]) === 0 ? row : undefined
}

function* byScan(
  { reader, tally }: Walk,
  leg: Extract<Leg, { by: 'scan' }>,
  offer: Offer,
  resume: Resume | undefined,
): Stage {
  const { reverse } = leg
  const { primaryKey } = reader.schema
  const start = reverse ? leg.to : leg.from
  const end = reverse ? leg.from : leg.to
  let after: Key | undefined
  if (resume) {
    after = resume.position.keys[0] as Key
    if (resume.again !== 'no' && offer(reader.get(after))) yield true
  } else if (start && typeof start.value !== 'boolean') {
    after = start.value as Key
    if (start.inclusive && offer(reader.get(after))) yield true
  }
  let idle = 0
  for (const row of reader.scan({ reverse, ...(after !== undefined && { after }) })) {
    if (end && isBeyond(row[primaryKey], end, reverse)) return
    tally.walked++
    if (offer(row)) yield true
    else if (++idle % TICK === 0) yield false
  }
}

function* byNulls(
  { reader, tally }: Walk,
  leg: Extract<Leg, { by: 'nulls' }>,
  offer: Offer,
  resume: Resume | undefined,
): Stage {
  const { attribute, reverse } = leg
  const last = resume && resume.again !== 'value' ? (resume.position.keys[0] as Key) : undefined
  const read = reading(0, attribute)
  const isNull = (row: Row | undefined) => row !== undefined && (read([row]) ?? null) === null
  if (last !== undefined && resume?.again === 'row') {
    const row = reader.get(last)
    if (isNull(row) && offer(row)) yield true
  }
  let idle = 0
  for (const row of reader.scan({ reverse, ...(last !== undefined && { after: last }) })) {
    tally.walked++
    const isOne = isNull(row)
    if (!isOne) tally.rowsRead++
    if (isOne && offer(row)) yield true
    else if (++idle % TICK === 0) yield false
  }
}

function isBeyond(key: unknown, end: Bound, reverse: boolean): boolean {
  const order = compareValues(key, end.value) * (reverse ? -1 : 1)
  return order > 0 || (order === 0 && !end.inclusive)
}
