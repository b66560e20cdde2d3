import type { ErrorObject } from 'ajv/dist/2020.js'
import { didYouMean } from '../lib/index.js'
import type { Contract } from './contract.js'

/** '/records/0/name' -> "records[0].name". */
function label(error: ErrorObject): string {
  const parts = error.instancePath.split('/').slice(1)
  return parts.map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`)).join('')
}

function within(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}

/** What an error is about: its place, as its caller names it, and what Ajv says of it. */
interface Fault {
  readonly path: string
  readonly params: Readonly<Record<string, unknown>>
  readonly error: ErrorObject
  readonly contract: Contract
  /** The name that the caller used for a field. */
  readonly named: (field: string) => string
}

/** By keyword of JSON Schema, worded as HarperDB's clients know it. */
const SENTENCES: Readonly<Record<string, (fault: Fault) => string>> = {
  required: ({ path, params, named }) => {
    const missing = String(params['missingProperty'])
    return `'${within(path, path === '' ? named(missing) : missing)}' is required`
  },
  type: ({ path, params }) => `'${path}' must be ${typesOf(path, [params['type']].flat().map(String))}`,
  additionalProperties: (fault) => unknownField(fault, 'additionalProperty'),
  unevaluatedProperties: (fault) => unknownField(fault, 'unevaluatedProperty'),
  enum: ({ path, params }) => `'${path}' must be one of [${(params['allowedValues'] as unknown[]).join(', ')}]`,
  const: ({ path, params }) => `'${path}' must be ${JSON.stringify(params['allowedValue'])}`,
  minLength: ({ path, params: { limit } }) =>
    limit === 1 ? `'${path}' is not allowed to be empty` : `'${path}' must have at least ${limit} characters`,
  maxLength: ({ path, params }) => `'${path}' must have at most ${params['limit']} characters`,
  minItems: ({ path, params }) => `'${path}' must contain at least ${params['limit']} items`,
  maxItems: ({ path, params }) => `'${path}' must contain at most ${params['limit']} items`,
  minimum: ({ path, params }) => `'${path}' must be greater than or equal to ${params['limit']}`,
  maximum: ({ path, params }) => `'${path}' must be less than or equal to ${params['limit']}`,
  pattern: ({ path, error }) => explainPattern(path, error),
}

/** Types that are named with an article. */
const NAMED_TYPES = ['boolean', 'number', 'string', 'array', 'integer']

/**
 * One sentence for one Ajv error: "'table' is required".
 * `named` gives the name that the caller used for a field.
 */
export function explain(error: ErrorObject, contract: Contract, named: (field: string) => string): string {
  const raw = label(error)
  const first = /^[^.[]*/.exec(raw)![0]
  const path = first === '' ? '' : named(first) + raw.slice(first.length)
  const sentence = SENTENCES[error.keyword]
  if (sentence) return sentence({ path, params: error.params, error, contract, named })
  return `'${path === '' ? 'request' : path}' ${error.message ?? 'is not valid'}`
}

function typesOf(path: string, types: readonly string[]): string {
  const [type = ''] = types
  if (types.length > 1) return `one of ${types.join(', ')}`
  return NAMED_TYPES.includes(type) && !path.endsWith(']') ? article(type) : `of type ${type}`
}

function unknownField({ path, params, contract }: Fault, property: string): string {
  const name = String(params[property])
  const known = path === '' ? Object.keys(contract.request.properties ?? {}) : []
  return `'${within(path, name)}' is not a field of ${contract.operation}.${didYouMean(name, known)}`
}

/** A pattern says nothing to people: its schema's description does. */
function explainPattern(path: string, error: ErrorObject): string {
  const meaning = (error.parentSchema as { x_pattern?: string } | undefined)?.x_pattern
  return meaning === undefined ? `'${path}' has characters that are not allowed` : `'${path}' ${meaning}`
}
