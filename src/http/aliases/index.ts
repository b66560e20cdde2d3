// aliases owns the small pure mappings that contracts name for bodies and answers of another shape.
import type { Match } from '../../contracts/index.js'
import { Problem } from '../../lib/index.js'
import { replies } from './replies.js'
import { requests } from './requests.js'

type Fields = Record<string, unknown>

/** The body that an aliased request means: the same as if it had been sent to POST /. */
export function requestOfAlias(match: Match, query: URLSearchParams, body: unknown): Fields {
  const { alias, compiled, parameters } = match
  // Without a prototype, so that `__proto__` is a field like any other, which the contract then refuses.
  const fields: Fields = Object.create(null) as Fields
  if (alias.body !== undefined) {
    if (body !== undefined) fields[alias.body] = body
  } else if (alias.request !== undefined) {
    const mapping = requests[alias.request]
    if (!mapping) throw new Error(`the request mapping ${alias.request} exists`)
    Object.assign(fields, mapping(body))
  } else if (body !== undefined) Object.assign(fields, objectOf(body))
  for (const [name, value] of query) place(fields, name, value, compiled.contract.request.properties?.[name], 'query')
  for (const [name, value] of Object.entries(parameters))
    place(fields, name, value, compiled.contract.request.properties?.[name], 'path')
  Object.assign(fields, alias.with)
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

function objectOf(body: unknown): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Problem('invalid_request', { reason: 'The body must be a JSON object.' })
  return body as Fields
}

/** Text from a path or a query string becomes the type that the contract wants; what does not fit is refused later. */
function place(
  fields: Fields,
  name: string,
  text: string,
  schema: { type?: string | string[] } | undefined,
  from: 'path' | 'query',
): void {
  const types = [schema?.type ?? 'string'].flat()
  let value: unknown = text
  if (types.includes('array')) value = from === 'path' ? [keyOf(text)] : text.split(',').map(keyOf)
  else if (
    (types.includes('integer') || types.includes('number')) &&
    text.trim() !== '' &&
    Number.isFinite(Number(text))
  )
    value = Number(text)
  else if (types.includes('boolean') && /^(true|false)$/i.test(text)) value = text.toLowerCase() === 'true'
  fields[name] = value
}

/** A key in a path is a number when it is written as JSON would write it. */
function keyOf(text: string): string | number {
  const number = Number(text)
  return text !== '' && String(number) === text && Number.isFinite(number) ? number : text
}
