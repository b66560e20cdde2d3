// Chooses how the rows of the base table are found: by key, by one index, by several, or by reading all.
import type { Content } from '../../catalog/index.js'
import { Problem } from '../../lib/index.js'
import type { Bound, IndexedValue, IndexRange, Key, KeyTest, TableReader } from '../reader.js'
import { type Condition, compile, conjuncts, refusesNull, type Test } from './condition.js'
import { branchesOf, LONG_TEXT, type Lookup, lookupsOf, rangesOf, vagueLookupsOf } from './lookup.js'
import type { Frame, Ref } from './scope.js'

/** One stretch of the way to the rows. */
export type Leg =
  | { readonly by: 'keys'; readonly keys: readonly Key[] }
  /** The rows that have nothing there: they have no entry in the attribute's index. */
  | { readonly by: 'nulls'; readonly attribute: string; readonly reverse: boolean }
  | { readonly by: 'range'; readonly range: IndexRange; readonly elements: boolean }
  | { readonly by: 'scan'; readonly from?: Bound; readonly to?: Bound; readonly reverse: boolean }

/** How the rows of the base table are found. */
export interface Access {
  /** The same for the same query at another time, as long as the indexes are: cursors name it. */
  readonly id: string
  readonly by: 'scan' | 'primary_key' | 'index' | 'union'
  /** Names of the indexes. */
  readonly indexes: readonly string[]
  readonly legs: readonly Leg[]
  /** Which rows each leg may give, where two legs could give the same. */
  readonly keep: readonly (Test | undefined)[]
  /** Other indexes whose keys every row must be among. */
  readonly within: readonly IndexRange[]
  /** Values of other indexes that every row has. */
  readonly others: readonly IndexedValue[]
  /** Whether rows come in the order that was asked for. */
  readonly ordered: boolean
  /** It was chosen without counting, or in the hope of meeting rows soon: given up after so many index entries. */
  readonly patience?: number | undefined
}

/** The first column that the rows should be ordered by. */
export interface Wanted {
  readonly ref: Ref
  readonly descending: boolean
  /** What rows have there, where an index has entries of all that is not null. */
  readonly content?: 'never null' | Content | undefined
}

export interface Choice {
  readonly reader: TableReader
  /** Conditions on the base table that must all hold. */
  readonly conditions: readonly Condition[]
  /** Whether rows that meet them may be refused later, by what is joined. */
  readonly refuses?: boolean
  readonly wanted?: Wanted
  /** How many rows are asked for. */
  readonly limit?: number
  /** The access of the first page, when this is a later one. */
  readonly access?: string
  readonly costs?: Costs
  readonly care?: Care
}

/**
 * How the way is chosen: by the index that looks best, nearly without counting; by what is counted; without an order of
 * an index, which has turned out to be a long way. Each where the one before has taken long.
 */
export type Care = 'guess' | 'count' | 'sort'

/** Where one way to the rows becomes cheaper than another, in index entries. */
export interface Costs {
  /** So few that a better index is not worth looking for. */
  readonly few: number
  /** Up to this many rows are rather sorted than read in the order of another index. */
  readonly sorted: number
  /** From this many on, reading a second index spares more than it costs. */
  readonly shared: number
  /** No more are counted. */
  readonly counted: number
  /** As many are read on a guess, before it is worth counting what other indexes would take. */
  readonly guessed: number
}

export const usualCosts: Costs = { few: 100, sorted: 1_000, shared: 400, counted: 20_000, guessed: 500 }

interface Candidate {
  readonly lookup: Lookup
  readonly isKey: boolean
  /** Lower is likely to find less. */
  readonly guess: number
}

