import { didYouMean } from '../lib/index.js'
import { errorAt, type PyqlError } from './errors.js'
import type { Parameters } from './parameters.js'
import type { Span } from './source.js'

export type TokenKind = 'name' | 'column' | 'int' | 'double' | 'text' | 'op' | 'newline' | 'indent' | 'dedent' | 'end'

export interface Token extends Span {
  readonly kind: TokenKind
  /** The name, the operator, or the value of a text. */
  readonly text: string
  /** The value of a number. */
  readonly value: number
}

/** These begin a line that goes on until it ends in a colon. */
const blockWords = new Set(['if', 'elif', 'else', 'for', 'match', 'reverse_match'])
const noiseWords = new Set(['of', 'event', 'events'])
const twoWords: Record<string, Record<string, string>> = {
  first: { event: 'first_event', match: 'first_match' },
  last: { event: 'last_event' },
  prev: { match: 'prev_match' },
  previous: { match: 'prev_match' },
  row: { time: 'event_time' },
}
const gluedUnits: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 }
const escapes: Record<string, string> = { t: '\t', r: '\r', n: '\n', "'": "'", '"': '"', '\\': '\\', '/': '/' }
const operators = ['<<', '<=', '>=', '==', '!=', '<>', '+=', '-=', '*=', '/=', ...'+-*/<>=()[]{},:.;']
const stepSpaces = 4
const bracketsMax = 100

/** Columns may have names of any language. */
const namePattern = /[\p{L}_][\p{L}\p{M}\p{N}_]*/uy
const numberPattern = /\d+(\.\d+)?/y
const placeholderPattern = /\{\{\s*([A-Za-z0-9_]+)\s*\}\}/y

/**
 * Splits a script into tokens, with line ends, indents and dedents among them, as Python does. `{{name}}` becomes a
 * token of its own: a constant, or a column when the value is the name of one; nothing is spliced into the text.
 */
export function tokenize(
  text: string,
  parameters: Parameters | undefined,
  isColumn: (name: string) => boolean,
): Token[] {
  return mergeWords(new Lexer(text, parameters, isColumn).run(), isColumn)
}

class Lexer {
  readonly #text: string
  /** Undefined where scripts have none. */
  readonly #parameters: Parameters | undefined
  readonly #isColumn: (name: string) => boolean
  readonly #tokens: Token[] = []
  readonly #brackets: Token[] = []
  #at = 0
  #level = 0
  #lineFirst = 0

  constructor(text: string, parameters: Parameters | undefined, isColumn: (name: string) => boolean) {
    this.#text = text
    this.#parameters = parameters
    this.#isColumn = isColumn
  }

