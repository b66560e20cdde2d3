// Conditions: what `where`, `having` and the search operations become. A condition on null (or absent) is unknown and
// keeps no row, and neither does its opposite. `negate` swaps every test for its opposite, so a condition tree holds
// only "all" and "any" and planners need not think about "not".
import type { Frame, Ref } from './scope.js'
import { compareValues, equalValues, identity, isScalar, rank } from './value.js'

export type Comparator = '=' | '!=' | '<' | '<=' | '>' | '>='

/** Tests that look at one column. `elements`: an array passes when one of its elements does. */
export interface Compare {
  readonly test: 'compare'
  readonly ref: Ref
  readonly comparator: Comparator
  readonly value: unknown
  readonly elements?: boolean
}
export interface CompareColumns {
  readonly test: 'columns'
  readonly ref: Ref
  readonly comparator: Comparator
  readonly other: Ref
}
export interface Between {
  readonly test: 'between'
  readonly ref: Ref
  readonly low: unknown
  readonly high: unknown
  readonly elements?: boolean
}
export interface Membership {
  readonly test: 'in'
  readonly ref: Ref
  readonly values: readonly unknown[]
  readonly negated: boolean
}
export interface IsNull {
  readonly test: 'null'
  readonly ref: Ref
  readonly negated: boolean
}
export interface TextTest {
  readonly test: 'text'
  readonly ref: Ref
  readonly matches: (text: string) => boolean
  /** Text that every match begins with. */
  readonly prefix?: string
  /** The same in lower case, where letters match in any case. */
  readonly anyCase?: string
  readonly negated: boolean
  /** Whether numbers are tested, too, as they are written. */
  readonly numbers?: boolean
  readonly elements?: boolean
}
export type Leaf = Compare | CompareColumns | Between | Membership | IsNull | TextTest
export type Condition = { readonly all: readonly Condition[] } | { readonly any: readonly Condition[] } | Leaf

export type Test = (frame: Frame) => boolean

const opposite: Record<Comparator, Comparator> = { '=': '!=', '!=': '=', '<': '>=', '>=': '<', '>': '<=', '<=': '>' }

/** The condition that holds where the given one is known not to hold. */
export function negate(condition: Condition): Condition {
  if ('all' in condition) return { any: condition.all.map(negate) }
  if ('any' in condition) return { all: condition.any.map(negate) }
  switch (condition.test) {
    case 'compare':
    case 'columns':
      return { ...condition, comparator: opposite[condition.comparator] }
    case 'between': {
      const { ref, low, high } = condition
      const side = (comparator: Comparator, value: unknown): Compare => ({ test: 'compare', ref, comparator, value })
      return { any: [side('<', low), side('>', high)] }
    }
    default:
      return { ...condition, negated: !condition.negated }
  }
}

/** The conditions that must all hold, with nested groups opened. */
export function conjuncts(condition: Condition): readonly Condition[] {
  if (!('all' in condition)) return [condition]
  return condition.all.some((it) => 'all' in it) ? condition.all.flatMap(conjuncts) : condition.all
}

/** Whether a condition refuses every row that has nothing in a column of the base table. */
export function refusesNull(condition: Condition, { name }: Ref): boolean {
  if (!('test' in condition) || condition.test === 'columns') return false
  const { source, whole, name: own } = condition.ref
  return source === 0 && whole && own === name && !compile(condition)([{}])
}

/** Every test of a condition. */
export function leaves(condition: Condition): Leaf[] {
  if ('all' in condition) return condition.all.flatMap(leaves)
  return 'any' in condition ? condition.any.flatMap(leaves) : [condition]
}

/** Every column that a condition reads. */
export function refsOf(condition: Condition): Ref[] {
  return leaves(condition).flatMap((leaf) => (leaf.test === 'columns' ? [leaf.ref, leaf.other] : [leaf.ref]))
}

/** The last of the query's tables that a condition reads; 0 for the base table. */
export function lastSource(condition: Condition): number {
  const sources = leaves(condition).map((leaf) =>
    leaf.test === 'columns' ? Math.max(leaf.ref.source, leaf.other.source) : leaf.ref.source,
  )
  return Math.max(0, ...sources)
}

