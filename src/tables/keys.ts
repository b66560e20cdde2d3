import { randomBytes } from 'node:crypto'
import { type ColumnType, coerce } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import { encodeValue } from '../storage/index.js'
import { KEY_BYTES_MAX } from './layout.js'
import type { Key } from './reader.js'

/**
 * A UUID of version 7 (RFC 9562): milliseconds since 1970, then random bits. Keys made one after the other are
 * neighbours in the B-tree.
 */
export function newKey(now: number = Date.now()): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(Math.floor(now), 0, 6)
  bytes[6] = 0x70 | (bytes[6]! & 15)
  bytes[8] = 0x80 | (bytes[8]! & 63)
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/**
 * A key that a caller names as its column has it: in a path it is a number when it looks like one, and programs of pyql
 * send numbers as text. What the column cannot hold stays as it is: there is no such record.
 */
export function keyOfType(id: Key, type: ColumnType | undefined): Key {
  if (type === 'text' && typeof id === 'number')
    return Number.isInteger(id) && !Number.isSafeInteger(id) ? id : String(id)
  const isNumber = type === 'int' || type === 'double' || type === 'timestamp'
  if (!isNumber || typeof id !== 'string') return id
  return (coerce({ type }, id)?.value as Key | undefined) ?? id
}

/**
 * A primary key as it is stored.
 * @throws Problem key_invalid for what is not a number or text, or cannot be told apart or found again
 */
export function encodeKey(key: unknown, index: number): string {
  const refuse = (reason: string) => {
    throw new Problem('key_invalid', { index, reason })
  }
  if (typeof key === 'number' && Number.isFinite(key)) return encodeValue(key)
  if (typeof key !== 'string')
    refuse(`a primary key is text or a number, not ${Array.isArray(key) ? 'an array' : typeof key}.`)
  const text = key as string
  if (text === '' || text === 'null') refuse(`Invalid hash value: '${text}' is not a valid hash attribute value.`)
  if (/\p{Surrogate}/u.test(text)) refuse('a primary key must not hold a lone surrogate.')
  const encoded = text.length > KEY_BYTES_MAX ? undefined : encodeValue(text)
  if (encoded === undefined || encoded.length > KEY_BYTES_MAX + 2)
    return refuse(`a primary key has at most ${KEY_BYTES_MAX} bytes.`) as never
  return encoded
}

/**
 * Refuses a new key that is not what the caller wrote: JSON's whole numbers beyond 2^53 are rounded when they are read, so
 * that two of them may become one.
 * @throws Problem key_invalid
 */
export function checkExact(key: unknown, index: number): void {
  if (!Number.isInteger(key) || Number.isSafeInteger(key)) return
  const reason = `whole numbers beyond ${Number.MAX_SAFE_INTEGER} are not kept exactly; send the key as text.`
  throw new Problem('key_invalid', { index, reason })
}

/** Keys are compared as they are stored: 0 and -0 are one key. */
export function normalKey(key: Key): Key {
  return key === 0 ? 0 : key
}
