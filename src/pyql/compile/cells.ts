import type { Span } from '../source.js'
import { arraysOf, count, countsPlainly, countsWhole, type Target } from './counting.js'
import { talliesOf } from './tallies.js'
import type { Held } from './tally.js'
import { isCode, slotOf } from './types.js'
import type { Context, Unit } from './unit.js'

/** Groups in cells. `fits` says, once for each block, whether there are few enough of them: see runtime/cells.ts. */
export interface FewGroups {
  readonly fits: string
  readonly js: string
}

/** Whether the groups of a tally may lie in cells: texts and constants lead to them, and nobody else counts in them. */
export function cells(unit: Unit, context: Context, path: readonly Held[], at: Span): FewGroups | undefined {
  const { checked } = unit
  if (path.length === 0 || !talliesOf(checked).inOnePlace || !countsPlainly(checked)) return undefined
  if (!path.every(({ constant, code }) => constant || isCode(code.type))) return undefined
  const name = unit.name('cells')
  const fields = checked.aggregates.flatMap((one, index) =>
    arraysOf(one).map((array) => ({ index, array, isWhole: array === 'n' && countsWhole(checked, one) })),
  )
  const constants = path.map(({ constant, code }) => (constant ? code.js : 'undefined'))
  const listed = fields.map(({ index, array, isWhole }) => `[${index}, '${array}', ${isWhole}]`)
  unit.scanLines.push(`const ${name} = rt.newCells([${constants.join(', ')}], [${listed.join(', ')}])`)
  unit.blockLines.push(`${name}.begin(block.rows)`)
  const named = (of: typeof fields) => of.map(({ index, array }) => `A${index}${array}`)
  const record = {
    wholes: ['last', ...named(fields.filter(({ isWhole }) => isWhole))],
    doubles: named(fields.filter(({ isWhole }) => !isWhole)),
  }
  return path.every(({ constant }) => constant)
    ? fixed(unit, context, path, at, name, record)
    : found(unit, context, path, at, name, record)
}

/** By kind of array the names of what a cell holds, in the order in which it does. */
interface Record {
  readonly wholes: readonly string[]
  readonly doubles: readonly string[]
}

const kinds = ['wholes', 'doubles'] as const

/** Constants alone lead there: what is counted is held in variables, and put back at the end of a block. */
function fixed(unit: Unit, context: Context, path: readonly Held[], at: Span, cells: string, record: Record) {
  const blocks = path.map((_, level) => {
    const own = (name: string) => `${cells}l${level}${name}`
    for (const kind of kinds) {
      record[kind].forEach((name, field) => {
        unit.blockLines.push(`let ${own(name)} = ${cells}.levels[${level}].${kind}[${field}]`)
        unit.blockEnd.push(`${cells}.levels[${level}].${kind}[${field}] = ${own(name)}`)
      })
    }
    return counted(unit, context, own, at)
  })
  return { fits: 'true', js: blocks.join('\n') }
}

function found(unit: Unit, context: Context, path: readonly Held[], at: Span, cells: string, record: Record) {
  const dictionaries = path.map(({ constant, code }) => (constant ? 'undefined' : `d${slotOf(code.type)}`))
  unit.blockLines.push(`const ${cells}fit = ${cells}.fits([${dictionaries.join(', ')}])`)
  const level = (depth: number, above: string): string => {
    const held = path[depth]
    if (!held) return ''
    const cell = held.constant ? above : unit.name('g')
    const own = fieldsOf(unit, `${cells}l${depth}`, `${cells}.levels[${depth}]`, record, cell)
    const inner = `${counted(unit, context, own, at)}\n${level(depth + 1, cell)}`
    if (held.constant) return inner
    const [place, stride, places] = [unit.name('t'), `${cells}s${depth}`, `${cells}p${depth}`]
    unit.blockLines.push(`const ${stride} = ${cells}.strides[${depth}], ${places} = ${cells}.places[${depth}]`)
    const at0 = above === '0' ? place : `${above} * ${stride} + ${place}`
    return `const ${place} = ${places}[${held.code.js}]\nif (${place} !== 0) {\nconst ${cell} = ${at0}\n${inner}\n}`
  }
  return { fits: `${cells}fit`, js: level(0, '0') }
}

/** JavaScript of what a cell of a level holds, by name. */
function fieldsOf(unit: Unit, level: string, js: string, record: Record, cell: string): Target['at'] {
  const places = new Map<string, string>()
  for (const kind of kinds) {
    const names = record[kind]
    if (names.length > 0) unit.blockLines.push(`const ${level}${kind} = ${js}.${kind}`)
    names.forEach((name, field) => {
      places.set(name, `${level}${kind}[${cell} * ${names.length} + ${field}]`)
    })
  }
  return (name) => places.get(name)!
}

/** The last person tells which cells were counted in. */
function counted(unit: Unit, context: Context, own: Target['at'], at: Span): string {
  return unit.written(count(unit, context, { node: '', at: own, marked: true }), at)
}
