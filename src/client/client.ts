import { type Methods, methods } from '../generated/client.js'
import { TrellisProblem, TrellisUnreachable } from './errors.js'
import { type Retries, retryPause, sleep, untilAborted } from './retries.js'

export interface ConnectOptions extends Partial<Retries> {
  /** Where a node listens: http://127.0.0.1:9925 */
  url: string
  username?: string
  password?: string
  /** An operation token or an API key, instead of username and password; a function is asked for each request. */
  token?: string | (() => string | Promise<string>)
  /** Longest time for one attempt, in milliseconds. Default 30,000. */
  timeoutMs?: number
  /** Another fetch, for proxies and tests. */
  fetch?: typeof fetch
}

export interface CallOptions {
  /** Ends the call early. */
  signal?: AbortSignal
  /** Longest time for one attempt, in milliseconds; 0: none. */
  timeoutMs?: number
  /** Attempts after the first. */
  retries?: number
  /** Of your own making, to repeat the call after a restart of your program; without it each call has its own. */
  idempotencyKey?: string
}

/** A job as get_job describes it, as far as waiting needs it. */
export type Job = Readonly<Record<string, unknown>> & { id: string; status: string; message?: string }

export interface Connection {
  /** Runs an operation by its name on the wire, for programs that learn the name at run time. */
  call(operation: string, request?: object, options?: CallOptions): Promise<unknown>
  /** Runs an operation and answers the response unread, for answers that are streams. */
  open(operation: string, request?: object, options?: CallOptions): Promise<Response>
  /** Waits until a job has ended; throws TrellisProblem when it failed or was cancelled. */
  waitForJob(
    id: string,
    options?: { signal?: AbortSignal; pollMs?: number; onProgress?: (job: Job) => void },
  ): Promise<Job>
}

/** One method for each operation, and the three of a connection. */
export type Client = Methods<CallOptions> & Connection

const TIMEOUT_MS = 30_000
/** What a timer takes: a longer time would be over at once. */
const TIMER_MS_MAX = 2 ** 31 - 1
const POLL_MS = 250
const changing = new Set<string>(
  Object.values(methods)
    .filter(({ changes }) => changes)
    .map(({ operation }) => operation),
)

/** A client of one node. It holds no connection and needs no closing. */
export function connect(options: ConnectOptions): Client {
  const connection = new HttpConnection(options)
  const client: Record<string, unknown> = {
    call: connection.call.bind(connection),
    open: connection.open.bind(connection),
    waitForJob: connection.waitForJob.bind(connection),
  }
  for (const [name, { operation }] of Object.entries(methods))
    client[name] = (request?: object, callOptions?: CallOptions) => connection.call(operation, request, callOptions)
  return client as unknown as Client
}

class HttpConnection implements Connection {
  readonly #options: ConnectOptions
  readonly #url: string
  readonly #fetch: typeof fetch
  readonly #retries: Retries

