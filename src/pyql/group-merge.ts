import type { Steps } from '../lib/index.js'
import { PyqlError } from './errors.js'
import type { ResultLimits } from './runtime/groups.js'

/** Children of all nodes, one after the other: those of node n are `nodes[start[n]]` up to `nodes[start[n + 1]]`. */
export interface Children {
  readonly start: Int32Array
  readonly nodes: Int32Array
}

/** The children of nodes that say who their parents are, siblings in an order of all nodes. Node 0 is the root. */
export function childrenOf(parent: Int32Array, size: number, order?: Int32Array): Children {
  const start = new Int32Array(size + 1)
  let inPlace = order === undefined
  for (let node = 1, before = 0; node < size; node++) {
    const above = parent[node]!
    start[above + 1]!++
    if (above < before) inPlace = false
    before = above
  }
  for (let node = 0; node < size; node++) start[node + 1]! += start[node]!
  // Siblings are neighbours already, in the order of their parents.
  if (inPlace) return { start, nodes: countedUp(Math.max(0, size - 1), 1) }
  const next = start.slice()
  const nodes = new Int32Array(Math.max(0, size - 1))
  for (let at = 0; at < size; at++) {
    const node = order ? order[at]! : at
    if (node !== 0) nodes[next[parent[node]!]!++] = node
  }
  return { start, nodes }
}

/** Nodes in the order of their places, which are below an end; of one place as they were before, or counted up. */
export function inOrder(places: Int32Array, end: number, before?: Int32Array): Int32Array {
  const next = new Int32Array(end + 1)
  for (let node = 0; node < places.length; node++) next[places[node]! + 1]!++
  for (let place = 0; place < end; place++) next[place + 1]! += next[place]!
  const order = new Int32Array(places.length)
  for (let at = 0; at < places.length; at++) {
    const node = before ? before[at]! : at
    order[next[places[node]!]!++] = node
  }
  return order
}

/** Nodes that are merged without a pause. */
const NODES_AT_ONCE = 4_096

/** A tree of groups that others are merged into, siblings at a time: nothing is looked up by parent and key. */
export class MergedGroups {
  readonly #nodesMax: number
  size = 1
  parent: Int32Array = new Int32Array(64)
  key: Int32Array = new Int32Array(64)

  constructor({ nodesMax }: ResultLimits) {
    this.#nodesMax = nodesMax
  }

  /** Takes a tree in, parents before children, whose keys are below `keysEnd`; by its nodes the nodes here. */
  *merge(parent: Int32Array, key: Int32Array, keysEnd: number): Steps<Int32Array> {
    if (this.size === 1) return this.#adopt(parent, key)
    const nodes = new Int32Array(parent.length)
    const own = childrenOf(this.parent, this.size)
    yield
    const known = this.size
    const theirs = childrenOf(parent, parent.length)
    yield
    let visited = 0
    const nodeOf = new Int32Array(keysEnd)
    for (let above = 0; above < parent.length; above++) {
      const from = theirs.start[above]!
      const to = theirs.start[above + 1]!
      if (from === to) continue
      const into = nodes[above]!
      const first = into < known ? own.start[into]! : 0
      const last = into < known ? own.start[into + 1]! : 0
      for (let at = first; at < last; at++) nodeOf[this.key[own.nodes[at]!]!] = own.nodes[at]!
      for (let at = from; at < to; at++) {
        const child = theirs.nodes[at]!
        nodes[child] = nodeOf[key[child]!] || this.#append(into, key[child]!)
        if (++visited % NODES_AT_ONCE === 0) yield
      }
      for (let at = first; at < last; at++) nodeOf[this.key[own.nodes[at]!]!] = 0
    }
    return nodes
  }

  /** The first tree is taken as it is: there is nothing yet that it could share groups with. */
  #adopt(parent: Int32Array, key: Int32Array): Int32Array {
    if (parent.length - 1 > this.#nodesMax) throw this.#tooMany()
    this.parent = parent
    this.key = key
    this.size = parent.length
    return countedUp(parent.length, 0)
  }

  #tooMany(): PyqlError {
    return new PyqlError('limit', `The result has more than ${this.#nodesMax} groups.`)
  }

  #append(parent: number, key: number): number {
    if (this.size > this.#nodesMax) throw this.#tooMany()
    if (this.size === this.parent.length) {
      this.parent = grown(this.parent)
      this.key = grown(this.key)
    }
    this.parent[this.size] = parent
    this.key[this.size] = key
    return this.size++
  }
}

function countedUp(length: number, first: number): Int32Array {
  const numbers = new Int32Array(length)
  for (let at = 0; at < length; at++) numbers[at] = first + at
  return numbers
}

function grown(array: Int32Array): Int32Array {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}
