import { Problem } from './problem.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

export interface JsonBounds {
  depthMax: number
  keysMax: number
}

/**
 * Throws `body_too_complex` when a JSON text nests deeper or has more object keys than allowed, before the parser
 * builds anything. One pass over the characters; colons outside of strings are keys. Malformed text is the parser's.
 */
export function checkJsonBounds(text: string, { depthMax, keysMax }: JsonBounds): void {
  let depth = 0
  let keys = 0
  const length = text.length
  for (let index = 0; index < length; index++) {
    const character = text.charCodeAt(index)
    if (character === QUOTE) index = endOfString(text, index)
    else if (character === COLON) {
      if (++keys > keysMax)
        throw new Problem('body_too_complex', { limit: keysMax, what: 'keys', setting: 'http.body_keys_max' })
    } else if (character === OPEN_BRACE || character === OPEN_BRACKET) {
      if (++depth > depthMax)
        throw new Problem('body_too_complex', { limit: depthMax, what: 'levels', setting: 'http.body_depth_max' })
    } else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) depth--
  }
}

/** Index of the quote that ends the string which starts at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  let index = start
  for (;;) {
    index = text.indexOf('"', index + 1)
    if (index === -1) return text.length
    let backslashes = 0
    while (text.charCodeAt(index - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return index
  }
}
