/**
 * Keys are byte strings: JavaScript strings whose characters are bytes (0-255). They compare like the bytes that they
 * stand for, serve as keys of a Map, and reach the disk without a copy. What is built here keeps the order
 *   null < false < true < numbers < text by code point
 * and no encoded value is the beginning of another one, so that several may stand behind each other in a key.
 */
const NULL = '\x10'
const FALSE = '\x20'
const TRUE = '\x21'
const NUMBER = '\x30'
const TEXT = '\x40'
/** Sorts behind every value. */
export const AFTER_VALUES = '\xff'

const NUMBER_TAG = 0x30
const TEXT_TAG = 0x40
const NUMBER_LENGTH = 9

const float = new Float64Array(1)
const bytes = new Uint8Array(float.buffer)

/** A double as eight bytes that sort as the number does: IEEE 754, big endian; negative ones inverted. */
function encodeNumber(value: number): string {
  float[0] = value === 0 ? 0 : value // -0 and 0 are one value
  const [a, b, c, d, e, f, g, h] = bytes as unknown as [number, number, number, number, number, number, number, number]
  return h & 0x80
    ? String.fromCharCode(0x30, ~h & 255, ~g & 255, ~f & 255, ~e & 255, ~d & 255, ~c & 255, ~b & 255, ~a & 255)
    : String.fromCharCode(0x30, h | 0x80, g, f, e, d, c, b, a)
}

function decodeNumber(key: string, at: number): number {
  const positive = key.charCodeAt(at) & 0x80
  for (let i = 0; i < 8; i++) {
    const byte = key.charCodeAt(at + i)
    bytes[7 - i] = positive ? byte : ~byte & 255
  }
  if (positive) bytes[7]! &= 0x7f
  return float[0]!
}

/** Text that needs no escape and whose UTF-8 is itself. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: 0 and 1 are the bytes that must be escaped
const plain = /^[\x02-\x7f]*$/

/** UTF-8 as a byte string; a lone surrogate becomes its three bytes (WTF-8), so that no two texts are the same. */
function utf8(text: string): string {
  if (!/\p{Surrogate}/u.test(text)) return Buffer.from(text, 'utf8').toString('latin1')
  let out = ''
  for (const char of text) {
    const code = char.codePointAt(0)!
    out +=
      code >= 0xd800 && code <= 0xdfff
        ? String.fromCharCode(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
        : Buffer.from(char, 'utf8').toString('latin1')
  }
  return out
}

/** The text as bytes: 0 and 1 are escaped, because 0 ends it. */
function escapeText(text: string): string {
  if (plain.test(text)) return text
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the bytes meant
  return utf8(text).replace(/[\x00\x01]/g, (byte) => (byte === '\x00' ? '\x01\x01' : '\x01\x02'))
}

function unescapeText(text: string): string {
  if (plain.test(text)) return text
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the bytes meant
  const raw = text.replace(/\x01[\x01\x02]/g, (pair) => (pair === '\x01\x01' ? '\x00' : '\x01'))
  return Buffer.from(raw, 'latin1').toString('utf8')
}

/** Whether a value has a place in the order of keys: null, booleans, finite numbers and text. */
export function isKeyValue(value: unknown): value is null | boolean | number | string {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/**
 * A value as part of a key. With `most`, text is cut after that many bytes (and left open, so that all longer texts
 * with this beginning sort together with it).
 */
export function encodeValue(value: null | boolean | number | string, most = Number.POSITIVE_INFINITY): string {
  if (typeof value === 'string') {
    const text = escapeText(value)
    return text.length > most ? `${TEXT}${text.slice(0, most)}\x00` : `${TEXT}${text}\x00`
  }
  if (typeof value === 'number') return encodeNumber(value)
  return value === null ? NULL : value ? TRUE : FALSE
}

/** The key of texts that begin with `prefix`: every encoded text that does begins with it. */
export function encodeTextPrefix(prefix: string, most: number): string {
  return TEXT + escapeText(prefix).slice(0, most)
}

/** Where the encoded value that begins at `at` ends. */
export function endOfValue(key: string, at: number): number {
  const tag = key.charCodeAt(at)
  if (tag === TEXT_TAG) return key.indexOf('\x00', at) + 1
  return tag === NUMBER_TAG ? at + NUMBER_LENGTH : at + 1
}

/** The same among bytes. */
export function endOfValueIn(bytes: Buffer, at: number): number {
  const tag = bytes[at]
  if (tag === TEXT_TAG) return bytes.indexOf(0, at) + 1
  return tag === NUMBER_TAG ? at + NUMBER_LENGTH : at + 1
}

/** The number whose encoding begins at `at`; undefined when another value does. */
export function numberIn(source: Buffer, at: number): number | undefined {
  if (source[at] !== NUMBER_TAG) return undefined
  const flip = source[at + 1]! & 0x80 ? 0 : 255
  for (let i = 0; i < 8; i++) bytes[7 - i] = source[at + 1 + i]! ^ flip
  if (flip === 0) bytes[7]! &= 0x7f
  return float[0]!
}

/** The number or text that is encoded from `at` on: what primary keys are. */
export function decodeValue(key: string, at: number): string | number {
  if (key.charCodeAt(at) === NUMBER_TAG) return decodeNumber(key, at + 1)
  return unescapeText(key.slice(at + 1, key.indexOf('\x00', at)))
}

/** The boolean, number or text that is encoded from `at` on, where the encoding tells it exactly: -0 is 0 there. */
export function exactValue(key: string, at: number): boolean | number | string | undefined {
  const tag = key.charCodeAt(at)
  if (tag === NUMBER_TAG) return decodeNumber(key, at + 1) || undefined
  if (tag !== TEXT_TAG) return key[at] === TRUE
  const text = key.slice(at + 1, key.indexOf('\x00', at))
  return plain.test(text) ? text : undefined
}

/** An unsigned integer below 2^32 as four bytes. */
export function encodeId(id: number): string {
  return String.fromCharCode(id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255)
}

/** The integer of `encodeId` that stands from `at` on. */
export function decodeId(key: string, at = 0): number {
  return (
    ((key.charCodeAt(at) << 24) |
      (key.charCodeAt(at + 1) << 16) |
      (key.charCodeAt(at + 2) << 8) |
      key.charCodeAt(at + 3)) >>>
    0
  )
}

/** The least byte string that is greater than every one that begins with `prefix`. */
export function afterPrefix(prefix: string): string {
  let end = prefix.length
  while (end > 0 && prefix.charCodeAt(end - 1) === 255) end--
  return prefix.slice(0, end - 1) + String.fromCharCode(prefix.charCodeAt(end - 1) + 1)
}

/** Tags of the encoded values, for ranges over one kind of value. */
export const tags = { NULL, FALSE, TRUE, NUMBER, TEXT } as const
