import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'chai'
import { readCommonSchemas, readContracts, type Schema } from '../../src/contracts/index.js'

const contracts = readContracts()
const problems = JSON.parse(readFileSync('schemas/problems.json', 'utf8')) as Record<string, unknown>

describe('the contracts', () => {
  it('look as schemas/contract.json says', () => {
    const validate = new Ajv2020({ strict: false }).compile(JSON.parse(readFileSync('schemas/contract.json', 'utf8')))
    for (const { operation, group } of contracts) {
      const written: unknown = JSON.parse(readFileSync(`schemas/operations/${group}/${operation}.json`, 'utf8'))
      expect(validate(written), `${operation}: ${JSON.stringify(validate.errors?.[0])}`).to.equal(true)
    }
  })

  it('are JSON Schemas, as the configuration is one: a node that starts takes that for granted', () => {
    const ajv = new Ajv2020({ strict: false })
    const isSchema = (schema: object, name: string) =>
      expect(ajv.validateSchema(schema), `${name}: ${JSON.stringify(ajv.errors?.[0])}`).to.equal(true)
    isSchema(JSON.parse(readFileSync('schemas/config.json', 'utf8')) as object, 'config')
    for (const [name, schema] of readCommonSchemas()) isSchema(schema, name)
    for (const { operation, request, response } of contracts) {
      isSchema(request, `${operation}: request`)
      isSchema(response, `${operation}: response`)
    }
  })

  it('are closed: a request has no fields that are not described', () => {
    for (const { operation, request } of contracts)
      expect(request.additionalProperties ?? request['unevaluatedProperties'], operation).to.equal(false)
  })

  it('describe every field', () => {
    for (const { operation, request, response } of contracts) {
      for (const path of undescribed(request, ''))
        expect.fail(`${operation}: the request field ${path} has no description`)
      for (const path of undescribed(response, ''))
        expect.fail(`${operation}: the answer field ${path} has no description`)
    }
  })

  it('say of every pattern what it wants: its signs tell callers nothing', () => {
    const patterns = (schema: unknown): Schema[] => {
      if (typeof schema !== 'object' || schema === null) return []
      const own = typeof (schema as Schema)['pattern'] === 'string' ? [schema as Schema] : []
      return [...own, ...Object.values(schema).flatMap(patterns)]
    }
    for (const { operation, request } of contracts)
      for (const schema of patterns(request.properties))
        expect(schema, operation).to.have.property('x_pattern').that.is.a('string')
  })

  it('declare only problems that exist, each shown by an example', () => {
    for (const contract of contracts)
      for (const code of contract.problems) {
        expect(problems, contract.operation).to.have.property(code)
        expect(
          contract.examples.some(({ problem }) => problem === code),
          `${contract.operation} shows ${code} in an example`,
        ).to.equal(true)
      }
  })

  it('name in target and also_named only fields of the request', () => {
    for (const { operation, target, also_named, request } of contracts)
      for (const field of [...Object.values(target), ...Object.values(also_named)])
        expect(request.properties, operation).to.have.property(field)
  })
})

function* undescribed(schema: Schema, path: string): Generator<string> {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const here = path === '' ? name : `${path}.${name}`
    if (property.$ref === undefined && property.description === undefined) yield here
    yield* undescribed(property, here)
  }
  if (schema.items) yield* undescribed(schema.items, `${path}[]`)
}