export function chooseAccess(choice: Choice): Access {
  const { reader, conditions, wanted, limit, costs = usualCosts } = choice
  const candidates = candidatesOf(reader, conditions)
  if (candidates.length === 0) candidates.push(...vagueCandidates(choice))
  if (choice.access !== undefined && choice.care !== 'sort') return accessAgain(choice.access, choice, candidates)
  if (choice.care === 'guess' && !wanted && candidates.length > 1)
    return accessBy(candidates[0]!, choice, candidates, costs.guessed)
  if (choice.care === 'guess' && !wanted && candidates[0]?.guess === VAGUE)
    return accessBy(candidates[0], choice, candidates, patienceWithVague(choice))
  const best = cheapest(reader, candidates, costs, limit)
  if (choice.care !== 'sort' && wanted && !serves(best, wanted) && canServe(candidates, wanted, reader)) {
    // Where no more than the limit are found, an index is walked to its end for them.
    const most = limit !== undefined && Math.max(costs.sorted, limit + 1)
    const few = most && found(choice, best, most) < most
    const anyhow = best && limit === undefined
    if (!few && !anyhow) return patiently(accessOf(idOfOrder(candidates, wanted), choice, candidates), best, choice)
  }
  // Reading a second index whole does not pay for one page.
  if (best && limit === undefined)
    return accessOf(withIntersection(reader, best, candidates, costs), choice, candidates)
  if (best) return accessBy(best, choice, candidates)
  return accessOf(unionIn(reader, conditions)?.id ?? 'scan', choice, candidates)
}

function candidatesOf(reader: TableReader, conditions: readonly Condition[]): Candidate[] {
  const { primaryKey, columns } = reader.schema
  const candidates: Candidate[] = []
  for (const lookup of lookupsOf(conditions)) {
    const { name } = lookup.ref
    const isKey = name === primaryKey
    if (!isKey && !reader.isIndexed(name)) continue
    const unique = lookup.points !== undefined && columns.find((column) => column.name === name)?.unique === true
    candidates.push({ lookup, isKey, guess: isKey && lookup.points ? 0 : unique ? 1 : guess(lookup) })
  }
  return candidates.sort((a, b) => a.guess - b.guess)
}

/** One of which nobody knows whether it finds anything less than nearly all rows. */
const VAGUE = 7

/**
 * Where there is nothing better: what may find few rows is tried, and given up when it turns out to find many. A page
 * that began so goes on so.
 */
function vagueCandidates(choice: Choice): Candidate[] {
  const { reader, conditions, wanted, limit, access, care, costs = usualCosts } = choice
  const isTried = ({ lookup }: Candidate) => care === 'guess' && !wanted && !lookup.partial
  const isOrderTried = care === 'guess' && wanted && limit !== undefined
  const isWorthIt = (it: Candidate) =>
    isTried(it) || (!isOrderTried && entries(reader, it, costs.counted) < costs.counted)
  return vagueLookupsOf(conditions)
    .filter(({ ref: { name }, prefixes }) => {
      if (name === reader.schema.primaryKey) return false
      return prefixes ? reader.isIndexed(name) : reader.contentOf?.(name) !== undefined
    })
    .map((lookup) => ({ lookup, isKey: false, guess: VAGUE }))
    .filter((it) => access === idOf(it) || isWorthIt(it))
}

/** Of how many rows one is read by an index before all of them are read in their order. */
const SHARE_OF_VAGUE = 32

function patienceWithVague({ reader, costs = usualCosts }: Choice): number {
  return Math.max(costs.counted, Math.ceil(reader.count() / SHARE_OF_VAGUE))
}

/** Half of all rows, as likely as not. */
const BOOLEANS = 6

/** Without looking: equality finds less than a stretch, a closed stretch less than an open one, a boolean most. */
function guess({ points, stretch }: Lookup): number {
  if (points) return points.some((value) => typeof value === 'boolean') ? BOOLEANS : 2
  if (stretch!.prefix) return 3
  return stretch!.from && stretch!.to && typeof stretch!.from.value === typeof stretch!.to.value ? 4 : 5
}

/** Counts what the likely candidates would visit, no further than needed to tell the smallest. */
function cheapest(
  reader: TableReader,
  candidates: readonly Candidate[],
  costs: Costs,
  limit = 0,
): Candidate | undefined {
  let best = candidates[0]
  if (!best || candidates.length === 1 || best.guess <= 1) return best
  const few = Math.max(costs.few, limit * 10)
  let least = entries(reader, best, Math.max(few + 1, costs.sorted))
  for (const candidate of candidates.slice(1)) {
    if (least <= few) break
    const count = entries(reader, candidate, least)
    if (count < least) [best, least] = [candidate, count]
  }
  return best
}

