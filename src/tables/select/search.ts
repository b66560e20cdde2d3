// Reads HarperDB's search requests into conditions. There an array passes a test when one of its elements does.
import { didYouMean, nearest, Problem, show } from '../../lib/index.js'
import { coerce } from './coerce.js'
import type { Comparator, Condition } from './condition.js'
import type { Term } from './order.js'
import { type Output, unnamedOutput } from './output.js'
import { fits, parsePattern } from './pattern.js'
import { type Ref, refInside, refTo, type Scope } from './scope.js'
import { rank } from './value.js'

interface Members {
  attribute?: unknown
  comparator?: unknown
  value?: unknown
  operator?: unknown
  conditions?: unknown
}

/** The names of a condition's members, and the older ones that HarperDB's clients send. */
const members = new Map<string, keyof Members>([
  ['attribute', 'attribute'],
  ['search_attribute', 'attribute'],
  ['comparator', 'comparator'],
  ['search_type', 'comparator'],
  ['value', 'value'],
  ['search_value', 'value'],
  ['operator', 'operator'],
  ['conditions', 'conditions'],
])

function conditionError(reason: string): Problem {
  return new Problem('condition_malformed', { reason })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A condition with the members of today. */
function membersOf(condition: unknown): Members {
  if (!isObject(condition)) throw conditionError(`A condition is an object, not ${show(condition)}.`)
  const found: Members = {}
  for (const name of Object.keys(condition)) {
    const member = members.get(name)
    if (member === undefined)
      throw conditionError(`'${name}' has no place in a condition.${didYouMean(name, [...members.keys()])}`)
    // What was parsed from JSON is never undefined.
    if (found[member] !== undefined) throw conditionError(`'${name}' is '${member}' by another name: send one of them.`)
    found[member] = condition[name]
  }
  checkOneOf(found)
  return found
}

/** A condition compares, or it groups others: of one that seems to do both, a part would be left unread. */
function checkOneOf({ conditions, operator, ...test }: Members): void {
  if (conditions === undefined && operator !== undefined)
    throw conditionError("'operator' joins 'conditions'; how a value is compared is said with 'comparator'.")
  const [extra] = Object.keys(test)
  if (conditions !== undefined && extra !== undefined)
    throw conditionError(`A condition with 'conditions' has no '${extra}' beside them: put it into one of them.`)
}

/** Lists of attributes that were asked for before, by the columns that the caller sees. */
const known = new WeakMap<object, Map<string, readonly Output[]>>()
/** Most lists that are remembered for one table. */
const KNOWN_MAX = 100

/** The attributes of an answer: names, or "*" for all that the caller sees. */
export function readAttributes(names: readonly string[], scope: Scope): readonly Output[] {
  const { columns } = scope.base
  let lists = known.get(columns)
  if (!lists || lists.size >= KNOWN_MAX) {
    lists = new Map()
    known.set(columns, lists)
  }
  const key = JSON.stringify(names)
  let outputs = lists.get(key)
  if (!outputs) {
    outputs = attributesOf(names, scope)
    lists.set(key, outputs)
  }
  return outputs
}

function attributesOf(names: readonly string[], scope: Scope): Output[] {
  const { columns, unnamed } = scope.base
  const outputs = new Map<string, Output>()
  for (const name of names) {
    const isAll = name === '*'
    for (const each of isAll ? columns.keys() : [name]) outputs.set(each, { name: each, ref: attributeOf(each, scope) })
    if (isAll) for (const each of unnamed) outputs.set(each, unnamedOutput(each, 0, each))
  }
  return [...outputs.values()]
}

/** An attribute, or by a path a value inside of it. */
function attributeOf(attribute: unknown, scope: Scope): Ref {
  const whole = typeof attribute === 'string' ? scope.base.columns.get(attribute) : undefined
  if (whole) return refTo(0, whole)
  const [name, ...path] = [attribute].flat()
  if (typeof name !== 'string' || !path.every((step) => typeof step === 'string'))
    throw conditionError(`'attribute' is a name, or a list of names that lead into a JSON value.`)
  const { columns, reader } = scope.base
  const column = columns.get(name)
  if (!column)
    throw new Problem('column_unknown', {
      column: name,
      table: reader.schema.name,
      suggestion: nearest(name, columns.keys()),
    })
  return path.length === 0 ? refTo(0, column) : refInside(0, column, path)
}

/** search_by_value: `*` in the value stands for any text; alone, for everything. */
export function readValue(attribute: string, value: unknown, scope: Scope): Condition {
  const ref = attributeOf(attribute, scope)
  if (value === '*') return { all: [] }
  if (typeof value !== 'string' || !value.includes('*')) return equals(ref, value)
  const pattern = parsePattern(value)
  return textTest(ref, pattern[0]!, (text) => fits(pattern, text))
}

function equals(ref: Ref, value: unknown): Condition {
  if (value === null) return { test: 'null', ref, negated: false }
  return { test: 'compare', ref, comparator: '=', value: coerce(ref, value), elements: true }
}

function textTest(ref: Ref, prefix: string, matches: (text: string) => boolean): Condition {
  return { test: 'text', ref, matches, negated: false, elements: true, ...(prefix && { prefix }) }
}

/** The conditions of search_by_conditions, of which all or any must hold. */
export function readConditions(
  conditions: readonly unknown[],
  operator: unknown,
  scope: Scope,
  most: number,
): Condition {
  let left = most
  const group = (items: unknown, how: unknown = 'and'): Condition => {
    if (!Array.isArray(items) || items.length === 0) throw conditionError("'conditions' must contain at least 1 items.")
    left -= items.length
    if (left < 0)
      throw new Problem('query_too_large', { what: 'conditions', limit: most, setting: 'select.conditions_max' })
    const read = items.map((item) => {
      const condition = membersOf(item)
      return condition.conditions === undefined
        ? readOne(condition, scope)
        : group(condition.conditions, condition.operator)
    })
    if (how !== 'and' && how !== 'or') throw conditionError("'operator' must be one of [and, or].")
    return how === 'and' ? { all: read } : { any: read }
  }
  return group(conditions, operator)
}

const comparisons: Record<string, Comparator> = {
  greater_than: '>',
  greater_than_equal: '>=',
  less_than: '<',
  less_than_equal: '<=',
}
const textTests: Record<string, (text: string, wanted: string) => boolean> = {
  contains: (text, wanted) => text.includes(wanted),
  starts_with: (text, wanted) => text.startsWith(wanted),
  ends_with: (text, wanted) => text.endsWith(wanted),
}
const comparators = ['equals', 'not_equal', 'between', ...Object.keys(comparisons), ...Object.keys(textTests)]

function readOne({ attribute, comparator = 'equals', value }: Members, scope: Scope): Condition {
  const ref = attributeOf(attribute, scope)
  if (value === undefined) throw conditionError("A condition wants a 'value'; null finds what has none.")
  if (typeof comparator !== 'string') throw conditionError("'comparator' is a text.")
  if (comparator === 'equals') return equals(ref, value)
  if (comparator === 'not_equal') {
    if (value === null) return { test: 'null', ref, negated: true }
    return { test: 'compare', ref, comparator: '!=', value: coerce(ref, value), elements: true }
  }
  if (comparator === 'between') return between(ref, value)
  if (Object.hasOwn(comparisons, comparator))
    return {
      test: 'compare',
      ref,
      comparator: comparisons[comparator]!,
      value: ordered(ref, comparator, value),
      elements: true,
    }
  if (!Object.hasOwn(textTests, comparator))
    throw new Problem('operator_unknown', { operator: comparator, suggestion: nearest(comparator, comparators) })
  if (typeof value !== 'string') throw conditionError(`'${comparator}' wants a text.`)
  const test = textTests[comparator]!
  return textTest(ref, comparator === 'starts_with' ? value : '', (text) => test(text, value))
}

function between(ref: Ref, value: unknown): Condition {
  if (!Array.isArray(value) || value.length !== 2) throw conditionError("'between' wants [lowest, highest].")
  const [low, high] = value.map((end) => ordered(ref, 'between', end))
  return { test: 'between', ref, low, high, elements: true }
}

function ordered(ref: Ref, comparator: string, value: unknown): unknown {
  const kind = rank(value)
  if (kind === 0 || kind === 4) throw conditionError(`'${comparator}' wants a number, a text or a boolean.`)
  return coerce(ref, value)
}

/** `sort`: {attribute, descending, next}, where next decides among equals. */
export function readSort(sort: unknown, scope: Scope): Term[] {
  const terms: Term[] = []
  for (let it = sort; it !== undefined && it !== null; ) {
    if (!isObject(it)) throw malformedSort('It is an object with an attribute.')
    const { attribute, descending = false, next, ...rest } = it
    const [extra] = Object.keys(rest)
    if (extra !== undefined) throw malformedSort(`'${extra}' has no place there.`)
    if (typeof descending !== 'boolean') throw malformedSort(`'descending' is true or false.`)
    terms.push({ ref: attributeOf(attribute, scope), descending })
    it = next
  }
  return terms
}

function malformedSort(reason: string): Problem {
  return new Problem('select_malformed', { part: 'sort', reason })
}
