// Cursors: where a page ended. A token names the place by values and keys, not by a count, so rows that come or go
// between two pages neither repeat nor hide others.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { Problem } from '../../lib/index.js'
import type { Key } from '../reader.js'
import { canonical } from '../stored-row.js'

/** Where a page ended. */
export interface Position {
  /** The way to the rows that was chosen for the first page. */
  readonly access: string
  /** The part of that way that was reached. */
  readonly leg: number
  /** Values of the last row that it is ordered by. */
  readonly values: readonly unknown[]
  /** Keys of the last row, one for each table; null where a left join found none. */
  readonly keys: readonly (Key | null)[]
}

/** What a query asks, but for its page: a cursor serves only the query that it came from. */
export function fingerprintOf(request: object): string {
  const { limit, offset, cursor, explain, ...asked } = request as Record<string, unknown>
  return createHash('sha256').update(canonical(asked)).digest('base64url').slice(0, 16)
}

function checksum(body: string, fingerprint: string): string {
  return createHash('sha256').update(fingerprint).update(body).digest('base64url').slice(0, 12)
}

/** How cursors are written: sealed, where the caller does not see the keys that are in them. */
export interface CursorForm {
  readonly fingerprint: string
  readonly sealed: boolean
}

const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16
/** Sealed cursors end with the process. */
const secret = randomBytes(32)

function seal(text: string, fingerprint: string): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, secret, iv).setAAD(Buffer.from(fingerprint))
  return Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

/** @throws where nobody here has sealed it for this query: another one could tell where the keys stand among others */
function unseal(sealed: Buffer, fingerprint: string): Buffer {
  const decipher = createDecipheriv(CIPHER, secret, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(fingerprint))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
}

/** The token of a place. */
export function writeCursor({ access, leg, values, keys }: Position, { fingerprint, sealed }: CursorForm): string {
  const text = JSON.stringify([access, leg, values, keys])
  const body = (sealed ? seal(text, fingerprint) : Buffer.from(text)).toString('base64url')
  return `${body}.${checksum(body, fingerprint)}`
}

/** The place of a token. Throws for a token that is damaged or another query's. */
export function readCursor(token: string, { fingerprint, sealed }: CursorForm): Position {
  const [body = '', sum] = token.split('.')
  const position = sum === checksum(body, fingerprint) ? positionOf(body, { fingerprint, sealed }) : undefined
  if (!position) throw new Problem('cursor_invalid', { reason: 'it is damaged, or comes from another query' })
  return position
}

/**
 * The checksum finds accidents; who forges one gets no more than another place in a query that is theirs anyway. Of keys
 * that are hidden that would be too much, and nobody forges what is sealed.
 */
function positionOf(body: string, { fingerprint, sealed }: CursorForm): Position | undefined {
  try {
    const bytes = Buffer.from(body, 'base64url')
    const [access, leg, values, keys] = JSON.parse((sealed ? unseal(bytes, fingerprint) : bytes).toString())
    const sound =
      typeof access === 'string' && Number.isSafeInteger(leg) && Array.isArray(values) && Array.isArray(keys)
    return sound && keys.every(isKeyOrNull) ? { access, leg, values, keys } : undefined
  } catch {
    return undefined
  }
}

function isKeyOrNull(key: unknown): boolean {
  return key === null || typeof key === 'string' || typeof key === 'number'
}