  run(): Token[] {
    while (this.#at < this.#text.length) this.#logicalLine()
    const open = this.#brackets.at(-1)
    if (open) throw this.#error(open, `This '${open.text}' is never closed.`)
    this.#indentTo(0, { start: this.#at, end: this.#at })
    this.#push('end', this.#at, this.#at)
    return this.#tokens
  }

  #logicalLine(): void {
    const lineStart = this.#at
    const indent = this.#measureIndent()
    if (this.#endOfLine()) {
      this.#skipLine()
      return
    }
    const here = { start: lineStart, end: this.#at }
    if (indent % stepSpaces !== 0) {
      throw this.#error(here, `Indentation is in steps of ${stepSpaces} spaces; this line has ${indent}.`)
    }
    this.#indentTo(indent / stepSpaces, here)
    this.#lineFirst = this.#tokens.length
    do this.#physicalLine()
    while (this.#at < this.#text.length && this.#continues())
    this.#push('newline', this.#at, this.#at)
  }

  #measureIndent(): number {
    let indent = 0
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at]
      if (character === ' ') indent++
      else if (character === '\t') indent += stepSpaces
      else if (character !== '\r') break
    }
    return indent
  }

  #indentTo(level: number, here: Span): void {
    if (level > this.#level + 1) throw this.#error(here, 'This line is indented by more than one step.')
    if (level > this.#level) this.#push('indent', here.start, here.end)
    for (let i = this.#level; i > level; i--) this.#push('dedent', here.start, here.end)
    this.#level = level
  }

  #continues(): boolean {
    const last = this.#tokens.at(-1)
    if (last?.text === '\\' && last.kind === 'op') {
      this.#tokens.pop()
      return true
    }
    if (this.#brackets.length > 0) return true
    const first = this.#tokens[this.#lineFirst]
    return first?.kind === 'name' && blockWords.has(first.text) && !(last?.kind === 'op' && last.text === ':')
  }

  #physicalLine(): void {
    for (;;) {
      while (this.#at < this.#text.length && ' \t\r'.includes(this.#text[this.#at]!)) this.#at++
      if (this.#endOfLine()) {
        this.#skipLine()
        return
      }
      if (this.#text[this.#at] === '\\' && /^\\[ \t\r]*(\n|$)/.test(this.#text.slice(this.#at, this.#at + 80))) {
        this.#push('op', this.#at, this.#at + 1, '\\')
        this.#skipLine()
        return
      }
      this.#token()
    }
  }

  #endOfLine(): boolean {
    return this.#at >= this.#text.length || this.#text[this.#at] === '\n' || this.#text[this.#at] === '#'
  }

  #skipLine(): void {
    const end = this.#text.indexOf('\n', this.#at)
    this.#at = end === -1 ? this.#text.length : end + 1
  }

  #token(): void {
    const character = this.#text[this.#at]!
    if (character === "'" || character === '"') {
      this.#quoted(character)
      return
    }
    const placeholder = this.#take(placeholderPattern)
    if (placeholder) {
      this.#placeholder(placeholder)
      return
    }
    const name = this.#take(namePattern)
    if (name) {
      this.#push('name', this.#at - name[0].length, this.#at, name[0])
      return
    }
    const number = this.#take(numberPattern)
    if (number) {
      this.#number(number)
      return
    }
    const op = operators.find((candidate) => this.#text.startsWith(candidate, this.#at))
    if (op === undefined) {
      const codePoint = String.fromCodePoint(this.#text.codePointAt(this.#at)!)
      throw this.#error({ start: this.#at, end: this.#at + codePoint.length }, `'${codePoint}' means nothing here.`)
    }
    this.#at += op.length
    this.#push(op === ';' ? 'newline' : 'op', this.#at - op.length, this.#at, op)
    this.#bracket(op)
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match) this.#at += match[0].length
    return match
  }

  #bracket(op: string): void {
    const token = this.#tokens.at(-1)!
    if ('([{'.includes(op)) {
      this.#brackets.push(token)
      if (this.#brackets.length > bracketsMax)
        throw this.#error(token, `Brackets are nested deeper than ${bracketsMax}.`)
    } else if (')]}'.includes(op)) {
      const open = this.#brackets.pop()
      if (!open || '([{'.indexOf(open.text) !== ')]}'.indexOf(op))
        throw this.#error(token, `This '${op}' closes nothing.`)
    }
  }

  #number(match: RegExpExecArray): void {
    const start = this.#at - match[0].length
    const value = Number(match[0])
    const letters = this.#take(namePattern)?.[0]
    const span = { start, end: this.#at }
    const unit = letters === undefined ? 1 : gluedUnits[letters]
    if (unit === undefined) {
      throw this.#error(span, `'${match[0]}${letters}' is no number; times are written 30s, 5m, 2h, 1d or 5 minutes.`)
    }
    const whole = match[1] === undefined
    if (whole && !Number.isSafeInteger(value * unit))
      throw this.#error(span, 'Whole numbers go up to 9007199254740991.')
    this.#tokens.push({ kind: whole ? 'int' : 'double', text: match[0], value: value * unit, ...span })
  }

  #quoted(quote: string): void {
    const start = this.#at++
    let value = ''
    for (;;) {
      const character = this.#text[this.#at]
      if (this.#at >= this.#text.length || character === undefined || character === '\n') {
        throw this.#error({ start, end: this.#at }, `This text is never closed with ${quote}.`)
      }
      if (character === quote) break
      const placeholder = this.#take(placeholderPattern)
      if (placeholder) value += String(this.#valueOf(placeholder))
      else if (character === '\\') value += this.#escape()
      else {
        value += character
        this.#at++
      }
    }
    this.#at++
    this.#push('text', start, this.#at, value)
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? ''
    const value = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined
    if (value === undefined) {
      throw this.#error(
        { start: this.#at, end: this.#at + 2 },
        `'\\${letter}' is no escape; write \\\\ for a backslash.`,
      )
    }
    this.#at += 2
    return value
  }

  #placeholder(match: RegExpExecArray): void {
    const value = this.#valueOf(match)
    const span = { start: this.#at - match[0].length, end: this.#at }
    if (typeof value === 'number') {
      if (value < 0) this.#push('op', span.start, span.end, '-')
      const kind = Number.isSafeInteger(value) ? 'int' : 'double'
      this.#tokens.push({ kind, text: String(Math.abs(value)), value: Math.abs(value), ...span })
    } else if (typeof value === 'string') {
      this.#push(this.#isColumn(value) ? 'column' : 'text', span.start, span.end, value)
    } else this.#push('name', span.start, span.end, value === null ? 'None' : String(value))
  }

  #valueOf(match: RegExpExecArray): string | number | boolean | null {
    const value = this.#parameters?.get(match[1]!)
    if (value !== undefined) return value
    const span = { start: this.#at - match[0].length, end: this.#at }
    const hint = didYouMean(match[1]!, this.#parameters?.keys() ?? [])
    const reason = this.#parameters
      ? `No parameter was given for '${match[1]}' (str_, int_, dbl_ or bool_${match[1]}).${hint}`
      : `'${match[0]}' stands for a parameter; scripts of segments and triggers have none.`
    throw this.#error(span, reason)
  }

  #push(kind: TokenKind, start: number, end: number, text = ''): void {
    this.#tokens.push({ kind, text, value: 0, start, end })
  }

  #error(span: Span, message: string): PyqlError {
    return errorAt(this.#text, span, 'syntax', message)
  }
}

/** `first event` is first_event; `of`, `event` and `events` elsewhere are only there to read well. */
function mergeWords(tokens: Token[], isColumn: (name: string) => boolean): Token[] {
  const merged: Token[] = []
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    const next = tokens[i + 1]
    const words = token.kind === 'name' && Object.hasOwn(twoWords, token.text) ? twoWords[token.text] : undefined
    const both = words && next?.kind === 'name' && Object.hasOwn(words, next.text) ? words[next.text] : undefined
    if (both !== undefined) {
      merged.push({ ...token, text: both, end: next!.end })
      i++
    } else if (!isNoise(token, merged.at(-1), isColumn)) merged.push(token)
  }
  return merged
}

function isNoise(token: Token, before: Token | undefined, isColumn: (name: string) => boolean): boolean {
  return token.kind === 'name' && noiseWords.has(token.text) && before?.text !== '.' && !isColumn(token.text)
}
