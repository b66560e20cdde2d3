// From a select, as it was asked for, to a query.
import { Problem, type View } from '../../lib/index.js'
import type { Snapshot } from '../reader.js'
import { fingerprintOf, readCursor } from './cursor.js'
import { Grouping } from './group.js'
import { readJoins } from './join.js'
import { readOrder, type Term } from './order.js'
import { type Output, readSelect, type Selected } from './output.js'
import type { Query, QueryLimits } from './query.js'
import { openSource, type Ref, Scope } from './scope.js'
import { columnText, type Reading, readWhere } from './where.js'

export interface TableName {
  database: string
  table: string
}

export interface SelectRequest extends TableName {
  select?: unknown
  where?: unknown
  join?: unknown
  groupby?: unknown
  having?: unknown
  orderby?: unknown
  distinct?: boolean | undefined
  limit?: number | undefined
  offset?: number | undefined
  cursor?: string | undefined
  explain?: boolean | undefined
  bare_columns?: boolean | undefined
}

/**
 * @param view what the caller may read: the rest does not exist
 * @throws Problem table_not_found, column_unknown, select_malformed, condition_malformed, cursor_invalid
 */
export function readSelectRequest(request: SelectRequest, snapshot: Snapshot, view: View, limits: QueryLimits): Query {
  const { database, table, limit, offset = 0, cursor, explain = false } = request
  const base = openSource(snapshot, view, database, table)
  const { sources, joins } = readJoins(request.join, base, snapshot, view)
  const scope = new Scope(sources)
  const where = readWhere(request.where, readingOf(scope, request.bare_columns === true, limits))
  const selected = readSelect(request.select, scope, joins)
  const grouping = groupingOf(request, selected, scope)
  const having =
    grouping && request.having !== undefined
      ? readWhere(request.having, { find: grouping.find, testsMax: limits.conditions_max })
      : undefined
  if (!grouping && request.having !== undefined)
    throw malformed('having', 'It needs groups: use "where" to choose rows.')
  if (cursor !== undefined && offset > 0) throw malformed('offset', 'A cursor knows its place; leave "offset" out.')
  const sealed = sources.some(({ columns, reader }) => !columns.has(reader.schema.primaryKey))
  const cursors = { fingerprint: fingerprintOf(request), sealed }
  return {
    scope,
    joins,
    where,
    outputs: grouping?.outputs ?? outputsOf(selected),
    terms: termsOf(request.orderby, scope, selected, grouping),
    offset,
    explain,
    cursors,
    ...(grouping && { grouping }),
    ...(having && { having }),
    ...(limit !== undefined && { limit }),
    ...(cursor !== undefined && { position: readCursor(cursor, cursors) }),
  }
}

function malformed(part: string, reason: string): Problem {
  return new Problem('select_malformed', { part, reason })
}

function readingOf(scope: Scope, bareColumns: boolean, limits: QueryLimits): Reading {
  return {
    find: (name) => scope.find(columnText(name)),
    ...(bareColumns && { lookUp: (name: string) => scope.lookUp(name) }),
    testsMax: limits.conditions_max,
  }
}

function outputsOf(selected: readonly Selected[]): Output[] {
  return selected.filter((item) => 'ref' in item)
}

const GROUP_IT = "add it to 'groupby', or take its min or max"

/** Rows are grouped when it is asked for, when something is counted, and to tell equal results apart. */
function groupingOf(
  { groupby, distinct }: SelectRequest,
  selected: readonly Selected[],
  scope: Scope,
): Grouping | undefined {
  const isGrouped = groupby !== undefined && groupby !== null
  if (distinct && isGrouped)
    throw malformed('distinct', "It does not stand beside 'groupby': with all their columns, groups differ anyway.")
  if (isGrouped)
    return new Grouping(
      selected.filter((item) => !('unnamed' in item)),
      [groupby].flat().map((name) => scope.find(columnText(name))),
      scope,
      GROUP_IT,
    )
  if (selected.some((item) => 'aggregate' in item)) return new Grouping(selected, [], scope, GROUP_IT)
  return distinct
    ? new Grouping(
        selected,
        outputsOf(selected).map(({ ref }) => ref),
        scope,
        "with 'distinct', name it in 'select'",
      )
    : undefined
}

function termsOf(
  orderby: unknown,
  scope: Scope,
  selected: readonly Selected[],
  grouping: Grouping | undefined,
): Term[] {
  if (grouping) return readOrder(orderby, grouping.find, grouping.knows)
  const named = (name: string): Ref | undefined =>
    outputsOf(selected).find((output) => output.name === name && !output.unnamed)?.ref
  const find = (name: unknown): Ref =>
    (typeof name === 'string' ? named(name) : undefined) ?? scope.find(columnText(name))
  return readOrder(orderby, find, (name) => named(name) !== undefined || scope.lookUp(name) !== undefined)
}
