import type { InlineAggregate } from '../ast.js'
import { bound, expression } from './expressions.js'
import { isCode, isNumber, isSet, slotOf, type Type } from './types.js'
import type { Code, Context, Unit } from './unit.js'

/**
 * SUM, AVG, MIN, MAX, COUNT and DISTINCT over all rows of the person. SUM, AVG and COUNT take a value (or the value of
 * the key) once for each stamp and action, unless `all`: rows that stand for one event repeat its values.
 */
export function inlineAggregate(unit: Unit, context: Context, node: InlineAggregate): Code {
  const row = unit.name('i')
  const inner: Context = { ...context, row }
  const value = bound(unit, inner, unit.checked.bindings.get(node.column)!)
  const body = isSet(value.type) ? overElements(unit, inner, node, value) : overValue(unit, inner, node, value)
  const where = node.where ? `if (!${unit.truth(expression(unit, inner, node.where))}) continue\n` : ''
  const { before, after, type } = frame(unit, node, value)
  const js = `(() => {
let n = 0, s = ${node.op === 'MIN' || node.op === 'MAX' ? 'NaN' : '0'}
${before}if ((fuel -= end - start) < 0) fuel = rt.refuel(fuel)
for (let ${row} = start; ${row} < end; ${row}++) {
${where}${body}
}
return ${after}
})()`
  return { js, type }
}

function frame(unit: Unit, { op, all }: InlineAggregate, value: Code): { before: string; after: string; type: Type } {
  const before = op === 'DISTINCT' || (!all && op !== 'MIN' && op !== 'MAX') ? `${seen(unit)}.clear()\n` : ''
  if (op === 'COUNT' || op === 'DISTINCT') return { before, after: 'n', type: 'int' }
  if (op === 'AVG') return { before, after: 'n === 0 ? 0 : s / n', type: 'double' }
  const element = elementType(unit, value)
  if (op === 'SUM') return { before, after: 's', type: element === 'double' ? 'double' : 'int' }
  if (isNumber(element)) return { before, after: 's', type: element }
  return { before: 'let x = null\n', after: 'x', type: 'any' }
}

function seen(unit: Unit): string {
  return unit.perScan('seen', 'rt.newSeen()')
}

function elementType(unit: Unit, { type }: Code): Type {
  if (!isSet(type)) return type
  const { type: column } = unit.column(slotOf(type))
  return column === 'int' || column === 'double' ? column : 'any'
}

function overValue(unit: Unit, inner: Context, node: InlineAggregate, value: Code): string {
  const x = unit.name('x')
  const present = `const ${x} = ${value.js}\nif (${isNone({ ...value, js: x })}) continue\n`
  return present + fresh(unit, inner, node, { ...value, js: x }) + step(unit, node, { ...value, js: x })
}

function isNone({ js, type }: Code): string {
  if (isNumber(type)) return `${js} !== ${js}`
  return isCode(type) || type === 'flag' ? `${js} === 0` : `${js} === null`
}

function fresh(unit: Unit, inner: Context, { op, key, all }: InlineAggregate, value: Code): string {
  if (op === 'DISTINCT') return ''
  if (all || op === 'MIN' || op === 'MAX') return ''
  const by = key ? bound(unit, inner, unit.checked.bindings.get(key)!) : value
  const action = unit.checked.columns.findIndex(({ name }) => name === '__action')
  const { row } = inner
  const alone = `(${row} === start || stamp[${row} - 1] !== stamp[${row}]) && (${row} + 1 === end || stamp[${row} + 1] !== stamp[${row}])`
  return `if (!(${alone}) && !${seen(unit)}.add(${comparable(unit, by)}, c${action}[${row}], stamp[${row}])) continue\n`
}

/** A number that is equal for equal values of one column. */
export function comparable(unit: Unit, { js, type }: Code): string {
  if (isNumber(type)) return `orNone(${js})`
  return isCode(type) || type === 'flag'
    ? js
    : unit.any({ js, type }) === 'block.personId(p)'
      ? '0'
      : `rt.pool.of(rt.scalar(${js}))`
}

function step(unit: Unit, { op }: InlineAggregate, value: Code): string {
  if (op === 'COUNT') return 'n++'
  if (op === 'DISTINCT') return `if (${seen(unit)}.add(${comparable(unit, value)}, 0, 0)) n++`
  if (op === 'SUM' || op === 'AVG') return `s += ${unit.number(value)}\nn++`
  const better = op === 'MIN' ? '<' : '>'
  if (isNumber(value.type)) return `if (!(s ${better === '<' ? '<=' : '>='} ${value.js})) s = ${value.js}`
  const any = unit.any(value)
  return `if (x === null || rt.${op === 'MIN' ? 'less' : 'more'}(${any}, x, false)) x = ${any}`
}

/** Sets are not compared with each other: only a key makes rows of one event count once. */
function overElements(unit: Unit, inner: Context, node: InlineAggregate, set: Code): string {
  const slot = slotOf(set.type)
  const row = set.js
  const empty = `o${slot}[${row} + 1] === o${slot}[${row}]`
  const once = node.key ? `if (${empty}) continue\n${fresh(unit, inner, node, set)}` : ''
  if (node.op === 'COUNT') return `${once}if (!(${empty})) n++`
  const { type } = unit.column(slot)
  const types: Record<typeof type, Type> = { text: `code:${slot}`, int: 'int', double: 'double', bool: 'flag' }
  const j = unit.name('j')
  const element: Code = { js: `c${slot}[${j}]`, type: types[type] }
  return `${once}for (let ${j} = o${slot}[${row}]; ${j} < o${slot}[${row} + 1]; ${j}++) { ${step(unit, node, element)} }`
}
