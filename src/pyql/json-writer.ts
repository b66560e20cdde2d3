/** Writes JSON as bytes, so that large answers are neither joined from texts nor encoded. */
export class JsonWriter {
  #bytes: Buffer
  #at = 0
  #surplus = 0

  /** `bytes`: about so many will be written. */
  constructor(bytes: number) {
    this.#bytes = Buffer.allocUnsafe(bytes + (1 << 14))
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

  /** One character of ASCII. */
  byte(byte: number): void {
    if (this.#at === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#at++] = byte
  }

  value(value: string | number | boolean | null): void {
    if (Number.isSafeInteger(value) && (value as number) >= 0) this.whole(value as number)
    else this.#text(JSON.stringify(value))
  }

  #text(text: string): void {
    this.bytes(JsonWriter.encode(text), text.length)
  }

  take(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  /** A whole number from 0 to 2^53. */
  whole(value: number): void {
    if (this.#at + 16 > this.#bytes.length) this.#grow(16)
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
  }
}
