import type { Comparison, Expression } from '../ast.js'
import type { Checked } from '../check.js'
import type { BlockNeed } from '../program.js'
import { Quiet } from './quiet.js'

/**
 * What a block must hold for the script to do anything with it. Every statement that does something stands in a match
 * whose condition asks a column for one of some constants; blocks that have none of them can be skipped. Nothing else
 * may fail or be heard of: people whose blocks are skipped would not fail, and the others would.
 */
export function needsOf(checked: Checked): BlockNeed[] {
  const { mode, script } = checked
  if ((mode !== 'event' && mode !== 'segment') || script.functions.length > 0) return []
  const quiet = new Quiet(checked)
  const needs: BlockNeed[] = []
  for (const statement of script.body) {
    if (quiet.statement(statement)) continue
    if (statement.kind !== 'match' || !statement.where || !quiet.isHead(statement)) return []
    const need = needOf(checked, statement.where)
    if (!need) return []
    needs.push(need)
  }
  return needs
}

function needOf(checked: Checked, where: Expression): BlockNeed | undefined {
  if (where.kind === 'logic' && where.op === 'and') return needOf(checked, where.left) ?? needOf(checked, where.right)
  if (where.kind !== 'comparison') return undefined
  if (where.op === '==') return equality(checked, where.left, where.right) ?? equality(checked, where.right, where.left)
  return where.op === 'in' ? membership(checked, where) : undefined
}

function equality(checked: Checked, column: Expression, value: Expression): BlockNeed | undefined {
  const slot = slotOf(checked, column)
  return slot !== undefined && fits(checked, slot, value) ? { slot, values: [value.value] } : undefined
}

/** Comparing a text with a number reads it as one: only constants of the column's own type say what a block must hold. */
function fits(
  checked: Checked,
  slot: number,
  value: Expression,
): value is Expression & { value: string | number | boolean; kind: 'constant' } {
  if (value.kind !== 'constant' || value.value === null) return false
  const { type } = checked.columns[slot]!
  return typeof value.value === { text: 'string', int: 'number', double: 'number', bool: 'boolean' }[type]
}

function membership(checked: Checked, { left, right }: Comparison): BlockNeed | undefined {
  const set = slotOf(checked, right)
  if (set !== undefined && checked.columns[set]!.isSet) return equality(checked, right, left)
  const slot = slotOf(checked, left)
  if (slot === undefined || right.kind !== 'list' || right.items.length === 0) return undefined
  const items = right.items.filter((item) => fits(checked, slot, item))
  return items.length === right.items.length ? { slot, values: items.map(({ value }) => value) } : undefined
}

function slotOf(checked: Checked, node: Expression): number | undefined {
  if (node.kind !== 'name' && node.kind !== 'column') return undefined
  const binding = checked.bindings.get(node)
  return binding?.kind === 'column' ? binding.slot : undefined
}
