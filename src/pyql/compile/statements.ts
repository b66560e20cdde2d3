import type { Assignment, Call, Delete, Expression, For, If, Match, Name, Statement, Subscript } from '../ast.js'
import { moves } from '../builtins.js'
import { countsRowsAlike } from './counting.js'
import { anyOf, binary, expression, list } from './expressions.js'
import { type RowsTested, rowsTested } from './row-tests.js'
import { talliesOf } from './tallies.js'
import { tally } from './tally.js'
import { isSet, noneOf, slotOf, type Type } from './types.js'
import type { Code, Context, PickedAt, Unit } from './unit.js'

export function block(unit: Unit, context: Context, body: readonly Statement[]): string {
  return body.map((statement) => oneStatement(unit, context, statement)).join('\n')
}

function oneStatement(unit: Unit, context: Context, node: Statement): string {
  switch (node.kind) {
    case 'assignment':
      return assignment(unit, context, node)
    case 'expression':
      return node.expression.kind === 'call'
        ? callStatement(unit, context, node.expression)
        : expression(unit, context, node.expression).js
    case 'if':
      return ifStatement(unit, context, node)
    case 'for':
      return forStatement(unit, context, node)
    case 'match':
      return match(unit, context, node)
    case 'return':
      return returnStatement(unit, context, node.value)
    case 'delete':
      return deletion(unit, context, node)
    case 'exit':
      return endPerson(unit, context)
    case 'break':
      return `break ${breakTarget(context, node.levels)}`
    case 'continue':
      return `continue ${context.loops.at(-1)!.label}`
  }
}

function breakTarget({ loops }: Context, levels: number | 'all' | 'top'): string {
  if (levels === 'all') return loops[0]!.label
  if (levels === 'top') return loops[1]!.label
  return loops[loops.length - levels]!.label
}

/** Ends the script for this person. Functions throw, because a break cannot leave them. */
export function endPerson(unit: Unit, context: Context): string {
  if (!context.function) return 'break person'
  unit.throwsExit = true
  return 'throw rt.exit'
}

// --- assignments ---

function assignment(unit: Unit, context: Context, node: Assignment): string {
  if (node.target.kind === 'name') return assignName(unit, context, node, node.target)
  const { root, path } = pathOf(node.target)
  const keys = list(unit, context, path)
  const base = expression(unit, context, root)
  const value = expression(unit, context, node.value)
  if (node.op === '=' || node.op === '<<') {
    return store(unit, context, root, {
      js: `rt.put(${unit.any(base)}, ${keys}, ${unit.any(value)}, ${node.start})`,
      type: 'any',
    })
  }
  const [b, k] = [unit.name('b'), unit.name('k')]
  const old = `rt.get(${b}, ${k}, ${node.start})`
  const put = `rt.put(${b}, ${k}, ${changed(unit, node, { js: old, type: 'any' }, value)}, ${node.start})`
  return `{ const ${b} = ${unit.any(base)}, ${k} = ${keys}; ${store(unit, context, root, { js: put, type: 'any' })} }`
}

function assignName(unit: Unit, context: Context, node: Assignment, target: Name): string {
  const value = expression(unit, context, node.value)
  if (node.op === '=' || node.op === '<<') return store(unit, context, target, value)
  const old = expression(unit, context, target)
  const op = node.op[0] as '+' | '-' | '*' | '/'
  if (op === '*' || op === '/' || (old.type !== 'any' && old.type !== 'none')) {
    return store(unit, context, target, binary(unit, op, old, value))
  }
  // What the variable holds may be a container, which is changed in place.
  return store(unit, context, target, {
    js: changed(unit, node, old, value),
    type: old.type === 'none' ? 'none' : 'any',
  })
}

function changed(unit: Unit, { op, start }: Assignment, old: Code, value: Code): string {
  if (op === '+=') return `rt.addTo(${unit.any(old)}, ${unit.any(value)}, ${start})`
  if (op === '-=') return `rt.removeFrom(${unit.any(old)}, ${unit.any(value)})`
  return unit.any(binary(unit, op === '*=' ? '*' : '/', old, value))
}

