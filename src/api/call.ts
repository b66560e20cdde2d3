import type { Logger } from 'pino'
import type { SignedIn } from '../access/index.js'
import { Problem, type Rights, type View } from '../lib/index.js'
import type { Idempotency, Receipt, WriteTransaction } from '../storage/index.js'

/** Someone who has signed in. */
export type Caller = SignedIn

/** What a caller showed to be known by: the value of the Authorization header, if any. */
export interface Credentials {
  authorization: string | undefined
  /** Where the caller is, for back-off: an address, or the name of a node. */
  address: string
  /** What it came on: the same again on the same one is known sooner. */
  connection?: object
}

export interface CallOptions {
  id: string
  log: Logger
  credentials: Credentials
  idempotencyKey?: string | undefined
  /** Longest time to run, in milliseconds. */
  timeoutMs: number
  /** Calls back when the caller is gone before the answer. */
  whenLeft?: (callback: () => void) => void
}

/** Who asked, until when, its id and its log. One per request, whoever carried it. */
export class Call implements Receipt {
  readonly id: string
  readonly log: Logger
  readonly credentials: Credentials
  readonly idempotencyKey: string | undefined
  /** When the call must be over: milliseconds of performance.now(). */
  readonly deadline: number
  /** Name of the operation, once it is known. */
  operation: string | undefined
  caller: Caller | undefined
  /** Why the credentials were refused, when a public operation goes on without a caller. */
  refusal: unknown
  idempotency: Idempotency | undefined
  /** Stores the answer for whoever repeats the request; there when it may be repeated. */
  keep: ((transaction: WriteTransaction, answer: unknown) => void) | undefined
  /** Notes that the change begins which is not in the records' environment; there when the request may be repeated. */
  begin: ((answer?: unknown) => Promise<void>) | undefined
  /** The same in a transaction. */
  beginIn: ((transaction: WriteTransaction, answer: unknown) => void) | undefined
  /** There when the same request has begun before and was not answered, with what it was about to answer if that is known. */
  begun: { readonly begun: unknown } | undefined
  /** Names the request where its change is not in the records' environment; there when the request may be repeated. */
  receipt: string | undefined
  /** Told when the answer is stored: what was kept elsewhere to give it again is not needed any more. */
  whenKept: (() => void) | undefined
  #answer: { answer: unknown } | undefined
  readonly #timeoutMs: number
  #whenLeft: CallOptions['whenLeft']
  #controller: AbortController | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: CallOptions) {
    this.id = options.id
    this.log = options.log
    this.credentials = options.credentials
    this.idempotencyKey = options.idempotencyKey
    this.#timeoutMs = options.timeoutMs
    this.#whenLeft = options.whenLeft
    this.deadline = performance.now() + options.timeoutMs
  }

  /** Name of the caller; undefined for a public operation without credentials. */
  get user(): string | undefined {
    return this.caller?.username
  }

  /** The key for programs that the caller has signed in with. */
  get apiKey(): string | undefined {
    return this.caller?.apiKey
  }

  /** What the caller may read. */
  get view(): View {
    return this.caller?.view ?? nothing
  }

  /** What the caller may do, for operations that touch more than their contract's target. */
  get rights(): Rights {
    if (!this.caller) throw new Problem('credentials_missing', {})
    return this.caller.rights
  }

  /** Aborts, with a Problem as its reason, when the time is over or the caller has left. Made when first asked for. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController()
      this.#controller = controller
      this.#timer = setTimeout(
        () => controller.abort(new Problem('statement_timeout', { limit: this.#timeoutMs })),
        Math.max(0, this.deadline - performance.now()),
      )
      this.#timer.unref()
      this.#whenLeft?.(() => controller.abort(new Problem('client_left', {})))
    }
    return this.#controller.signal
  }

  /**
   * Says what the answer will be, before its change is stored, so that both are stored together. For operations whose
   * change is in the records' environment and whose service takes the call as its `Receipt`.
   */
  settle<Answer>(answer: Answer): Answer {
    this.#answer = { answer }
    return answer
  }

  /** The same where the answer is known only in the transaction. */
  settled(answer: unknown): Receipt {
    this.settle(answer)
    return this
  }

  /** Whether some or all of this request may be done: it has begun before and was not answered. */
  get isBegun(): boolean {
    return this.begun !== undefined
  }

  /**
   * Says what the answer will be before a change begins that is not in the records' environment and that may be done
   * again: whoever repeats the request after a crash gets that answer.
   */
  async announce(answer: unknown): Promise<void> {
    if (this.begun?.begun === undefined) await this.begin?.(answer)
  }

  /** The answer: what was announced when the request was begun before, else the one of now. */
  announced<Answer>(answer: Answer): Answer {
    return (this.begun?.begun ?? answer) as Answer
  }

  /** For a change of several parts: what would be answered if it ended behind the first, stored with that. */
  partly(answer: unknown): Receipt {
    return { alongside: (transaction) => this.beginIn?.(transaction, answer) }
  }

  /** Goes into the transaction of the change. */
  alongside(transaction: WriteTransaction): void {
    if (this.#answer) this.keep?.(transaction, this.#answer.answer)
  }

  /**
   * The answer is given: nothing can abort any more. What leads to the connection is let go of: else requests outlive
   * several collections of garbage, each with all that hangs on it.
   */
  end(): void {
    clearTimeout(this.#timer)
    this.#whenLeft = undefined
  }
}

const nothing: View = { seesTable: () => false, seesColumn: () => false }
