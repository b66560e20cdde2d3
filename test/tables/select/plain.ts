import type { Row } from '../../../src/tables/reader.js'
import { order, sorted } from '../../support/memory-tables.js'

/** Rows by the name of their table. */
export type Tables = Record<string, readonly Row[]>

export interface PlainSelect {
  table: string
  select: unknown
  where?: unknown
  join?: Record<string, { on: Record<string, string>; type: 'inner' | 'left' }>
  groupby?: string[]
  having?: unknown
  orderby?: { column: string; order: 'asc' | 'desc' }[]
  distinct?: boolean
}

/** A row of the result, under the names of "table.column". */
type Tuple = Record<string, unknown>

/**
 * A select, answered the slow and plain way: every pairing of the tables, one condition after the other with SQL's three
 * truths, no index. It reads the request itself and shares no code with the server.
 */
export function plainSelect(query: PlainSelect, tables: Tables): Record<string, unknown>[] {
  let tuples = tables[query.table]!.map((row) => named(query.table, row))
  for (const [table, { on, type }] of Object.entries(query.join ?? {}))
    tuples = tuples.flatMap((tuple) => joinOne(tuple, table, on, type, tables[table]!))
  tuples = tuples.filter((tuple) => truth(query.where ?? {}, (name) => tuple[name]) === true)
  const items = query.select as (string | Record<string, string>)[]
  const isGrouped = query.groupby !== undefined || items.some((item) => typeof item !== 'string')
  if (isGrouped) return grouped(query, items, tuples)
  const by = query.orderby ?? []
  const key = { column: `${query.table}.id`, order: by.at(-1)?.order ?? 'asc' }
  const joined = Object.keys(query.join ?? {}).map((table) => ({ column: `${table}.id`, order: 'asc' }))
  tuples.sort(comparing([...by, key, ...joined]))
  const rows = tuples.map((tuple) => Object.fromEntries(items.map((item) => [item, tuple[item as string] ?? null])))
  if (!query.distinct) return rows
  const distinct = [...new Map(rows.map((row) => [sorted(row), row])).values()]
  return distinct.sort(
    comparing([...by, ...items.map((column) => ({ column: column as string, order: 'asc' as const }))]),
  )
}

function named(table: string, row: Row | null): Tuple {
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [`${table}.${name}`, value]))
}

function joinOne(tuple: Tuple, table: string, on: Record<string, string>, type: string, rows: readonly Row[]): Tuple[] {
  const found = rows
    .map((row) => ({ ...tuple, ...named(table, row) }) as Tuple)
    .filter((both) => Object.entries(on).every(([a, b]) => equal(both[a], both[b]) === true))
  return found.length === 0 && type === 'left' ? [tuple] : found
}

function comparing(by: readonly { column: string; order: string }[]) {
  return (a: Tuple, b: Tuple): number => {
    for (const { column, order: direction } of by) {
      const difference = order(a[column], b[column])
      if (difference !== 0) return direction === 'desc' ? -difference : difference
    }
    return 0
  }
}

type Truth = boolean | null

function not(truth: Truth): Truth {
  return truth === null ? null : !truth
}
function and(truths: Truth[]): Truth {
  if (truths.includes(false)) return false
  return truths.includes(null) ? null : true
}
function or(truths: Truth[]): Truth {
  if (truths.includes(true)) return true
  return truths.includes(null) ? null : false
}

function equal(a: unknown, b: unknown): Truth {
  if ((a ?? null) === null || (b ?? null) === null) return null
  return order(a, b) === 0
}

/** The truth of a condition; null is "unknown". */
function truth(where: unknown, read: (name: string) => unknown): Truth {
  if (Array.isArray(where)) {
    if (typeof where[0] === 'string') return test(where as [string, string, unknown], read)
    return and(where.map((item) => truth(item, read)))
  }
  return and(
    Object.entries(where as object).map(([name, value]) => {
      if (name === 'and') return and((value as unknown[]).map((item) => truth(item, read)))
      if (name === 'or') return or((value as unknown[]).map((item) => truth(item, read)))
      if (name === 'not') return not(truth(value, read))
      return value === null ? (read(name) ?? null) === null : equal(read(name), value)
    }),
  )
}

