// Conditions of writes: what they say of a record, and which records they mean.
import type { View } from '../../lib/index.js'
import type { Row, TableReader } from '../reader.js'
import { chooseAccess } from './access.js'
import { Budget } from './budget.js'
import { type Condition, compileAll, conjuncts, type Test } from './condition.js'
import type { QueryLimits } from './query.js'
import { type Frame, Scope, sourceOf } from './scope.js'
import { walk } from './walk.js'
import { columnText, readWhere } from './where.js'

/** What a condition says of one record: for writes that depend on it. Throws for unknown names and operators. */
export function compileWhere(reader: TableReader, view: View, where: unknown, options: WhereOptions): Test {
  return compileAll(testsOf(reader, view, where, options))
}

export interface WhereOptions extends Pick<QueryLimits, 'conditions_max' | 'memory_bytes_max'> {
  /** PYQL JSON: text that names a column stands for the column. */
  bareColumns?: boolean | undefined
}

/** The tests of a condition, all of which must hold. */
function testsOf(
  reader: TableReader,
  view: View,
  where: unknown,
  { conditions_max, bareColumns = false }: WhereOptions,
): readonly Condition[] {
  const scope = new Scope([sourceOf(reader, view, reader.schema.name)])
  const find = (name: unknown) => scope.find(columnText(name))
  const lookUp = (name: string) => scope.lookUp(name)
  return conjuncts(readWhere(where, { find, testsMax: conditions_max, ...(bareColumns && { lookUp }) }))
}

/**
 * The rows of a table that meet a `where`, found with its indexes: for update and delete. Yields undefined as a sign of
 * life where much was read without finding one, so that the caller can pause.
 */
export function* rowsWhere(
  reader: TableReader,
  view: View,
  where: unknown,
  options: WhereOptions,
): Iterable<Row | undefined> {
  const conditions = testsOf(reader, view, where, options)
  const frame: Frame = []
  const access = chooseAccess({ reader, conditions })
  const tally = { keysRead: 0, walked: 0, rowsRead: 0, kept: [0] }
  const state = {
    reader,
    access,
    frame,
    test: compileAll(conditions),
    tally,
    budget: new Budget(options.memory_bytes_max),
    leg: 0,
  }
  for (const ready of walk(state)) yield ready ? (frame[0] as Row) : undefined
}
