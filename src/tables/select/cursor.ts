// Cursors: where a page ended. A token names the place by values and keys, not by a count, so rows that come or go
// between two pages neither repeat nor hide others.
import { createHash } from 'node:crypto'
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

/** The token of a place. */
export function writeCursor({ access, leg, values, keys }: Position, fingerprint: string): string {
  const body = Buffer.from(JSON.stringify([access, leg, values, keys])).toString('base64url')
  return `${body}.${checksum(body, fingerprint)}`
}

/** The place of a token. Throws for a token that is damaged or another query's. */
export function readCursor(token: string, fingerprint: string): Position {
  const [body = '', sum] = token.split('.')
  const position = sum === checksum(body, fingerprint) ? positionOf(body) : undefined
  if (!position) throw new Problem('cursor_invalid', { reason: 'it is damaged, or comes from another query' })
  return position
}

/** The checksum finds accidents; who forges one gets no more than another place in a query that is theirs anyway. */
function positionOf(body: string): Position | undefined {
  try {
    const [access, leg, values, keys] = JSON.parse(Buffer.from(body, 'base64url').toString())
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
