/** Order of texts by code point: below 0, 0 or above 0. UTF-16 order differs beyond the basic plane. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return byCodePoint(x) - byCodePoint(y)
  }
  return a.length - b.length
}

/** Surrogates stand for code points above all others. */
function byCodePoint(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

/** The number that a text is, whole and decimal, or NaN. */
export function readNumber(text: string): number {
  return /^\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*$/.test(text) ? Number(text) : Number.NaN
}

/** Shorter parts are copied by V8 itself. */
const PART_SHARED_MIN = 13

/**
 * A part of a text, by itself: V8 keeps the whole text for as long as a part of it is held, and groups, values and
 * lines are held for longer than the person of whom they tell.
 */
export function apart(part: string, whole: string): string {
  return part.length < PART_SHARED_MIN || 2 * part.length > whole.length ? part : ` ${part}`.slice(1)
}

const BEYOND_THE_BASIC_PLANE = /[\ud800-\udbff][\udc00-\udfff]/

/** The code points of a text, or the text itself where each is one unit: half a character is no text that a reply can hold. */
export function charactersOf(text: string): string | readonly string[] {
  return BEYOND_THE_BASIC_PLANE.test(text) ? Array.from(text) : text
}

/** The code points from one place up to another, as of a list. */
export function sliceText(text: string, from: number, to: number | undefined): string {
  const characters = charactersOf(text)
  return typeof characters === 'string' ? characters.slice(from, to) : characters.slice(from, to).join('')
}

/** Where a part is first or last, counted in code points, between two places; -1 where it is not. */
export function findText(text: string, part: string, from: number, to: number, last: boolean): number {
  const searched = to >= text.length ? text : sliceText(text, 0, Math.max(0, to))
  if (last) return place(searched, searched.lastIndexOf(part))
  const start = from > 0 ? sliceText(searched, 0, from).length : 0
  return place(searched, searched.indexOf(part, start))
}

/** How many code points lie before a unit. */
function place(text: string, unit: number): number {
  return unit === -1 ? -1 : charactersOf(text.slice(0, unit)).length
}

/** Scheme and host may be missing; a parameter without a value is True. Every part is percent-decoded but `query`. */
export function splitUrl(url: string): {
  host: string | null
  path: string
  query: string
  params: [string, string | true][]
} {
  const withHost = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url) ?? /^\/\/([^/?#]*)/.exec(url)
  const rest = withHost ? url.slice(withHost[0].length) : url
  const beforeHash = rest.split('#', 1)[0]!
  const mark = beforeHash.indexOf('?')
  const query = mark === -1 ? '' : beforeHash.slice(mark + 1)
  const decode = (part: string) => apart(decoded(part), url)
  const params = query
    .split('&')
    .filter((part) => part !== '')
    .map((part): [string, string | true] => {
      const equals = part.indexOf('=')
      return equals === -1 ? [decode(part), true] : [decode(part.slice(0, equals)), decode(part.slice(equals + 1))]
    })
  return {
    host: withHost ? apart(withHost[1]!, url) : null,
    path: decode(mark === -1 ? beforeHash : beforeHash.slice(0, mark)),
    query: apart(query, url),
    params,
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '))
  } catch {
    return part // not percent-encoded text after all
  }
}
