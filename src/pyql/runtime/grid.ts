import type { Dictionary } from '../block.js'

/** Entries of one site: beyond it nodes are looked up in the tree. */
const entriesMax = 1 << 19
/** Texts for which there is room from the start. */
const roomMax = 4096

/**
 * A place in a script where texts lead from nodes to nodes: row of the parent × stride + place of the text. Texts have
 * the same place whatever dictionary they come from, so that a node is looked up in the tree once for a scan. Row 0 and
 * place 0 stay empty: what was not met yet is there.
 */
export class Site {
  nodes = new Int32Array(0)
  stride = 16
  /** By place, the key. */
  readonly keys = [0]
  readonly #placeOf = new Map<number, number>()
  readonly #places = new WeakMap<Dictionary, Int32Array>()

  /** By code of a dictionary, the place of the text; 0 where it was not asked for yet. */
  places(dictionary: Dictionary): Int32Array {
    const known = this.#places.get(dictionary)
    if (known && known.length > dictionary.size) return known
    if (this.nodes.length === 0) while (this.stride <= Math.min(dictionary.size, roomMax)) this.stride *= 2
    const places = new Int32Array(dictionary.size + 1 + (dictionary.size >> 1))
    if (known) places.set(known)
    this.#places.set(dictionary, places)
    return places
  }

  /** The place of a key; 0 when there is no room for it. */
  placeOf(key: number): number {
    const known = this.#placeOf.get(key)
    if (known !== undefined) return known
    const place = this.keys.length
    if (place >= this.stride && !this.#widen()) return 0
    this.keys.push(key)
    this.#placeOf.set(key, place)
    return place
  }

  set(row: number, place: number, node: number): void {
    const at = row * this.stride + place
    if (place === 0 || at >= entriesMax) return
    if (at >= this.nodes.length) {
      const larger = new Int32Array(Math.min(entriesMax, Math.max(at + 1, this.nodes.length * 2, this.stride * 4)))
      larger.set(this.nodes)
      this.nodes = larger
    }
    this.nodes[at] = node
  }

  #widen(): boolean {
    const { stride, nodes } = this
    if (stride * 4 > entriesMax) return false
    this.stride = stride * 2
    this.nodes = new Int32Array(Math.min(entriesMax, nodes.length * 2))
    for (let from = 0, to = 0; from < nodes.length; from += stride, to += this.stride) {
      if (to + stride > this.nodes.length) break
      this.nodes.set(nodes.subarray(from, from + stride), to)
    }
    return true
  }
}
