// Reads members of a record's JSON text without making an object of all of it. Stored text is what JSON.stringify
// writes: no blanks, and no name twice. Text with escapes or nested values is left to JSON.parse.

import { encodeJson } from './stored-row.js'

const QUOTE = 0x22
const MINUS = 0x2d
const BRACKET = 0x5b
const FALSE = 0x66
const NULL = 0x6e
const TRUE = 0x74
const BRACE = 0x7b
/**
 * Names that JavaScript gives a meaning: data inside a record, but no attribute of a table. They are shown with whole
 * records, and nothing else can name them.
 */
export const UNNAMED: readonly string[] = ['__proto__', 'constructor', 'prototype']
/** So many digits are a number that is exact however it is added up. */
const DIGITS_MAX = 15

/**
 * Where the value that begins at `at` ends, exclusive, in an object that ends at `last`; undefined for a nested one. There
 * are no escapes in the text.
 */
function endOfMember(text: string, at: number, last: number): number | undefined {
  const first = text.charCodeAt(at)
  if (first === QUOTE) return text.indexOf('"', at + 1) + 1
  if (first === BRACE || first === BRACKET) return undefined
  const end = text.indexOf(',', at)
  return end < 0 || end > last ? last - 1 : end
}

function valueIn(text: string, at: number, end: number): unknown {
  switch (text.charCodeAt(at)) {
    case QUOTE:
      return text.slice(at + 1, end - 1)
    case TRUE:
      return true
    case FALSE:
      return false
    case NULL:
      return null
    default:
      return numberAt(text, at, end)
  }
}

function numberAt(text: string, at: number, end: number): number {
  if (end - at > DIGITS_MAX || text.charCodeAt(at) === MINUS) return Number(text.slice(at, end))
  let number = 0
  for (let i = at; i < end; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return Number(text.slice(at, end))
    number = number * 10 + digit
  }
  return number
}

export function hasEscapes(text: string, from: number): boolean {
  return text.indexOf('\\', from) >= 0
}

/** A member that records had at a place among their members. */
interface Member {
  /** Its name as it stands in the text: `"name":`. */
  readonly head: string
  /** Which of the columns it is; -1: none of them. */
  readonly column: number
}

/** Finds columns among the members of records, of which most are like the one before. */
class MemberNames {
  readonly #names: readonly string[]
  readonly #before: Member[] = []

  constructor(names: readonly string[]) {
    this.#names = names
  }

  /** The member that begins at `at`, the record's nth. */
  at(text: string, at: number, nth: number): Member {
    const expected = this.#before[nth]
    if (expected !== undefined && text.startsWith(expected.head, at)) return expected
    const head = text.slice(at, text.indexOf('"', at + 1) + 2)
    const member = { head, column: this.#names.indexOf(head.slice(1, -2)) }
    this.#before[nth] = member
    return member
  }
}

/** Some columns of records. */
export class Members {
  readonly #names: readonly string[]
  /** A row of none of them: it has the defaults. */
  readonly #empty: Readonly<Record<string, unknown>>
  /** Whether members without a column are wanted as well: a record that has any is left to JSON.parse. */
  readonly #whole: boolean
  readonly #members: MemberNames

  private constructor(names: readonly string[], defaultOf: (name: string) => unknown, whole: boolean) {
    this.#names = names
    this.#whole = whole
    this.#members = new MemberNames(names)
    this.#empty = Object.fromEntries(names.map((name) => [name, defaultOf(name)]))
  }

  /** Undefined for names that every object has: a row must be asked whether such a one is its own. */
  static of(names: readonly string[], defaultOf: (name: string) => unknown): Members | undefined {
    const columns = names.filter((name) => !UNNAMED.includes(name))
    if (columns.some((name) => name in Object.prototype)) return undefined
    return new Members(columns, defaultOf, columns.length < names.length)
  }

  /** These columns of the record whose JSON text begins at `from`; undefined where that cannot be seen so simply. */
  read(text: string, from: number): Record<string, unknown> | undefined {
    return hasEscapes(text, from) ? undefined : this.readWithin(text, from, text.length)
  }

  /** The same of one of several records in a text without escapes: its own ends at `last`. */
  readWithin(text: string, from: number, last: number): Record<string, unknown> | undefined {
    const row = { ...this.#empty }
    let missing = this.#names.length
    let nth = 0
    for (let at = from + 1; (missing > 0 || this.#whole) && text.charCodeAt(at) === QUOTE; nth++) {
      const { head, column } = this.#members.at(text, at, nth)
      const start = at + head.length
      const end = endOfMember(text, start, last)
      if (end === undefined) return undefined
      if (column >= 0) {
        row[this.#names[column]!] = valueIn(text, start, end)
        missing--
      } else if (this.#whole) return undefined
      at = end + 1
    }
    return row
  }
}

/** A column of an answer. */
export interface ShownColumn {
  readonly column: string
  /** What it is called there. */
  readonly name: string
}

/** Shows some columns of records as JSON text, made of pieces of the records' own. */
export class MemberTexts {
  readonly #members: MemberNames
  /** What stands before each value. */
  readonly #heads: readonly string[]
  /** The values of a record that has none of them. */
  readonly #absent: readonly string[]

  private constructor(columns: readonly ShownColumn[], defaultOf: (column: string) => unknown) {
    this.#members = new MemberNames(columns.map(({ column }) => column))
    this.#heads = columns.map(({ name }, at) => `${at === 0 ? '{' : ','}${JSON.stringify(name)}:`)
    this.#absent = columns.map(({ column }) => encodeJson(defaultOf(column) ?? null))
  }

  /** Undefined where a column is shown twice, or one that no column can be. */
  static of(columns: readonly ShownColumn[], defaultOf: (column: string) => unknown): MemberTexts | undefined {
    const names = new Set(columns.map(({ column }) => column))
    if (columns.length === 0 || names.size < columns.length || UNNAMED.some((name) => names.has(name))) return undefined
    return new MemberTexts(columns, defaultOf)
  }

  /**
   * The record of a text without escapes whose JSON text begins at `from` and ends at `last`; undefined where that cannot
   * be seen so simply.
   */
  show(text: string, from: number, last: number): string | undefined {
    const values = this.#absent.slice()
    let missing = values.length
    let nth = 0
    for (let at = from + 1; missing > 0 && text.charCodeAt(at) === QUOTE; nth++) {
      const { head, column } = this.#members.at(text, at, nth)
      const start = at + head.length
      const end = endOfMember(text, start, last)
      if (end === undefined) return undefined
      if (column >= 0) {
        values[column] = text.slice(start, end)
        missing--
      }
      at = end + 1
    }
    let shown = ''
    for (let at = 0; at < values.length; at++) shown += this.#heads[at]! + values[at]!
    return `${shown}}`
  }
}

/** The names of records in their order, as far as one record tells of the next. */
export class MemberOrder {
  #names: readonly string[] | undefined

  /** What the next record is expected to be like. */
  learn(names: readonly string[]): void {
    this.#names = names
  }

  /** Whether the record whose JSON text begins at `from` has these names, and no others; no where that is not seen. */
  isOf(text: string, from: number): boolean {
    if (!this.#names || hasEscapes(text, from)) return false
    let at = from + 1
    for (const name of this.#names) {
      const colon = at + name.length + 2
      if (!text.startsWith(name, at + 1) || text.charCodeAt(colon - 1) !== QUOTE) return false
      const end = text.charCodeAt(at) === QUOTE ? endOfMember(text, colon + 1, text.length) : undefined
      if (end === undefined) return false
      at = end + 1
    }
    return at === text.length
  }
}
