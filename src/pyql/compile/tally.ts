import type { Call } from '../ast.js'
import type { Span } from '../source.js'
import { cells } from './cells.js'
import { count, groupArrays, type Target } from './counting.js'
import { expression } from './expressions.js'
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
  const end = held.findIndex(({ code }) => code.type === 'none' || isSet(code.type))
  return `{\n${[...lines, groups(unit, context, end === -1 ? held : held.slice(0, end), node)].join('\n')}\n}`
}

/** An argument of a tally, which is computed already. */
export interface Held {
  readonly code: Code
  readonly constant: boolean
  readonly line: string
}

function groups(unit: Unit, context: Context, path: readonly Held[], at: Span): string {
  const fast = cells(unit, context, path, at)
  if (fast?.fits === 'true') return fast.js
  const any = level(unit, context, path, 0, '0', at)
  return fast ? `if (${fast.fits}) {\n${fast.js}\n} else {\n${any}\n}` : any
}

function nodeTarget(node: string): Target {
  return { node, at: (name) => `${name}[${node}]`, marked: false }
}

/** All arguments are computed before anything is counted. */
function hold(unit: Unit, code: Code, constant: boolean): Held {
  if (code.type === 'none') return { code, constant, line: code.js === 'null' ? '' : code.js }
  if (constant || isSet(code.type)) return { code, constant, line: '' }
  const x = unit.name('x')
  return { code: { js: x, type: code.type }, constant, line: `const ${x} = ${code.js}` }
}

/** The groups from one level on, below a node. */
function level(unit: Unit, context: Context, path: readonly Held[], depth: number, parent: string, at: Span): string {
  const held = path[depth]
  if (!held) return ''
  const node = unit.name('g')
  const fixed = path.slice(0, depth).every(({ constant }) => constant)
  const { find, present } = child(unit, held, parent, fixed, node)
  const inner = `${find}\n${unit.written(count(unit, context, nodeTarget(node)), at)}\n${level(unit, context, path, depth + 1, node, at)}`
  return present === 'true' ? inner : `if (${present}) {\n${inner}\n}`
}

interface Child {
  readonly find: string
  readonly present: string
}

function child(unit: Unit, { code, constant }: Held, parent: string, fixed: boolean, node: string): Child {
  const { js, type } = code
  const renew = renewed(unit, node)
  if (constant && fixed) {
    const kept = unit.name('n')
    unit.scanLines.push(`let ${kept} = 0`)
    const find = `let ${node} = ${kept}\nif (${node} === 0) {\n${node} = ${kept} = rt.child(${parent}, rt.pool.of(${js}))\n${renew}\n}`
    return { find, present: 'true' }
  }
  if (isCode(type)) {
    return codeChild(unit, slotOf(type), js, parent, node)
  }
  const computed = isNumber(type)
    ? `rt.pool.number(${js})`
    : type === 'flag'
      ? `rt.pool.flag(${js})`
      : `rt.pool.of(rt.scalar(${unit.any(code)}))`
  const key = unit.name('t')
  unit.blockLines.push(`let ${key} = 0`)
  return { find: `const ${node} = rt.child(${parent}, ${key})\n${renew}`, present: `(${key} = ${computed}) !== 0` }
}

/** The arrays of a site are kept in variables: the loop has no call in it but for nodes that were not met yet. */
function codeChild(unit: Unit, slot: number, code: string, parent: string, node: string): Child {
  const [site, at] = [unit.name('site'), unit.name('t')]
  const [nodes, stride, places] = [`${site}n`, `${site}s`, `${site}p`]
  const renew = renewed(unit, node)
  unit.scanLines.push(`const ${site} = rt.newSite()`)
  unit.blockLines.push(
    `const ${places} = ${site}.places(d${slot})`,
    `let ${nodes} = ${site}.nodes, ${stride} = ${site}.stride`,
  )
  const find = `const ${at} = rows[${parent}] * ${stride} + ${places}[${code}]
let ${node} = ${at} < ${nodes}.length ? ${nodes}[${at}] : 0
if (${node} === 0) {
${node} = rt.codeNode(${site}, ${places}, d${slot}, ${code}, ${parent})
${nodes} = ${site}.nodes, ${stride} = ${site}.stride
${renew}
}`
  return { find, present: `${code} !== 0` }
}

/** Behind what may have made a node: where the arrays by node have grown, the larger ones are taken. */
function renewed(unit: Unit, node: string): string {
  const lines = [...groupArrays(unit.checked)].map(([name, array]) => `${name} = ${array}`)
  return `if (${node} >= last.length) { ${lines.join('; ')} }`
}