function test([name, operator, operand]: [string, string, unknown], read: (name: string) => unknown): Truth {
  const value = read(name) ?? null
  const column = (operand as { column?: string } | null | undefined)?.column
  const other = column === undefined ? operand : (read(column) ?? null)
  if (operator === 'is null') return value === null
  if (operator === 'is not null') return value !== null
  if (column === undefined && other === null && operator === '=') return value === null
  if (column === undefined && other === null && operator === '!=') return value !== null
  if (operator.startsWith('not ')) return not(test([name, operator.slice(4), operand], read))
  if (value === null || other === null) return null
  if (operator === '=') return equal(value, other)
  if (operator === '!=') return not(equal(value, other))
  if (operator === 'in') return (other as unknown[]).some((member) => equal(value, member) === true)
  if (operator === 'between') {
    const [low, high] = other as [unknown, unknown]
    return and([test([name, '>=', low], read), test([name, '<=', high], read)])
  }
  if (operator === 'like') return /string|number/.test(typeof value) && like(String(value), other as string)
  if (typeof value !== typeof other || typeof value === 'object') {
    if (!(typeof value === 'object' && typeof other === 'object')) return null
  }
  const difference = order(value, other)
  return { '<': difference < 0, '<=': difference <= 0, '>': difference > 0, '>=': difference >= 0 }[operator] ?? null
}

function like(text: string, pattern: string): boolean {
  text = text.toLowerCase()
  pattern = pattern.toLowerCase()
  const body = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const source = body.length === 1 ? `[^]*${body[0]}[^]*` : body.join('[^]*')
  return new RegExp(`^${source}$`, 'i').test(text)
}

function grouped(
  query: PlainSelect,
  items: (string | Record<string, string>)[],
  tuples: Tuple[],
): Record<string, unknown>[] {
  const keys = query.groupby ?? []
  const groups = new Map<string, Tuple[]>()
  if (keys.length === 0) groups.set('', [])
  for (const tuple of tuples) {
    const name = keys.length === 0 ? '' : sorted(keys.map((key) => tuple[key] ?? null))
    groups.set(name, [...(groups.get(name) ?? []), tuple])
  }
  const results = [...groups.values()].map((members) => {
    const row: Record<string, unknown> = {}
    for (const key of keys) row[key] = members[0]![key] ?? null
    for (const item of items) if (typeof item !== 'string') row[item['as']!] = aggregate(item, members)
    return row
  })
  const by = [...(query.orderby ?? []), ...keys.map((column) => ({ column, order: 'asc' as const }))]
  return results
    .filter((row) => truth(query.having ?? {}, (name) => row[name]) === true)
    .sort(comparing(by))
    .map((row) =>
      Object.fromEntries(
        items.map((item) => (typeof item === 'string' ? item : item['as']!)).map((name) => [name, row[name]]),
      ),
    )
}

function aggregate(item: Record<string, string>, members: Tuple[]): unknown {
  const [run, column] = Object.entries(item).find(([name]) => name !== 'as' && name !== 'distinct') as [string, string]
  if (column === '*') return members.length
  let values = members.map((tuple) => tuple[column]).filter((value) => (value ?? null) !== null)
  if ((item as Record<string, unknown>)['distinct'] === true)
    values = [...new Map(values.map((value) => [sorted(value), value])).values()]
  if (run === 'count') return values.length
  if (values.length === 0) return null
  if (run === 'min') return values.reduce((a, b) => (order(b, a) < 0 ? b : a))
  if (run === 'max') return values.reduce((a, b) => (order(b, a) > 0 ? b : a))
  const sum = (values as number[]).reduce((a, b) => a + b, 0)
  return run === 'sum' ? sum : sum / values.length
}