/** Of a list of more values it is guessed by so many what all of them have: each is a search, and none pauses. */
const LOOKED_AT = 1_000

/** Entries that a candidate visits, counted up to `most`. */
function entries(reader: TableReader, { lookup, isKey }: Candidate, most: number): number {
  if (isKey) return lookup.points ? lookup.points.length : most
  const ranges = rangesOf(lookup, false)
  let count = 0
  for (const [number, range] of ranges.entries()) {
    if (number === LOOKED_AT) return Math.min(most, Math.ceil(Math.max(count / number, 1) * ranges.length))
    count += reader.estimate(range, most - count)
    if (count >= most) break
  }
  return count
}

/** Whether the rows of a candidate come in the order that is wanted. */
function serves(candidate: Candidate | undefined, wanted: Wanted): boolean {
  return candidate !== undefined && isInOrder(candidate.lookup, wanted)
}

function isInOrder({ ref, elements, prefixes }: Lookup, wanted: Wanted): boolean {
  return ref.name === wanted.ref.name && !elements && !prefixes
}

function canServe(candidates: readonly Candidate[], wanted: Wanted, reader: TableReader): boolean {
  if (wanted.ref.name === reader.schema.primaryKey || wanted.content) return true
  return candidates.some((candidate) => serves(candidate, wanted))
}

/** Of how many rows an index is read in their order before it would have been better to read and sort them all. */
const SHARE_IN_VAIN = 16

/** Rows in the order of an index end at the limit: soon, unless conditions that it knows nothing of refuse nearly all. */
function patiently(access: Access, best: Candidate | undefined, choice: Choice): Access {
  const { reader, conditions, refuses, limit, care, costs = usualCosts } = choice
  if ((conditions.length === 0 && !refuses) || limit === undefined) return access
  // Most pages are full before it is worth counting what another way would take.
  if (care === 'guess') return { ...access, patience: limit + costs.sorted }
  const count = found(choice, best, costs.counted)
  // To sort them all, the table would be read as it is read now.
  if (count === Number.POSITIVE_INFINITY && access.by === 'scan') return access
  const others = count < costs.counted ? count : Math.ceil(reader.count() / SHARE_IN_VAIN)
  return { ...access, patience: limit + Math.max(costs.sorted, others) }
}

/** The access of the page before. */
function accessAgain(id: string, choice: Choice, candidates: readonly Candidate[]): Access {
  const { reader, wanted, limit, costs = usualCosts } = choice
  const access = accessOf(id, choice, candidates)
  if (!wanted || !access.ordered) return access
  const best = cheapest(reader, candidates, costs, limit)
  return serves(best, wanted) ? access : patiently(access, best, choice)
}

/** Entries that would be visited instead, counted up to `most`; boundless where all rows would be. */
function found({ reader, conditions }: Choice, best: Candidate | undefined, most: number): number {
  if (best) return entries(reader, best, most)
  const union = unionIn(reader, conditions)
  if (!union) return Number.POSITIVE_INFINITY
  let count = 0
  for (const branch of union.branches) {
    count += entries(reader, branch.best, most - count)
    if (count >= most) break
  }
  return count
}

function idOfOrder(candidates: readonly Candidate[], wanted: Wanted): string {
  const candidate = candidates.find((it) => serves(it, wanted))
  if (candidate) return idOf(candidate)
  const isWhole = wanted.content === undefined || wanted.content === 'never null'
  return `${isWhole ? 'order:' : ORDER_WITH_NULLS}${wanted.ref.name}`
}

function idOf({ lookup, isKey }: Candidate): string {
  return isKey ? 'key' : `index:${encodeURIComponent(lookup.ref.name)}`
}

/** Adds a second index where it is sure to spare many rows. */
function withIntersection(
  reader: TableReader,
  best: Candidate,
  candidates: readonly Candidate[],
  costs: Costs,
): string {
  const others = candidates.filter((it) => it !== best && !it.isKey && it.guess < BOOLEANS)
  if (best.isKey || others.length === 0) return idOf(best)
  const count = entries(reader, best, costs.counted)
  if (count < costs.shared) return idOf(best)
  const most = Math.min(count * 2, costs.counted)
  const other = others.find((it) => entries(reader, it, most) < most)
  return other ? `${idOf(best)}&${encodeURIComponent(other.lookup.ref.name)}` : idOf(best)
}

