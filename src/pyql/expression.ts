import { didYouMean } from '../lib/index.js'
import type {
  ArithmeticOp,
  ColumnName,
  ComparisonOp,
  Constant,
  Expression,
  InlineAggregate,
  InlineOp,
  Name,
} from './ast.js'
import type { TokenStream } from './token-stream.js'

const inlineOps = new Set(['SUM', 'AVG', 'MIN', 'MAX', 'COUNT', 'DISTINCT'])
const literals: Record<string, Pick<Constant, 'type' | 'value'>> = {
  True: { type: 'bool', value: true },
  true: { type: 'bool', value: true },
  False: { type: 'bool', value: false },
  false: { type: 'bool', value: false },
  None: { type: 'none', value: null },
  none: { type: 'none', value: null },
}
const units: Record<string, number> = {
  ...{ second: 1000, seconds: 1000, minute: 60_000, minutes: 60_000 },
  ...{ hour: 3_600_000, hours: 3_600_000, day: 86_400_000, days: 86_400_000 },
}
/** Words that end an expression; none of them can be the name of a variable. */
export const reservedWords = new Set([
  ...['and', 'or', 'not', 'in', 'is', 'if', 'elif', 'else', 'for', 'match', 'reverse_match', 'where', 'def', 'return'],
  ...['del', 'exit', 'break', 'continue', 'agg', 'aggregate', 'column', ...Object.keys(literals), ...inlineOps],
])

/** or < and < not < comparison, in, is < + - < * / < unary: Python's order. */
export function parseExpression(tokens: TokenStream): Expression {
  return tokens.nested(() =>
    leftAssociative(tokens, ['or'], () => leftAssociative(tokens, ['and'], () => parseNot(tokens))),
  )
}

function leftAssociative(tokens: TokenStream, words: ('and' | 'or')[], operand: () => Expression): Expression {
  let left = operand()
  for (let links = 0; tokens.isWord(...words); links++) {
    tokens.link(links)
    const op = tokens.take().text as 'and' | 'or'
    const right = operand()
    left = { kind: 'logic', op, left, right, start: left.start, end: right.end }
  }
  return left
}

function parseNot(tokens: TokenStream): Expression {
  if (!tokens.isWord('not')) return parseComparison(tokens)
  const { start } = tokens.take()
  const operand = tokens.nested(() => parseNot(tokens))
  return { kind: 'unary', op: 'not', operand, start, end: operand.end }
}

function parseComparison(tokens: TokenStream): Expression {
  const left = parseArithmetic(tokens)
  const op = comparisonOp(tokens)
  if (op === undefined) return left
  const right = parseArithmetic(tokens)
  const comparison: Expression = { kind: 'comparison', op, left, right, start: left.start, end: right.end }
  const after = tokens.token
  if (comparisonOp(tokens) !== undefined) {
    throw tokens.error(after, 'Comparisons cannot be chained; join them with `and`, or use parentheses.')
  }
  return comparison
}

const comparisonSigns: Record<string, ComparisonOp> = {
  ...{ '==': '==', '=': '==', '!=': '!=', '<>': '!=', '<': '<', '<=': '<=', '>': '>', '>=': '>=' },
}

function comparisonOp(tokens: TokenStream): ComparisonOp | undefined {
  const { kind, text } = tokens.token
  if (kind === 'op' && Object.hasOwn(comparisonSigns, text)) return comparisonSigns[tokens.take().text]
  if (tokens.skip('in')) return 'in'
  if (tokens.isWord('is')) {
    tokens.take()
    return tokens.skip('not') ? '!=' : '=='
  }
  if (tokens.isWord('not') && tokens.next.kind === 'name' && tokens.next.text === 'in') {
    tokens.take()
    tokens.take()
    return 'not in'
  }
  return undefined
}

export function parseArithmetic(tokens: TokenStream): Expression {
  return parseBinary(tokens, ['+', '-'], () => parseBinary(tokens, ['*', '/'], () => parseUnary(tokens)))
}

function parseBinary(tokens: TokenStream, ops: string[], operand: () => Expression): Expression {
  let left = operand()
  for (let links = 0; tokens.isOp(...ops); links++) {
    tokens.link(links)
    const op = tokens.take().text as ArithmeticOp
    const right = operand()
    left = { kind: 'binary', op, left, right, start: left.start, end: right.end }
  }
  return left
}

function parseUnary(tokens: TokenStream): Expression {
  if (!tokens.isOp('-')) return parsePostfix(tokens)
  const { start } = tokens.take()
  const operand = tokens.nested(() => parseUnary(tokens))
  return { kind: 'unary', op: '-', operand, start, end: operand.end }
}

export function parsePostfix(tokens: TokenStream): Expression {
  let object = parsePrimary(tokens)
  for (let links = 0; ; links++) {
    tokens.link(links)
    if (tokens.isOp('[')) object = parseSubscript(tokens, object)
    else if (tokens.isOp('.')) object = parseMethod(tokens, object)
    else if (tokens.is('name') && Object.hasOwn(units, tokens.token.text)) object = parseUnit(tokens, object)
    else return object
  }
}

function parseUnit(tokens: TokenStream, left: Expression): Expression {
  const { text, start, end } = tokens.take()
  const value = units[text]!
  if (left.kind === 'constant' && typeof left.value === 'number') {
    return { ...left, value: left.value * value, end }
  }
  const right: Constant = { kind: 'constant', type: 'int', value, start, end }
  return { kind: 'binary', op: '*', left, right, start: left.start, end }
}

