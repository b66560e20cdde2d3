import { isDeepStrictEqual } from 'node:util'
import { shown } from './report.js'

export type Row = Record<string, unknown>
export type Rows = Record<string, Row>

export const DATABASE = 'crash'
/** Tables in which every caller has rows of its own. */
export const SHARED = ['item', 'parent', 'child', 'claim', 'ledger'] as const

/** What one caller owns: rows of the shared tables by their keys, its events, and a table of its own. */
export interface State extends Record<(typeof SHARED)[number], Rows> {
  visit: Rows
  own: { columns: string[]; rows: Rows } | undefined
}

export function nothing(): State {
  return { item: {}, parent: {}, child: {}, claim: {}, ledger: {}, visit: {}, own: undefined }
}

/** The columns of a table and the rows in it, as callers remember them: without nulls and times. */
export function clean(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).filter(([name, value]) => value !== null && !/^__(created|updated)time__$/.test(name)),
  )
}

export function byId(rows: readonly Row[]): Rows {
  return Object.fromEntries(rows.map((row) => [row['id'], row]))
}

/** In words. */
export function difference(found: State, wanted: State): string {
  const parts = ([...SHARED, 'visit'] as const).flatMap((table) => unequal(table, found[table], wanted[table]))
  if (!found.own !== !wanted.own) parts.push(`the own table is ${found.own ? 'there' : 'gone'}`)
  if (found.own && wanted.own) {
    const [is, should] = [found.own.columns, wanted.own.columns]
    if (!isDeepStrictEqual(is, should)) parts.push(`columns ${is} instead of ${should}`)
    parts.push(...unequal('own', found.own.rows, wanted.own.rows))
  }
  return parts.length === 0 ? 'equal' : `${parts.length} differ: ${parts.slice(0, 4).join('; ')}`
}

function unequal(table: string, found: Rows, wanted: Rows): string[] {
  return [...new Set([...Object.keys(found), ...Object.keys(wanted)])]
    .filter((id) => !isDeepStrictEqual(found[id], wanted[id]))
    .map((id) => `${table} ${id} is ${shown(found[id])} instead of ${shown(wanted[id])}`)
}