/** Turns conditions that must all hold into one function. */
export function compileAll(conditions: readonly Condition[]): Test {
  const tests = conditions.map(compile)
  const [first, second] = tests
  if (!first) return () => true
  if (!second) return first
  if (tests.length === 2) return (frame) => first(frame) && second(frame)
  return (frame) => tests.every((test) => test(frame))
}

/** Turns a condition into a function. */
export function compile(condition: Condition): Test {
  if ('all' in condition) return compileAll(condition.all)
  if ('any' in condition) {
    const tests = condition.any.map(compile)
    return (frame) => tests.some((test) => test(frame))
  }
  switch (condition.test) {
    case 'compare':
      return compileCompare(condition)
    case 'columns':
      return compileColumns(condition)
    case 'between':
      return compileBetween(condition)
    case 'in':
      return compileMembership(condition)
    case 'null':
      return compileNull(condition)
    case 'text':
      return compileText(condition)
  }
}

type Check = (value: unknown) => boolean

/** Applies a check to a column, or to each element where the column holds an array. */
function onValue(ref: Ref, check: Check, elements: boolean | undefined): Test {
  const { read } = ref
  if (!elements) return (frame) => check(read(frame))
  return (frame) => {
    const value = read(frame)
    return check(value) || (Array.isArray(value) && value.some(check))
  }
}

/** "Not equal" of an array means that no element is equal. */
function compileCompare({ ref, comparator, value, elements }: Compare): Test {
  if (comparator !== '!=') return onValue(ref, checkAgainst(comparator, value), elements)
  const equals = onValue(ref, checkAgainst('=', value), elements)
  return (frame) => rank(ref.read(frame)) > 0 && !equals(frame)
}

function checkAgainst(comparator: Exclude<Comparator, '!='>, wanted: unknown): Check {
  if (comparator === '=') return isScalar(wanted) ? (value) => value === wanted : (value) => equalValues(value, wanted)
  const kind = rank(wanted)
  const ordered = outcomes[comparator]
  return (value) => rank(value) === kind && ordered(compareValues(value, wanted))
}

const outcomes: Record<Comparator, (order: number) => boolean> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
}

/** Columns are ordered only within one kind of value, and null is neither equal nor different. */
function compileColumns({ ref, comparator, other }: CompareColumns): Test {
  const holds = outcomes[comparator]
  const equality = comparator === '=' || comparator === '!='
  return (frame) => {
    const a = ref.read(frame)
    const b = other.read(frame)
    const kind = rank(a)
    if (kind === 0 || rank(b) === 0) return false
    if (equality) return equalValues(a, b) === (comparator === '=')
    return kind === rank(b) && holds(compareValues(a, b))
  }
}

function compileBetween({ ref, low, high, elements }: Between): Test {
  if (typeof low === 'number' && typeof high === 'number')
    return onValue(ref, (value) => typeof value === 'number' && value >= low && value <= high, elements)
  const from = checkAgainst('>=', low)
  const to = checkAgainst('<=', high)
  return onValue(ref, (value) => from(value) && to(value), elements)
}

function compileMembership({ ref, values, negated }: Membership): Test {
  const members = new Set(values.map(identity))
  const { read } = ref
  return (frame) => {
    const value = read(frame)
    return rank(value) > 0 && members.has(identity(value)) !== negated
  }
}

function compileNull({ ref: { read }, negated }: IsNull): Test {
  return negated ? (frame) => (read(frame) ?? null) !== null : (frame) => (read(frame) ?? null) === null
}

function compileText({ ref, matches, negated, numbers, elements }: TextTest): Test {
  const isTested = (value: unknown) => typeof value === 'string' || (numbers && typeof value === 'number')
  const positive = onValue(ref, (value) => isTested(value) === true && matches(String(value)), elements)
  return negated ? (frame) => rank(ref.read(frame)) > 0 && !positive(frame) : positive
}