function parseSubscript(tokens: TokenStream, object: Expression): Expression {
  tokens.take()
  const from = tokens.isOp(':') ? undefined : parseExpression(tokens)
  if (!tokens.skip(':')) {
    tokens.expect(']', 'after the index')
    return { kind: 'subscript', object, index: from!, start: object.start, end: tokens.end }
  }
  const to = tokens.isOp(']') ? undefined : parseExpression(tokens)
  tokens.expect(']', 'after the slice')
  return { kind: 'slice', object, from, to, start: object.start, end: tokens.end }
}

function parseMethod(tokens: TokenStream, object: Expression): Expression {
  tokens.take()
  const name = tokens.expectName('the name of a method')
  if (!tokens.isOp('('))
    throw tokens.error(name, `'.${name.text}' is called with parentheses; values have no other members.`)
  const args = parseArguments(tokens)
  return { kind: 'method', object, name: name.text, args, start: object.start, end: tokens.end }
}

function parseArguments(tokens: TokenStream): Expression[] {
  tokens.expect('(', 'before the arguments')
  return parseItems(tokens, ')', 'after the arguments')
}

function parseItems(tokens: TokenStream, close: string, where: string): Expression[] {
  const items: Expression[] = []
  while (!tokens.isOp(close)) {
    items.push(parseExpression(tokens))
    if (!tokens.skip(',')) break
  }
  tokens.expect(close, where)
  return items
}

function parsePrimary(tokens: TokenStream): Expression {
  const { kind, text, value, start, end } = tokens.token
  if (kind === 'int' || kind === 'double' || kind === 'text') {
    tokens.take()
    return { kind: 'constant', type: kind, value: kind === 'text' ? text : value, start, end }
  }
  if (kind === 'name') return parseNamed(tokens)
  if (kind === 'column') return parseColumnName(tokens)
  if (tokens.skip('(')) {
    const inner = parseExpression(tokens)
    tokens.expect(')', 'to match the opening parenthesis')
    return { ...inner, start, end: tokens.end }
  }
  if (tokens.skip('[')) {
    const items = parseItems(tokens, ']', 'at the end of the list')
    return { kind: 'list', items, start, end: tokens.end }
  }
  if (tokens.isOp('{')) return parseDict(tokens)
  throw tokens.unexpected('a value')
}

function parseNamed(tokens: TokenStream): Expression {
  const { text, start, end } = tokens.token
  if (Object.hasOwn(literals, text)) {
    tokens.take()
    return { kind: 'constant', ...literals[text]!, start, end }
  }
  if (inlineOps.has(text)) return parseInlineAggregate(tokens)
  if (text === 'column') return parseColumnName(tokens)
  if (reservedWords.has(text)) throw tokens.unexpected('a value')
  tokens.take()
  if (!tokens.isOp('(')) return { kind: 'name', name: text, start, end }
  const args = parseArguments(tokens)
  return { kind: 'call', name: text, args, start, end: tokens.end }
}

/** column.NAME, column['any name'], or a parameter that is the name of a column. */
export function parseColumnName(tokens: TokenStream): ColumnName {
  const { kind, text, start } = tokens.take()
  if (kind === 'column') return { kind: 'column', name: text, start, end: tokens.end }
  if (tokens.skip('[')) {
    if (!tokens.is('text')) throw tokens.unexpected('the name of a column in quotes')
    const name = tokens.take().text
    tokens.expect(']', 'after the name of the column')
    return { kind: 'column', name, start, end: tokens.end }
  }
  tokens.expect('.', "after 'column'")
  const name = tokens.expectName('the name of a column')
  return { kind: 'column', name: name.text, start, end: name.end }
}

/** Whether a column is named that can be nothing else. */
export function isColumnName(tokens: TokenStream): boolean {
  return tokens.is('column') || (tokens.isWord('column') && (tokens.next.text === '.' || tokens.next.text === '['))
}

function parseDict(tokens: TokenStream): Expression {
  const { start } = tokens.take()
  const entries: { key: Expression; value: Expression }[] = []
  while (!tokens.isOp('}')) {
    const key = parseExpression(tokens)
    tokens.expect(':', 'between key and value')
    entries.push({ key, value: parseExpression(tokens) })
    if (!tokens.skip(',')) break
  }
  tokens.expect('}', 'at the end of the dictionary')
  return { kind: 'dict', entries, start, end: tokens.end }
}

function parseInlineAggregate(tokens: TokenStream): InlineAggregate {
  const { text, start } = tokens.take()
  const column = parseColumnReference(tokens, `the column of ${text}`)
  let key: Name | ColumnName | undefined
  let all = false
  let where: Expression | undefined
  for (;;) {
    if (tokens.skip('with')) key = parseColumnReference(tokens, "the column after 'with'")
    else if (tokens.skip('all')) all = true
    else break
  }
  if (tokens.skip('where')) where = parseExpression(tokens)
  return { kind: 'aggregate', op: text as InlineOp, column, key, all, where, start, end: tokens.end }
}

export function parseColumnReference(tokens: TokenStream, what: string): Name | ColumnName {
  if (isColumnName(tokens)) return parseColumnName(tokens)
  const token = tokens.expectName(what)
  if (reservedWords.has(token.text)) {
    throw tokens.error(token, `Expected ${what}, but found '${token.text}'.${didYouMean(token.text, [])}`)
  }
  return { kind: 'name', name: token.text, start: token.start, end: token.end }
}