function pathOf(target: Subscript): { root: Name; path: Expression[] } {
  const path: Expression[] = []
  let object: Expression = target
  for (; object.kind === 'subscript'; object = object.object) path.unshift(object.index)
  return { root: object as Name, path }
}

function store(unit: Unit, context: Context, target: Name, value: Code): string {
  const binding = unit.checked.bindings.get(target)!
  if (binding.kind === 'parameter') {
    const index = unit.checked.functions.indexOf(context.function!)
    unit.learnParameter(index, binding.index, value.type)
    return `a${binding.index} = ${unit.held(value, unit.parameters[index]![binding.index]!)}`
  }
  if (binding.kind !== 'variable') throw new Error('only variables are assigned to')
  unit.assign(binding.id, value.type)
  return `v${binding.id} = ${unit.held(value, unit.variables[binding.id]!)}`
}

function deletion(unit: Unit, context: Context, { target, start }: Delete): string {
  if (target.kind === 'name') return store(unit, context, target, { js: 'null', type: 'none' })
  const { root, path } = pathOf(target)
  return `rt.drop(${anyOf(unit, context, root)}, ${list(unit, context, path)}, ${start})`
}

// --- blocks ---

function ifStatement(unit: Unit, context: Context, { branches, otherwise }: If): string {
  const chain = branches.map(({ condition, body }) => {
    const test = unit.truth(expression(unit, context, condition))
    return `if (${test}) {\n${block(unit, context, body)}\n}`
  })
  const last = otherwise.length > 0 ? ` else {\n${block(unit, context, otherwise)}\n}` : ''
  return chain.join(' else ') + last
}

const step = 'if (--fuel < 0) fuel = rt.refuel(fuel)'

/**
 * A match that only counts every row from here on, all alike, is not walked through: the first row stands for the rest.
 * A budget counts people's rows all the same.
 */
function countedAtOnce(unit: Unit, context: Context, { reverse, limit, where, body }: Match): string | undefined {
  const [only] = body
  if (reverse || limit || where || body.length !== 1 || only?.kind !== 'expression') return undefined
  if (only.expression.kind !== 'call' || only.expression.name !== 'tally' || unit.checked.mode !== 'event')
    return undefined
  if (!only.expression.args.every(({ kind }) => kind === 'constant')) return undefined
  if (!talliesOf(unit.checked).once || !countsRowsAlike(unit.checked)) return undefined
  const counted = tally(unit, { ...context, times: `(end - ${context.row})` }, only.expression)
  return `if (${context.row} < end) {\n${counted}\n}`
}

function match(unit: Unit, context: Context, node: Match): string {
  const { reverse, limit, where, body } = node
  const atOnce = countedAtOnce(unit, context, node)
  if (atOnce) return atOnce
  const label = unit.name('loop')
  const at = unit.name('m')
  const tested = where && !reverse ? rowsTested(unit, where) : undefined
  // For the first rows of a person, looking for the place to begin takes longer than going through bits.
  const picks = tested && (!limit || context.pickedAt?.of === tested.rows)
  const steps = picks ? ownSteps(unit, context, tested, at) : everyStep(context, reverse, at)
  // A row that is tested is not matched yet: the match before it is the one around.
  const testing = { ...context, row: at, prev: context.matched }
  const condition = where ? conditionOf(unit, testing, where, steps, tested) : ''
  const outermost = context.loops.length === 0 && !context.function
  const inner: Context = {
    ...{ row: at, function: context.function, loops: [...context.loops, { label }] },
    ...(steps.pickedAt && { pickedAt: steps.pickedAt }),
    first: around(context.first, 'first', at),
    prev: around(context.matched, 'matched', at),
    matched: `stamp[${at}]`,
  }
  const [count, most] = limit ? [unit.name('n'), unit.name('n')] : ['', '']
  const init = limit ? `, ${count} = 0, ${most} = ${unit.number(expression(unit, context, limit))}` : ''
  const rows = reverse ? `${context.row} + 1 - start` : `end - ${context.row}`
  return `${outermost ? `if ((fuel -= ${rows}) < 0) fuel = rt.refuel(fuel)\n` : ''}${label}: for (let ${steps.init}${init}; ${steps.bound}${limit ? ` && ${count} < ${most}` : ''}; ${steps.next}) {
${outermost ? '' : `${step}\n`}${condition}${limit ? `${count}++\n` : ''}${bodyOf(unit, inner, body)}
}`
}

