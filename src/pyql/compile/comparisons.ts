import type { Comparison, Constant, Expression, ListLiteral } from '../ast.js'
import type { Scalar } from '../program.js'
import { expression } from './expressions.js'
import { isCode, isNumber, isNumeric, isSet, slotOf } from './types.js'
import type { Code, Context, Unit } from './unit.js'

const bool = (js: string): Code => ({ js, type: 'bool' })
const negated = ({ js }: Code): Code => bool(`!${js}`)

export function comparison(unit: Unit, context: Context, node: Comparison): Code {
  const left = expression(unit, context, node.left)
  if (node.op === 'in' || node.op === 'not in') {
    const result = contains(unit, context, left, node)
    return node.op === 'in' ? result : negated(result)
  }
  const right = expression(unit, context, node.right)
  if (node.op === '==') return equal(unit, left, right, node)
  if (node.op === '!=') return negated(equal(unit, left, right, node))
  if (isNumeric(left.type) && isNumeric(right.type))
    return bool(`(${unit.number(left)} ${node.op} ${unit.number(right)})`)
  const swap = node.op === '>' || node.op === '>='
  const [a, b] = swap ? [right, left] : [left, right]
  // The operands keep their order of evaluation: the left one first.
  if (!swap) return bool(`rt.less(${unit.any(a)}, ${unit.any(b)}, ${node.op === '<='})`)
  return bool(`rt.more(${unit.any(b)}, ${unit.any(a)}, ${node.op === '>='})`)
}

function constantText(node: Expression): string | undefined {
  return node.kind === 'constant' && typeof node.value === 'string' ? node.value : undefined
}

function equal(unit: Unit, left: Code, right: Code, node: Comparison): Code {
  const fast = equalFast(unit, left, right, node.right) ?? equalFast(unit, right, left, node.left)
  return fast ?? bool(`rt.equals(${unit.any(left)}, ${unit.any(right)})`)
}

function equalFast(unit: Unit, a: Code, b: Code, bNode: Expression): Code | undefined {
  if (b.type === 'none' && b.js !== 'null') return undefined // what gives None may be a call
  const text = constantText(bNode)
  if (isCode(a.type)) {
    if (text !== undefined) return bool(`(${a.js} === ${unit.codeOf(slotOf(a.type), text)})`)
    if (b.type === 'none') return bool(`(${a.js} === 0)`)
    if (b.type === a.type) return bool(`(${a.js} === ${b.js})`)
    if (isCode(b.type)) return bool(`(${unit.any(a)} === ${unit.any(b)})`)
  }
  if (isSet(a.type)) return equalToSet(unit, a, b, text)
  if (a.type === 'flag' && b.type === 'none') return bool(`(${a.js} === 0)`)
  if (a.type === 'flag' && b.js === 'true') return bool(`(${a.js} === 2)`)
  if (a.type === 'flag' && b.js === 'false') return bool(`(${a.js} === 1)`)
  if (!isNumeric(a.type)) return undefined
  if (b.type === 'none') return bool(a.type === 'bool' ? `(${a.js}, false)` : `Number.isNaN(${unit.number(a)})`)
  if (!isNumeric(b.type)) return undefined
  if (bNode.kind === 'constant' || a.type === 'bool') return bool(`(${unit.number(a)} === ${unit.number(b)})`)
  return bool(`equalNumbers(${unit.number(a)}, ${unit.number(b)})`)
}

function equalToSet(unit: Unit, set: Code, b: Code, text: string | undefined): Code | undefined {
  const slot = slotOf(set.type)
  const { type } = unit.column(slot)
  if (b.type === 'none') return bool(`(o${slot}[${set.js} + 1] === o${slot}[${set.js}])`)
  if (type === 'text' && text !== undefined)
    return bool(`hasElement(o${slot}, c${slot}, ${set.js}, ${unit.codeOf(slot, text)})`)
  if ((type === 'int' || type === 'double') && isNumeric(b.type) && /^\d/.test(b.js)) {
    return bool(`hasElement(o${slot}, c${slot}, ${set.js}, ${b.js})`)
  }
  return undefined
}

