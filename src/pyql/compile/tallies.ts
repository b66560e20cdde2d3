import type { Statement } from '../ast.js'
import { moves } from '../builtins.js'
import type { Checked } from '../check.js'
import { statementsIn } from '../walk.js'

/** How a script tallies. */
export interface Tallies {
  /**
   * Whether no row can come to one node twice: there is one tally, in one match at most, whose position does not move.
   * Then nothing needs to be remembered.
   */
  readonly once: boolean
  /** Whether one place of the script alone makes groups: then nobody else counts in them. */
  readonly inOnePlace: boolean
}

const known = new WeakMap<Checked, Tallies>()

export function talliesOf(checked: Checked): Tallies {
  let tallies = known.get(checked)
  if (!tallies) {
    const { body, functions } = checked.script
    const inOnePlace = talliesIn(body) === 1 && functions.every((own) => talliesIn(own.body) === 0)
    tallies = { once: inOnePlace && functions.length === 0 && isOnce(body), inOnePlace }
    known.set(checked, tallies)
  }
  return tallies
}

function isOnce(body: readonly Statement[]): boolean {
  const place = body.find((statement) => talliesIn([statement]) > 0)!
  if (place.kind !== 'match') return ![...statementsIn([place])].some(({ kind }) => kind === 'match' || kind === 'for')
  return ![...statementsIn(place.body)].some((inner) => inner.kind === 'match' || inner.kind === 'for' || isMove(inner))
}

function isMove(statement: Statement): boolean {
  return statement.kind === 'expression' && statement.expression.kind === 'call' && moves.has(statement.expression.name)
}

function talliesIn(body: readonly Statement[]): number {
  const isTally = (statement: Statement) =>
    statement.kind === 'expression' && statement.expression.kind === 'call' && statement.expression.name === 'tally'
  return [...statementsIn(body)].filter(isTally).length
}