  constructor(options: ConnectOptions) {
    this.#options = options
    this.#url = addressOf(options.url)
    this.#fetch = options.fetch ?? ((...request) => fetch(...request))
    this.#retries = {
      retries: options.retries ?? 3,
      pauseMs: options.pauseMs ?? 100,
      pauseMsMax: options.pauseMsMax ?? 5000,
    }
  }

  call(operation: string, request: object = {}, options: CallOptions = {}): Promise<unknown> {
    return this.#attempt(operation, request, options, (response) => readAnswer(response, operation))
  }

  open(operation: string, request: object = {}, options: CallOptions = {}): Promise<Response> {
    return this.#attempt(operation, request, options, async (response) => {
      if (!response.ok) await readAnswer(response, operation)
      return response
    })
  }

  async waitForJob(
    id: string,
    {
      signal,
      pollMs = POLL_MS,
      onProgress,
    }: { signal?: AbortSignal; pollMs?: number; onProgress?: (job: Job) => void } = {},
  ): Promise<Job> {
    for (let pause = 10; ; pause = Math.min(pause * 2, pollMs)) {
      const [job] = (await this.call('get_job', { id }, signal ? { signal } : {})) as [Job]
      onProgress?.(job)
      if (job.status === 'COMPLETE') return job
      if (job.status === 'ERROR' || job.status === 'CANCELLED')
        throw new TrellisProblem(
          400,
          {
            code: 'job_failed',
            title: 'The job did not complete',
            detail: job.message ?? `The job ${id} ended as ${job.status}.`,
            retry: false,
            job,
          },
          undefined,
        )
      await sleep(pause, signal)
    }
  }

  async #attempt<Answer>(
    operation: string,
    request: object,
    options: CallOptions,
    read: (response: Response) => Promise<Answer>,
  ): Promise<Answer> {
    const key = options.idempotencyKey ?? (changing.has(operation) ? newKey() : undefined)
    const body = JSON.stringify({ ...request, operation })
    const retries = options.retries ?? this.#retries.retries
    for (let attempt = 0; ; attempt++)
      try {
        return await this.#once(body, key, options, read)
      } catch (error) {
        options.signal?.throwIfAborted()
        const pause = attempt < retries ? retryPause(error, attempt, this.#retries) : undefined
        if (pause === undefined) throw error
        await sleep(pause, options.signal)
      }
  }

  /** The time runs until the answer is read; of a stream, until it begins. */
  async #once<Answer>(
    body: string,
    key: string | undefined,
    { signal, timeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS }: CallOptions,
    read: (response: Response) => Promise<Answer>,
  ): Promise<Answer> {
    const timeout = new AbortController()
    const timer = timeoutMs > 0 && timeoutMs <= TIMER_MS_MAX ? setTimeout(() => timeout.abort(), timeoutMs) : undefined
    const ended = signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal
    const unreachable = (error: unknown) => {
      const reason = timeout.signal.aborted ? `nothing came within ${timeoutMs} ms` : reasonOf(error)
      return new TrellisUnreachable(this.#url, reason, error)
    }
    try {
      const credentials = await untilAborted(this.#credentials(), ended).catch((error: unknown) => {
        throw timeout.signal.aborted ? unreachable(error) : error
      })
      const repeatable: Record<string, string> = key === undefined ? {} : { 'Idempotency-Key': key }
      const headers = { 'Content-Type': 'application/json', ...credentials, ...repeatable }
      return await this.#fetch(this.#url, { method: 'POST', headers, body, signal: ended })
        .then(read)
        .catch((error: unknown) => {
          throw error instanceof TrellisProblem || error instanceof BytesAnswered ? error : unreachable(error)
        })
    } finally {
      clearTimeout(timer)
    }
  }

  async #credentials(): Promise<Record<string, string>> {
    const { token, username, password } = this.#options
    if (token !== undefined) return { Authorization: `Bearer ${typeof token === 'function' ? await token() : token}` }
    if (username === undefined) return {}
    return { Authorization: `Basic ${base64(`${username}:${password ?? ''}`)}` }
  }
}

/** An answer that is no text: read as one, it would be another. */
class BytesAnswered extends Error {
  constructor(operation: string) {
    super(`The answer of ${operation} is bytes: read them from the Response of open('${operation}').`)
  }
}

/** The value of an answer: JSON, or text of another type. @throws TrellisProblem, BytesAnswered */
async function readAnswer(response: Response, operation: string): Promise<unknown> {
  const type = response.headers.get('content-type') ?? ''
  const isBytes = response.ok && /^application\/(octet-stream|x-tar)\b/.test(type)
  if (isBytes) {
    await response.body?.cancel()
    throw new BytesAnswered(operation)
  }
  const value: unknown = /[/+]json\b/.test(type) ? await response.json() : await response.text()
  if (response.ok) return value
  const body = typeof value === 'object' && value !== null ? value : value === '' ? {} : { detail: value }
  const after = response.headers.get('retry-after')
  throw new TrellisProblem(
    response.status,
    after === null ? { ...body } : { retry_after_s: secondsUntil(after), ...body },
    response.headers.get('x-request-id') ?? undefined,
  )
}

/** Of a header Retry-After: seconds, or a date as proxies give it. */
function secondsUntil(after: string): number {
  const seconds = Number(after)
  return Number.isNaN(seconds) ? Math.max(0, Math.ceil((Date.parse(after) - Date.now()) / 1000)) : seconds
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause as { code?: string; message?: string } | undefined) : undefined
  return cause?.code ?? cause?.message ?? (error as Error).message
}

/** Where requests go: behind a proxy that may be a path. No fetch takes an address with a password, nor should a log. */
function addressOf(text: string): string {
  const url = new URL(text)
  if (!/^https?:$/.test(url.protocol))
    throw new TypeError(`The url must begin with http: or https:, not ${url.protocol}`)
  if (url.username !== '' || url.password !== '')
    throw new TypeError("The url must not hold a name or a password: give 'username' and 'password', or 'token'.")
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  url.search = url.hash = ''
  return url.href
}

/** Base64 of the UTF-8 bytes of a text. */
function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}

/** A key that nobody else has. Not randomUUID, which browsers give to secure pages only. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
