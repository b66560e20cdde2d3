// TypeScript types: one file for each operation, one that lists them, the configuration, the problems.
import { join } from 'node:path'
import { compile } from 'json-schema-to-typescript'
import { resolve } from './schemas.mjs'

const HEAD = '// Generated from schemas/ by npm run generate. Do not edit.\n'
const OPTIONS = {
  bannerComment: '',
  additionalProperties: true,
  unknownAny: true,
  style: { singleQuote: true, semi: false, printWidth: 120 },
}

export async function types({ root, contracts, common, problems, config }) {
  const files = new Map()
  for (const contract of contracts)
    files.set(
      `src/generated/operations/${contract.group}/${contract.operation}.ts`,
      await operationTypes(root, contract, common),
    )
  files.set('src/generated/contracts.ts', list(contracts))
  files.set('src/generated/config.ts', HEAD + (await compile(filled(config), 'Config', OPTIONS)))
  files.set('src/generated/problems.ts', problemTypes(problems))
  return files
}

/** Every changing operation takes the key, so no contract repeats it. */
const KEY = { idempotency_key: { $ref: '../../common/idempotency_key.json' } }

/** `request` is what a handler gets (defaults filled), `sent` what a caller sends. */
async function operationTypes(root, contract, common) {
  const { group, operation, changes } = contract
  const request = opened(contract.request, common)
  const response = opened(contract.response, common)
  const cwd = join(root, 'schemas/operations', group, '/')
  const both = {
    type: 'object',
    additionalProperties: false,
    required: ['request', 'sent', 'response'],
    properties: {
      request: { title: 'Request', ...filled(request) },
      sent: { title: 'Sent', ...request, properties: { ...request.properties, ...(changes ? KEY : {}) } },
      response: { title: 'Response', ...response },
    },
  }
  return `${HEAD}// ${operation}\n${await compile(structuredClone(both), 'Shapes', { ...OPTIONS, cwd })}`
}

const SHAPES = ['type', 'enum', 'const', 'oneOf', 'anyOf', 'allOf', '$ref', 'properties', 'not']

/** A schema that says nothing of its value is any JSON value, not any object. */
function opened(schema, common) {
  const copy = { ...resolve(schema, common) }
  if (!SHAPES.some((keyword) => keyword in copy)) copy.tsType = 'unknown'
  for (const keyword of ['properties', 'patternProperties', '$defs'])
    if (copy[keyword])
      copy[keyword] = Object.fromEntries(
        Object.entries(copy[keyword]).map(([name, property]) => [name, opened(property, common)]),
      )
  for (const keyword of ['items', 'additionalProperties'])
    if (typeof copy[keyword] === 'object') copy[keyword] = opened(copy[keyword], common)
  for (const keyword of ['oneOf', 'anyOf', 'allOf', 'prefixItems'])
    if (copy[keyword]) copy[keyword] = copy[keyword].map((item) => opened(item, common))
  return copy
}

/** Fields with a default are always there once a request is checked. */
function filled(schema) {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, key === 'default' ? value : filled(value)]),
  )
  if (schema.properties && typeof schema.properties === 'object') {
    const always = Object.entries(schema.properties)
      .filter(([, property]) => property?.default !== undefined)
      .map(([name]) => name)
    copy.required = [...new Set([...(schema.required ?? []), ...always])]
    if (copy.required.length === 0) delete copy.required
  }
  if (Array.isArray(schema.anyOf)) copy.anyOf = schema.anyOf.map(filled)
  if (Array.isArray(schema.oneOf)) copy.oneOf = schema.oneOf.map(filled)
  return copy
}

function list(contracts) {
  const pascal = (name) => name.replace(/(^|_)([a-z0-9])/g, (_, __, letter) => letter.toUpperCase())
  const imports = contracts.map(
    ({ group, operation }) =>
      `import type { Shapes as ${pascal(operation)} } from './operations/${group}/${operation}.js'`,
  )
  const rows = contracts.map(({ operation }) => `  ${operation}: ${pascal(operation)}`)
  return `${HEAD}${imports.join('\n')}\n\n/** Request and response of every operation. */\nexport interface Contracts {\n${rows.join('\n')}\n}\n`
}

function problemTypes(problems) {
  const names = Object.keys(problems).sort()
  const rows = names.map((name) => {
    const { status, title, detail, retry } = problems[name]
    return `  ${name}: ${JSON.stringify({ status, title, detail, retry })},`
  })
  const facts = names.map((name) => {
    const fields = [...new Set([...problems[name].detail.matchAll(/\{(\w+)\}/g)].map((match) => match[1]))]
    const types = fields.map((field) =>
      field === 'suggestion' ? 'suggestion?: string | undefined' : `${field}: string | number`,
    )
    return `  ${name}: { ${types.join('; ')} }`.replace('{  }', 'Record<never, never>')
  })
  return `${HEAD}/** Every problem: schemas/problems.json. */\nexport const problems = {\n${rows.join('\n')}\n} as const satisfies Record<string, { status: number; title: string; detail: string; retry: boolean }>\n\nexport type ProblemCode = keyof typeof problems\n\n/** The facts that fill the placeholders of a problem's detail. */\nexport interface ProblemFacts {\n${facts.join('\n')}\n}\n`
}
