import { packageOnFirstUse } from './on-first-use.js'

const library = packageOnFirstUse<typeof import('re2js')>('re2js')

/** Regular expressions that take time in proportion to the text; loaded with the first one, for each thread reads it anew. */
export const re2 = () => library().RE2JS
