// aliases owns the small pure mappings that contracts name for bodies and answers of another shape.
import { isDeepStrictEqual } from 'node:util'
import type { Match } from '../../contracts/index.js'
import { Problem, show } from '../../lib/index.js'
import { replies } from './replies.js'
import { requests } from './requests.js'

type Fields = Record<string, unknown>

/** The body that an aliased request means: the same as if it had been sent to POST /. */
export function requestOfAlias(match: Match, query: URLSearchParams, body: unknown): Fields {
  const { alias, compiled, parameters } = match
  // Without a prototype, so that `__proto__` is a field like any other, which the contract then refuses.
  const fields: Fields = Object.create(null) as Fields
  const properties = compiled.contract.request.properties
  // What a body of another shape means stands, whatever the path says: /db/{database}/table/{any}/create of pyql.
  const mapped = new Set<string>()
  if (alias.body !== undefined) {
    if (body !== undefined) fields[alias.body] = body
  } else if (alias.request !== undefined) {
    const mapping = requests[alias.request]
    if (!mapping) throw new Error(`the request mapping ${alias.request} exists`)
    Object.assign(fields, mapping(body))
    for (const name of Object.keys(fields)) mapped.add(name)
  } else if (body !== undefined) Object.assign(fields, objectOf(body))
  for (const name of new Set(query.keys())) {
    const value = fromQuery(query.getAll(name), name, properties?.[name])
    // Without a body, what the mapping gives is only what a shorter query means.
    if (body === undefined) fields[name] = value
    else fill(fields, name, value, 'the query')
  }
  for (const [name, text] of Object.entries(parameters))
    if (!mapped.has(name)) fill(fields, name, fromText(text, properties?.[name], 'path'), 'the path')
  for (const [name, value] of Object.entries(alias.with ?? {})) fill(fields, name, value, 'the meaning of the path')
  fields['operation'] = compiled.contract.operation
  return fields
}

/** The answer in the shape that the alias promises. */
export function replyOfAlias(match: Match, answer: unknown, request: Fields): unknown {
  if (match.alias.reply === undefined) return answer
  const mapping = replies[match.alias.reply]
  if (!mapping) throw new Error(`the reply mapping ${match.alias.reply} exists`)
  return mapping(answer, request)
}

/**
 * On a path that names what it asks for, what the caller may not know of is not found, as pyql-cluster answers those who
 * have no access. Operations say so as HarperDB does: forbidden, with the items that do not exist.
 */
export function problemOfAlias(error: unknown, { database, table }: Fields): unknown {
  if (!(error instanceof Problem) || error.code !== 'forbidden') return error
  const { unauthorized_access: refused, invalid_schema_items: unknown } = error.more as Record<string, unknown[]>
  if (typeof database !== 'string' || typeof table !== 'string' || refused!.length > 0) return error
  const missing = new Problem('table_not_found', { database, table })
  return isDeepStrictEqual(unknown, [missing.message]) ? missing : error
}

function objectOf(body: unknown): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Problem('invalid_request', { reason: 'The body must be a JSON object.' })
  return body as Fields
}

/** Sets a field. Said twice it must be the same: what is left unread may be what the caller meant. */
function fill(fields: Fields, name: string, value: unknown, where: string): void {
  if (Object.hasOwn(fields, name) && !isDeepStrictEqual(fields[name], value)) {
    const [before, now] = [show(fields[name]), show(value)]
    throw new Problem('invalid_request', { reason: `'${name}' is ${before}, and ${now} by ${where}: say one of them.` })
  }
  fields[name] = value
}

function fromQuery(texts: readonly string[], name: string, schema: Schema): unknown {
  const values = texts.map((text) => fromText(text, schema, 'query'))
  if (values.every(Array.isArray)) return values.flat()
  if (texts.some((text) => text !== texts[0]))
    throw new Problem('invalid_request', { reason: `'${name}' stands in the query more than once.` })
  return values[0]
}

type Schema = { type?: string | string[] } | undefined

/** Text from a path or a query string becomes the type that the contract wants; what does not fit is refused later. */
function fromText(text: string, schema: Schema, from: 'path' | 'query'): unknown {
  const types = [schema?.type ?? 'string'].flat()
  if (types.includes('array')) return from === 'path' ? [keyOf(text)] : text.split(',').map(keyOf)
  const isNumber = types.includes('integer') || types.includes('number')
  if (isNumber && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text)
  return types.includes('boolean') && /^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : text
}

/** A key in a path is a number when it is written as JSON would write it. */
function keyOf(text: string): string | number {
  const number = Number(text)
  return text !== '' && String(number) === text && Number.isFinite(number) ? number : text
}
