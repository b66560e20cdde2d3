// The order of results: reads `orderby`, compares rows, sorts within the memory and the time of the query.
import { Problem, show } from '../../lib/index.js'
import type { Key } from '../reader.js'
import type { Budget } from './budget.js'
import type { Position } from './cursor.js'
import { LONG_TEXT } from './lookup.js'
import { aggregateNames } from './output.js'
import type { Frame, Ref, Source } from './scope.js'
import { compareValues, weight } from './value.js'
import { type Stage, TICK } from './walk.js'

export interface Term {
  readonly ref: Ref
  readonly descending: boolean
}

function malformed(reason: string): Problem {
  return new Problem('select_malformed', { part: 'orderby', reason })
}

/** Reads `orderby`: a name, "name desc", {"column": "name", "order": "desc"}, or a list of these. */
export function readOrder(orderby: unknown, find: (name: unknown) => Ref, knows: (name: string) => boolean): Term[] {
  if (orderby === undefined || orderby === null) return []
  return [orderby].flat().map((item): Term => {
    if (typeof item === 'string') return termOfText(item, find, knows)
    if (typeof item !== 'object' || item === null)
      throw malformed('An item is a name or {"column": …, "order": "asc" or "desc"}.')
    const { order = 'asc', ...what } = item as Record<string, unknown>
    if (typeof order !== 'string' || !/^(asc|desc)$/i.test(order)) throw malformed(`The order is 'asc' or 'desc'.`)
    return { ref: find(columnOf(what, item)), descending: order.toLowerCase() === 'desc' }
  })
}

/** The name of a column, or an aggregate such as {"count": "*"}. What else stands beside them may be meant: it is refused. */
function columnOf(what: Record<string, unknown>, item: object): unknown {
  const names = Object.keys(what)
  if (names.some((name) => aggregateNames.includes(name))) return what
  if (names.length === 1 && typeof what['column'] === 'string') return what['column']
  throw malformed(`An item is a name or {"column": …, "order": "asc" or "desc"}, not ${show(item)}.`)
}

/**
 * A column may be called "x desc". Beside one called "x" it takes {"column": "x desc"}: an attribute that comes later
 * must not change what a query means.
 */
function termOfText(text: string, find: (name: unknown) => Ref, knows: (name: string) => boolean): Term {
  const [, name, order] = /^(.+?)\s+(asc|desc)$/i.exec(text) ?? []
  if (name === undefined || (knows(text) && !knows(name))) return { ref: find(text), descending: false }
  return { ref: find(name), descending: order!.toLowerCase() === 'desc' }
}

/**
 * The order of frames: by the terms, then by the keys of every table, so that no two are equal. Among equals the keys of
 * the base table go in the direction of the last term, as an index read backwards has them; those of joined tables rise.
 */
export class FrameOrder {
  readonly terms: readonly Term[]
  readonly #keys: readonly ((frame: Frame) => unknown)[]
  readonly #keyDirection: 1 | -1

  constructor(terms: readonly Term[], sources: readonly Source[]) {
    this.terms = terms
    this.#keyDirection = terms.at(-1)?.descending ? -1 : 1
    this.#keys = sources.map(({ reader }, number) => {
      const { primaryKey } = reader.schema
      return (frame) => frame[number]?.[primaryKey]
    })
  }

  compare = (a: Frame, b: Frame): number => {
    for (const { ref, descending } of this.terms) {
      const order = compareValues(ref.read(a), ref.read(b))
      if (order !== 0) return descending ? -order : order
    }
    for (const [number, key] of this.#keys.entries()) {
      const order = compareValues(key(a), key(b))
      if (order !== 0) return number === 0 ? order * this.#keyDirection : order
    }
    return 0
  }

  values(frame: Frame): unknown[] {
    return this.terms.map(({ ref }) => ref.read(frame) ?? null)
  }

  keys(frame: Frame): (Key | null)[] {
    return this.#keys.map((key) => (key(frame) ?? null) as Key | null)
  }

  /** True when the frame comes behind the place where an earlier page ended. */
  isBehind(frame: Frame, { values, keys }: Position): boolean {
    for (const [i, { ref, descending }] of this.terms.entries()) {
      const order = compareValues(ref.read(frame), values[i])
      if (order !== 0) return order > 0 !== descending
    }
    return this.isBehindKeys(frame, keys)
  }

  isBehindKeys(frame: Frame, keys: Position['keys']): boolean {
    for (const [i, key] of this.#keys.entries()) {
      const order = compareValues(key(frame), keys[i])
      if (order !== 0) return order > 0 === (i > 0 || this.#keyDirection > 0)
    }
    return false
  }
}

