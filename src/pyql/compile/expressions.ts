import type { Call, ColumnName, Constant, Expression, Name, Unary } from '../ast.js'
import { functions as builtIns, rowValues } from '../builtins.js'
import { errorAt } from '../errors.js'
import type { Binding } from '../names.js'
import { dateFunctions, readTime } from '../runtime/dates.js'
import { comparison } from './comparisons.js'
import { inlineAggregate } from './inline.js'
import { isNumber, isNumeric, isWhole, type Type } from './types.js'
import type { Code, Context, PickedAt, Unit } from './unit.js'

/** JavaScript that computes an expression at the current row. */
export function expression(unit: Unit, context: Context, node: Expression): Code {
  switch (node.kind) {
    case 'constant':
      return constant(unit, node)
    case 'name':
    case 'column':
      return named(unit, context, node)
    case 'unary':
      return unary(unit, context, node)
    case 'binary':
      return binary(unit, node.op, expression(unit, context, node.left), expression(unit, context, node.right))
    case 'comparison':
      return comparison(unit, context, node)
    case 'logic': {
      const [left, right] = [node.left, node.right].map((side) => unit.truth(expression(unit, context, side)))
      return { js: `(${left} ${node.op === 'and' ? '&&' : '||'} ${right})`, type: 'bool' }
    }
    case 'list':
      return { js: `rt.list(${list(unit, context, node.items)})`, type: 'any' }
    case 'dict': {
      const entries = node.entries.map(({ key, value }) => list(unit, context, [key, value]))
      return { js: `rt.dict([${entries.join(', ')}], ${node.start})`, type: 'any' }
    }
    case 'subscript':
      return { js: `rt.at(${list(unit, context, [node.object, node.index]).slice(1, -1)}, ${node.start})`, type: 'any' }
    case 'slice': {
      const ends = [node.from, node.to].map((end) => (end ? anyOf(unit, context, end) : 'null'))
      return { js: `rt.slice(${anyOf(unit, context, node.object)}, ${ends.join(', ')}, ${node.start})`, type: 'any' }
    }
    case 'call':
      return call(unit, context, node)
    case 'method': {
      const object = anyOf(unit, context, node.object)
      return {
        js: `rt.method('${node.name}', ${object}, ${list(unit, context, node.args)}, ${node.start})`,
        type: 'any',
      }
    }
    case 'aggregate':
      return inlineAggregate(unit, context, node)
  }
}

export function anyOf(unit: Unit, context: Context, node: Expression): string {
  return unit.any(expression(unit, context, node))
}

/** A JavaScript array of Values. */
export function list(unit: Unit, context: Context, nodes: Expression[]): string {
  return `[${nodes.map((node) => anyOf(unit, context, node)).join(', ')}]`
}

function constant(unit: Unit, { type, value }: Constant): Code {
  const js = unit.constant(value)
  return { js, type: type === 'text' ? 'any' : type }
}

function named(unit: Unit, context: Context, node: Name | ColumnName): Code {
  return bound(unit, context, unit.checked.bindings.get(node)!)
}

/** What a name gives at the current row. */
export function bound(unit: Unit, context: Context, binding: Binding): Code {
  switch (binding.kind) {
    case 'column':
      return columnAt(unit, binding.slot, context.row, context.pickedAt)
    case 'variable':
      return {
        js: unit.variables[binding.id] === 'none' ? 'null' : `v${binding.id}`,
        type: unit.variables[binding.id]!,
      }
    case 'parameter': {
      const types = unit.parameters[unit.checked.functions.indexOf(context.function!)]!
      return { js: `a${binding.index}`, type: types[binding.index]! }
    }
    case 'value':
      return rowValue(unit, context, binding.name)
    case 'none':
      return { js: 'null', type: 'none' }
  }
}

export function columnAt(unit: Unit, slot: number, row: string, pickedAt?: PickedAt): Code {
  const { type, isSet } = unit.column(slot)
  if (isSet) return { js: row, type: `set:${slot}` }
  const types: Record<typeof type, Type> = { text: `code:${slot}`, int: 'int', double: 'double', bool: 'flag' }
  if (pickedAt?.row !== row) return { js: `c${slot}[${row}]`, type: types[type] }
  const { picked, place } = pickedAt
  const own = unit.perBlock('e', `rt.pickedColumn(block, ${picked}, ${slot}, c${slot})`)
  return { js: `${own}[${place}]`, type: types[type] }
}

