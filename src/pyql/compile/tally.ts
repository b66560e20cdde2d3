import type { Call, Statement } from '../ast.js'
import { moves } from '../builtins.js'
import type { Binding, CheckedAggregate } from '../check.js'
import type { Span } from '../source.js'
import { statementsIn } from '../walk.js'
import { bound, expression } from './expressions.js'
import { comparable } from './inline.js'
import { endPerson } from './statements.js'
import { isCode, isNumber, isSet, slotOf } from './types.js'
import type { Code, Context, Unit } from './unit.js'

/** Counts the current row in the group of the path and in every group above it. */
export function tally(unit: Unit, context: Context, node: Call): string {
  if (unit.checked.mode === 'segment') {
    return `members[person >>> 5] |= 1 << (person & 31)\n${endPerson(unit, context)}`
  }
  const path = node.args.map((arg) => expression(unit, context, arg))
  const held = path.map((code, i) => hold(unit, code, node.args[i]!.kind === 'constant'))
  const lines = held.map(({ line }) => line).filter((line) => line !== '')
  return `{\n${[...lines, level(unit, context, held, 0, '0', node)].join('\n')}\n}`
}

interface Held {
  code: Code
  constant: boolean
  line: string
}

/** All arguments are computed before anything is counted. */
function hold(unit: Unit, code: Code, constant: boolean): Held {
  if (code.type === 'none') return { code, constant, line: code.js === 'null' ? '' : code.js }
  if (constant || isSet(code.type)) return { code, constant, line: '' }
  const x = unit.name('x')
  return { code: { js: x, type: code.type }, constant, line: `const ${x} = ${code.js}` }
}

/** The groups from one level on, below a node; the path ends at the first None. */
function level(unit: Unit, context: Context, path: Held[], depth: number, parent: string, at: Span): string {
  const held = path[depth]
  if (!held || held.code.type === 'none' || isSet(held.code.type)) return ''
  const node = unit.name('g')
  const fixed = path.slice(0, depth).every(({ constant }) => constant)
  const { find, present } = child(unit, held, parent, fixed, node)
  const inner = `${find}\n${unit.written(count(unit, context, node), at)}\n${level(unit, context, path, depth + 1, node, at)}`
  return present === 'true' ? inner : `if (${present}) {\n${inner}\n}`
}

function child(
  unit: Unit,
  { code, constant }: Held,
  parent: string,
  fixed: boolean,
  node: string,
): { find: string; present: string } {
  const { js, type } = code
  if (constant && fixed) {
    const kept = unit.name('n')
    unit.scanLines.push(`let ${kept} = 0`)
    return { find: `const ${node} = ${kept} || (${kept} = rt.child(${parent}, rt.pool.of(${js})))`, present: 'true' }
  }
  if (isCode(type)) {
    const slot = slotOf(type)
    const site = unit.name('site')
    unit.scanLines.push(`const ${site} = rt.newSite()`)
    const grid = unit.name('grid')
    unit.blockLines.push(
      `const ${grid} = ${site}.grid(d${slot}), ${grid}n = ${grid}.nodes, ${grid}r = ${site}.rows, ${grid}s = ${grid}.stride`,
    )
    return {
      find: `const ${node} = ${grid}n[${grid}r[${parent}] * ${grid}s + ${js}] || rt.codeNode(${site}, ${grid}, d${slot}, ${js}, ${parent})`,
      present: `${js} !== 0`,
    }
  }
  const computed = isNumber(type)
    ? `rt.pool.number(${js})`
    : type === 'flag'
      ? `rt.pool.flag(${js})`
      : `rt.pool.of(rt.scalar(${unit.any(code)}))`
  const key = unit.name('t')
  unit.blockLines.push(`let ${key} = 0`)
  return { find: `const ${node} = rt.child(${parent}, ${key})`, present: `(${key} = ${computed}) !== 0` }
}

// --- aggregates ---

function count(unit: Unit, context: Context, node: string): string {
  const { aggregates } = unit.checked
  const once = talliesRowsOnce(unit.checked.script.body, unit.checked.script.functions.length)
  const lines: string[] = []
  if (aggregates.some((one) => isPerson(one.of) && !one.key && !one.all)) {
    lines.push(`const first = rt.last[${node}] !== serial`, `rt.last[${node}] = serial`)
  }
  if (!once && aggregates.some((one) => perRow(one))) {
    unit.usesSeen = true
    lines.push(`const fresh = seen.add(${node} * 128 + 127, ${context.row}, 0)`)
  }
  aggregates.forEach((one, index) => {
    lines.push(aggregate(unit, context, node, one, index, once))
  })
  return `{\n${lines.join('\n')}\n}`
}

function isPerson(of: CheckedAggregate['of']): boolean {
  return of.kind === 'value' && of.name === 'person'
}

function isSession(of: CheckedAggregate['of']): boolean {
  return of.kind === 'value' && (of.name === 'session' || of.name === '__session')
}

