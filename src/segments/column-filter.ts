import type { ColumnFilter, EventColumn } from '../analytics/index.js'
import { Problem, re2 } from '../lib/index.js'

/** The filters of a column query, as they are asked for: texts from a query string, or values. */
export interface FilterRequest {
  gt?: number
  gte?: number
  lt?: number
  lte?: number
  eq?: string | number | boolean
  between?: number
  and?: number
  rx?: string
  sub?: string
}

const PATTERN_CHARACTERS_MAX = 1_000

/**
 * The filter that a request means for a column; undefined when it asks for none.
 * @throws Problem filter_invalid
 */
export function filterOf(request: FilterRequest, column: EventColumn): ColumnFilter | undefined {
  const { gt, gte, lt, lte, eq, between, and, rx, sub } = request
  const bounds = [gt, gte, lt, lte, between, and].some((bound) => bound !== undefined)
  if (!bounds && eq === undefined && rx === undefined && sub === undefined) return undefined
  const isNumber = column.type === 'int' || column.type === 'double'
  if (bounds && !isNumber) throw invalid(column, 'gt, gte, lt, lte and between are for columns of numbers')
  if ((rx !== undefined || sub !== undefined) && column.type !== 'text')
    throw invalid(column, 'rx and sub are for columns of text')
  if ((between === undefined) !== (and === undefined)) throw invalid(column, 'between and and come together')
  return {
    ...given('gt', gt),
    ...given('gte', stricter(Math.max, gte, between)),
    ...given('lt', stricter(Math.min, lt, and)),
    ...given('lte', lte),
    ...given('eq', eq === undefined ? undefined : equalTo(eq, column)),
    ...given('part', sub),
    ...given('pattern', rx === undefined ? undefined : checkedPattern(rx, column)),
  }
}

function equalTo(value: string | number | boolean, column: EventColumn): string | number | boolean {
  if (column.type === 'text') return String(value)
  if (column.type === 'bool') {
    if (!/^(true|false)$/i.test(String(value))) throw invalid(column, `'${value}' is neither true nor false`)
    return String(value).toLowerCase() === 'true'
  }
  const number = Number(value)
  if (String(value).trim() === '' || !Number.isFinite(number)) throw invalid(column, `'${value}' is no number`)
  return number
}

function checkedPattern(pattern: string, column: EventColumn): string {
  if (pattern.length > PATTERN_CHARACTERS_MAX)
    throw invalid(column, `a pattern has at most ${PATTERN_CHARACTERS_MAX} characters`)
  try {
    re2().compile(pattern)
  } catch (error) {
    throw invalid(column, `'${pattern}' is no regular expression: ${(error as Error).message}`)
  }
  return pattern
}

function stricter(choose: typeof Math.max, one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : choose(one, other)
}

function given<Name extends string, Value>(name: Name, value: Value | undefined): { [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]: Value })
}

function invalid(column: EventColumn, reason: string): Problem {
  return new Problem('filter_invalid', { column: column.name, reason })
}
