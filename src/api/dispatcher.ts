import { createHash } from 'node:crypto'
import type { CompiledContract, Contracts } from '../contracts/index.js'
import { assert, Content, JsonStream, JsonText, Problem } from '../lib/index.js'
import type { Metrics } from '../metrics/index.js'
import type { Idempotency, Replays } from '../storage/index.js'
import type { Call, Caller, Credentials } from './call.js'
import type { Operation } from './operation.js'
import type { Services } from './services.js'

/** Who may do what, as far as the dispatcher must know. */
export interface Gate {
  /** The caller behind the credentials; undefined when there are none; throws when they are wrong. */
  authenticate(credentials: Credentials): Caller | undefined | Promise<Caller | undefined>
  /** Throws when the caller may not run this request. */
  authorize(caller: Caller | undefined, contract: CompiledContract['contract'], request: Record<string, unknown>): void
}

/** First answers of requests that carried an idempotency key. */
export type FirstAnswers = Pick<Replays, 'begin' | 'beginIn' | 'find' | 'keep' | 'receiptOf' | 'store'>

export interface DispatcherOptions {
  contracts: Contracts
  handlers: ReadonlyMap<string, Operation>
  services: Services
  gate: Gate
  metrics: Metrics
  replays?: FirstAnswers
  /** Whether answers are checked against their contract: in tests. */
  checkAnswers: boolean
}

type Body = Record<string, unknown>

/** The straight line that every request takes: who → known operation → check → may they → run → measure. */
export class Dispatcher {
  readonly #options: DispatcherOptions
  /** Requests with an idempotency key that are under way, by their owner and key. */
  readonly #once = new Map<string, Promise<void>>()

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  /** Runs one request. `body` is the parsed body with its operation; the dispatcher may change it in place. */
  async dispatch(body: unknown, call: Call): Promise<unknown> {
    const { contracts, gate, metrics } = this.#options
    const request = requestOf(body)
    const name = request['operation'] as string
    const isPublic = contracts.isPublic(name)
    try {
      const caller = gate.authenticate(call.credentials)
      call.caller = caller instanceof Promise ? await caller : caller
    } catch (error) {
      // A public operation may take other credentials than the gate's, as the one that refreshes tokens does.
      if (!isPublic) throw error
      call.refusal = error
    }
    if (!call.caller && !isPublic) throw new Problem('credentials_missing', {})
    const compiled = contracts.find(name)
    const { contract } = compiled
    call.operation = contract.operation
    const started = performance.now()
    metrics.operationStarted()
    let status = 200
    let isStream = false
    try {
      delete request['operation']
      const answer = await this.#run(compiled, request, call)
      isStream = answer instanceof JsonStream
      return answer instanceof JsonStream ? new JsonStream(untilEnd(answer.chunks, call)) : answer
    } catch (error) {
      status = error instanceof Problem ? error.status : 500
      throw error
    } finally {
      if (!isStream) call.end()
      metrics.operationEnded(contract.operation, status, (performance.now() - started) / 1000)
    }
  }

  #run(compiled: CompiledContract, request: Body, call: Call): unknown {
    const { contract } = compiled
    if (contract.changes && call.idempotencyKey) takeKeyOfHeader(request, call.idempotencyKey)
    compiled.checkRequest(request)
    const key = request['idempotency_key'] as string | undefined
    delete request['idempotency_key']
    const { replays } = this.#options
    return contract.changes && key !== undefined && replays
      ? this.#runOnce(compiled, request, call, key, replays)
      : this.#handle(compiled, request, call)
  }

  #handle(compiled: CompiledContract, request: Body, call: Call): unknown {
    const { gate, handlers, services, checkAnswers } = this.#options
    const { contract } = compiled
    gate.authorize(call.caller, contract, request)
    const answer = handlers.get(contract.operation)!.run(request as never, services, call)
    return checkAnswers ? checked(compiled, answer) : answer
  }

  /**
   * Runs a request that may be repeated, unless it was run before: then its first answer is given. Changes of records and
   * of whatever else is in their environment have the answer stored with them. That of others is stored behind them; they
   * do nothing new when they are done again, and where that would be refused the request is noted before it begins.
   */
  async #runOnce(
    compiled: CompiledContract,
    request: Body,
    call: Call,
    key: string,
    replays: FirstAnswers,
  ): Promise<unknown> {
    const owner = call.caller?.identity ?? ''
    const idempotency: Idempotency = { owner, key, fingerprint: fingerprint(compiled.contract.operation, request) }
    const place = JSON.stringify([owner, key])
    for (let first = this.#once.get(place); first; first = this.#once.get(place)) await first
    const earlier = replays.find(idempotency)
    if (earlier && 'answer' in earlier) return earlier.answer
    call.begun = earlier
    call.idempotency = idempotency
    call.receipt = replays.receiptOf(idempotency)
    call.begin = (answer) => replays.begin(idempotency, answer)
    call.beginIn = (transaction, answer) => replays.beginIn(transaction, idempotency, answer)
    call.keep = (transaction, answer) => replays.keep(transaction, idempotency, answer)
    const handle = async () => {
      const answer = await this.#handle(compiled, request, call)
      const kept = replays.find(idempotency)
      if (!kept || 'begun' in kept) await replays.store(idempotency, answer)
      call.whenKept?.()
      return answer
    }
    const run = handle()
    const over = () => void this.#once.delete(place)
    this.#once.set(place, run.then(over, over))
    return await run
  }
}

/** A stream is given when its last piece is: until then the call's time runs, so that no slow reader holds it for ever. */
async function* untilEnd(chunks: AsyncIterable<string>, call: Call): AsyncGenerator<string> {
  try {
    yield* chunks
  } finally {
    call.end()
  }
}

function requestOf(body: unknown): Body {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || !Object.hasOwn(body, 'operation'))
    throw new Problem('operation_missing', {})
  if (typeof (body as Body)['operation'] !== 'string')
    throw new Problem('invalid_request', { reason: "'operation' must be a string" })
  return body as Body
}

/** The header stands for the field; two different keys are a mistake that nobody can put right by guessing. */
function takeKeyOfHeader(request: Body, key: string): void {
  if (request['idempotency_key'] !== undefined && request['idempotency_key'] !== key) {
    const reason = "the header 'Idempotency-Key' and the field 'idempotency_key' name different keys; send one of them"
    throw new Problem('invalid_request', { reason })
  }
  request['idempotency_key'] = key
}

function fingerprint(operation: string, request: Body): string {
  return createHash('sha256').update(operation).update('\0').update(JSON.stringify(request)).digest('base64url')
}

async function checked(compiled: CompiledContract, given: unknown): Promise<unknown> {
  const answer = await given
  assertAnswer(compiled, answer)
  return answer
}

function assertAnswer(compiled: CompiledContract, answer: unknown): void {
  if (answer instanceof Content || answer instanceof JsonStream) return
  const value: unknown = answer instanceof JsonText ? JSON.parse(answer.text) : JSON.parse(JSON.stringify(answer))
  const fault = compiled.faultOfResponse(value)
  assert(fault === undefined, `the answer of ${compiled.contract.operation} fits its contract: ${fault}`)
}