function rowValue(unit: Unit, { row, first, prev }: Context, name: string): Code {
  const int = (js: string): Code => ({ js, type: 'int' })
  switch (name) {
    case 'event_time':
    case '__stamp':
      return int(`stamp[${row}]`)
    case 'first_event':
      return int('stamp[start]')
    case 'last_event':
      return int('stamp[end - 1]')
    case 'now':
      return int('now')
    case 'first_match':
      return int(first)
    case 'prev_match':
      return int(prev)
    case 'iter_get':
      return int(`(${row} - start)`)
    case 'event_count': {
      const action = unit.checked.columns.findIndex((column) => column.name === '__action')
      return int(`countEvents(stamp, c${action}, start, end)`)
    }
    case 'session':
    case '__session':
      unit.usesSessions = true
      return int(`rt.sessions[${row} - start]`)
    case 'session_count':
      unit.usesSessions = true
      return int('rt.sessions[end - 1 - start]')
    default:
      unit.readsPersonId = true
      return { js: 'block.personId(p)', type: 'any' }
  }
}

function unary(unit: Unit, context: Context, { op, operand }: Unary): Code {
  const code = expression(unit, context, operand)
  if (op === 'not') return { js: `!${unit.truth(code)}`, type: 'bool' }
  if (!isNumeric(code.type)) return { js: `rt.negate(${unit.any(code)})`, type: 'any' }
  return { js: `(0 - ${unit.number(code)})`, type: isWhole(code.type) ? 'int' : code.type }
}

/** Both operands as numbers where both are; else as Values. */
export function binary(unit: Unit, op: '+' | '-' | '*' | '/', left: Code, right: Code): Code {
  const numeric = isNumeric(left.type) && isNumeric(right.type)
  if (op === '/') return division(unit, left, right, numeric)
  if (!numeric) {
    const names = { '+': 'add', '-': 'subtract', '*': 'multiply' }
    return { js: `rt.${names[op]}(${unit.any(left)}, ${unit.any(right)})`, type: 'any' }
  }
  return { js: `(${unit.number(left)} ${op} ${unit.number(right)})`, type: wider(left.type, right.type) }
}

function wider(a: Type, b: Type): Type {
  if (isWhole(a) && isWhole(b)) return 'int'
  return a === 'double' || b === 'double' ? 'double' : 'num'
}

function division(unit: Unit, left: Code, right: Code, numeric: boolean): Code {
  const unknown = [left.type, right.type].some((type) => !isNumeric(type) || type === 'num')
  if (unknown && left.type !== 'double' && right.type !== 'double') unit.needsTags = true
  if (unknown && !numeric) unit.needsTags = true
  if (!numeric || (unknown && unit.tagged))
    return { js: `rt.divide(${unit.any(left)}, ${unit.any(right)})`, type: 'any' }
  const [a, b] = [unit.number(left), unit.number(right)]
  return isWhole(left.type) && isWhole(right.type)
    ? { js: `divideInts(${a}, ${b})`, type: 'int' }
    : { js: `divideDoubles(${a}, ${b})`, type: 'double' }
}

function call(unit: Unit, context: Context, node: Call): Code {
  const own = unit.checked.functions.findIndex(({ name }) => name === node.name)
  if (own !== -1) return ownCall(unit, context, node, own)
  if (rowValues.has(node.name)) return rowValue(unit, context, node.name)
  if (Object.hasOwn(dateFunctions, node.name)) {
    const convert = unit.perScan('date', `rt.date('${node.name}')`)
    return { js: `${convert}(${dated(unit, context, node)})`, type: 'int' }
  }
  if (!Object.hasOwn(builtIns, node.name)) throw new Error(`no function ${node.name}`)
  return builtIn[node.name]!(unit, context, node)
}

/** What a date function is asked of, in milliseconds. */
function dated(unit: Unit, context: Context, { name, args }: Call): string {
  const of = args[0]!
  if (name.startsWith('to_')) return unit.number(expression(unit, context, of))
  // The original took seconds here, and scripts were written for that.
  return name === 'get_year' ? time(unit, context, of) : moment(unit, context, of)
}

function ownCall(unit: Unit, context: Context, node: Call, index: number): Code {
  const args = node.args.map((arg, i) => {
    const code = expression(unit, context, arg)
    unit.learnParameter(index, i, code.type)
    return unit.held(code, unit.parameters[index]![i]!)
  })
  const js = `f${index}(${[context.row, context.first, context.prev, context.matched, ...args].join(', ')})`
  return { js, type: unit.results[index]! }
}

