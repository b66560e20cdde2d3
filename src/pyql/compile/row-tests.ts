import type { Comparison, Expression } from '../ast.js'
import type { Unit } from './unit.js'

/** A part of a condition that says in which rows of a block it can hold at all. */
export interface RowsTested {
  /** The variable of the block that holds the rows as bits, or undefined. */
  readonly rows: string
  /** JavaScript of what is asked of which column: its slot, the test, the value. */
  readonly test: string
  /** Whether it is the whole condition. */
  readonly whole: boolean
}

/** Finds in a condition what a column must equal, or must not: the rows of it are found once for a block. */
export function rowsTested(unit: Unit, where: Expression): RowsTested | undefined {
  if (where.kind === 'logic' && where.op === 'and') {
    const part = rowsTested(unit, where.left) ?? rowsTested(unit, where.right)
    return part && { ...part, whole: false }
  }
  if (where.kind !== 'comparison' || (where.op !== '==' && where.op !== '!=')) return undefined
  const test = equality(unit, where, where.left, where.right) ?? equality(unit, where, where.right, where.left)
  if (test === undefined) return undefined
  return { rows: unit.perBlock('w', `rt.rowsWhere(block, ${test})`), test, whole: true }
}

function equality(unit: Unit, { op }: Comparison, column: Expression, value: Expression): string | undefined {
  if (column.kind !== 'name' && column.kind !== 'column') return undefined
  const binding = unit.checked.bindings.get(column)
  if (binding?.kind !== 'column' || value.kind !== 'constant') return undefined
  const { type, isSet } = unit.column(binding.slot)
  if (isSet || type === 'bool') return undefined
  const constant = heldAs(unit, binding.slot, value.value)
  if (constant === undefined) return undefined
  return `${binding.slot}, '${op === '==' ? 'is' : 'is_not'}', ${constant}`
}

/** A constant as the column holds it; undefined where comparing them takes more than that. */
function heldAs(unit: Unit, slot: number, value: string | number | boolean | null): string | undefined {
  const isText = unit.column(slot).type === 'text'
  if (value === null) return isText ? '0' : 'NaN'
  if (isText) return typeof value === 'string' ? unit.codeOf(slot, value) : undefined
  return typeof value === 'number' ? unit.constant(value) : undefined
}