/** The rows of a match, as the parts of a loop. */
interface Steps {
  readonly init: string
  readonly bound: string
  readonly next: string
  readonly pickedAt?: PickedAt
  /** The variable of the block that holds the rows by place. */
  readonly rows?: string
}

function everyStep({ row }: Context, reverse: boolean, at: string): Steps {
  const init = `${at} = ${row}`
  return reverse ? { init, bound: `${at} >= start`, next: `${at}--` } : { init, bound: `${at} < end`, next: `${at}++` }
}

/** Where the block has the rows that can pass by themselves, the loop counts their places, else the rows of the block. */
function ownSteps(unit: Unit, { row, pickedAt: around }: Context, tested: RowsTested, at: string): Steps {
  const picked = unit.perBlock('y', `rt.picked(block, ${tested.test}, ${tested.rows})`)
  const [place, last] = [unit.name('k'), unit.name('k')]
  const [rows, from, to] = ['rows', 'from', 'to'].map((name) => unit.perBlock(`${picked}${name}`, `${picked}?.${name}`))
  const hint = around?.of === tested.rows ? around.place : `${from}[p]`
  return {
    init: `${last} = ${picked} === undefined ? end : ${to}[p], ${place} = ${picked} === undefined ? ${row} : firstFrom(${rows}, ${from}[p], ${hint}, ${last}, ${row})`,
    bound: `${place} < ${last}`,
    next: `${place}++`,
    pickedAt: { row: at, of: tested.rows, picked, place },
    rows,
  }
}

/** Goes on where the condition does not hold: to the next row that can fulfil it, where the block knows those. */
function conditionOf(
  unit: Unit,
  context: Context,
  where: Expression,
  { pickedAt, rows }: Steps,
  tested?: RowsTested,
): string {
  const test = (own: Context) => `if (!${unit.truth(expression(unit, own, where))}) continue\n`
  if (!tested) return test(context)
  const at = pickedAt?.place ?? context.row
  const next = `${at} = nextRow(${tested.rows}, ${at}, end)\nif (${at} >= end) break`
  const skip = `if (${tested.rows} !== undefined) {\n${next}\n}`
  const looked = tested.whole ? `${skip} else ${test({ ...context, row: at })}` : `${skip}\n`
  if (!pickedAt) return tested.whole ? looked : looked + test(context)
  const { picked, place, row } = pickedAt
  return `if (${picked} === undefined) {
${looked}}
const ${row} = ${picked} === undefined ? ${place} : ${rows}[${place}]
${tested.whole ? '' : test({ ...context, pickedAt })}`
}

/** Up to where the position may move, the row is the one that was matched. */
function bodyOf(unit: Unit, context: Context, body: readonly Statement[]): string {
  const first = body.findIndex((statement) => bodyMoves([statement]))
  if (first === -1) return block(unit, context, body)
  const row = unit.name('r')
  const before = block(unit, context, body.slice(0, first))
  return `${before}\nlet ${row} = ${context.row}\n${block(unit, { ...context, row }, body.slice(first))}`
}

/** The stamp of a match around, or of this one where there is none: in a function, around its call if there is one. */
function around(outer: string, ofCaller: string, at: string): string {
  if (outer === '0') return `stamp[${at}]`
  return outer === ofCaller ? `(${ofCaller} || stamp[${at}])` : outer
}

/** Whether the position of this body moves, apart from matches within it, which have positions of their own. */
function bodyMoves(body: readonly Statement[]): boolean {
  return body.some((statement) => {
    if (statement.kind === 'match') return false
    if (statement.kind === 'expression')
      return statement.expression.kind === 'call' && moves.has(statement.expression.name)
    if (statement.kind === 'if')
      return statement.branches.some((branch) => bodyMoves(branch.body)) || bodyMoves(statement.otherwise)
    return statement.kind === 'for' && bodyMoves(statement.body)
  })
}

