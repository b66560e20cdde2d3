import type { Dictionary } from '../block.js'

/** Entries of one grid: beyond it nodes are looked up in the tree. */
const entriesMax = 1 << 18

/** Nodes below the parents of one place in a script, by parent and code of one dictionary: row × stride + code. */
export class Grid {
  readonly stride: number
  nodes: Int32Array

  constructor(size: number) {
    this.stride = size + 1
    this.nodes = new Int32Array(this.stride * 4)
  }

  set(row: number, code: number, node: number): void {
    const at = row * this.stride + code
    if (at >= entriesMax) return
    if (at >= this.nodes.length) {
      const larger = new Int32Array(Math.min(entriesMax, Math.max(at + 1, this.nodes.length * 2)))
      larger.set(this.nodes)
      this.nodes = larger
    }
    this.nodes[at] = node
  }
}

/** A place in a script where codes lead from nodes to nodes. Row 0 of every grid is empty: parents not met yet have it. */
export class Site {
  /** By node, the row of its children. */
  rows = new Int32Array(64)
  readonly #grids = new WeakMap<Dictionary, Grid>()
  #next = 1

  grid(dictionary: Dictionary): Grid {
    const known = this.#grids.get(dictionary)
    if (known && known.stride > dictionary.size) return known
    const grid = new Grid(dictionary.size + (dictionary.size >> 1))
    this.#grids.set(dictionary, grid)
    return grid
  }

  rowOf(parent: number): number {
    if (parent >= this.rows.length) {
      const larger = new Int32Array(Math.max(parent + 1, this.rows.length * 2))
      larger.set(this.rows)
      this.rows = larger
    }
    if (this.rows[parent] === 0) this.rows[parent] = this.#next++
    return this.rows[parent]!
  }
}
