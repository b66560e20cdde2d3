import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import Koa, { type Context } from 'koa'
import type { Logger } from 'pino'
import { Call, type Dispatcher } from '../api/index.js'
import type { Contracts, Match } from '../contracts/index.js'
import { Problem } from '../lib/index.js'
import type { Metrics } from '../metrics/index.js'
import { problemOfAlias, replyOfAlias, requestOfAlias } from './aliases/index.js'
import { writeAnswer, writeHead, writeProblem } from './answer.js'
import { parseJson, readBody, textOf } from './body.js'
import { cors, notFromElsewhere, refuseChangeFromElsewhere } from './cors.js'
import { closeWith, problemOfConnection } from './refusals.js'
import { RequestLog } from './request-log.js'

/** The settings of the door: the group http of schemas/config.json. */
export interface HttpSettings {
  host: string
  port: number
  body_bytes_max: number
  body_depth_max: number
  body_keys_max: number
  headers_timeout_ms: number
  request_timeout_ms: number
  statement_timeout_ms: number
  sockets_max: number
  cors_origins: string[]
  stop_timeout_ms: number
  tls: { certificate: string; key: string }
}

export interface HttpOptions {
  settings: HttpSettings
  dispatcher: Pick<Dispatcher, 'dispatch'>
  contracts: Contracts
  metrics: Metrics
  log: Logger
}

/** How often sockets are looked over for clients that are too slow, in milliseconds. */
const SLOW_CLIENT_CHECK_MS = 1000

/** The HTTP server of a node. */
export class HttpServer {
  readonly #options: HttpOptions
  readonly #server: Server
  readonly #log: RequestLog
  readonly #sockets = new Set<Socket>()
  /** Those that are closed when what they wait for is answered. */
  readonly #givenUp = new WeakSet<Socket>()
  readonly #running = new Set<Promise<void>>()
  readonly #idPrefix = Math.random().toString(36).slice(2, 8)
  #requests = 0
  #stopping = false