/** Whether an aggregate takes each row once for each node: the usual way. */
function perRow({ kind, of, key, all, carried }: CheckedAggregate): boolean {
  return !all && !key && kind !== 'val' && kind !== 'var' && !carried && !isPerson(of) && !isSession(of)
}

function aggregate(
  unit: Unit,
  context: Context,
  node: string,
  one: CheckedAggregate,
  index: number,
  once: boolean,
): string {
  const value =
    one.kind === 'var' && !isBinding(one.of)
      ? expression(unit, context, one.of)
      : bound(unit, context, one.of as Binding)
  if (one.kind === 'val' || one.carried) {
    const given = isPerson(one.of) ? personOf(unit) : unit.any(value)
    return `A${index}.add(${node}, rt.scalar(${given}), stamp[${context.row}], serial)`
  }
  const { present, x, line } = presence(unit, one, value)
  const conditions = [present, freshness(unit, context, node, one, index, once, x)].filter((test) => test !== '')
  const add = addition(unit, node, one, index, x)
  return `{ ${line}${conditions.length > 0 ? `if (${conditions.join(' && ')}) ` : ''}${add} }`
}

function isBinding(of: CheckedAggregate['of']): of is Binding {
  return (
    of.kind === 'value' ||
    of.kind === 'variable' ||
    of.kind === 'parameter' ||
    of.kind === 'none' ||
    (of.kind === 'column' && 'slot' in of)
  )
}

function personOf(unit: Unit): string {
  unit.readsPersonId = true
  return 'block.personId(p)'
}

function presence(unit: Unit, { of }: CheckedAggregate, value: Code): { present: string; x: Code; line: string } {
  if (isPerson(of)) return { present: '', x: { js: '0', type: 'int' }, line: '' }
  if (isSet(value.type)) return { present: unit.truth(value), x: value, line: '' }
  const x = { js: unit.name('x'), type: value.type }
  const line = `const ${x.js} = ${value.js}; `
  if (isNumber(x.type)) return { present: `${x.js} === ${x.js}`, x, line }
  return { present: isCode(x.type) || x.type === 'flag' ? `${x.js} !== 0` : `rt.present(${unit.any(x)})`, x, line }
}

function freshness(
  unit: Unit,
  context: Context,
  node: string,
  one: CheckedAggregate,
  index: number,
  once: boolean,
  x: Code,
): string {
  if (one.all) return ''
  const tag = `${node} * 128 + ${index}`
  if (one.key) {
    unit.usesSeen = true
    const key = isPerson(one.key) ? '0' : comparable(unit, bound(unit, context, one.key))
    return `seen.add(${tag}, ${key}, stamp[${context.row}])`
  }
  if (isPerson(one.of)) return 'first'
  if (isSession(one.of) || one.kind === 'var') {
    unit.usesSeen = true
    return `seen.add(${tag}, ${comparable(unit, x)}, ${one.kind === 'var' ? context.row : '0'})`
  }
  return once ? '' : 'fresh'
}

function addition(unit: Unit, node: string, { kind }: CheckedAggregate, index: number, x: Code): string {
  const a = `A${index}`
  if (kind === 'count' || kind === 'var') return `${a}.n[${node}]++`
  if (kind === 'min' || kind === 'max') {
    if (!isNumber(x.type)) return `${a}.add(${node}, rt.scalar(${unit.any(x)}))`
    return `if (!(${x.js} ${kind === 'min' ? '>=' : '<='} ${a}.n[${node}])) ${a}.n[${node}] = ${x.js}`
  }
  if (x.type === 'double') return `{ ${a}.n[${node}]++; ${a}.add(${node}, ${x.js}) }`
  return `{ ${a}.n[${node}]++; ${a}.sum[${node}] += ${unit.number(x)} }`
}

/**
 * Whether no row can come to one node twice: there is one tally, in one match at most, whose position does not move.
 * Then nothing needs to be remembered.
 */
function talliesRowsOnce(body: readonly Statement[], functions: number): boolean {
  if (functions > 0) return false
  const places = body.filter((statement) => talliesIn([statement]) > 0)
  if (places.length !== 1 || talliesIn(body) !== 1) return false
  const [place] = places
  if (place!.kind !== 'match')
    return ![...statementsIn([place!])].some(({ kind }) => kind === 'match' || kind === 'for')
  return ![...statementsIn(place!.body)].some(
    (inner) => inner.kind === 'match' || inner.kind === 'for' || isMove(inner),
  )
}

function isMove(statement: Statement): boolean {
  return statement.kind === 'expression' && statement.expression.kind === 'call' && moves.has(statement.expression.name)
}

function talliesIn(body: readonly Statement[]): number {
  const isTally = (statement: Statement) =>
    statement.kind === 'expression' && statement.expression.kind === 'call' && statement.expression.name === 'tally'
  return [...statementsIn(body)].filter(isTally).length
}
