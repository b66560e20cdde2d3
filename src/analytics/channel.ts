import type { MessagePort, TransferListItem, Worker } from 'node:worker_threads'
import { Problem } from '../lib/index.js'
import { problemOf } from './script-problem.js'

type Handler = (request: never) => unknown

type Message =
  | { readonly call: number; readonly request: unknown }
  | { readonly answer: number; readonly value: unknown }
  | {
      readonly failed: number
      readonly problem?: [code: string, facts: unknown, more: unknown]
      readonly error?: Error
    }

/** An answer of which large arrays go over whole instead of being copied: they are lost here. */
export class Handed {
  readonly value: unknown
  readonly transfer: readonly ArrayBuffer[]

  constructor(value: unknown, transfer: readonly ArrayBuffer[]) {
    this.value = value
    this.transfer = transfer
  }
}

/** Requests and answers over a message port, in both directions. Problems arrive as problems. */
export class Channel {
  readonly #port: Worker | MessagePort
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (reason: unknown) => void }>()
  #calls = 0
  /** Why nobody answers any more. */
  #end: { readonly reason: unknown } | undefined

  constructor(port: Worker | MessagePort, handle: Handler) {
    this.#port = port
    port.on('message', (message: Message) => this.#receive(message, handle))
    // Between two threads: the other one has ended, and what it was asked for may be done or not.
    port.on('close', () =>
      this.fail(new Problem('outcome_unknown', { reason: 'a thread of the event store has ended' })),
    )
  }

  /** Posts a request; what it transfers is lost here. */
  call<T>(request: unknown, transfer: TransferListItem[] = []): Promise<T> {
    if (this.#end) return Promise.reject(this.#end.reason)
    const call = ++this.#calls
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(call, { resolve: resolve as (value: never) => void, reject })
      this.#port.postMessage({ call, request } satisfies Message, transfer)
    })
  }

  /** The other side is gone: nobody waits any longer, nor for what is asked from now on. */
  fail(reason: unknown): void {
    this.#end = { reason }
    for (const { reject } of this.#waiting.values()) reject(reason)
    this.#waiting.clear()
  }

  #receive(message: Message, handle: Handler): void {
    if ('call' in message) {
      void this.#handle(message.call, message.request, handle)
      return
    }
    const id = 'answer' in message ? message.answer : message.failed
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    if ('answer' in message) waiting.resolve(message.value as never)
    else if (message.problem) waiting.reject(new Problem(...(message.problem as ConstructorParameters<typeof Problem>)))
    else waiting.reject(message.error)
  }

  async #handle(call: number, request: unknown, handle: Handler): Promise<void> {
    try {
      const answer = await handle(request as never)
      const { value, transfer } = answer instanceof Handed ? answer : new Handed(answer, [])
      this.#port.postMessage({ answer: call, value } satisfies Message, transfer)
    } catch (cause) {
      const error = problemOf(cause)
      this.#port.postMessage(
        error instanceof Problem
          ? { failed: call, problem: [error.code, error.facts, error.more] }
          : { failed: call, error: error as Error },
      )
    }
  }
}