  constructor(options: HttpOptions) {
    this.#options = options
    const { settings } = options
    this.#log = new RequestLog(options.log)
    const app = new Koa()
    app.silent = true
    app.use((context, next) => this.#serve(context, next))
    app.use(cors(settings.cors_origins))
    app.use(notFromElsewhere(settings.cors_origins))
    app.use(readBody(settings.body_bytes_max))
    app.use((context) => this.#answer(context))
    const serve = app.callback()
    this.#server = listener(settings, serve)
    this.#server.on('checkExpectation', serve) // An expectation that nobody knows is no reason to do nothing.
    this.#server.headersTimeout = settings.headers_timeout_ms
    this.#server.requestTimeout = settings.request_timeout_ms
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#giveUp(error, socket))
    this.#server.on(settings.tls.certificate === '' ? 'connection' : 'secureConnection', (socket: Socket) =>
      this.#accept(socket),
    )
  }

  /** Starts to listen; answers the address, with the port that was really taken. */
  async listen(): Promise<{ host: string; port: number; url: string }> {
    const { host, port, tls } = this.#options.settings
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', ({ message }) => reject(new Error(`${message} (settings http.host and http.port).`)))
      this.#server.listen({ host, port, backlog: 1024 }, () => {
        this.#server.removeAllListeners('error')
        resolve()
      })
    })
    const address = this.#server.address() as AddressInfo
    const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address
    return {
      host: address.address,
      port: address.port,
      url: `${tls.certificate === '' ? 'http' : 'https'}://${shown}:${address.port}`,
    }
  }

  /** Takes no more requests, lets the running ones finish for http.stop_timeout_ms, then closes every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, this.#options.settings.stop_timeout_ms).unref())
    await Promise.race([this.#finish(), timeout])
    this.#server.closeIdleConnections()
    await Promise.race([closed, new Promise<void>((resolve) => setTimeout(resolve, 200).unref())])
    for (const socket of this.#sockets) socket.destroy()
    await closed
    this.#log[Symbol.dispose]()
  }

  /** Waits for what runs, and for answers that are still being written: long ones are when their operation is over. */
  async #finish(): Promise<void> {
    await Promise.allSettled([...this.#running])
    const answers = [...this.#sockets].flatMap((socket) => answerOn(socket) ?? [])
    await Promise.allSettled(answers.map((answer) => once(answer, 'close')))
  }

  #accept(socket: Socket): void {
    const { settings, metrics } = this.#options
    if (this.#sockets.size >= settings.sockets_max) {
      metrics.socketRefused()
      socket.on('error', () => {})
      closeWith(socket, new Problem('connections_too_many', { limit: settings.sockets_max }, { retry_after_s: 1 }))
      return
    }
    this.#sockets.add(socket)
    metrics.socketsOpen(this.#sockets.size)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      metrics.socketsOpen(this.#sockets.size)
    })
  }

  /** Of a connection that sends what is no request, or sends it too slowly. What it asked before is answered first. */
  #giveUp(error: NodeJS.ErrnoException, socket: Socket): void {
    if (this.#givenUp.has(socket)) return
    const answer = answerOn(socket)
    if (answer?.req.complete) {
      this.#givenUp.add(socket)
      answer.once('finish', () => {
        this.#givenUp.delete(socket)
        this.#giveUp(error, socket)
      })
      return
    }
    const problem = problemOfConnection(error, this.#options.settings)
    // In the middle of an answer there is no place for another one.
    if (problem && socket.writable && !answer?.headersSent) closeWith(socket, problem)
    else socket.destroy(error)
  }

  /** Around every request: its id, its problem if it has one, its line in the log. */
  async #serve(context: Context, next: () => Promise<void>): Promise<void> {
    const started = performance.now()
    const id = `${this.#idPrefix}-${(++this.#requests).toString(36)}`
    const call = this.#call(context, id)
    ;(context as Context & { call: Call }).call = call
    const run = (this.#refuse(context) ?? next()).catch((error: unknown) =>
      writeProblem(context, this.#problem(error, id)),
    )
    this.#running.add(run)
    await run
    if (!context.headerSent) context.set('X-Request-Id', id)
    this.#running.delete(run)
    const ms = Math.round((performance.now() - started) * 1000) / 1000
    this.#log.add({ id, operation: call.operation, user: call.user, status: context.status, ms })
  }

  /** What began before the stop is finished; what comes later is sent elsewhere. HTTP/1.1 wants a host (RFC 9112). */
  #refuse(context: Context): Promise<never> | undefined {
    const { headers, httpVersion } = context.req
    const isHostless = headers.host === undefined && httpVersion === '1.1'
    if (!this.#stopping && !isHostless) return undefined
    context.set('Connection', 'close')
    const reason = 'it has no header Host'
    return Promise.reject(isHostless ? new Problem('request_not_http', { reason }) : new Problem('stopping', {}))
  }

  #call(context: Context, id: string): Call {
    const { settings, log } = this.#options
    const { headers } = context.req
    return new Call({
      id,
      log,
      credentials: {
        authorization: credentialsIn(headers),
        address: context.req.socket.remoteAddress ?? '',
        connection: context.req.socket,
      },
      idempotencyKey: headers['idempotency-key'] as string | undefined,
      timeoutMs: settings.statement_timeout_ms,
      whenLeft: (callback) => {
        context.res.once('close', () => {
          if (!context.res.writableFinished) callback()
        })
      },
    })
  }

  async #answer(context: Context & { call?: Call }): Promise<void> {
    const { contracts, dispatcher, settings } = this.#options
    const { method, path } = context
    const call = context.call!
    if (path === '/' && method === 'POST')
      return writeAnswer(context, await dispatcher.dispatch(this.#parse(textOf(context)), call), 200)
    if (path === '/') throw new Problem('method_not_allowed', { method, path, allowed: 'POST' })
    const match = contracts.routes.match(method, path)
    if (!match) throw new Problem('path_unknown', { method, path })
    if (match.compiled.contract.changes) refuseChangeFromElsewhere(context, settings.cors_origins)
    const request = requestOfAlias(match, new URLSearchParams(context.querystring), this.#bodyOf(context, match))
    if (match.alias.raw && isLines(context)) request['lines'] = true
    const answer = await dispatcher.dispatch({ ...request }, call).catch((error: unknown) => {
      throw problemOfAlias(error, request)
    })
    const write = method === 'HEAD' ? writeHead : writeAnswer
    return write(context, replyOfAlias(match, answer, request), match.alias.status ?? 200)
  }

  /** JSON is parsed; other text becomes the field that the alias puts bodies into, or `script`. */
  #bodyOf(context: Context, { alias }: Match): unknown {
    const text = textOf(context)
    if (text === '') return undefined
    if (alias.raw) return text
    const type = context.get('content-type')
    const isJson = /^\s*[[{]/.test(text)
    // Nobody sends a form here, but curl says so of every body whose type it is not told.
    const plain = /^text\/plain|ndjson|jsonl/i.test(type) || (!isJson && /^application\/x-www-form/i.test(type))
    if (plain && alias.body !== undefined) return text
    if (plain && !isJson) return { script: text }
    return this.#parse(text)
  }

  #parse(text: string): unknown {
    const { body_depth_max: depthMax, body_keys_max: keysMax } = this.#options.settings
    return parseJson(text, { depthMax, keysMax })
  }

  #problem(error: unknown, id: string): Problem {
    if (error instanceof Problem) return error
    this.#options.log.error(
      { id, error: error instanceof Error ? { message: error.message, stack: error.stack } : error },
      'internal error',
    )
    return new Problem('internal', { id })
  }
}

