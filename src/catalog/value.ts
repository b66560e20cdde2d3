import { timeOf } from '../lib/index.js'
import type { Column, ColumnType } from './schema.js'

type Coerced = { value: unknown } | undefined

const whole = (value: number): Coerced => (Number.isSafeInteger(value) ? { value: value + 0 } : undefined)
/** Numbers may come as text, as pyql clients send them. */
const numberOf = (value: unknown): number | undefined => {
  if (typeof value === 'number') return value
  if (typeof value === 'string' && /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)) return Number(value)
  return undefined
}

function toInt(value: unknown): Coerced {
  const number = numberOf(value)
  return number === undefined ? undefined : whole(number)
}

function toDouble(value: unknown): Coerced {
  const number = numberOf(value)
  return number !== undefined && Number.isFinite(number) ? { value: number } : undefined
}

function toBool(value: unknown): Coerced {
  if (typeof value === 'boolean') return { value }
  if (value === 0 || value === 1) return { value: value === 1 }
  const word = typeof value === 'string' ? value.trim().toLowerCase() : ''
  return word === 'true' || word === 'false' ? { value: word === 'true' } : undefined
}

/** Kept as milliseconds since 1970; ISO 8601 text is understood. */
function toTime(value: unknown): Coerced {
  if (typeof value !== 'string' || !/^\d{4}-/.test(value)) return toDouble(value)
  const time = timeOf(value)
  return time === undefined ? undefined : { value: time }
}

/** Bytes travel as base64 text. */
function toBlob(value: unknown): Coerced {
  const isBase64 = typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
  return isBase64 ? { value } : undefined
}

/** Text; also an object, which pyql's `str` columns take and give back as an object. */
function toText(value: unknown): Coerced {
  return typeof value === 'string' || (typeof value === 'object' && value !== null) ? { value } : undefined
}

const coercions: Record<ColumnType, (value: unknown) => Coerced> = {
  text: toText,
  int: toInt,
  double: toDouble,
  bool: toBool,
  timestamp: toTime,
  blob: toBlob,
  json: (value) => ({ value }),
  any: (value) => ({ value }),
}

/** What the column stores for a value that is not null; undefined when its type cannot hold it. */
export function coerce({ type }: Pick<Column, 'type'>, value: unknown): Coerced {
  return coercions[type](value)
}

/** A number that JSON cannot say, such as the 1e999 of a request, which became Infinity. */
export function holdsInfinity(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value)
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsInfinity)
}

const comparable: readonly (readonly ColumnType[])[] = [
  ['int', 'double', 'timestamp'],
  ['text', 'blob'],
]

/** Whether a value of one type can be equal to one of the other. */
export function mayBeEqual(one: ColumnType, other: ColumnType): boolean {
  const isAnything = [one, other].some((type) => type === 'any' || type === 'json')
  return isAnything || one === other || comparable.some((types) => types.includes(one) && types.includes(other))
}