/** More constants than this are looked up in a table. */
const testsMax = 12

function contains(unit: Unit, context: Context, left: Code, node: Comparison): Code {
  const fast = inList(unit, left, node)
  if (fast) return fast
  const right = expression(unit, context, node.right)
  const element = isSet(right.type) ? inSetColumn(unit, left, node.left, right) : undefined
  return element ?? bool(`rt.contains(${unit.any(left)}, ${unit.any(right)}, ${node.start})`)
}

/** x in ['a', 'b'] for a list of constants: made once, and compared with x as it is held where that is possible. */
function inList(unit: Unit, left: Code, node: Comparison): Code | undefined {
  if (node.right.kind !== 'list' || !node.right.items.every((item) => item.kind === 'constant')) return undefined
  const values = node.right.items.map(({ value }) => value)
  const { type } = left
  const isTexts = values.every((value) => value === null || typeof value === 'string')
  const isNumbers = values.every((value) => typeof value === 'number')
  if (isSet(type) && unit.column(slotOf(type)).type === 'text' && isTexts && !values.includes(null)) {
    return setInList(unit, slotOf(type), left.js, values as string[])
  }
  if (isCode(type) && isTexts) return codeInList(unit, slotOf(type), left.js, values as (string | null)[])
  if (isNumber(type) && isNumbers) {
    if (values.length > testsMax)
      return bool(`${unit.perScan('among', `new Set([${values.join(', ')}])`)}.has(${left.js})`)
    return bool(unit.reuse(left.js, (x) => `(${values.map((value) => `${x} === ${value}`).join(' || ') || 'false'})`))
  }
  const items = values.map((value, i) => unit.any(constantCode(unit, node.right as ListLiteral, i, value)))
  const list = unit.perScan('list', `rt.list([${items.join(', ')}])`)
  return bool(`rt.contains(${unit.any(left)}, ${list}, ${node.start})`)
}

function constantCode(unit: Unit, { items }: ListLiteral, i: number, value: Scalar): Code {
  const { type } = items[i] as Constant
  return { js: unit.constant(value), type: type === 'text' ? 'any' : type }
}

function setInList(unit: Unit, slot: number, row: string, values: string[]): Code {
  if (values.length > testsMax) return bool(`hasAny(o${slot}, c${slot}, ${row}, ${tableOf(unit, slot, values)})`)
  const tests = values.map((value) => `hasElement(o${slot}, c${slot}, ${row}, ${unit.codeOf(slot, value)})`)
  return bool(`(${tests.join(' || ') || 'false'})`)
}

function codeInList(unit: Unit, slot: number, js: string, values: (string | null)[]): Code {
  if (values.length > testsMax) return bool(`(${tableOf(unit, slot, values)}[${js}] === 1)`)
  const codes = values.map((value) => (value === null ? '0' : unit.codeOf(slot, value)))
  return bool(unit.reuse(js, (x) => `(${codes.map((code) => `${x} === ${code}`).join(' || ') || 'false'})`))
}

/** By code, whether the text is one of some. */
function tableOf(unit: Unit, slot: number, values: (string | null)[]): string {
  return unit.perBlock('among', `rt.among(block, ${slot}, [${values.map((value) => unit.constant(value)).join(', ')}])`)
}

function inSetColumn(unit: Unit, left: Code, leftNode: Expression, right: Code): Code | undefined {
  const slot = slotOf(right.type)
  const { type } = unit.column(slot)
  const text = constantText(leftNode)
  if (type === 'text' && text !== undefined)
    return bool(`hasElement(o${slot}, c${slot}, ${right.js}, ${unit.codeOf(slot, text)})`)
  if (type !== 'text' && type !== 'bool' && (left.type === 'int' || left.type === 'double' || left.type === 'num')) {
    return bool(`hasElement(o${slot}, c${slot}, ${right.js}, ${left.js})`)
  }
  return undefined
}
