import { Readable } from 'node:stream'
import type { Context } from 'koa'
import type { Call } from '../api/index.js'
import { Content, JsonStream, JsonText, type Problem } from '../lib/index.js'

const JSON_TYPE = 'application/json; charset=utf-8'

/** Writes the answer of an operation. */
export function writeAnswer(context: Context & { call?: Call }, answer: unknown, status: number): void {
  const json = jsonOf(answer)
  if (typeof json === 'string' && Buffer.byteLength(json) === json.length) sendAscii(context, json, status)
  else describe(context, json === undefined ? answer : new JsonText(json), status)
}

/**
 * Node writes text whose characters are known to be bytes in two thirds of the time that UTF-8 takes it, which Koa asks
 * for, and headers that come together in less than those that are set one by one.
 */
function sendAscii(context: Context & { call?: Call }, json: string, status: number): void {
  context.respond = false
  const headers = { 'X-Request-Id': context.call!.id, 'Content-Type': JSON_TYPE, 'Content-Length': json.length }
  context.res.writeHead(status, headers).end(json, 'latin1')
}

/** The text of an answer that is JSON and whole. */
function jsonOf(answer: unknown): string | Buffer | undefined {
  if (answer instanceof JsonText) return answer.body
  return answer instanceof JsonStream || answer instanceof Content ? undefined : JSON.stringify(answer ?? null)
}

/** Gives Koa the answer, which it writes in the end. */
function describe(context: Context, answer: unknown, status: number): void {
  context.status = status
  if (answer instanceof JsonStream) {
    context.type = JSON_TYPE
    context.body = Readable.from(answer.chunks, { objectMode: false })
  } else if (answer instanceof Content) {
    context.type = answer.type
    context.body = isWhole(answer.body) ? answer.body : Readable.from(answer.body, { objectMode: false })
  } else {
    context.set('Content-Type', JSON_TYPE)
    context.body = jsonOf(answer)
  }
}

function isWhole(body: Content['body']): body is string | Buffer {
  return typeof body === 'string' || Buffer.isBuffer(body)
}

/** Writes what HEAD shows of an answer. Pieces are read all the same: what they come from is let go with the last one. */
export async function writeHead(context: Context, answer: unknown, status: number): Promise<void> {
  const pieces = piecesOf(answer)
  if (!pieces) return describe(context, answer, status)
  let bytes = 0
  for await (const piece of pieces) bytes += Buffer.byteLength(piece)
  describe(context, answer instanceof Content ? new Content(answer.type, '') : new JsonText(''), status)
  context.length = bytes
}

function piecesOf(answer: unknown): AsyncIterable<string | Uint8Array> | undefined {
  if (answer instanceof JsonStream) return answer.chunks
  if (!(answer instanceof Content) || typeof answer.body === 'string' || !(Symbol.asyncIterator in answer.body)) return
  return answer.body
}

/** Writes a problem as RFC 9457 problem details. */
export function writeProblem(context: Context, problem: Problem): void {
  context.status = problem.status === 499 ? 408 : problem.status
  context.body = JSON.stringify(problem)
  context.type = 'application/problem+json'
  if (problem.code === 'method_not_allowed') context.set('Allow', String(problem.facts['allowed' as never]))
  if (problem.status === 401) context.set('WWW-Authenticate', 'Basic realm="TrellisDB", Bearer')
  const retryAfter = problem.more['retry_after_s']
  if (typeof retryAfter === 'number') context.set('Retry-After', String(retryAfter))
}
