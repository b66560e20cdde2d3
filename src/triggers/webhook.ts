import { createHmac } from 'node:crypto'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { JoinedSignal, Problem, untilAborted } from '../lib/index.js'
import { type Address, checkedAddress } from './address.js'
import type { WebhooksSettings } from './settings.js'
import type { Subscription } from './trigger.js'

export type Target = Pick<Subscription, 'host' | 'port' | 'path' | 'tls' | 'secret'>

export interface Posting {
  /** The same for every attempt: receivers tell repeats by it. */
  readonly id: string
  readonly query?: Readonly<Record<string, string | number>>
  readonly body: unknown
}

/**
 * Posts JSON to a web-hook; kept when the answer is 2xx. Redirects are failures: they would lead around the check of
 * the address. @throws Problem webhook_forbidden, webhook_failed
 */
export async function post(
  target: Target,
  posting: Posting,
  { allow, timeout_ms }: Pick<WebhooksSettings, 'allow' | 'timeout_ms'>,
  signal?: AbortSignal,
): Promise<void> {
  const late = AbortSignal.timeout(timeout_ms)
  using end = new JoinedSignal(late, ...(signal ? [signal] : []))
  const address = await addressIn(end.signal, target, allow)
  const status = await send(target, posting, address, end.signal).catch(({ code, message }: NodeJS.ErrnoException) => {
    const tooLong = `it did not answer within ${timeout_ms} ms (setting webhooks.timeout_ms)`
    throw new Problem('webhook_failed', { host: target.host, reason: late.aborted ? tooLong : (code ?? message) })
  })
  if (status >= 200 && status < 300) return
  throw new Problem('webhook_failed', { host: target.host, reason: `it answered ${status}; 2xx is expected` })
}

/** The system may look for a name for much longer than a call may take. */
async function addressIn(end: AbortSignal, { host, port }: Target, allow: readonly string[]): Promise<Address> {
  try {
    end.throwIfAborted()
    return await untilAborted(end, checkedAddress(host, port, allow))
  } catch (error) {
    throw error === end.reason ? new Problem('webhook_failed', { host, reason: 'no address in time' }) : error
  }
}

function send(target: Target, { id, query, body }: Posting, to: Address, signal: AbortSignal) {
  const { host, port, path, tls, secret } = target
  const text = JSON.stringify(body)
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'user-agent': 'TrellisDB',
    ...signatureHeaders(id, text, secret),
  }
  return new Promise<number>((resolve, reject) => {
    const request = (tls ? requestHttps : requestHttp)(
      {
        ...{ host, port, headers, method: 'POST', path: pathWith(path, query), agent: false, signal },
        // The address that was checked, whatever the name means by now.
        lookup: (_host, options, done) => (options.all ? done(null, [to]) : done(null, to.address, to.family)),
      },
      (response) => {
        resolve(response.statusCode ?? 0)
        response.destroy()
      },
    )
    request.on('error', reject)
    request.end(text)
  })
}

function pathWith(path: string, query: Posting['query'] = {}): string {
  const added = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString()
  if (added === '') return path
  return `${path}${path.includes('?') ? '&' : '?'}${added}`
}

/** The headers of Standard Webhooks 1.0 (standardwebhooks.com): the signature only where there is a secret. */
function signatureHeaders(id: string, text: string, secret: string | undefined): Record<string, string> {
  const timestamp = Math.floor(Date.now() / 1000)
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp) }
  if (secret === undefined) return headers
  const mac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${text}`).digest('base64')
  return { ...headers, 'webhook-signature': `v1,${mac}` }
}

/** `whsec_` and base64, as the standard has it; any other text is the key itself. */
function keyOf(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret)
}
