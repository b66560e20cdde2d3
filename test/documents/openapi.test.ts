import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect } from 'chai'
import { readContracts } from '../../src/contracts/index.js'

const document = JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as Record<string, unknown>

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(structuredClone(document))
    expect(valid, String(JSON.stringify(errors)).slice(0, 500)).to.equal(true)
    expect(validator.version).to.equal('3.1')
  })

  it('is checked by a validator that sees faults', async () => {
    const { paths: _, ...broken } = structuredClone(document)
    const { valid } = await new Validator().validate({ ...broken, paths: { 'no-slash': { get: { parameters: 5 } } } })
    expect(valid).to.equal(false)
  })

  it('knows every operation and every route', () => {
    const text = JSON.stringify(document)
    for (const { operation, alias } of readContracts()) {
      expect(text).to.contain(`"operation":{"const":"${operation}"}`)
      for (const { route } of alias) {
        const [method, path] = route.split(' ') as [string, string]
        expect((document['paths'] as Record<string, object>)[path], route).to.have.property(method.toLowerCase())
      }
    }
  })

  it('says what a query string may hold, and which bodies are no JSON', () => {
    interface Route {
      parameters: { name: string; in: string; required?: boolean }[]
      requestBody: { content: object }
      responses: Record<string, { content: object }>
    }
    const paths = document['paths'] as Record<string, Record<string, Route>>
    const subscribe = paths['/v1/revent/{table}/trigger/{trigger}/sub/{subscriber}']!['get']!
    expect(subscribe.parameters.filter((one) => one.in === 'query' && one.required).map(({ name }) => name)).to.eql([
      'host',
    ])
    expect(paths['/metrics']!['get']!.responses['200']!.content).to.have.all.keys('text/plain')
    expect(paths['/v1/query/{table}/event']!['post']!.requestBody.content).to.include.keys('text/plain')
  })

  it('says which operations may be repeated with a key', () => {
    const { schemas } = document['components'] as { schemas: Record<string, { properties?: object }> }
    const paths = document['paths'] as Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>
    const nameOf = (operation: string) =>
      operation.replace(/(^|_)(\w)/g, (_, __, letter: string) => letter.toUpperCase())
    for (const { operation, changes, alias } of readContracts()) {
      const { properties = {} } = schemas[`${nameOf(operation)}Request`]!
      expect('idempotency_key' in properties, operation).to.equal(changes)
      for (const { route } of alias) {
        const [method, path] = route.split(' ') as [string, string]
        const { parameters = [] } = paths[path]![method.toLowerCase()]!
        expect(
          parameters.some((one) => one.in === 'header' && one.name === 'Idempotency-Key'),
          route,
        ).to.equal(changes)
      }
    }
  })

  it('leads every reference somewhere', () => {
    const names = new Set(
      [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)/g)].map(([, name]) => name!),
    )
    const { schemas } = document['components'] as { schemas: Record<string, unknown> }
    for (const name of names) expect(schemas).to.have.property(name)
  })
})
