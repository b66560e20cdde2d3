import type { ProblemCode } from '../generated/problems.js'

/** An answer that is a problem: an expected failure that the server tells of (RFC 9457). */
export class TrellisProblem extends Error {
  override readonly name = 'TrellisProblem'
  /** Which problem: a row of docs/problems.md. */
  readonly code: ProblemCode | (string & {})
  /** Status of the answer: 4xx the caller's mistake, 5xx the server's. */
  readonly status: number
  readonly title: string
  /** Whether sending the same request again may help. */
  readonly retry: boolean
  /** The whole body of the answer, with the facts of the problem. */
  readonly body: Readonly<Record<string, unknown>>
  /** Id of the request in the log of the node. */
  readonly requestId: string | undefined

  constructor(status: number, body: Record<string, unknown>, requestId: string | undefined) {
    super(String(body['detail'] ?? body['error'] ?? `The server answered with status ${status}.`))
    this.status = status
    this.body = body
    this.code = typeof body['code'] === 'string' ? body['code'] : 'internal'
    this.title = String(body['title'] ?? `Status ${status}`)
    this.retry = typeof body['retry'] === 'boolean' ? body['retry'] : status === 503 || status === 429
    this.requestId = requestId
  }
}

/** No answer came: the server is not there, the connection broke, or the time was over. */
export class TrellisUnreachable extends Error {
  override readonly name = 'TrellisUnreachable'
  readonly url: string

  constructor(url: string, reason: string, cause: unknown) {
    super(`No answer from ${url}: ${reason}`, { cause })
    this.url = url
  }
}
