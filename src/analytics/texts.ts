import type { CommonTexts, Dictionary } from '../pyql/index.js'

/** More texts than this have no common numbers: they would take as much memory again. */
const COMMON_MAX = 1 << 16

/** Texts of a column in one numbering for all partitions of a worker, in the order in which they were first asked for. */
class Numbering {
  readonly #numbers = new Map<string, number>()
  readonly #texts: string[] = ['']

  get size(): number {
    return this.#texts.length - 1
  }

  readonly textOf = (number: number): string => this.#texts[number]!

  numberOf(text: string): number {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = this.#texts.push(text) - 1
    this.#numbers.set(text, number)
    return number
  }
}

/** The numberings of a table's columns. */
export class Numberings {
  readonly #byColumn = new Map<number, Numbering>()

  of(column: number): Numbering {
    let numbering = this.#byColumn.get(column)
    if (!numbering) {
      numbering = new Numbering()
      this.#byColumn.set(column, numbering)
    }
    return numbering
  }
}

/**
 * The texts of a column of one partition, numbered from 1 in the order in which they came. It only grows: blocks,
 * scans and the log may hold codes for as long as they like.
 */
export class Texts implements Dictionary {
  #codes = new Map<string, number>()
  #texts: string[] = ['']
  /** Texts up to this code are durable or on their way. */
  #written = 0
  readonly #numbering: Numbering
  /** By code, the common number; known up to a code. */
  #places = new Int32Array(16)
  #placed = 0

  constructor(numbering: Numbering) {
    this.#numbering = numbering
  }

  get size(): number {
    return this.#texts.length - 1
  }

  codeOf(text: string): number {
    return this.#codes.get(text) ?? -1
  }

  textOf(code: number): string {
    return this.#texts[code]!
  }

  /** The code of a text, a new one when it is new. */
  add(text: string): number {
    const known = this.#codes.get(text)
    if (known !== undefined) return known
    const code = this.#texts.push(text) - 1
    this.#codes.set(text, code)
    return code
  }

  /** Takes texts as they lie in the environment. */
  load(texts: readonly string[]): void {
    for (const text of texts) this.add(text)
    this.#written = this.size
  }

  /** Texts added since the last call, and the code of the first. */
  fresh(): { first: number; texts: string[] } | undefined {
    if (this.#written === this.size) return undefined
    const first = this.#written + 1
    this.#written = this.size
    return { first, texts: this.#texts.slice(first) }
  }

  common(): CommonTexts | undefined {
    const numbering = this.#numbering
    if (this.size > COMMON_MAX || numbering.size > COMMON_MAX) return undefined
    if (this.#places.length <= this.size) {
      const larger = new Int32Array(this.size * 2)
      larger.set(this.#places)
      this.#places = larger
    }
    while (this.#placed < this.size) {
      const code = ++this.#placed
      this.#places[code] = numbering.numberOf(this.#texts[code]!)
    }
    return { size: numbering.size, textOf: numbering.textOf, places: this.#places }
  }

  /** Bytes of a code: fixed for as long as the number of texts stays within it. */
  get width(): 1 | 2 | 4 {
    return this.size < 0x100 ? 1 : this.size < 0x10000 ? 2 : 4
  }
}