function forStatement(unit: Unit, context: Context, node: For): string {
  const label = unit.name('loop')
  const inner: Context = { ...context, loops: [...context.loops, { label }] }
  const over = expression(unit, context, node.over)
  const [first, second] = node.names
  if (isSet(over.type) && !second) return forElements(unit, context, inner, node, over, label)
  const x = unit.name('x')
  const assigns = second
    ? [
        store(unit, context, first, { js: `${x}[0]`, type: 'any' }),
        store(unit, context, second, { js: `${x}[1]`, type: 'any' }),
      ]
    : [store(unit, context, first, { js: x, type: 'any' })]
  const items = `rt.${second ? 'pairs' : 'iterate'}(${unit.any(over)}, ${node.start})`
  return `${label}: for (const ${x} of ${items}) {\n${step}\n${assigns.join('\n')}\n${block(unit, inner, node.body)}\n}`
}

/** Each element of a set column once. */
function forElements(unit: Unit, context: Context, inner: Context, node: For, over: Code, label: string): string {
  const slot = slotOf(over.type)
  const { type } = unit.column(slot)
  const types: Record<typeof type, Type> = { text: `code:${slot}`, int: 'int', double: 'double', bool: 'flag' }
  const [j, from, to] = [unit.name('j'), unit.name('j'), unit.name('j')]
  const assign = store(unit, context, node.names[0], { js: `c${slot}[${j}]`, type: types[type] })
  return `${label}: for (let ${from} = o${slot}[${over.js}], ${to} = o${slot}[${over.js} + 1], ${j} = ${from}; ${j} < ${to}; ${j}++) {
if (repeats(c${slot}, ${from}, ${j})) continue
${step}
${assign}
${block(unit, inner, node.body)}
}`
}

function returnStatement(unit: Unit, context: Context, value: Expression | undefined): string {
  const code: Code = value ? expression(unit, context, value) : { js: 'null', type: 'none' }
  if (context.function) {
    const index = unit.checked.functions.indexOf(context.function)
    unit.learnResult(index, code.type)
    const type = unit.results[index]!
    return `return ${code.type === 'none' && !value ? noneOf(type) : unit.held(code, type)}`
  }
  const use = unit.checked.mode === 'histogram' ? `rt.record(${unit.any(code)}, ${value?.start ?? 0})` : code.js
  return `{ ${use}; break person }`
}

// --- calls that do something ---

function callStatement(unit: Unit, context: Context, node: Call): string {
  const run = Object.hasOwn(doing, node.name) ? doing[node.name] : undefined
  return run ? run(unit, context, node) : expression(unit, context, node).js
}

const doing: Record<string, (unit: Unit, context: Context, node: Call) => string> = {
  tally,
  log: (unit, context, node) => `rt.log(${list(unit, context, node.args)})`,
  debug: (unit, context, node) => `rt.debug(${anyOf(unit, context, node.args[0]!)})`,
  emit: (unit, context, node) => `rt.emit(${anyOf(unit, context, node.args[0]!)})\n${endPerson(unit, context)}`,
  schedule: (unit, context, node) => {
    const [after, name] = node.args
    return `rt.schedule(${anyOf(unit, context, after!)}, ${expression(unit, context, name!).js}, ${node.start})`
  },
  iter_next: (unit, context) => `if (${context.row} + 1 >= end) ${leave(unit, context)}\n${context.row}++`,
  iter_prev: (unit, context) => `if (${context.row} <= start) ${leave(unit, context)}\n${context.row}--`,
  iter_move_first: (_, context) => `${context.row} = start`,
  iter_move_last: (_, context) => `${context.row} = end - 1`,
  iter_set: (unit, context, node) =>
    `${context.row} = rt.position(${unit.number(expression(unit, context, node.args[0]!))}, start, end, ${node.start})`,
}

/** There is no row to move to: the innermost loop ends, or outside of loops the script for this person. */
function leave(unit: Unit, context: Context): string {
  const loop = context.loops.at(-1)
  return loop ? `break ${loop.label}` : endPerson(unit, context)
}
