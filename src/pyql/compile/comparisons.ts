import type { Comparison, Expression } from '../ast.js'
import { expression } from './expressions.js'
import { isCode, isNumeric, isSet, slotOf } from './types.js'
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

const listFastMax = 64

function contains(unit: Unit, context: Context, left: Code, node: Comparison): Code {
  const fast = node.right.kind === 'list' ? inList(unit, left, node.right.items) : undefined
  if (fast) return fast
  const right = expression(unit, context, node.right)
  const element = isSet(right.type) ? inSetColumn(unit, left, node.left, right) : undefined
  return element ?? bool(`rt.contains(${unit.any(left)}, ${unit.any(right)}, ${node.start})`)
}

/** x in ['a', 'b'] for a list of constants that can be compared with x as it is held. */
function inList(unit: Unit, left: Code, items: Expression[]): Code | undefined {
  if (items.length === 0 || items.length > listFastMax || !items.every((item) => item.kind === 'constant'))
    return undefined
  const values = items.map(({ value }) => value)
  const { type } = left
  if (isSet(type)) {
    const slot = slotOf(type)
    if (unit.column(slot).type !== 'text' || !values.every((value) => typeof value === 'string')) return undefined
    const tests = values.map(
      (value) => `hasElement(o${slot}, c${slot}, ${left.js}, ${unit.codeOf(slot, value as string)})`,
    )
    return bool(`(${tests.join(' || ')})`)
  }
  if (isCode(type) && values.every((value) => value === null || typeof value === 'string')) {
    const codes = values.map((value) => (value === null ? '0' : unit.codeOf(slotOf(type), value)))
    return bool(unit.reuse(left.js, (x) => `(${codes.map((code) => `${x} === ${code}`).join(' || ')})`))
  }
  if ((type === 'int' || type === 'double' || type === 'num') && values.every((value) => typeof value === 'number')) {
    return bool(unit.reuse(left.js, (x) => `(${values.map((value) => `${x} === ${value}`).join(' || ')})`))
  }
  return undefined
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
