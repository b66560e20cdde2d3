import { didYouMean } from '../lib/index.js'
import type { AggregateLine, AssignmentOp, Expression, FunctionDefinition, Name, Script, Statement } from './ast.js'
import {
  isColumnName,
  parseArithmetic,
  parseColumnReference,
  parseExpression,
  parsePostfix,
  reservedWords,
} from './expression.js'
import { tokenize } from './lexer.js'
import type { Parameters } from './parameters.js'
import { TokenStream } from './token-stream.js'

const aggregators: Record<string, true> = {
  ...{ count: true, sum: true, min: true, max: true, avg: true, val: true, value: true, var: true, variable: true },
}
const modifiers = ['as', 'with', 'all', 'distinct']
const assignmentOps = ['=', '<<', '+=', '-=', '*=', '/=']

/** Text to tree. Throws PyqlError with place and picture. */
export function parse(text: string, parameters: Parameters | undefined, isColumn: (name: string) => boolean): Script {
  const tokens = new TokenStream(text, tokenize(text, parameters, isColumn))
  const script: Script = { aggregates: [], functions: [], body: [] }
  while (!tokens.is('end')) {
    if (tokens.is('newline')) tokens.take()
    else if (tokens.isWord('agg', 'aggregate') && tokens.next.text === ':') parseAggregates(tokens, script)
    else if (tokens.isWord('def')) script.functions.push(parseFunction(tokens))
    else script.body.push(parseStatement(tokens))
  }
  return script
}

function parseAggregates(tokens: TokenStream, script: Script): void {
  const word = tokens.take()
  if (script.aggregates.length > 0) throw tokens.error(word, 'A script has one agg block.')
  for (const _ of parseBlock(tokens, `after '${word.text}'`)) script.aggregates.push(parseAggregateLine(tokens))
  if (script.aggregates.length === 0) throw tokens.error(word, 'The agg block is empty.')
}

function parseAggregateLine(tokens: TokenStream): AggregateLine {
  const { start } = tokens.token
  const line: AggregateLine = {
    ...parseAggregated(tokens),
    ...{ alias: undefined, key: undefined, all: false, value: undefined, start, end: tokens.end },
  }
  while (parseModifier(tokens, line));
  const { end } = tokens
  endLine(tokens)
  return { ...line, end }
}

/** An aggregator and a column, or a name alone. */
function parseAggregated(tokens: TokenStream): Pick<AggregateLine, 'aggregator' | 'of'> {
  if (isColumnName(tokens)) return { aggregator: undefined, of: parseColumnReference(tokens, 'a column') }
  const first = tokens.expectName('an aggregator or a column')
  const isAlone = !tokens.is('column') && (!tokens.is('name') || modifiers.includes(tokens.token.text))
  if (isAlone) return { aggregator: undefined, of: nameOf(first) }
  if (!Object.hasOwn(aggregators, first.text)) {
    const hint = didYouMean(first.text, Object.keys(aggregators))
    throw tokens.error(
      first,
      `'${first.text}' is no aggregator.${hint || ` There are ${Object.keys(aggregators).join(', ')}.`}`,
    )
  }
  return { aggregator: nameOf(first), of: parseColumnReference(tokens, `the column of '${first.text}'`) }
}

function parseModifier(tokens: TokenStream, line: AggregateLine): boolean {
  if (tokens.skip('as')) line.alias = nameOf(tokens.expectName("a name after 'as'"))
  else if (tokens.isWord('with', 'distinct')) {
    line.key = parseColumnReference(tokens, `the column after '${tokens.take().text}'`)
  } else if (tokens.skip('all')) line.all = true
  else if (tokens.skip('<<')) line.value = parseExpression(tokens)
  else return false
  return true
}

function nameOf(token: { text: string; start: number; end: number }): Name {
  return { kind: 'name', name: token.text, start: token.start, end: token.end }
}