/** Frames that are sorted at once: about two milliseconds of work. */
const CHUNK = 1_024
/** Up to this many wanted frames, the others are dropped while sorting. */
const FEW = 2_048

/** Sorts frames, keeping only the first `most`. Copies them, as the frame of a query is written over. */
export class Sorter {
  readonly #compare: (a: Frame, b: Frame) => number
  readonly #most: number
  readonly #budget: Budget
  #chunks: Frame[][] = []
  #open: Frame[] = []
  #bytes = 0

  constructor(compare: (a: Frame, b: Frame) => number, most: number, budget: Budget) {
    this.#compare = compare
    this.#most = most
    this.#budget = budget
  }

  get isEmpty(): boolean {
    return this.#open.length === 0 && this.#chunks.length === 0
  }

  add(frame: Frame): void {
    const bytes = weightOf(frame)
    this.#budget.charge(bytes, 'rows to sort')
    this.#bytes += bytes
    this.#open.push(frame.slice())
    if (this.#most > FEW) {
      if (this.#open.length >= CHUNK) this.#close()
    } else if (this.#open.length >= this.#most * 2 + CHUNK) this.#dropLast()
  }

  #close(): void {
    this.#chunks.push(this.#open.sort(this.#compare))
    this.#open = []
  }

  #dropLast(): void {
    this.#open = this.#open.sort(this.#compare).slice(0, this.#most)
    this.#budget.refund(this.#bytes)
    this.#bytes = this.#open.reduce((bytes, frame) => bytes + weightOf(frame), 0)
    this.#budget.charge(this.#bytes, 'rows to sort')
  }

  /** The frames in their order; the sorter is empty afterwards. Merges in steps, with signs of life. */
  *take(): Generator<boolean, Frame[]> {
    this.#close()
    let chunks = this.#chunks
    while (chunks.length > 1) {
      const merged: Frame[][] = []
      for (let i = 0; i < chunks.length; i += 2)
        merged.push(yield* merge(chunks[i]!, chunks[i + 1] ?? [], this.#compare))
      chunks = merged
    }
    this.#chunks = []
    this.#budget.refund(this.#bytes)
    this.#bytes = 0
    return (chunks[0] ?? []).slice(0, this.#most)
  }
}

function* merge(a: Frame[], b: Frame[], compare: (a: Frame, b: Frame) => number): Generator<boolean, Frame[]> {
  const merged: Frame[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const first = j >= b.length || (i < a.length && compare(a[i]!, b[j]!) <= 0)
    merged.push(first ? a[i++]! : b[j++]!)
    if (merged.length % TICK === 0) yield false
  }
  return merged
}

function weightOf(frame: Frame): number {
  let bytes = 32
  for (const row of frame) bytes += weight(row)
  return bytes
}

/** Puts all frames in order: none comes out before the last has gone in. */
export function* sorted(before: Stage, frame: Frame, sorter: Sorter): Stage {
  let count = 0
  for (const ready of before) {
    if (ready) sorter.add(frame)
    if (!ready || ++count % TICK === 0) yield false
  }
  yield* replay(yield* sorter.take(), frame)
}

function* replay(frames: readonly Frame[], frame: Frame): Stage {
  for (const kept of frames) {
    for (let i = 0; i < kept.length; i++) frame[i] = kept[i]!
    yield true
  }
}

/**
 * Frames that an index gives in the order of the first term: those that are equal there are sorted by the other terms,
 * and long texts, which an index tells apart only at their beginning, by the whole text.
 */
export function* inOrder(before: Stage, frame: Frame, order: FrameOrder, sorter: Sorter): Stage {
  const [{ ref }] = order.terms as [Term]
  const several = order.terms.length > 1
  let run: unknown
  let count = 0
  for (const ready of before) {
    if (!ready) {
      yield false
      continue
    }
    const value = ref.read(frame) ?? null
    const isLong = typeof value === 'string' && value.length >= LONG_TEXT
    const start = isLong ? value.slice(0, LONG_TEXT) : value
    if (!sorter.isEmpty && start !== run) {
      const next = frame.slice()
      yield* replay(yield* sorter.take(), frame)
      for (let i = 0; i < next.length; i++) frame[i] = next[i]!
    }
    run = start
    if (several || isLong) {
      sorter.add(frame)
      if (++count % TICK === 0) yield false
    } else yield true
  }
  yield* replay(yield* sorter.take(), frame)
}