/** An "or" whose branches all have an index can be a union of them. */
function unionIn(
  reader: TableReader,
  conditions: readonly Condition[],
): { id: string; branches: Branch[] } | undefined {
  for (const [number, condition] of conditions.entries()) {
    const branches = 'any' in condition && unionOf(reader, condition.any)
    if (branches) return { id: `union:${number}`, branches }
  }
  return undefined
}

interface Branch {
  readonly condition: Condition
  readonly best: Candidate
}

function unionOf(reader: TableReader, any: readonly Condition[]): Branch[] | undefined {
  const branches = branchesOf(any)?.map(({ condition }) => {
    const candidates = candidatesOf(reader, conjuncts(condition))
    return { condition, best: candidates[0] }
  })
  return branches?.every((branch): branch is Branch => branch.best !== undefined) ? branches : undefined
}

/** The access by a candidate that is at hand, which need not be found by its id. */
function accessBy(candidate: Candidate, choice: Choice, candidates: readonly Candidate[], patience?: number): Access {
  const id = idOf(candidate)
  if (candidate.isKey) return { ...accessOf(id, choice, candidates), patience }
  return indexAccess(id, candidate, candidates, choice.wanted, patience)
}

/** Builds the access of an id. Throws when it is not possible (any more). */
function accessOf(id: string, choice: Choice, candidates: readonly Candidate[]): Access {
  const { reader, conditions, wanted } = choice
  const reverse = wanted?.descending === true
  const { primaryKey } = reader.schema
  const plain = { id, keep: [], within: [] as IndexRange[], others: [], ordered: wanted?.ref.name === primaryKey }
  if (id === 'scan' || id === `order:${primaryKey}`)
    return { by: 'scan', indexes: [], legs: [{ by: 'scan', reverse: plain.ordered && reverse }], ...plain }
  const key = candidates.find(({ isKey }) => isKey)
  if (id === 'key' && key)
    return { by: 'primary_key', indexes: [primaryKey], legs: keyLegs(key.lookup, plain.ordered && reverse), ...plain }
  if (id.startsWith('union:')) {
    const union = unionAccess(id, reader, conditions)
    if (union) return union
  }
  const ordered = wanted && orderLegs(id, wanted, conditions)
  if (ordered) {
    const { name } = wanted.ref
    return { id, by: 'index', indexes: [name], legs: ordered, keep: [], within: [], others: [], ordered: true }
  }
  // Objects have come into the column since the page before: the rest is sorted.
  if (id.startsWith(ORDER_WITH_NULLS)) return accessOf('scan', choice, candidates)
  const [own] = id.split('&')
  const found = candidates.find((it) => !it.isKey && own === idOf(it))
  if (!found)
    throw new Problem('cursor_invalid', { reason: 'the indexes of the table have changed since; start again' })
  return indexAccess(id, found, candidates, wanted)
}

/** What ids of such accesses begin with. */
export const ORDER_WITH_NULLS = 'nulls:'

/** The whole of an index in its order; in one that may lack rows with nothing there, these come before or behind it. */
function orderLegs(id: string, { ref, content, descending }: Wanted, conditions: readonly Condition[]) {
  const { name: attribute } = ref
  const whole: Leg = { by: 'range', range: { attribute, ...(descending && { reverse: true }) }, elements: false }
  if (id.startsWith('order:') && (content === 'never null' || content === 'scalar')) return [whole]
  if (!id.startsWith(ORDER_WITH_NULLS) || content === undefined) return undefined
  // The leg stays where there are no such rows: there may be some when a cursor comes back.
  const isWanted = content === 'nullable' && !conditions.some((condition) => refusesNull(condition, ref))
  const rest: Leg = isWanted ? { by: 'nulls', attribute, reverse: descending } : { by: 'keys', keys: [] }
  return descending ? [whole, rest] : [rest, whole]
}

