import { CREATED_TIME, coerce, holdsInfinity, UPDATED_TIME } from '../catalog/index.js'
import { nearest, Problem, show } from '../lib/index.js'
import { UNNAMED } from './json-members.js'
import { RevealingProblem } from './revealing.js'
import type { TableShape } from './shape.js'

type Record_ = Record<string, unknown>

const unnamed = new Set(UNNAMED)
const ATTRIBUTE_LENGTH_MAX = 250

function invalid(index: number, reason: string): Problem {
  return new Problem('record_invalid', { index, reason })
}

function missing({ schema: { database, name: table } }: TableShape, column: string, index: number): Problem {
  return new RevealingProblem(
    'record_invalid',
    { index, reason: `'${column}' is missing and must not be null` },
    [{ database, table, column }],
    `records[${index}]: a column that you may not see must not be null, and nothing fills it`,
  )
}

/** The attributes of records that a dynamic table does not have yet. @throws Problem record_invalid */
export function newAttributes(shape: TableShape, records: readonly Record_[]): Set<string> {
  const names = new Set<string>()
  const { columns } = shape
  for (let index = 0; index < records.length; index++) {
    for (const name in records[index]) {
      if (columns.has(name) || names.has(name) || unnamed.has(name)) continue
      checkAttribute(name, index)
      names.add(name)
    }
  }
  return names
}

function checkAttribute(name: string, index: number): void {
  if (name === '' || name === 'null') throw invalid(index, `Invalid attribute name: '${name}'`)
  if (name.length > ATTRIBUTE_LENGTH_MAX)
    throw invalid(index, `attribute name ${name.slice(0, 40)}… is too long: at most ${ATTRIBUTE_LENGTH_MAX} characters`)
}

/** Whether clients may not set it: the times of dynamic tables. */
export function isServerSet(name: string): boolean {
  return name === CREATED_TIME || name === UPDATED_TIME
}

/** Checks the values of a record for numbers that JSON cannot say. @throws Problem record_invalid */
export function checkNumbers(record: Record_, index: number): void {
  for (const name in record) {
    if (holdsInfinity(record[name])) throw invalid(index, `the number of '${name}' is too large to be kept`)
  }
}

/**
 * The given attributes of a record of a typed table, as its columns store them.
 * @throws Problem attribute_unknown, record_invalid
 */
export function coerced(shape: TableShape, record: Record_, index: number): Record_ {
  const { schema, columns } = shape
  const row: Record_ = {}
  for (const [name, value] of Object.entries(record)) {
    const column = columns.get(name)?.column
    if (!column) {
      if (schema.dynamic && unnamed.has(name)) {
        Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true })
        continue
      }
      const { database, name: table } = schema
      const suggestion = nearest(name, columns.keys())
      throw new Problem('attribute_unknown', { index, database, table, attribute: name, suggestion })
    }
    if (schema.dynamic && isServerSet(name)) continue
    if (value === null) {
      if (column.notNull) throw invalid(index, `'${name}' must not be null`)
      row[name] = null
      continue
    }
    if (holdsInfinity(value)) throw invalid(index, `the number of '${name}' is too large to be kept`)
    const result = coerce(column, value)
    if (!result)
      throw invalid(index, `${show(value)} is not a valid value of '${name}', which is of type ${column.type}`)
    row[name] = result.value
  }
  return row
}

/** A whole row of a typed table: defaults and nulls filled in. The primary key may still be missing. */
export function completed(shape: TableShape, given: Record_, index: number): Record_ {
  if (shape.schema.dynamic) return withDefaults(shape, given, index)
  const row: Record_ = {}
  for (const { column } of shape.columns.values()) {
    const { name, default: value, notNull, autoIncrement } = column
    if (Object.hasOwn(given, name)) row[name] = given[name]
    else if (value !== undefined) row[name] = value
    else if (notNull && !autoIncrement && name !== shape.schema.primaryKey) throw missing(shape, name, index)
    else row[name] = null
  }
  return row
}

function withDefaults(shape: TableShape, given: Record_, index: number): Record_ {
  const row = { ...given }
  for (const { column } of shape.columns.values()) {
    const { name, default: value, notNull } = column
    if (Object.hasOwn(row, name)) continue
    if (value !== undefined) row[name] = value
    else if (notNull && name !== shape.schema.primaryKey) throw missing(shape, name, index)
  }
  return row
}
