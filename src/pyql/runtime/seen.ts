/**
 * A set of triples of numbers that is emptied for every person, in constant time: an open-addressed table whose entries
 * carry the serial number of the person for whom they were made.
 */
export class Seen {
  #mask = 63
  #serial = 0
  #used = 0
  #owner = new Int32Array(64)
  #fields = new Float64Array(3 * 64)

  clear(): void {
    this.#serial++
    this.#used = 0
  }

  /** Whether the triple was not there; it is now. */
  add(a: number, b: number, c: number): boolean {
    if (this.#used * 2 > this.#mask) this.#grow()
    return this.#put(a, b, c)
  }

  #put(a: number, b: number, c: number): boolean {
    let at = (Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35)) >>> 7
    for (;;) {
      at &= this.#mask
      if (this.#owner[at] !== this.#serial) break
      const f = at * 3
      if (this.#fields[f] === a && this.#fields[f + 1] === b && this.#fields[f + 2] === c) return false
      at++
    }
    this.#owner[at] = this.#serial
    const f = at * 3
    this.#fields[f] = a
    this.#fields[f + 1] = b
    this.#fields[f + 2] = c
    this.#used++
    return true
  }

  #grow(): void {
    const { length } = this.#owner
    const owner = this.#owner
    const fields = this.#fields
    this.#owner = new Int32Array(length * 2)
    this.#fields = new Float64Array(length * 6)
    this.#mask = length * 2 - 1
    this.#used = 0
    for (let at = 0; at < length; at++) {
      if (owner[at] === this.#serial) this.#put(fields[at * 3]!, fields[at * 3 + 1]!, fields[at * 3 + 2]!)
    }
  }
}
