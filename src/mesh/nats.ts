import { createRequire } from 'node:module'
import { onFirstUse } from '../lib/index.js'

const require = createRequire(import.meta.url)

/** The client library, loaded when a mesh starts: a node without one starts sooner. */
export const nats = onFirstUse(() => require('nats') as typeof import('nats'))
