// docs/openapi.json: OpenAPI 3.1 with POST / and every REST route.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const PROBLEM = {
  description: 'A problem',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}
const IDEMPOTENCY_KEY = { $ref: '../../common/idempotency_key.json' }
const pascal = (name) => name.replace(/(^|_)([a-z0-9])/g, (_, __, letter) => letter.toUpperCase())

export function openapi({ root, contracts, common }) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const schemas = { Problem: problemSchema() }
  for (const [file, schema] of common) schemas[commonName(file)] = withReferences(schema)
  for (const { operation, changes, request, response } of contracts) {
    schemas[`${pascal(operation)}Request`] = withReferences({
      ...request,
      required: ['operation', ...(request.required ?? [])],
      properties: {
        operation: { const: operation },
        ...request.properties,
        ...(changes ? { idempotency_key: IDEMPOTENCY_KEY } : {}),
      },
    })
    schemas[`${pascal(operation)}Response`] = withReferences(response)
  }
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'TrellisDB',
      version,
      description: 'Records and events behind one JSON endpoint.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    // The node that serves the document comes first, whatever its address.
    servers: [{ url: '/' }, { url: 'http://127.0.0.1:9925' }],
    security: [{ basic: [] }, { bearer: [] }],
    paths: { '/': { post: door(contracts) }, ...routes(contracts) },
    components: {
      securitySchemes: { basic: { type: 'http', scheme: 'basic' }, bearer: { type: 'http', scheme: 'bearer' } },
      schemas,
    },
  }
  return new Map([['docs/openapi.json', `${JSON.stringify(document, null, 1)}\n`]])
}

function door(contracts) {
  return {
    operationId: 'operate',
    summary: 'Runs an operation.',
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: {
            oneOf: contracts.map(({ operation }) => ({ $ref: `#/components/schemas/${pascal(operation)}Request` })),
          },
        },
      },
    },
    responses: {
      200: {
        description: 'The answer of the operation',
        content: {
          'application/json': {
            schema: {
              anyOf: contracts.map(({ operation }) => ({ $ref: `#/components/schemas/${pascal(operation)}Response` })),
            },
          },
          'text/plain': { schema: { type: 'string', description: 'Of metrics.' } },
          'application/x-tar': { schema: { type: 'string', format: 'binary', description: 'Of create_backup.' } },
        },
      },
      default: PROBLEM,
    },
  }
}

function routes(contracts) {
  const paths = {}
  for (const contract of contracts)
    for (const [position, alias] of contract.alias.entries()) {
      const { route, status = 200, reply } = alias
      const [method, path] = route.split(' ')
      const hasBody = method !== 'GET' && method !== 'DELETE'
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
      const parameters = [
        ...names.map((name) => parameter(contract, name)),
        ...(hasBody ? [] : queryParameters(contract, alias, names)),
        ...(contract.changes
          ? [{ name: 'Idempotency-Key', in: 'header', schema: withReferences(IDEMPOTENCY_KEY) }]
          : []),
      ]
      paths[path] ??= {}
      paths[path][method.toLowerCase()] = {
        operationId: `${contract.operation}_${position + 1}`,
        summary: contract.summary,
        tags: [contract.group],
        ...(contract.access === 'public' ? { security: [] } : {}),
        ...(parameters.length > 0 ? { parameters } : {}),
        ...(hasBody ? { requestBody: { content: bodies(contract, alias) } } : {}),
        responses: {
          [status]: {
            description: 'The answer',
            content: {
              [contract.response.type === 'string' ? 'text/plain' : 'application/json']: {
                schema: reply ? {} : { $ref: `#/components/schemas/${pascal(contract.operation)}Response` },
              },
            },
          },
          default: PROBLEM,
        },
      }
    }
  return paths
}

function parameter(contract, name) {
  const schema = withReferences(contract.request.properties?.[name] ?? { type: 'string' })
  return { name, in: 'path', required: true, schema: schema.type === 'array' ? { type: 'string' } : schema }
}

/** Fields that a query string can say: texts, numbers, truths, and lists of them with commas. */
function queryParameters({ request }, { with: given = {}, request: mapping }, inPath) {
  const required = new Set(mapping ? [] : request.required)
  return Object.entries(request.properties)
    .filter(([name, { type = [] }]) => {
      const types = [type].flat()
      return !inPath.includes(name) && !(name in given) && (types.includes('string') || !types.includes('object'))
    })
    .map(([name, schema]) => ({
      name,
      in: 'query',
      ...(required.has(name) ? { required: true } : {}),
      ...([schema.type].flat().includes('array') ? { style: 'form', explode: false } : {}),
      schema: withReferences(schema),
    }))
}

/** The bodies that a route takes: JSON, and where a script or lines are meant those as they are. */
function bodies(contract, { body, request: mapping, raw }) {
  const text = { schema: { type: 'string' } }
  const { properties = {} } = contract.request
  return {
    'application/json': { schema: bodySchema(contract, body, mapping) },
    ...(raw ? { 'application/x-ndjson': text } : {}),
    ...(!mapping && !raw && (body === 'script' || 'script' in properties) ? { 'text/plain': text } : {}),
  }
}

function bodySchema({ request }, field, mapping) {
  if (mapping) return {}
  return withReferences(
    field ? (request.properties?.[field] ?? {}) : { type: 'object', properties: request.properties ?? {} },
  )
}

function commonName(file) {
  return `Common${pascal(file.replace('.json', '').replaceAll('-', '_'))}`
}

/** References to shared shapes become references within the document; keywords of our own are left out. */
function withReferences(value) {
  if (Array.isArray(value)) return value.map(withReferences)
  if (typeof value !== 'object' || value === null) return value
  const file = /^(?:\.\.\/\.\.\/common|\.)\/(.+\.json)(.*)$/.exec(value.$ref ?? '')
  if (file) return { $ref: `#/components/schemas/${commonName(file[1])}${file[2].replace(/^#/, '')}` }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'unit' && key !== 'x_pattern' && key !== '$schema' && key !== '$id')
      .map(([key, item]) => [key, withReferences(item)]),
  )
}

function problemSchema() {
  return {
    type: 'object',
    required: ['type', 'title', 'status', 'code', 'detail', 'error'],
    properties: {
      type: { type: 'string' },
      title: { type: 'string' },
      status: { type: 'integer' },
      code: { type: 'string' },
      detail: { type: 'string' },
      error: { type: 'string' },
    },
  }
}
