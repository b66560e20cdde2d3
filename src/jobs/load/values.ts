/** Reads a field of a CSV as a value of its column. What it cannot read it leaves as text, which the table then judges. */
export type Reader = (text: string) => unknown

const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/

const readNumber: Reader = (text) => (text === '' ? null : NUMBER.test(text) ? Number(text) : text)
const readJson: Reader = (text) => (text === '' ? null : parsed(text))

const READERS: Record<string, Reader> = {
  text: (text) => text,
  blob: (text) => text,
  int: readNumber,
  double: readNumber,
  timestamp: readNumber,
  bool: (text) => (text === '' ? null : text === 'true' ? true : text === 'false' ? false : text),
  json: readJson,
}

export function readerOf(columnType: string | undefined): Reader {
  return READERS[columnType ?? 'any'] ?? readAny
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
