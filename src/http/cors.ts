import type { Context, Middleware } from 'koa'
import { Problem } from '../lib/index.js'

const METHODS = 'GET, POST, PUT, PATCH, DELETE'
const SENT = 'Authorization, Content-Type, Idempotency-Key'
const SEEN = 'X-Request-Id, Retry-After'
/** How long a browser may remember what it was told, in seconds. */
const REMEMBERED_S = 600

/**
 * Lets pages of the given origins call the node (the Fetch standard's CORS protocol); others are told nothing, and
 * their browsers then refuse. Cookies are never accepted, so an origin gains nothing that a caller's own token is not.
 */
export function cors(origins: readonly string[]): Middleware {
  const allowed = new Set(origins)
  return (context, next) => {
    const origin = context.get('Origin')
    if (allowed.size === 0 || origin === '') return next()
    context.vary('Origin')
    if (!allowed.has(origin) && !allowed.has('*')) return next()
    context.set('Access-Control-Allow-Origin', origin)
    if (context.method !== 'OPTIONS' || context.get('Access-Control-Request-Method') === '') {
      context.set('Access-Control-Expose-Headers', SEEN)
      return next()
    }
    context.set('Access-Control-Allow-Methods', METHODS)
    context.set('Access-Control-Allow-Headers', SENT)
    context.set('Access-Control-Max-Age', String(REMEMBERED_S))
    context.status = 204
    return Promise.resolve()
  }
}

/** Bodies of these types a browser sends for any page without asking first; of others it asks, and CORS answers. */
const UNASKED = /^\s*($|text\/plain|application\/x-www-form-urlencoded|multipart\/form-data)/i

/**
 * Refuses what a browser sends for a page of another origin unasked: it may add the password that its user once typed
 * into its own window, for /metrics for instance, and the page need not read the answer to have done harm. Only origins
 * that are named are let through: `*` is for pages that bring credentials of their own.
 */
export function notFromElsewhere(origins: readonly string[]): Middleware {
  return (context, next) => {
    const origin = context.get('Origin')
    const isUnasked = context.method === 'POST' && origin !== '' && UNASKED.test(context.get('Content-Type'))
    if (isUnasked && !isKnown(context, origin, origins)) throw new Problem('origin_not_allowed', { origin })
    return next()
  }
}

/** What a browser says of where a request comes from when no other site has to do with it; programs say nothing. */
const FROM_HERE = ['', 'none', 'same-origin']

/**
 * Refuses a change by GET, as the seeds have it, where another site made the browser send it: a link or an image is
 * enough for that, and comes without an Origin. HEAD is GET here.
 */
export function refuseChangeFromElsewhere(context: Context, origins: readonly string[]): void {
  const isUnasked = context.method === 'GET' || context.method === 'HEAD'
  const [origin, site] = [context.get('Origin'), context.get('Sec-Fetch-Site')]
  if (isUnasked && !FROM_HERE.includes(site) && !isKnown(context, origin, origins))
    throw new Problem('origin_not_allowed', { origin: origin || 'another site' })
}

function isKnown(context: Context, origin: string, origins: readonly string[]): boolean {
  return origins.includes(origin) || (URL.canParse(origin) && new URL(origin).host === context.host)
}