/** The answer that a connection is waiting for, or that is being written to it; a part of Node that its types leave out. */
function answerOn(socket: Socket): ServerResponse | undefined {
  return (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined
}

/** Whether the body is newline-delimited JSON. */
function isLines(context: Context): boolean {
  return /ndjson|jsonl/i.test(context.get('content-type'))
}

/** HarperDB reads Authorization, pyql-cluster Authentication (with the scheme Token); an empty header counts as none. */
function credentialsIn(headers: IncomingMessage['headers']): string | undefined {
  const value = headers.authorization || (headers['authentication'] as string | undefined)
  return value === undefined || value.trim() === '' ? undefined : value
}

function listener(settings: HttpSettings, serve: Parameters<typeof createServer>[1]): Server {
  // Without a host there is a request to answer: Node.js would say nothing but 400.
  const options = {
    connectionsCheckingInterval: SLOW_CLIENT_CHECK_MS,
    maxHeaderSize: 16_384,
    requireHostHeader: false,
  }
  if (settings.tls.certificate === '') return createServer(options, serve)
  const server = createSecureServer(
    {
      ...options,
      ...keysOf(settings.tls),
      minVersion: 'TLSv1.2',
      handshakeTimeout: settings.headers_timeout_ms,
    },
    serve,
  )
  // Who has not shaken hands yet is not counted among the sockets. The setting may change while the node runs.
  return Object.defineProperty(server, 'maxConnections', { get: () => 2 * settings.sockets_max })
}

/** @throws Error one that names the files, which those of OpenSSL do not. */
function keysOf({ certificate, key }: HttpSettings['tls']): { cert: Buffer; key: Buffer } {
  try {
    const keys = { cert: readFileSync(certificate), key: readFileSync(key) }
    createSecureContext(keys)
    // OpenSSL compares keys of one kind only: with an RSA key for an EC certificate nobody could shake hands.
    if (!new X509Certificate(keys.cert).checkPrivateKey(createPrivateKey(keys.key)))
      throw new Error('the key is not that of the certificate')
    return keys
  } catch (error) {
    const reason = (error as Error).message
    throw new Error(`http.tls.certificate (${certificate}) and http.tls.key (${key}) cannot be used: ${reason}.`)
  }
}
