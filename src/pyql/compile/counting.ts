import type { Checked, CheckedAggregate } from '../check.js'
import type { Binding } from '../names.js'
import { bound, expression } from './expressions.js'
import { comparable } from './inline.js'
import { talliesOf } from './tallies.js'
import { isCode, isNumber, isSet } from './types.js'
import type { Code, Context, Unit } from './unit.js'

/** Where a group is counted. */
export interface Target {
  /** JavaScript of its node. */
  readonly node: string
  /** JavaScript of a number that is held of it: the person counted `last`, or `A0n` … */
  at(name: string): string
  /** The last person is noted though nothing that is counted asks for it. */
  readonly marked: boolean
}

/**
 * What the runtime and the accumulators hold by node: programs keep the arrays in variables, by name, because V8 would
 * fetch them for every row again.
 */
export function groupArrays({ mode, aggregates }: Checked): Map<string, string> {
  const arrays = new Map<string, string>()
  if (mode !== 'event') return arrays
  arrays.set('last', 'rt.last').set('rows', 'rt.rows')
  for (const [index, one] of aggregates.entries()) {
    for (const name of arraysOf(one)) arrays.set(`A${index}${name}`, `A${index}.${name}`)
  }
  return arrays
}

export function arraysOf({ kind, carried }: CheckedAggregate): readonly string[] {
  if (kind === 'val' || carried) return []
  return kind === 'sum' || kind === 'avg' ? ['n', 'sum', 'rest'] : ['n']
}

/** Counts the current row in one group. */
export function count(unit: Unit, context: Context, target: Target): string {
  const { aggregates } = unit.checked
  const { once } = talliesOf(unit.checked)
  const lines: string[] = []
  const last = target.at('last')
  if (aggregates.some(isOncePerPerson)) {
    lines.push(
      ...(target.marked
        ? // No branch that the processor would guess wrong.
          [`const other = ${last} ^ serial, uncounted = (other | -other) >>> 31`, `${last} = serial`]
        : [`const counted = ${last} === serial`, `if (!counted) ${last} = serial`]),
    )
  } else if (target.marked) lines.push(`${last} = serial`)
  if (!once && aggregates.some((one) => perRow(one))) {
    unit.usesSeen = true
    lines.push(`const fresh = seen.add(${target.node} * 128 + 127, ${context.row}, 0)`)
  }
  aggregates.forEach((one, index) => {
    lines.push(aggregate(unit, context, target, one, index, once))
  })
  return `{\n${lines.join('\n')}\n}`
}

/** Whether all that is counted are numbers by group, for which nothing else is remembered than the last person. */
export function countsPlainly(checked: Checked): boolean {
  const { once } = talliesOf(checked)
  return checked.aggregates.every(({ kind, of, key, all, carried }) => {
    if (key || carried || kind === 'val' || kind === 'var' || isSession(of)) return false
    if (kind === 'min' || kind === 'max') return once && isNumberColumn(checked, of)
    return all || isPerson(of) || once
  })
}

/** Whether `n` of an aggregate is a number of people, or of rows that each count once. */
export function countsWhole(checked: Checked, { kind, of, all }: CheckedAggregate): boolean {
  return kind !== 'min' && kind !== 'max' && (talliesOf(checked).once || (isPerson(of) && !all))
}

function isNumberColumn(checked: Checked, of: CheckedAggregate['of']): boolean {
  const type = of.kind === 'column' && 'slot' in of ? checked.columns[of.slot]!.type : undefined
  return type === 'int' || type === 'double'
}

/** Whether all that is counted is the same for every row of a person: people, and events, which all have an action. */
export function countsRowsAlike({ aggregates, columns }: Checked): boolean {
  return aggregates.every(({ kind, of, key }) => kind === 'count' && !key && (isPerson(of) || isAction(columns, of)))
}

function isAction(columns: Checked['columns'], of: CheckedAggregate['of']): boolean {
  return of.kind === 'column' && 'slot' in of && columns[of.slot]!.name === '__action'
}

function isPerson(of: CheckedAggregate['of']): boolean {
  return of.kind === 'value' && of.name === 'person'
}

function isOncePerPerson({ of, key, all }: CheckedAggregate): boolean {
  return isPerson(of) && !key && !all
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
  target: Target,
  one: CheckedAggregate,
  index: number,
  once: boolean,
): string {
  if (target.marked && one.kind === 'count' && isOncePerPerson(one)) {
    return `${target.at(`A${index}n`)} += uncounted`
  }
  const value =
    one.kind === 'var' && !isBinding(one.of)
      ? expression(unit, context, one.of)
      : bound(unit, context, one.of as Binding)
  if (one.kind === 'val' || one.carried) {
    const given = isPerson(one.of) ? personOf(unit) : unit.any(value)
    return `A${index}.add(${target.node}, rt.scalar(${given}), stamp[${context.row}], serial)`
  }
  const { present, x, line } = presence(unit, one, value)
  const conditions = [present, freshness(unit, context, target, one, index, once, x)].filter((test) => test !== '')
  const add = addition(unit, context, target, one, index, x)
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
  if (isAction(unit.checked.columns, of)) return { present: '', x: value, line: '' }
  const x = { js: unit.name('x'), type: value.type }
  const line = `const ${x.js} = ${value.js}; `
  if (isNumber(x.type)) return { present: `${x.js} === ${x.js}`, x, line }
  return { present: isCode(x.type) || x.type === 'flag' ? `${x.js} !== 0` : `rt.present(${unit.any(x)})`, x, line }
}

function freshness(
  unit: Unit,
  context: Context,
  { node, marked }: Target,
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
  if (isPerson(one.of)) return marked ? 'uncounted !== 0' : '!counted'
  if (isSession(one.of) || one.kind === 'var') {
    unit.usesSeen = true
    return `seen.add(${tag}, ${comparable(unit, x)}, ${one.kind === 'var' ? context.row : '0'})`
  }
  return once ? '' : 'fresh'
}

function addition(
  unit: Unit,
  { times }: Context,
  target: Target,
  { kind }: CheckedAggregate,
  index: number,
  x: Code,
): string {
  const n = target.at(`A${index}n`)
  if (kind === 'count' || kind === 'var') return times && !isPersonOnce(unit, index) ? `${n} += ${times}` : `${n}++`
  if (kind === 'min' || kind === 'max') {
    if (!isNumber(x.type)) return `A${index}.add(${target.node}, rt.scalar(${unit.any(x)}))`
    return `if (!(${x.js} ${kind === 'min' ? '>=' : '<='} ${n})) ${n} = ${x.js}`
  }
  const sum = target.at(`A${index}sum`)
  if (x.type !== 'double') return `{ ${n}++; ${sum} += ${unit.number(x)} }`
  // The sum of two doubles with what rounding takes from it: see Sums.
  const rest = target.at(`A${index}rest`)
  return `{ ${n}++; const a = ${sum}, s = a + ${x.js}, z = s - a; ${sum} = s; ${rest} += a - (s - z) + (${x.js} - z) }`
}

function isPersonOnce(unit: Unit, index: number): boolean {
  const { of, all } = unit.checked.aggregates[index]!
  return isPerson(of) && !all
}