type Emit = (unit: Unit, context: Context, node: Call) => Code

/** Arguments as numbers. */
const numbers = (unit: Unit, context: Context, node: Call) =>
  node.args.map((arg) => unit.number(expression(unit, context, arg)))

const builtIn: Record<string, Emit> = {
  int: (unit, context, node) => {
    const code = expression(unit, context, node.args[0]!)
    return isWhole(code.type)
      ? { js: unit.number(code), type: 'int' }
      : { js: `(Math.trunc(${unit.number(code)}) + 0)`, type: 'int' }
  },
  trunc: (unit, context, node) => ({ js: `(Math.trunc(${numbers(unit, context, node)[0]}) + 0)`, type: 'int' }),
  float: (unit, context, node) => ({ js: numbers(unit, context, node)[0]!, type: 'double' }),
  str: (unit, context, node) => ({ js: `rt.str(${anyOf(unit, context, node.args[0]!)})`, type: 'any' }),
  len: (unit, context, node) => ({ js: `rt.len(${anyOf(unit, context, node.args[0]!)})`, type: 'int' }),
  round: (unit, context, node) => {
    const [x, places] = numbers(unit, context, node)
    return { js: `rt.round(${x}, ${places ?? 0})`, type: places === undefined ? 'int' : 'double' }
  },
  fix: (unit, context, node) => {
    const [x, places] = numbers(unit, context, node)
    return { js: `rt.fix(${x}, ${places ?? 0})`, type: 'any' }
  },
  bucket: (unit, context, node) => {
    const [x, size] = node.args.map((arg) => expression(unit, context, arg))
    const js = `rt.bucket(${unit.number(x!)}, ${unit.number(size!)})`
    return { js, type: isWhole(x!.type) && isWhole(size!.type) ? 'int' : 'double' }
  },
  url_decode: (unit, context, node) => ({
    js: `rt.url(${anyOf(unit, context, node.args[0]!)}, ${node.start})`,
    type: 'any',
  }),
  list: (unit, context, node) => ({ js: `rt.list(${list(unit, context, node.args)})`, type: 'any' }),
  set: (unit, context, node) => ({ js: `rt.set(${list(unit, context, node.args)}, ${node.start})`, type: 'any' }),
  dict: (unit, context, node) => ({ js: `rt.dictOf(${list(unit, context, node.args)}, ${node.start})`, type: 'any' }),
  iter_within: (unit, context, node) => {
    const [span, from] = node.args
    const distance = `Math.abs(stamp[${context.row}] - ${time(unit, context, from!)})`
    return { js: `(${distance} <= ${unit.number(expression(unit, context, span!))})`, type: 'bool' }
  },
  iter_between: (unit, context, node) => {
    const [from, to] = node.args.map((arg) => time(unit, context, arg))
    const now = `stamp[${context.row}]`
    return { js: `(${now} >= ${from} && ${now} < ${to})`, type: 'bool' }
  },
}

/** Milliseconds of an argument in milliseconds or ISO 8601. */
function moment(unit: Unit, context: Context, node: Expression): string {
  const written = writtenTime(unit, context, node)
  if (written !== undefined) return written
  const code = expression(unit, context, node)
  return isNumber(code.type) ? code.js : `rt.moment(${unit.any(code)})`
}

/** Milliseconds of a date that stands in the script as a text. */
function writtenTime(unit: Unit, context: Context, node: Expression): string | undefined {
  if (node.kind !== 'constant' || typeof node.value !== 'string') return undefined
  if (!Number.isNaN(readTime(node.value))) return unit.perScan('time', `rt.time(${expression(unit, context, node).js})`)
  const reason = `'${node.value}' is no date: write 2024-01-31 or 2024-01-31T12:00:00Z.`
  throw errorAt(unit.checked.text, node, 'syntax', reason)
}

/** Milliseconds of an argument in seconds, milliseconds or ISO 8601. */
function time(unit: Unit, context: Context, node: Expression): string {
  const written = writtenTime(unit, context, node)
  if (written !== undefined) return written
  const code = expression(unit, context, node)
  if (!isNumber(code.type)) return `rt.time(${unit.any(code)})`
  const binding = node.kind === 'name' ? unit.checked.bindings.get(node) : undefined
  return binding?.kind === 'value' ? code.js : `milliseconds(${code.js})`
}
