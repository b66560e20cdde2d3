const bits = new Float64Array(1)
const words = new Uint32Array(bits.buffer)

/** Small integers by double: open addressing in typed arrays, several times faster than a Map for many lookups. */
export class NumberMap {
  readonly #missing: number
  #keys = new Float64Array(1024)
  #values: Int32Array
  #size = 0

  /** `missing` is what `get` answers for a key that is not there; it is no value. */
  constructor(missing: number) {
    this.#missing = missing
    this.#values = new Int32Array(1024).fill(missing)
  }

  get(key: number): number {
    const mask = this.#keys.length - 1
    for (let at = hashOf(key) & mask; ; at = (at + 1) & mask) {
      const value = this.#values[at]!
      if (value === this.#missing || this.#keys[at] === key) return value
    }
  }

  /** Adds a key that is not there. */
  set(key: number, value: number): void {
    if (++this.#size * 2 > this.#keys.length) this.#grow()
    this.#enter(key, value)
  }

  #enter(key: number, value: number): void {
    const mask = this.#keys.length - 1
    let at = hashOf(key) & mask
    while (this.#values[at] !== this.#missing) at = (at + 1) & mask
    this.#keys[at] = key
    this.#values[at] = value
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values]
    this.#keys = new Float64Array(keys.length * 2)
    this.#values = new Int32Array(keys.length * 2).fill(this.#missing)
    for (let at = 0; at < keys.length; at++) if (values[at] !== this.#missing) this.#enter(keys[at]!, values[at]!)
  }
}

/** Of equal numbers the same: minus zero is zero. */
function hashOf(key: number): number {
  bits[0] = key + 0
  const hash = Math.imul(words[0]! ^ Math.imul(words[1]!, 0x9e3779b1), 0x85ebca6b)
  return hash ^ (hash >>> 15)
}
