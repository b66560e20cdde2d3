// Reads the JSON of `where` and `having`. DESIGN.md has its grammar.
import { nearest, Problem, show } from '../../lib/index.js'
import { coerce } from './coerce.js'
import { type Comparator, type Condition, negate } from './condition.js'
import { likePattern } from './pattern.js'
import type { Ref } from './scope.js'
import { rank } from './value.js'

/** A list of `in` may hold this many values for each condition that a query may have. */
const VALUES_PER_TEST = 100

/** How the names and values of a condition are understood. */
export interface Reading {
  /** The column of a name, or of an aggregate in `having`. Throws for the unknown. */
  find(name: unknown): Ref
  /** For PYQL JSON: as `find`, but undefined for a text that names no column. Absent: text is always a value. */
  lookUp?: (name: string) => Ref | undefined
  /** Most tests in one condition. */
  testsMax: number
}

/** Reads a whole `where`. Absent, `{}` and `[]` keep every row. */
export function readWhere(where: unknown, reading: Reading): Condition {
  if (where === undefined || where === null) return { all: [] }
  return new WhereReader(reading).group(where)
}

function malformed(reason: string): Problem {
  return new Problem('condition_malformed', { reason })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The only member of an object that has just one, when it is called `name`. */
function only(value: unknown, name: string): unknown {
  return isObject(value) && Object.keys(value).length === 1 ? value[name] : undefined
}

const comparators: Record<string, Comparator> = {
  '=': '=',
  '==': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}

type Operator = (reader: WhereReader, ref: Ref, operand: unknown) => Condition

const operators = new Map<string, Operator>([
  ...Object.entries(comparators).map(([name, comparator]): [string, Operator] => [
    name,
    (reader, ref, value) => reader.compare(ref, comparator, value),
  ]),
  ['like', (_, ref, value) => like(ref, value)],
  ['not like', (_, ref, value) => negate(like(ref, value))],
  ['in', (reader, ref, value) => reader.membership(ref, value)],
  ['not in', (reader, ref, value) => negate(reader.membership(ref, value))],
  ['between', (reader, ref, value) => reader.between(ref, value)],
  ['not between', (reader, ref, value) => negate(reader.between(ref, value))],
  ['is', (_, ref, value) => nullTest(ref, value, false)],
  ['is not', (_, ref, value) => nullTest(ref, value, true)],
])

function like(ref: Ref, pattern: unknown): Condition {
  if (typeof pattern !== 'string') throw malformed(`'like' wants a text, not ${show(pattern)}.`)
  return { test: 'text', ref, ...likePattern(pattern), negated: false, numbers: true }
}

function nullTest(ref: Ref, value: unknown, negated: boolean): Condition {
  if (value !== null) throw malformed(`'is' and 'is not' want null, not ${show(value)}; use '=' or '!='.`)
  return { test: 'null', ref, negated }
}

class WhereReader {
  readonly #reading: Reading
  #tests = 0

  constructor(reading: Reading) {
    this.#reading = reading
  }

  /** An object or a list: all of it must hold. */
  group(where: unknown): Condition {
    if (Array.isArray(where)) {
      if (typeof where[0] === 'string')
        throw malformed(`A list holds conditions: write [${show(where)}], with the condition in a list of its own.`)
      return { all: where.map((item) => this.#item(item)) }
    }
    if (isObject(where)) return this.#object(where)
    throw malformed(`A condition is an object or a list, not ${show(where)}.`)
  }

  #item(item: unknown): Condition {
    if (isObject(item)) return this.#object(item)
    if (Array.isArray(item)) return this.#test(item)
    throw malformed(`A condition is [column, operator, value] or an object, not ${show(item)}.`)
  }

  /** `{column: value}` for equality, and the groups `{"and": []}`, `{"or": []}`, `{"not": …}`. */
  #object(object: Record<string, unknown>): Condition {
    const all = Object.entries(object).map(([name, value]): Condition => {
      if (name === 'and' && Array.isArray(value)) return { all: value.map((item) => this.#item(item)) }
      if (name === 'or' && Array.isArray(value)) return { any: value.map((item) => this.#item(item)) }
      if (name === 'not' && typeof value === 'object' && value !== null) return negate(this.#negatable(value))
      this.#count()
      return this.#equality(this.#reading.find(name), value)
    })
    return all.length === 1 ? all[0]! : { all }
  }

  /** `not` takes a group or, for short, one bare test. */
  #negatable(value: object): Condition {
    return Array.isArray(value) && typeof value[0] === 'string' ? this.#test(value) : this.group(value)
  }

  #test(item: readonly unknown[]): Condition {
    this.#count()
    const [column, name] = item
    if (typeof name !== 'string')
      throw malformed(`A condition is [column, operator, value]; the operator of ${show(item)} is no text.`)
    const operator = name.toLowerCase().trim().replace(/\s+/g, ' ')
    if (operator === 'is null' || operator === 'is not null') {
      if (item.length > 2) throw malformed(`'${operator}' takes no value: ${show(item)}.`)
      return { test: 'null', ref: this.#left(column), negated: operator === 'is not null' }
    }
    const read = operators.get(operator)
    if (!read) {
      const suggestion = nearest(operator, [...operators.keys(), 'is null', 'is not null'])
      throw new Problem('operator_unknown', { operator: name, suggestion })
    }
    if (item.length !== 3)
      throw malformed(`A condition is [column, operator, value], three items: ${show(item)} has ${item.length}.`)
    return read(this, this.#left(column), item[2])
  }

  #left(column: unknown): Ref {
    return this.#reading.find(only(column, 'column') ?? column)
  }

  #count(): void {
    if (++this.#tests > this.#reading.testsMax)
      throw new Problem('query_too_large', {
        what: 'conditions',
        limit: this.#reading.testsMax,
        setting: 'select.conditions_max',
      })
  }

  #equality(ref: Ref, value: unknown): Condition {
    if (value === null) return { test: 'null', ref, negated: false }
    return { test: 'compare', ref, comparator: '=', value: coerce(ref, value) }
  }

  /** A comparison with a value, or with another column. */
  compare(ref: Ref, comparator: Comparator, operand: unknown): Condition {
    const other = this.#columnOf(operand)
    if (other) return { test: 'columns', ref, comparator, other }
    const value = this.#valueOf(operand)
    if (value === null && comparator === '=') return { test: 'null', ref, negated: false }
    if (value === null && comparator === '!=') return { test: 'null', ref, negated: true }
    if (comparator !== '=' && comparator !== '!=') mustBeOrdered(comparator, value)
    return { test: 'compare', ref, comparator, value: coerce(ref, value) }
  }

  between(ref: Ref, operand: unknown): Condition {
    if (!Array.isArray(operand) || operand.length !== 2)
      throw malformed(`'between' wants [lowest, highest], not ${show(operand)}.`)
    const [low, high] = operand
    if (this.#columnOf(low) || this.#columnOf(high))
      return { all: [this.compare(ref, '>=', low), this.compare(ref, '<=', high)] }
    const [from, to] = [low, high].map((end) => {
      const value = this.#valueOf(end)
      mustBeOrdered('between', value)
      return coerce(ref, value)
    })
    return { test: 'between', ref, low: from, high: to }
  }

  membership(ref: Ref, operand: unknown): Condition {
    if (!Array.isArray(operand)) throw malformed(`'in' wants a list of values, not ${show(operand)}.`)
    const most = this.#reading.testsMax * VALUES_PER_TEST
    if (operand.length > most)
      throw new Problem('query_too_large', { what: `values in 'in'`, limit: most, setting: 'select.conditions_max' })
    if (operand.includes(null)) throw malformed(`A list of 'in' cannot hold null; add {"or": [… "is null"]}.`)
    return { test: 'in', ref, values: operand.map((value) => coerce(ref, this.#valueOf(value))), negated: false }
  }

  /** The column that an operand stands for: {"column": "qty"}, and in PYQL JSON also its bare name. */
  #columnOf(operand: unknown): Ref | undefined {
    const name = only(operand, 'column')
    if (typeof name === 'string') return this.#reading.find(name)
    return typeof operand === 'string' ? this.#reading.lookUp?.(operand) : undefined
  }

  /** {"value": …} is the value itself, whatever it looks like; PYQL JSON may put text in quotes of its own. */
  #valueOf(operand: unknown): unknown {
    if (isObject(operand) && Object.keys(operand).length === 1 && 'value' in operand) return operand['value']
    const quoted = this.#reading.lookUp && typeof operand === 'string' ? /^'(.*)'$/s.exec(operand) : null
    return quoted ? quoted[1]!.replaceAll("''", "'") : operand
  }
}

function mustBeOrdered(operator: string, value: unknown): void {
  const kind = rank(value)
  if (kind === 0 || kind === 4)
    throw malformed(`'${operator}' wants a number, a text or a boolean, not ${show(value)}.`)
}

/** A name of a column. @throws Problem condition_malformed where it is no text */
export function columnText(name: unknown): string {
  if (typeof name === 'string') return name
  throw new Problem('condition_malformed', { reason: `The name of a column is a text, not ${show(name)}.` })
}
