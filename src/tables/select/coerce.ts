// Values of a query against the types of declared columns: what cannot be meant is refused, never dropped or guessed.
import type { ColumnType } from '../../catalog/index.js'
import { Problem, show, timeOf } from '../../lib/index.js'
import type { Ref } from './scope.js'

/** Turns a value into one that the column's type can equal, or undefined when there is none. */
const coercions: Partial<Record<ColumnType, (value: unknown) => unknown>> = {
  int: toNumber,
  double: toNumber,
  timestamp: toTime,
  bool: toBoolean,
  text: (value) => (typeof value === 'number' || typeof value === 'boolean' ? undefined : value),
}

/** The value as the column's type has it: `"12"` is 12 for an int. Throws for what the type can never hold. */
export function coerce(ref: Ref, value: unknown): unknown {
  if (value === null) return null
  const coercion = coercions[ref.type]
  if (!coercion) return value
  const result = coercion(value)
  if (result === undefined)
    throw new Problem('value_type_wrong', {
      column: ref.name,
      takes: ref.type,
      value: show(value),
    })
  return result
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
  return Number.isFinite(number) ? number : undefined
}

/** Times are kept as milliseconds since 1970; ISO 8601 text is understood. */
function toTime(value: unknown): number | undefined {
  return toNumber(value) ?? (typeof value === 'string' ? timeOf(value) : undefined)
}

function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (value === 0 || value === 1) return value === 1
  const text = typeof value === 'string' ? value.toLowerCase() : ''
  return text === 'true' ? true : text === 'false' ? false : undefined
}
