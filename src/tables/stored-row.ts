import type { Row } from './reader.js'

/** When and where a record got its present state. Of two versions the later one wins, then the greater origin. */
export interface Version {
  /** Hybrid time in milliseconds. */
  time: number
  /** Name of the node that wrote it. */
  origin: string
}

const SEPARATOR = '|'

/** The beginning of every stored record and tombstone of one operation. */
export function encodeVersion({ time, origin }: Version): string {
  return `${time}@${origin}${SEPARATOR}`
}

export function decodeVersion(stored: string): Version {
  const at = stored.indexOf('@')
  return { time: Number(stored.slice(0, at)), origin: stored.slice(at + 1, stored.indexOf(SEPARATOR, at)) }
}

export function isLater(a: Version, b: Version): boolean {
  return a.time > b.time || (a.time === b.time && a.origin > b.origin)
}

/** Where the record's JSON text begins, in a stored text that begins at `from`. */
export function startOfJson(stored: string, from = 0): number {
  return stored.indexOf(SEPARATOR, from) + 1
}

/** The record's JSON text. */
export function jsonOf(stored: string): string {
  return stored.slice(startOfJson(stored))
}

/** The record, not frozen: for whoever changes a copy of it anyway. */
export function decodeRecord(stored: string): Record<string, unknown> {
  return JSON.parse(jsonOf(stored)) as Record<string, unknown>
}

/** Freezes a value of JSON to its leaves. */
export function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) freeze(member)
  }
  return value
}

export function decodeRow(stored: string): Row {
  return freeze(decodeRecord(stored))
}

/** Whether JSON.stringify would lose something of the value: -0 becomes 0. */
export function holdsNegativeZero(value: unknown): boolean {
  if (typeof value === 'number') return Object.is(value, -0)
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsNegativeZero)
}

/** JSON that gives back exactly what was parsed: -0 stays -0, lone surrogates are escaped, `__proto__` is a key. */
export function encodeJson(value: unknown): string {
  return holdsNegativeZero(value) ? encodeSlowly(value) : JSON.stringify(value)
}

function encodeSlowly(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  if (Array.isArray(value)) return `[${value.map(encodeSlowly).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}:${encodeSlowly(member)}`)
    .join(',')}}`
}

/** JSON text with the members of every object sorted: equal for values that are equal. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
