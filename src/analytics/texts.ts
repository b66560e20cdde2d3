import type { Dictionary } from '../pyql/index.js'

/**
 * The texts of a column of one partition, numbered from 1 in the order in which they came. It only grows: blocks,
 * scans and the log may hold codes for as long as they like.
 */
export class Texts implements Dictionary {
  #codes = new Map<string, number>()
  #texts: string[] = ['']
  /** Texts up to this code are durable or on their way. */
  #written = 0

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

  /** Bytes of a code: fixed for as long as the number of texts stays within it. */
  get width(): 1 | 2 | 4 {
    return this.size < 0x100 ? 1 : this.size < 0x10000 ? 2 : 4
  }
}
