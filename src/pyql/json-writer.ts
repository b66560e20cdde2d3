import { atOnce, type Steps } from '../lib/index.js'

/** Texts that are laid out without a pause. */
const TEXTS_AT_ONCE = 1_000
/** Whether the lowest byte of a number comes first in memory. */
const LOW_FIRST = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

const COMMA = 44
const DIGITS_MAX = 16

/** Texts of JSON that are written again and again: as words, since four bytes at a time are copied as quickly as one. */
export class JsonTexts {
  /** By text its first word, its bytes, and its characters. */
  readonly starts: Int32Array
  readonly bytes: Int32Array
  readonly characters: Int32Array
  readonly words: Int32Array

  private constructor({ starts, bytes, characters, words }: JsonTexts) {
    this.starts = starts
    this.bytes = bytes
    this.characters = characters
    this.words = words
  }

  static of(texts: readonly string[]): JsonTexts {
    return atOnce(JsonTexts.inSteps(texts.length, (at) => texts[at]!))
  }

  static *inSteps(count: number, text: (at: number) => string): Steps<JsonTexts> {
    const [starts, bytes, characters] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)]
    const texts: string[] = []
    let end = 0
    for (let at = 0; at < count; at++) {
      const one = text(at)
      texts.push(one)
      starts[at] = end
      bytes[at] = Buffer.byteLength(one)
      characters[at] = one.length
      end += (bytes[at]! + 3) >>> 2
      if (at % TEXTS_AT_ONCE === 0) yield
    }
    const words = new Int32Array(end)
    const all = Buffer.from(words.buffer)
    for (let at = 0; at < count; at++) {
      all.write(texts[at]!, starts[at]! * 4)
      if (at % TEXTS_AT_ONCE === 0) yield
    }
    return new JsonTexts({ starts, bytes, characters, words })
  }
}

/** Numbers below this are written as one word: their digits, and a comma behind them. */
const SHORT_END = 1_000
const SHORT = JsonTexts.of(Array.from({ length: SHORT_END }, (_, number) => `${number},`)).words

/** Writes JSON as bytes, so that large answers are neither joined from texts nor encoded. */
export class JsonWriter {
  #bytes: Buffer
  #view: DataView
  #at = 0
  #surplus = 0

  /** `bytes`: about so many will be written. */
  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafe(bytes + (1 << 14))
    this.#view = viewOf(this.#bytes)
  }

  /** Characters written so far: fewer than bytes, where there are others than those of ASCII. */
  get characters(): number {
    return this.#at - this.#surplus
  }

  /** Bytes of JSON text that are written more than once. */
  static encode(text: string): Uint8Array {
    return Buffer.from(text)
  }

  bytes(bytes: Uint8Array, characters = bytes.length): void {
    this.#surplus += bytes.length - characters
    if (this.#at + bytes.length > this.#bytes.length) this.#grow(bytes.length)
    const to = this.#bytes
    let at = this.#at
    for (let from = 0; from < bytes.length; from++) to[at++] = bytes[from]!
    this.#at = at
  }

  /** One of some texts. */
  text(texts: JsonTexts, index: number): void {
    const bytes = texts.bytes[index]!
    const at = this.#at
    // The last word may reach beyond its text, where the next one is written.
    if (at + bytes + 4 > this.#bytes.length) this.#grow(bytes + 4)
    const view = this.#view
    const { words } = texts
    for (let done = 0, word = texts.starts[index]!; done < bytes; done += 4, word++) {
      view.setInt32(at + done, words[word]!, LOW_FIRST)
    }
    this.#at = at + bytes
    this.#surplus += bytes - texts.characters[index]!
  }

  /** Whole numbers from 0 to 2^53 with commas between: those at a place of some arrays. */
  wholes(arrays: readonly Float64Array[], place: number): void {
    const most = arrays.length * (DIGITS_MAX + 1)
    if (this.#at + most > this.#bytes.length) this.#grow(most)
    for (let array = 0; array < arrays.length; array++) {
      const value = arrays[array]![place]!
      if (value < SHORT_END) {
        this.#view.setInt32(this.#at, SHORT[value]!, LOW_FIRST)
        this.#at += value < 10 ? 2 : value < 100 ? 3 : 4
      } else {
        this.whole(value)
        this.#bytes[this.#at++] = COMMA
      }
    }
    if (arrays.length > 0) this.#at--
  }

  /** Takes a comma back that was written last. */
  uncomma(): void {
    if (this.#bytes[this.#at - 1] === COMMA) this.#at--
  }

  /** One character of ASCII. */
  byte(byte: number): void {
    if (this.#at === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#at++] = byte
  }

  value(value: string | number | boolean | null): void {
    if (Number.isSafeInteger(value) && (value as number) >= 0) {
      this.whole(value as number)
      return
    }
    const text = JSON.stringify(value)
    if (typeof value === 'string') this.bytes(JsonWriter.encode(text), text.length)
    else this.#ascii(text)
  }

  #ascii(text: string): void {
    if (this.#at + text.length > this.#bytes.length) this.#grow(text.length)
    for (let at = 0; at < text.length; at++) this.#bytes[this.#at++] = text.charCodeAt(at)
  }

  take(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  /** A whole number from 0 to 2^53. */
  whole(value: number): void {
    if (this.#at + DIGITS_MAX > this.#bytes.length) this.#grow(DIGITS_MAX)
    if (value < 10) {
      this.#bytes[this.#at++] = 48 + value
      return
    }
    let digits = 1
    for (let end = 10; value >= end; end *= 10) digits++
    let rest = value
    for (let at = this.#at + digits - 1; at >= this.#at; at--) {
      const tenth = Math.floor(rest / 10)
      this.#bytes[at] = 48 + rest - tenth * 10
      rest = tenth
    }
    this.#at += digits
  }

  #grow(more: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + more))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
    this.#view = viewOf(larger)
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
