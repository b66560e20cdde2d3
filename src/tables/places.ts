import { Problem } from '../lib/index.js'
import { checkExact, encodeKey, newKey, normalKey } from './keys.js'
import type { Key } from './reader.js'
import type { Place, RowWriter } from './row-writer.js'
import type { TableShape } from './shape.js'

type Given = Readonly<Record<string, unknown>>

/** @param index position in the request, for problems */
export function placeOf(shape: TableShape, key: unknown, index: number): Place {
  return { shape, key: normalKey(key as Key), encodedKey: encodeKey(key, index), index }
}

/** The place of a record that must come with its key. @throws Problem key_invalid */
export function placeOfOld(shape: TableShape, given: Given, index: number): Place {
  const { primaryKey } = shape.schema
  if (!Object.hasOwn(given, primaryKey))
    throw new Problem('key_invalid', {
      index,
      reason: `a valid hash attribute must be provided with update record: '${primaryKey}' is missing.`,
    })
  return placeOf(shape, given[primaryKey], index)
}

/** The place of a record that may come without a key: then it gets one, and carries it. @throws Problem key_invalid, record_invalid */
export function placeOfNew(writer: RowWriter, shape: TableShape, given: Given, index: number): Place {
  const { primaryKey } = shape.schema
  const key = Object.hasOwn(given, primaryKey) ? given[primaryKey] : undefined
  if (key !== undefined && key !== null) {
    checkExact(key, index)
    return placeOf(shape, key, index)
  }
  const made = keyFor(writer, shape, index)
  ;(given as Record<string, unknown>)[primaryKey] = made
  return placeOf(shape, made, index)
}

function keyFor(writer: RowWriter, shape: TableShape, index: number): Key {
  const { column } = shape.key
  if (column.default !== undefined) return column.default as Key
  if (column.notNull && !column.autoIncrement)
    throw new Problem('record_invalid', { index, reason: `'${column.name}' is missing and must not be null` })
  if (column.type === 'int') return nextKey(writer, shape, index)
  if (column.type === 'text' || column.type === 'any') return newKey()
  throw new Problem('key_invalid', { index, reason: `'${column.name}' is missing.` })
}

/** Folders that were written before all numbers were noted may hold higher ones than have been counted. */
function nextKey(writer: RowWriter, shape: TableShape, index: number): Key {
  for (;;) {
    const next = writer.nextNumber(shape.key, index)
    if (writer.stored(placeOf(shape, next, index)) === undefined) return next
  }
}
