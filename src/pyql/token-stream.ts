import { errorAt, type PyqlError } from './errors.js'
import type { Token, TokenKind } from './lexer.js'
import type { Span } from './source.js'

const linksMax = 500

/** Tokens with a place where reading has come to. */
export class TokenStream {
  readonly text: string
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0
  readonly #depthMax = 100

  constructor(text: string, tokens: readonly Token[]) {
    this.text = text
    this.#tokens = tokens
  }

  get token(): Token {
    return this.#tokens[this.#at]!
  }

  get next(): Token {
    return this.#tokens[Math.min(this.#at + 1, this.#tokens.length - 1)]!
  }

  /** Where the last token that was taken ends. */
  get end(): number {
    return this.#tokens[Math.max(0, this.#at - 1)]!.end
  }

  take(): Token {
    const token = this.token
    if (token.kind !== 'end') this.#at++
    return token
  }

  is(kind: TokenKind, text?: string): boolean {
    const token = this.token
    return token.kind === kind && (text === undefined || token.text === text)
  }

  isOp(...texts: string[]): boolean {
    return this.token.kind === 'op' && texts.includes(this.token.text)
  }

  isWord(...texts: string[]): boolean {
    return this.token.kind === 'name' && texts.includes(this.token.text)
  }

  /** Takes the token when it is this operator or word. */
  skip(text: string): boolean {
    const found = (this.token.kind === 'op' || this.token.kind === 'name') && this.token.text === text
    if (found) this.take()
    return found
  }

  expect(text: string, where: string): Token {
    if (!this.isOp(text)) throw this.unexpected(`'${text}' ${where}`)
    return this.take()
  }

  /** A parameter that is the name of a column counts as a name. */
  expectName(what: string): Token {
    if (!this.is('name') && !this.is('column')) throw this.unexpected(what)
    return this.take()
  }

  /** Runs one step of a recursion that the writer of a script controls. */
  nested<T>(step: () => T): T {
    if (++this.#depth > this.#depthMax) throw this.error(this.token, `This is nested deeper than ${this.#depthMax}.`)
    try {
      return step()
    } finally {
      this.#depth--
    }
  }

  /** Counts the links of a chain such as a + b + c, which makes a tree as deep as it is long. */
  link(count: number): void {
    if (count > linksMax) throw this.error(this.token, `More than ${linksMax} operations follow each other here.`)
  }

  unexpected(expected: string): PyqlError {
    return this.error(this.token, `Expected ${expected}, but found ${describe(this.token)}.`)
  }

  error(span: Span, message: string): PyqlError {
    return errorAt(this.text, span, 'syntax', message)
  }
}

function describe(token: Token): string {
  const names: Partial<Record<TokenKind, string>> = {
    newline: 'the end of the line',
    indent: 'an indented line',
    dedent: 'the end of the block',
    end: 'the end of the script',
    text: 'a text',
  }
  return names[token.kind] ?? `'${token.text}'`
}
