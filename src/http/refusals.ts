import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { Problem } from '../lib/index.js'

/** How long a client has to read why its connection is closed, in milliseconds. */
const CLOSING_MS = 1000

/** What a connection is told that node's parser gives up; undefined when nobody is there to be told. */
export function problemOfConnection(
  { code = '', message }: NodeJS.ErrnoException,
  limits: { headers_timeout_ms: number; request_timeout_ms: number },
): Problem | undefined {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Problem('request_too_slow', { headers: limits.headers_timeout_ms, request: limits.request_timeout_ms })
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem('headers_too_large', {})
  return code.startsWith('HPE_') ? new Problem('request_not_http', { reason: message }) : undefined
}

/** Says a problem on a connection that has no request to answer, and closes it. */
export function closeWith(socket: Socket, problem: Problem): void {
  const body = JSON.stringify(problem)
  const retryAfter = problem.more['retry_after_s']
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`)
  setTimeout(() => socket.destroy(), CLOSING_MS).unref()
}
