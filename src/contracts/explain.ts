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

/**
 * One sentence for one Ajv error, worded as HarperDB's clients know it: "'table' is required".
 * `named` gives the name that the caller used for a field.
 */
export function explain(error: ErrorObject, contract: Contract, named: (field: string) => string): string {
  const raw = label(error)
  const first = /^[^.[]*/.exec(raw)![0]
  const path = first === '' ? '' : named(first) + raw.slice(first.length)
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'required': {
      const missing = String(params['missingProperty'])
      return `'${within(path, path === '' ? named(missing) : missing)}' is required`
    }
    case 'type': {
      const types = [params['type']].flat().map(String)
      if (types.length > 1) return `'${path}' must be one of ${types.join(', ')}`
      if (/\]$/.test(path)) return `'${path}' must be of type ${types[0]}`
      return types[0] === 'boolean' ||
        types[0] === 'number' ||
        types[0] === 'string' ||
        types[0] === 'array' ||
        types[0] === 'integer'
        ? `'${path}' must be ${article(types[0])}`
        : `'${path}' must be of type ${types[0]}`
    }
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = String(params['additionalProperty'] ?? params['unevaluatedProperty'])
      const known = path === '' ? Object.keys(contract.request.properties ?? {}) : []
      return `'${within(path, name)}' is not a field of ${contract.operation}.${didYouMean(name, known)}`
    }
    case 'enum':
      return `'${path}' must be one of [${(params['allowedValues'] as unknown[]).join(', ')}]`
    case 'const':
      return `'${path}' must be ${JSON.stringify(params['allowedValue'])}`
    case 'minLength':
      return params['limit'] === 1
        ? `'${path}' is not allowed to be empty`
        : `'${path}' must have at least ${params['limit']} characters`
    case 'maxLength':
      return `'${path}' must have at most ${params['limit']} characters`
    case 'minItems':
      return `'${path}' must contain at least ${params['limit']} items`
    case 'maxItems':
      return `'${path}' must contain at most ${params['limit']} items`
    case 'minimum':
      return `'${path}' must be greater than or equal to ${params['limit']}`
    case 'maximum':
      return `'${path}' must be less than or equal to ${params['limit']}`
    case 'pattern':
      return explainPattern(path, error)
    default:
      return `'${path === '' ? 'request' : path}' ${error.message ?? 'is not valid'}`
  }
}

/** A pattern says nothing to people: its schema's description does. */
function explainPattern(path: string, error: ErrorObject): string {
  const meaning = (error.parentSchema as { x_pattern?: string } | undefined)?.x_pattern
  return meaning === undefined ? `'${path}' has characters that are not allowed` : `'${path}' ${meaning}`
}
