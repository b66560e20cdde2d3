import { type Contract, readCommonSchemas, type Schema } from '../../src/contracts/index.js'
import type { Random } from './random.js'

const common = readCommonSchemas()

/** Names that exist in the fuzzed node, and names that try to be something else than a name. */
export const HOSTILE_NAMES = [
  '',
  ' ',
  '/',
  '..',
  '../../etc/passwd',
  'a/b',
  'a\\b',
  '\0',
  'dog\0',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'system',
  'null',
  '*',
  '`',
  "'; drop table dog; --",
  '$(touch /tmp/x)',
  '%00',
  '%2e%2e%2f',
  '\r\nX-Injected: yes',
  '\u202etxt.exe',
  'é',
  '\ud800',
  '\udfff\ud800',
  '😀',
  'x'.repeat(251),
  'x'.repeat(5000),
]
const KNOWN_NAMES = ['dev', 'dog', 'breed', 'id', 'name', 'weight', 'rita', 'data', 'nope']

/** Texts of JSON values that no serializer writes: they are put into the body as they are. */
const RAW_VALUES = [
  '9007199254740993',
  '-9007199254740993',
  '1e308',
  '1e999',
  '-1e999',
  '-0',
  '0.1e-400',
  `1${'0'.repeat(400)}`,
  '"\\ud800"',
  '"\\u0000"',
  '"\\udc00\\ud800"',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]',
  '{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{}}}}}}}}}',
  '{"a":1,"a":2}',
]
const WRONG_VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  0.5,
  -1e300,
  2 ** 31,
  2 ** 53 + 2,
  '',
  'text',
  '1',
  'true',
  [],
  [null],
  [[]],
  {},
  { a: 1 },
  { length: 3, 0: 'a' },
  { toJSON: 'x', toString: 1 },
]

type Fields = Record<string, unknown>
/** Stands for a text that is not JSON, until the body is written. */
class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A body for an operation that may be right, or wrong in one or several ways; always a text. */
export function hostileBody(contract: Contract, random: Random): string {
  const body: Fields = { operation: contract.operation }
  const example = structuredClone(random.of(contract.examples).request)
  const schemaFields = Object.entries(contract.request.properties ?? {})
  for (const [name, schema] of schemaFields) {
    if (random.chance(0.3)) {
      if (Object.hasOwn(example, name)) body[name] = example[name]
    } else if (contract.request.required?.includes(name) || random.chance(0.5)) body[name] = valueFor(schema, random, 0)
  }
  for (let mutations = random.below(3); mutations > 0; mutations--) mutate(body, random)
  const text = write(body)
  return random.chance(0.15) ? mutateText(text, random) : text
}

/** A value as a schema wants it, more or less. */
function valueFor(schema: Schema, random: Random, depth: number): unknown {
  if (random.chance(0.08)) return hostileValue(random)
  const resolved = schema.$ref === undefined ? schema : { ...common.get(schema.$ref), ...schema }
  const choices = (resolved['anyOf'] ?? resolved['oneOf']) as Schema[] | undefined
  if (choices) return valueFor(random.of(choices), random, depth + 1)
  if (Array.isArray(resolved['enum'])) return random.of(resolved['enum'] as unknown[])
  if (resolved['const'] !== undefined) return resolved['const']
  const type = random.of([resolved.type ?? 'any'].flat())
  switch (type) {
    case 'string':
      return random.chance(0.6) ? random.of(KNOWN_NAMES) : random.of(HOSTILE_NAMES)
    case 'integer':
      return random.of([0, 1, 2, 10, 1000, -1, 2 ** 31, 2 ** 53])
    case 'number':
      return random.of([0, 1, 2.5, -1, 1e9, 1e300])
    case 'boolean':
      return random.chance(0.5)
    case 'null':
      return null
    case 'array':
      return Array.from({ length: random.below(4) }, () =>
        depth < 5 && resolved.items ? valueFor(resolved.items, random, depth + 1) : hostileValue(random),
      )
    case 'object':
      return objectOf(resolved, random, depth)
    default:
      return hostileValue(random)
  }
}

function objectOf(schema: Schema, random: Random, depth: number): Fields {
  const fields: Fields = {}
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    if (depth < 5 && (schema.required?.includes(name) || random.chance(0.5)))
      fields[name] = valueFor(property, random, depth + 1)
  if (schema.additionalProperties !== false)
    for (let extra = random.below(4); extra > 0; extra--)
      define(fields, random.chance(0.7) ? random.of(KNOWN_NAMES) : random.of(HOSTILE_NAMES), hostileValue(random))
  return fields
}

function hostileValue(random: Random): unknown {
  const kind = random.next()
  if (kind < 0.4) return structuredClone(random.of(WRONG_VALUES))
  if (kind < 0.6) return new Raw(random.of(RAW_VALUES))
  if (kind < 0.65) return 'y'.repeat(random.below(20_000))
  if (kind < 0.7) return Array.from({ length: random.below(300) }, (_, index) => index)
  return random.chance(0.5) ? random.of(KNOWN_NAMES) : random.of(HOSTILE_NAMES)
}

/** Breaks one thing: a field left out, added, or given another value, on the top or one level below. */
function mutate(body: Fields, random: Random): void {
  const names = Object.keys(body)
  const name = random.of(names)
  const kind = random.next()
  if (kind < 0.25) delete body[name]
  else if (kind < 0.5) define(body, random.of(HOSTILE_NAMES), hostileValue(random))
  else if (kind < 0.9)
    define(body, name === 'operation' && random.chance(0.8) ? 'database' : name, hostileValue(random))
  else {
    const inner = body[name]
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner) && !(inner instanceof Raw))
      define(inner as Fields, random.of(HOSTILE_NAMES), hostileValue(random))
  }
}

/** Breaks the text: a character more, less or another, the end cut off, a byte order mark. */
function mutateText(text: string, random: Random): string {
  const at = random.below(text.length)
  const kind = random.next()
  if (kind < 0.3) return text.slice(0, at) + text.slice(at + 1)
  if (kind < 0.6)
    return (
      text.slice(0, at) +
      random.of(['"', '{', '}', '[', ']', ',', ':', '\\', '\0', '\n', 'e', '9', '\ud800']) +
      text.slice(at)
    )
  if (kind < 0.85) return text.slice(0, at)
  if (kind < 0.9) return `\ufeff${text}`
  return text.slice(0, at) + text.slice(random.below(text.length))
}

function define(fields: Fields, name: string, value: unknown): void {
  Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true })
}

function write(value: unknown): string {
  if (value instanceof Raw) return value.text
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([name, inner]) => `${JSON.stringify(name)}:${write(inner)}`)
      .join(',')}}`
  return JSON.stringify(value) ?? 'null'
}
