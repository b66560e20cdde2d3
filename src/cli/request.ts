import { readFileSync } from 'node:fs'
import type { Contract, Schema } from '../contracts/index.js'
import { didYouMean } from '../lib/index.js'
import { Usage } from './failures.js'
import { typesOf } from './types-of.js'

type Body = Record<string, unknown>

/**
 * The request that words mean: `name=value` with the value read by the type of the field, `name=@file` for the
 * contents of a file (`@-`: standard input), or `{…}` and `@file` for several fields at once as JSON.
 */
export function requestOf(contract: Contract, words: readonly string[], common: ReadonlyMap<string, Schema>): Body {
  const body: Body = {}
  const named = new Set<string>()
  for (const word of words) {
    if (word.startsWith('{') || word.startsWith('@')) Object.assign(body, objectOf(word))
    else {
      const equals = word.indexOf('=')
      if (equals < 1) throw new Usage(`'${word}' is not a field: fields are given as name=value.`)
      const name = word.slice(0, equals)
      if (named.has(name)) throw new Usage(`'${name}' is given twice; a list is one value: ${name}='[…]'.`)
      named.add(name)
      body[name] = readValue(name, word.slice(equals + 1), fieldOf(contract, name), common)
    }
  }
  return body
}

function objectOf(word: string): Body {
  const text = word.startsWith('@') ? contentsOf(word.slice(1)) : word
  const value = jsonOf(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Usage(`${word.slice(0, 60)} is not a JSON object.`)
  return value as Body
}

function fieldOf({ operation, request, also_named }: Contract, name: string): Schema {
  const fields = request.properties ?? {}
  const field = Object.hasOwn(also_named, name)
    ? fields[also_named[name]!]
    : Object.hasOwn(fields, name)
      ? fields[name]
      : undefined
  if (field) return field
  const [, named] =
    Object.entries(request.patternProperties ?? {}).find(([names]) => new RegExp(names).test(name)) ?? []
  if (named) return named === true ? { type: 'string' } : named // the node reads parameters of scripts by their names
  throw new Usage(
    `'${name}' is not a field of ${operation}.${didYouMean(name, Object.keys(fields))} See \`trellis help ${operation}\`.`,
  )
}

/** A text as a value of a field: JSON where the type asks for it, text where it is one. */
function readValue(name: string, written: string, schema: Schema, common: ReadonlyMap<string, Schema>): unknown {
  const text = written.startsWith('@@')
    ? written.slice(1)
    : written.startsWith('@')
      ? contentsOf(written.slice(1))
      : written
  const types = typesOf(schema, common)
  if (types.length === 1 && types[0] === 'string') return text
  const value = jsonOf(text)
  if (
    value !== undefined &&
    (types.length === 0 || types.includes(typeOf(value)) || (types.includes('number') && typeof value === 'number'))
  )
    return value
  if (types.length === 0 || types.includes('string')) return text
  if (types.includes('array') && !/^\s*[[{]/.test(text)) return listOf(name, text, schema, common)
  throw new Usage(`'${name}' must be ${types.map(article).join(' or ')}: '${text.slice(0, 60)}' is not.`)
}

/** `1,2,3`: a list without brackets. */
function listOf(name: string, text: string, schema: Schema, common: ReadonlyMap<string, Schema>): unknown[] {
  const items = schema.items ?? {}
  return text === '' ? [] : text.split(',').map((item) => readValue(`${name}[]`, item.trim(), items, common))
}

function contentsOf(file: string): string {
  return readFileSync(file === '-' ? 0 : file, 'utf8')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}
