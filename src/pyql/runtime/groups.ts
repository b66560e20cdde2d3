import { PyqlError } from '../errors.js'
import type { Scalar } from '../program.js'
import { compareText } from './text.js'

/** Order of group keys and of last values: None < booleans < numbers < texts by code point. */
export function compareScalars(a: Scalar, b: Scalar): number {
  const [x, y] = [rank(a), rank(b)]
  if (x !== y) return x - y
  if (typeof a === 'string') return compareText(a, b as string)
  return Number(a) - Number(b)
}

function rank(value: Scalar): number {
  return value === null ? 0 : typeof value === 'boolean' ? 1 : typeof value === 'number' ? 2 : 3
}

/** The greatest extent of a result. */
export interface ResultLimits {
  readonly nodesMax: number
  /** Characters of texts, and of the result as it is written. */
  readonly charactersMax: number
}

export function tooLong(charactersMax: number): PyqlError {
  return new PyqlError('limit', `The result has more than ${charactersMax} characters.`)
}

/** Keys of groups, numbered from 1 in the order of first use; 0 is None. */
export class KeyPool {
  readonly keys: Scalar[] = [null]
  readonly #texts = new Map<string, number>()
  readonly #numbers = new Map<number, number>()
  readonly #flags = [0, 0]
  #lastNumber = Number.NaN
  #lastKey = 0
  #characters = 0
  readonly #charactersMax: number

  constructor({ charactersMax }: ResultLimits) {
    this.#charactersMax = charactersMax
  }

  #append(key: Scalar): number {
    return this.keys.push(key) - 1
  }

  text(text: string): number {
    let key = this.#texts.get(text)
    if (key === undefined) {
      this.#characters += text.length
      if (this.#characters > this.#charactersMax) throw tooLong(this.#charactersMax)
      key = this.#append(text)
      this.#texts.set(text, key)
    }
    return key
  }

  number(x: number): number {
    if (x === this.#lastNumber) return this.#lastKey
    if (Number.isNaN(x)) return 0
    let key = this.#numbers.get(x)
    if (key === undefined) {
      key = this.#append(x + 0)
      this.#numbers.set(x, key)
    }
    this.#lastNumber = x
    this.#lastKey = key
    return key
  }

  /** 0 None, 1 False, 2 True. */
  flag(flag: number): number {
    if (flag === 0) return 0
    const key = this.#flags[flag - 1]!
    if (key !== 0) return key
    this.#flags[flag - 1] = this.#append(flag === 2)
    return this.#flags[flag - 1]!
  }

  of(key: Scalar): number {
    if (typeof key === 'string') return this.text(key)
    if (typeof key === 'number') return this.number(key)
    return key === null ? 0 : this.flag(key ? 2 : 1)
  }
}

/** The tree of groups: nodes are numbers, 0 is the root; children are found through one open-addressed table. */
export class GroupTree {
  readonly #nodesMax: number
  size = 1
  parent = new Int32Array(64)
  key = new Int32Array(64)
  #mask = 255
  #table = new Int32Array(256)
  /** Nodes from here on are not in the table yet. */
  #entered = 1

  constructor({ nodesMax }: ResultLimits) {
    this.#nodesMax = nodesMax
  }

  get capacity(): number {
    return this.parent.length
  }

  /** The node of a key below a node; made when it is not there. */
  child(parent: number, key: number): number {
    if (this.#entered < this.size) this.#enter()
    let at = placeOf(parent, key)
    for (;;) {
      at &= this.#mask
      const node = this.#table[at]!
      if (node === 0) break
      if (this.parent[node] === parent && this.key[node] === key) return node
      at++
    }
    const node = this.size++
    this.#reserve()
    this.parent[node] = parent
    this.key[node] = key
    this.#table[at] = node
    this.#entered = this.size
    if (this.size * 2 > this.#mask) this.#enter()
    return node
  }

  /** New nodes, of which it is known that they are not there; the first of them. */
  append(parents: Int32Array, keys: Int32Array): number {
    const node = this.size
    this.size += parents.length
    this.#reserve()
    this.parent.set(parents, node)
    this.key.set(keys, node)
    return node
  }

  /** Makes room for the nodes that there are now. */
  #reserve(): void {
    if (this.size - 1 > this.#nodesMax) {
      throw new PyqlError('limit', `The result has more than ${this.#nodesMax} groups.`)
    }
    if (this.size <= this.parent.length) return
    const length = Math.max(this.size, this.parent.length * 2)
    this.parent = grown(this.parent, length)
    this.key = grown(this.key, length)
  }

  /** Makes the table anew, of all nodes. */
  #enter(): void {
    while (this.size * 2 > this.#mask) this.#mask = this.#mask * 2 + 1
    this.#table = new Int32Array(this.#mask + 1)
    for (let node = 1; node < this.size; node++) {
      let at = placeOf(this.parent[node]!, this.key[node]!)
      while (this.#table[(at &= this.#mask)] !== 0) at++
      this.#table[at] = node
    }
    this.#entered = this.size
  }
}

function placeOf(parent: number, key: number): number {
  return (Math.imul(parent, 0x9e3779b1) ^ Math.imul(key, 0x85ebca6b)) >>> 9
}

function grown(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length)
  larger.set(array)
  return larger
}