/** Yields at each line of an indented block; the caller reads the line. */
function* parseBlock(tokens: TokenStream, where: string): Generator<void> {
  tokens.expect(':', where)
  if (!tokens.is('newline')) throw tokens.unexpected('the end of the line: the block goes on the next lines')
  tokens.take()
  if (!tokens.is('indent')) throw tokens.unexpected('an indented block')
  tokens.take()
  while (!tokens.is('dedent') && !tokens.is('end')) {
    if (tokens.is('newline')) tokens.take()
    else yield
  }
  tokens.take()
}

function parseBody(tokens: TokenStream, where: string): Statement[] {
  return tokens.nested(() => {
    const body: Statement[] = []
    for (const _ of parseBlock(tokens, where)) body.push(parseStatement(tokens))
    return body
  })
}

function parseFunction(tokens: TokenStream): FunctionDefinition {
  const { start } = tokens.take()
  const name = tokens.expectName('the name of the function')
  const parameters: Name[] = []
  if (tokens.skip('(')) {
    while (!tokens.isOp(')')) {
      parameters.push(variableName(tokens, 'a parameter'))
      if (!tokens.skip(',')) break
    }
    tokens.expect(')', 'after the parameters')
  }
  const { end } = tokens
  return { kind: 'function', name: name.text, parameters, body: parseBody(tokens, 'after the function'), start, end }
}

function variableName(tokens: TokenStream, what: string): Name {
  const token = tokens.expectName(what)
  if (reservedWords.has(token.text)) throw tokens.error(token, `'${token.text}' is a word of the language, not a name.`)
  return nameOf(token)
}

function parseStatement(tokens: TokenStream): Statement {
  const { kind, text, start } = tokens.token
  if (kind === 'indent') throw tokens.error(tokens.next, 'This line is indented, but no block begins before it.')
  if (kind === 'name' && Object.hasOwn(statements, text)) return statements[text]!(tokens, start)
  return parseSimple(tokens)
}

const statements: Record<string, (tokens: TokenStream, start: number) => Statement> = {
  if: parseIf,
  for: parseFor,
  match: (tokens, start) => parseMatch(tokens, start, false),
  reverse_match: (tokens, start) => parseMatch(tokens, start, true),
  return: parseReturn,
  del: parseDelete,
  exit: parseExit,
  break: parseBreak,
  continue: parseContinue,
  def: (tokens) => {
    throw tokens.error(tokens.token, 'Functions are defined at the outermost level of a script.')
  },
  elif: lonely,
  else: lonely,
  agg: lonely,
  aggregate: lonely,
  sort: lonely,
}

function lonely(tokens: TokenStream): Statement {
  const word = tokens.token
  if (word.text === 'sort' && tokens.next.text !== ':') return parseSimple(tokens)
  const why = {
    ...{ elif: "follows an 'if' at the same indentation", else: "follows an 'if' at the same indentation" },
    sort: 'is no block; sort with the parameter of the query',
  }
  throw tokens.error(
    word,
    `'${word.text}' ${(why as Record<string, string>)[word.text] ?? 'stands at the outermost level, with a colon'}.`,
  )
}

function parseIf(tokens: TokenStream, start: number): Statement {
  const branches: { condition: Expression; body: Statement[] }[] = []
  let otherwise: Statement[] = []
  do {
    const word = tokens.take().text
    const condition = parseExpression(tokens)
    branches.push({ condition, body: parseBody(tokens, `after the condition of '${word}'`) })
  } while (tokens.isWord('elif'))
  const { end } = tokens
  if (tokens.skip('else')) otherwise = parseBody(tokens, "after 'else'")
  return { kind: 'if', branches, otherwise, start, end }
}

function parseFor(tokens: TokenStream, start: number): Statement {
  tokens.take()
  const first = variableName(tokens, 'a variable')
  const second = tokens.skip(',') ? variableName(tokens, 'a second variable') : undefined
  if (!tokens.skip('in')) throw tokens.unexpected("'in'")
  const over = parseExpression(tokens)
  const { end } = tokens
  const body = parseBody(tokens, "after 'for'")
  return { kind: 'for', names: second ? [first, second] : [first], over, body, start, end }
}

