import { type Logger, symbols } from 'pino'

/** What the log says of a request: no bodies, no secrets. */
export interface RequestLine {
  id: string
  operation: string | undefined
  user: string | undefined
  status: number
  /** Milliseconds from the first byte of the request to its answer. */
  ms: number
}

const METADATA = Symbol.for('pino.metadata')

/** What a logger of pino has behind its symbols. */
interface Inside {
  /** A stream that wants it is told the level of what comes, as pino tells it. */
  [symbols.streamSym]: { write(line: string): void; lastLevel?: number; [METADATA]?: boolean }
  [symbols.chindingsSym]: string
  [symbols.timeSym](): string
}

/**
 * Writes one line for each request to the stream of the logger, in the logger's own format. It prints the few fields by
 * itself and gathers the lines of one turn of the event loop: pino's general way costs 3 µs and its stream another, a tenth of a short request each.
 */
export class RequestLog implements Disposable {
  readonly #log: Logger
  readonly #inside: Inside
  readonly #level: number
  readonly #head: string
  #pending = ''
  #flushing: NodeJS.Immediate | undefined

  constructor(log: Logger) {
    this.#log = log
    this.#inside = log as unknown as Inside
    this.#level = log.levels.values['info']!
    this.#head = `{"level":${this.#level}`
  }

  add({ id, operation, user, status, ms }: RequestLine): void {
    if (!this.#log.isLevelEnabled('info')) return
    const what = operation === undefined ? '' : `,"operation":"${operation}"`
    const who = user === undefined ? '' : `,"user":${JSON.stringify(user)}`
    const begin = `${this.#head}${this.#inside[symbols.timeSym]()}${this.#inside[symbols.chindingsSym]},"id":"${id}"`
    this.#pending += `${begin}${what}${who},"status":${status},"ms":${ms},"msg":"request"}\n`
    this.#flushing ??= setImmediate(() => this.flush())
  }

  flush(): void {
    clearImmediate(this.#flushing)
    this.#flushing = undefined
    if (this.#pending === '') return
    const stream = this.#inside[symbols.streamSym]
    if (stream[METADATA]) stream.lastLevel = this.#level
    stream.write(this.#pending)
    this.#pending = ''
  }

  [Symbol.dispose](): void {
    this.flush()
  }
}
