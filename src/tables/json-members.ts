// Reads members of a record's JSON text without making an object of all of it. Stored text is what JSON.stringify
// writes: no blanks, and no name twice. Text with escapes or nested values is left to JSON.parse.

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
interface Expected {
  /** Its name as it stands in the text: `"name":`. */
  readonly head: string
  /** Its name, where it is one of the columns. */
  readonly name: string | undefined
}

/** Some columns of records. */
export class Members {
  readonly #names: readonly string[]
  /** A row of none of them: it has the defaults. */
  readonly #empty: Readonly<Record<string, unknown>>
  /** Whether members without a column are wanted as well: a record that has any is left to JSON.parse. */
  readonly #whole: boolean
  /** The members of the record before, in their order: most are like it. */
  readonly #expected: Expected[] = []

  private constructor(names: readonly string[], defaultOf: (name: string) => unknown, whole: boolean) {
    this.#names = names
    this.#whole = whole
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
    let number = 0
    for (let at = from + 1; (missing > 0 || this.#whole) && text.charCodeAt(at) === QUOTE; number++) {
      const { head, name } = this.#memberAt(text, at, number)
      const start = at + head.length
      const end = endOfMember(text, start, last)
      if (end === undefined) return undefined
      if (name !== undefined) {
        row[name] = valueIn(text, start, end)
        missing--
      } else if (this.#whole) return undefined
      at = end + 1
    }
    return row
  }

  #memberAt(text: string, at: number, number: number): Expected {
    const expected = this.#expected[number]
    if (expected !== undefined && text.startsWith(expected.head, at)) return expected
    const head = text.slice(at, text.indexOf('"', at + 1) + 2)
    const own = head.slice(1, -2)
    const found = { head, name: this.#names.find((name) => name === own) }
    this.#expected[number] = found
    return found
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