function indexAccess(
  id: string,
  found: Candidate,
  candidates: readonly Candidate[],
  wanted: Wanted | undefined,
  patience?: number,
): Access {
  const ordered = wanted !== undefined && serves(found, wanted)
  const [, second] = id.split('&')
  const other = second && candidates.find((it) => encodeURIComponent(it.lookup.ref.name) === second)
  const parts = indexLegs(found.lookup, ordered && wanted.descending)
  return {
    id,
    by: 'index',
    indexes: [found, ...(other ? [other] : [])].map(({ lookup }) => lookup.ref.name),
    legs: parts.map(({ leg }) => leg),
    keep: parts.map(({ keep }) => keep),
    within: other ? rangesOf(other.lookup, false) : [],
    others: candidates.filter((it) => it !== found && it !== other).flatMap(otherOf),
    ordered,
    patience,
  }
}

function otherOf({ lookup: { ref, points }, isKey }: Candidate): IndexedValue[] {
  return points?.length === 1 && !isKey ? [{ attribute: ref.name, value: points[0]! }] : []
}

/** What is known of the keys that the other values of an access have. */
export function sieveOf(reader: TableReader, { others }: Access): KeyTest | undefined {
  if (others.length === 0 || !reader.filter) return undefined
  const tests = others.map((value) => reader.filter!(value)).filter((test) => test !== undefined)
  const [first] = tests
  return tests.length > 1 ? (key) => tests.every((test) => test(key)) : first
}

/** So many rows were read, at least, before it is asked whether a filter would have spared some. */
const READ_MIN = 500
/** It would have, where only one of so many rows met the conditions. */
const SELDOM = 8

/** Tells the reader when most rows of an access were read in vain. Answers a promise of what would spare them, if it comes. */
export function learn(
  reader: TableReader,
  { others }: Access,
  read: number,
  kept: number,
): Promise<unknown> | undefined {
  if (read < READ_MIN || kept * SELDOM > read) return undefined
  for (const value of others) reader.wantFilter?.(value)
  const toCome = others.map((value) => reader.filterToCome?.(value)).filter((filter) => filter !== undefined)
  return toCome.length > 0 ? Promise.all(toCome) : undefined
}

/** One leg for each range. Long texts that an index does not tell apart would be found by several. */
function indexLegs(lookup: Lookup, reverse: boolean): { leg: Leg; keep: Test | undefined }[] {
  const { ref, elements, points = [] } = lookup
  const overlap = points.length > 1 && points.some((value) => typeof value === 'string' && value.length >= LONG_TEXT)
  return rangesOf(lookup, reverse).map((range) => {
    const value = range.from?.value
    return { leg: { by: 'range', range, elements }, keep: overlap ? (frame) => ref.read(frame) === value : undefined }
  })
}

function keyLegs({ points, stretch }: Lookup, reverse: boolean): Leg[] {
  if (!points) {
    const { from, to, prefix } = stretch!
    if (prefix) return [{ by: 'scan', from: { value: prefix, inclusive: true }, reverse }]
    return [{ by: 'scan', ...(from && { from }), ...(to && { to }), reverse }]
  }
  const keys = points.filter((value): value is Key => typeof value !== 'boolean')
  return [{ by: 'keys', keys: reverse ? keys.reverse() : keys }]
}

function unionAccess(id: string, reader: TableReader, conditions: readonly Condition[]): Access | undefined {
  const condition = conditions[Number(id.slice('union:'.length))]
  const branches = condition && 'any' in condition ? unionOf(reader, condition.any) : undefined
  if (!branches) return undefined
  const legs: Leg[] = []
  const keep: Test[] = []
  const tests = branches.map((branch) => compile(branch.condition))
  for (const [number, { best }] of branches.entries()) {
    const belongs = tests[number]!
    const isEarlier = (frame: Frame) => {
      for (let before = 0; before < number; before++) if (tests[before]!(frame)) return true
      return false
    }
    const own = best.isKey
      ? keyLegs(best.lookup, false).map((leg) => ({ leg, keep: undefined }))
      : indexLegs(best.lookup, false)
    for (const { leg, keep: ofLeg } of own) {
      legs.push(leg)
      keep.push((frame) => (ofLeg?.(frame) ?? true) && belongs(frame) && !isEarlier(frame))
    }
  }
  const indexes = [...new Set(branches.map(({ best }) => best.lookup.ref.name))]
  return { id, by: 'union', indexes, legs, keep, within: [], others: [], ordered: false }
}
