import { createRequire } from 'node:module'
import { onFirstUse } from './on-first-use.js'

const require = createRequire(import.meta.url)

/** Regular expressions that take time in proportion to the text; loaded with the first one, for each thread reads it anew. */
export const re2 = onFirstUse(() => (require('re2js') as typeof import('re2js')).RE2JS)
