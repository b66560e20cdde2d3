import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import { assert, nearest, Problem } from '../lib/index.js'
import type { Contract, Schema } from './contract.js'
import { explain } from './explain.js'
import { readCommonSchemas, readContracts } from './read.js'
import { Routes } from './routes.js'

type Body = Record<string, unknown>

/** A contract with its compiled checks. */
export class CompiledContract {
  readonly contract: Contract
  readonly #compile: (schema: Schema) => ValidateFunction
  #request: ValidateFunction | undefined
  #response: ValidateFunction | undefined
  readonly #otherNames: readonly (readonly [string, string])[]

  /** Its schemas are compiled when they are first used: all at once would be a third of the time to start a node. */
  constructor(contract: Contract, compile: (schema: Schema) => ValidateFunction) {
    this.contract = contract
    this.#compile = compile
    this.#otherNames = Object.entries(contract.also_named)
  }

  /** Checks a request in place (other names resolved, defaults filled) or throws `invalid_request`. */
  checkRequest(body: Body): void {
    const used = this.#resolveNames(body)
    const validate = (this.#request ??= this.#compile(this.contract.request))
    if (validate(body)) return
    const reason = explain(validate.errors![0]!, this.contract, (field) => used?.get(field) ?? field)
    throw new Problem('invalid_request', { reason })
  }

  /** What is wrong with an answer of ours, or undefined; only tests ask. */
  faultOfResponse(response: unknown): string | undefined {
    const validate = (this.#response ??= this.#compile(this.contract.response))
    if (validate(response)) return undefined
    const error = validate.errors![0]!
    return `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`
  }

  /** Moves values from other names to the names of the contract; answers which other names were used. */
  #resolveNames(body: Body): Map<string, string> | undefined {
    let used: Map<string, string> | undefined
    for (const [other, name] of this.#otherNames) {
      if (!Object.hasOwn(body, other)) continue
      if (Object.hasOwn(body, name) && JSON.stringify(body[name]) !== JSON.stringify(body[other]))
        throw new Problem('invalid_request', {
          reason: `'${other}' and '${name}' are two names of one field but have different values`,
        })
      body[name] = body[other]
      delete body[other]
      used ??= new Map()
      used.set(name, other)
    }
    return used
  }
}

/** All contracts: found by operation name (any of its names) or by route. */
export class Contracts {
  readonly all: readonly CompiledContract[]
  readonly routes: Routes
  readonly #byName = new Map<string, CompiledContract>()
  static #read: Contracts | undefined

  /** They never change while a process runs: its nodes share them. */
  static read(): Contracts {
    return (Contracts.#read ??= new Contracts())
  }

  private constructor() {
    const ajv = new Ajv2020({
      useDefaults: true,
      allowUnionTypes: true,
      strict: true,
      strictRequired: false,
      verbose: true,
      validateSchema: false, // a test does, once
    })
    ajvFormats.default(ajv)
    ajv.addKeyword('unit')
    ajv.addKeyword('x_pattern')
    for (const [reference, schema] of readCommonSchemas()) ajv.addSchema(schema, reference)
    this.all = readContracts().map((contract) => new CompiledContract(contract, (schema) => ajv.compile(schema)))
    for (const compiled of this.all)
      for (const name of [compiled.contract.operation, ...compiled.contract.also_called]) {
        assert(!this.#byName.has(name), `operation name ${name} stands for one operation`)
        this.#byName.set(name, compiled)
      }
    this.routes = new Routes(this.all)
  }

  /** Whether an operation of that name is there for everybody. */
  isPublic(operation: string): boolean {
    return this.#byName.get(operation)?.contract.access[0] === 'public'
  }

  /** The contract of an operation by any of its names; throws `operation_unknown`. */
  find(operation: string): CompiledContract {
    const found = this.#byName.get(operation)
    if (found) return found
    throw new Problem('operation_unknown', { operation, suggestion: nearest(operation, this.#byName.keys()) })
  }
}
