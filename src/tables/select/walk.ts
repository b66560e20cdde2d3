// Walks an access: puts one row of the base table after the other into the frame.
//
// Every stage of a query is a generator of booleans over one shared frame: `true` says that the frame holds the next
// row, `false` that some work was done without one. So whoever drives the query can pause it between any two rows,
// however selective it is, and rows cost no allocation.

import type { Bound, IndexRange, Key, Row, TableReader } from '../reader.js'
import type { Access, Leg } from './access.js'
import type { Budget } from './budget.js'
import type { Test } from './condition.js'
import type { Position } from './cursor.js'
import type { Frame } from './scope.js'
import { compareValues } from './value.js'

export type Stage = Iterable<boolean>

/** Work done between two signs of life. */
export const TICK = 128

/** What the plan shows of the work that was done. */
export interface Tally {
  /** Index entries visited. */
  keysRead: number
  /** Rows fetched, of every table. */
  rowsRead: number
  /** Rows that met every condition. */
  rowsKept: number
}

export interface Walk {
  readonly reader: TableReader
  readonly access: Access
  readonly frame: Frame
  /** Conditions on the base table. */
  readonly test: Test
  readonly tally: Tally
  readonly budget: Budget
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

export function* walk(state: Walk): Stage {
  const { access, frame, test, tally, reader, resume } = state
  const within = access.within.length > 0 ? new Set<Key>() : undefined
  if (within) yield* collect(state, within)
  const seen = new Set<unknown>()
  let idle = 0
  for (let number = resume?.position.leg ?? 0; number < access.legs.length; number++) {
    state.leg = number
    const leg = access.legs[number]!
    const keep = access.keep[number]
    const attribute = leg.by === 'range' && leg.elements ? leg.range.attribute : undefined
    const rows = rowsOf(state, leg, number === resume?.position.leg ? resume : undefined, within)
    for (const row of rows) {
      if (row !== undefined) {
        tally.rowsRead++
        frame[0] = row
        if (test(frame) && (keep?.(frame) ?? true) && (attribute === undefined || isFirst(row, attribute))) {
          idle = 0
          yield true
          continue
        }
      }
      if (++idle % TICK === 0) yield false
    }
  }

  /** An array is met once for each of its elements that the range covers, but is one row. */
  function isFirst(row: Row, attribute: string): boolean {
    if (!Array.isArray(row[attribute])) return true
    const key = row[reader.schema.primaryKey]
    if (seen.has(key)) return false
    state.budget.charge(48, 'rows with arrays')
    seen.add(key)
    return true
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

function rowsOf(
  state: Walk,
  leg: Leg,
  resume: Resume | undefined,
  within: ReadonlySet<Key> | undefined,
): Iterable<Row | undefined> {
  if (leg.by === 'keys') return byKeys(state, leg.keys, resume)
  return leg.by === 'range' ? byRange(state, leg.range, resume, within) : byScan(state, leg, resume)
}

function* byKeys({ reader, tally }: Walk, keys: readonly Key[], resume: Resume | undefined): Iterable<Row | undefined> {
  let start = 0
  if (resume) {
    const at = keys.indexOf(resume.position.keys[0] as Key)
    start = resume.again === 'no' ? at + 1 : Math.max(0, at)
  }
  for (let i = start; i < keys.length; i++) {
    tally.keysRead++
    yield reader.get(keys[i]!)
  }
}

function* byRange(
  { reader, tally }: Walk,
  range: IndexRange,
  resume: Resume | undefined,
  within: ReadonlySet<Key> | undefined,
): Iterable<Row | undefined> {
  if (resume && resume.again === 'row') yield rowAgain(reader, range.attribute, resume)
  for (const key of reader.range(resume ? resumed(range, resume) : range)) {
    tally.keysRead++
    yield within && !within.has(key) ? undefined : reader.get(key)
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
  { reader }: Walk,
  leg: Extract<Leg, { by: 'scan' }>,
  resume: Resume | undefined,
): Iterable<Row | undefined> {
  const { reverse } = leg
  const { primaryKey } = reader.schema
  const start = reverse ? leg.to : leg.from
  const end = reverse ? leg.from : leg.to
  let after: Key | undefined
  if (resume) {
    after = resume.position.keys[0] as Key
    if (resume.again !== 'no') yield reader.get(after)
  } else if (start && typeof start.value !== 'boolean') {
    after = start.value as Key
    if (start.inclusive) yield reader.get(after)
  }
  for (const row of reader.scan({ reverse, ...(after !== undefined && { after }) })) {
    if (end && isBeyond(row[primaryKey], end, reverse)) return
    yield row
  }
}

function isBeyond(key: unknown, end: Bound, reverse: boolean): boolean {
  const order = compareValues(key, end.value) * (reverse ? -1 : 1)
  return order > 0 || (order === 0 && !end.inclusive)
}
