import { packageOnFirstUse } from '../lib/index.js'

/** The client library, loaded when a mesh starts: a node without one starts sooner. */
export const nats = packageOnFirstUse<typeof import('nats')>('nats')
