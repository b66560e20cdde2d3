/** Reads a field of a CSV as a value of its column. What it cannot read it leaves as text, which the table then judges. */
export type Reader = (field: Field) => unknown

/** A field in quotes without anything between them: an empty text, where nothing at all is null. */
export const QUOTED_EMPTY = Symbol('quoted and empty')
export type Field = string | typeof QUOTED_EMPTY

/** What reading needs to know of a column. */
export interface LoadedColumn {
  type: string
  nullable: boolean
}

type TextReader = (text: string) => unknown

const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/

const readNumber: TextReader = (text) => (text === '' ? null : NUMBER.test(text) ? Number(text) : text)
const readJson: TextReader = (text) => (text === '' ? null : parsed(text))

/** As databases write them into their exports: such columns take 0 and 1, too. */
const WORDS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
])

const READERS: Record<string, TextReader> = {
  int: readNumber,
  double: readNumber,
  timestamp: readNumber,
  bool: (text) => (text === '' ? null : (WORDS.get(text) ?? text)),
  json: readJson,
}

export function readerOf(type = 'any', nullable = true): Reader {
  if (type === 'text' || type === 'blob')
    return (field) => (field === QUOTED_EMPTY ? '' : field === '' && nullable ? null : field)
  const read = READERS[type] ?? readAny
  return (field) => read(field === QUOTED_EMPTY ? '' : field)
}

/** A value where any type may be: null for nothing, then what JSON would print just so, then text. 007 stays text. */
function readAny(text: string): unknown {
  if (text === '') return null
  const first = text.charCodeAt(0)
  if (first === 0x2d || (first >= 0x30 && first <= 0x39)) {
    const number = Number(text)
    return String(number) === text ? number : text
  }
  if (text === 'true') return true
  if (text === 'false') return false
  if (text === 'null') return null
  return first === 0x7b || first === 0x5b ? parsed(text) : text
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