function parseMatch(tokens: TokenStream, start: number, reverse: boolean): Statement {
  const word = tokens.take().text
  const limit = tokens.isWord('where') || tokens.isOp(':') ? undefined : parseArithmetic(tokens)
  const where = tokens.skip('where') ? parseExpression(tokens) : undefined
  const { end } = tokens
  return { kind: 'match', reverse, limit, where, body: parseBody(tokens, `after '${word}'`), start, end }
}

function parseReturn(tokens: TokenStream, start: number): Statement {
  tokens.take()
  const value = tokens.is('newline') || tokens.is('dedent') || tokens.is('end') ? undefined : parseExpression(tokens)
  return ended(tokens, { kind: 'return', value, start, end: tokens.end })
}

function parseDelete(tokens: TokenStream, start: number): Statement {
  tokens.take()
  const target = parseExpression(tokens)
  if (target.kind !== 'subscript' && target.kind !== 'name') {
    throw tokens.error(target, "'del' takes an entry, as in del d['key'], or a variable.")
  }
  return ended(tokens, { kind: 'delete', target, start, end: tokens.end })
}

function parseExit(tokens: TokenStream, start: number): Statement {
  tokens.take()
  if (tokens.skip('(')) tokens.expect(')', "after 'exit('")
  return ended(tokens, { kind: 'exit', start, end: tokens.end })
}

function parseContinue(tokens: TokenStream, start: number): Statement {
  tokens.take()
  return ended(tokens, { kind: 'continue', start, end: tokens.end })
}

function parseBreak(tokens: TokenStream, start: number): Statement {
  tokens.take()
  let levels: number | 'all' | 'top' = 1
  if (tokens.is('int')) levels = tokens.take().value
  else if (tokens.isWord('all', 'top')) levels = tokens.take().text as 'all' | 'top'
  const statement: Statement = { kind: 'break', levels, start, end: tokens.end }
  if (levels === 0) throw tokens.error(statement, "'break' leaves at least one loop.")
  return ended(tokens, statement)
}

/** An assignment, or a call. `=` means equality everywhere but here. */
function parseSimple(tokens: TokenStream): Statement {
  const target = parsePostfix(tokens)
  const op = tokens.token
  if (op.kind === 'op' && assignmentOps.includes(op.text)) {
    tokens.take()
    if (target.kind !== 'name' && target.kind !== 'subscript') {
      throw tokens.error(target, 'Only a variable or an entry of a container can be assigned to.')
    }
    const value = parseExpression(tokens)
    const statement = { kind: 'assignment', op: op.text as AssignmentOp, target, value } as const
    return ended(tokens, { ...statement, start: target.start, end: tokens.end })
  }
  if (target.kind === 'name' && target.name === 'tally') {
    const expression: Expression = { ...target, kind: 'call', args: [] }
    return ended(tokens, { kind: 'expression', expression, start: target.start, end: target.end })
  }
  if (target.kind === 'name' && tokens.is('name')) throw tokens.error(target, unknownStatement(target.name))
  if (target.kind !== 'call' && target.kind !== 'method') {
    if (!tokens.is('newline')) throw tokens.unexpected("'=' or the end of the line")
    throw tokens.error(target, 'Nothing is done with this value.')
  }
  return ended(tokens, { kind: 'expression', expression: target, start: target.start, end: target.end })
}

function unknownStatement(word: string): string {
  return `'${word}' begins no statement.${didYouMean(word, Object.keys(statements))}`
}

function ended(tokens: TokenStream, statement: Statement): Statement {
  endLine(tokens)
  return statement
}

function endLine(tokens: TokenStream): void {
  if (tokens.is('dedent') || tokens.is('end')) return
  if (!tokens.is('newline')) throw tokens.unexpected('the end of the line')
  tokens.take()
}
