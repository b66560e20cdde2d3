import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Context, Middleware } from 'koa'
import bodyParser from 'koa-bodyparser'
import { checkJsonBounds, type JsonBounds, Problem } from '../lib/index.js'

/** Of co-body, which its types leave out. A decoder would put U+FFFD in the place of what is not UTF-8, untold. */
const UNDECODED = { encoding: '' }

/** Reads request bodies as bytes, whatever their type: JSON is bounded before it is parsed, so parsing comes later. */
export function readBody(bytesMax: number): Middleware {
  const readEncoded = bodyParser({
    enableTypes: ['text'],
    ...UNDECODED,
    extendTypes: { text: ['*/*'] },
    textLimit: String(bytesMax),
    onerror(error) {
      throw bodyProblem(error as BodyError, bytesMax)
    },
  })
  return async (context, next) => {
    const { headers } = context.req
    // Without a type the parser would skip the body.
    headers['content-type'] ??= 'text/plain'
    // Its names are the same in capitals, which the parser does not know.
    const encoding = (headers['content-encoding'] ?? 'identity').toLowerCase()
    if (encoding !== 'identity') {
      headers['content-encoding'] = encoding
      return await readEncoded(context, next)
    }
    ;(context.request as { body?: unknown }).body = await readPlain(context.req, bytesMax)
    await next()
  }
}

/**
 * The bytes of a body that is sent as it is, as nearly all are: the parser's types, codecs and wrappers would take as
 * long as the operation of a short request.
 */
function readPlain(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const tooLarge = () => new Problem('body_too_large', { limit: bytesMax })
    if (Number(request.headers['content-length']) > bytesMax) throw tooLarge()
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bytesMax) chunks.push(chunk)
      else {
        request.removeAllListeners('data')
        request.pause() // who sends without end is not read to the end
        reject(tooLarge())
      }
    })
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    request.on('error', () => reject(new Problem('client_left', {})))
  })
}

interface BodyError extends Error {
  status?: number
  type?: string
  /** Of zlib: Z_… or ERR_… */
  code?: string
}

function bodyProblem(error: BodyError, bytesMax: number): Error {
  if (error.status === 413) return new Problem('body_too_large', { limit: bytesMax })
  if (error.status === 415) return new Problem('media_type_not_supported', { reason: error.message })
  if (error.type === 'request.aborted') return new Problem('client_left', {})
  if (error.code?.startsWith('Z_') || error.code?.startsWith('ERR_'))
    return new Problem('body_not_json', { reason: `The body is not what its Content-Encoding says: ${error.message}.` })
  if (error.status === 400) return new Problem('body_not_json', { reason: error.message })
  return error
}

const BYTE_ORDER_MARK = 0xfeff

/** The text of the body; empty when there is none. @throws Problem body_not_utf8 */
export function textOf(context: Context): string {
  const { body } = context.request as { body?: unknown }
  if (!(body instanceof Buffer)) return ''
  if (!isUtf8(body)) throw new Problem('body_not_utf8', {})
  const text = body.toString()
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text
}

/** The value of a JSON text within bounds; throws a Problem that says where the text breaks. */
export function parseJson(text: string, bounds: JsonBounds): unknown {
  if (text.trim() === '') throw new Problem('body_not_json', { reason: 'Body cannot be empty: send a JSON object.' })
  checkJsonBounds(text, bounds)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Problem('body_not_json', { reason: `The body is not valid JSON: ${(error as Error).message}` })
  }
}
