import type { Dictionary } from '../block.js'
import type { Scalar } from '../program.js'
import { type Accumulator, Extremes } from './accumulators.js'
import { giveArray, takeArray } from './spare-arrays.js'

/** Bytes that the cells of one tally may take; where they would take more, groups are nodes from the start. */
const bytesMax = 1 << 22

/** A number of an accumulator: its index and the array that holds it by node. */
export type CellField = readonly [index: number, array: string]

/** Of one level of a tally, by the name that programs give it: `last`, `A0n` … */
export type CellArrays = Readonly<Record<string, Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>>

/** What cells are turned into. */
export interface CellGroups {
  readonly accumulators: readonly Accumulator[]
  /** So many groups will be made. */
  reserve(groups: number): void
  /** The number of a key. */
  groupKey(key: Scalar): number
  /** Whether no group was made yet: those of cells are new then. */
  readonly isEmpty: boolean
  /** The node of a key below a node. */
  child(parent: number, key: number): number
  /** The same where it is known to be new. */
  newChild(parent: number, key: number): number
}

const nowhere = new Int32Array(1)

/**
 * The groups of one tally, as long as few texts lead to them: a cell for each path of texts, so that the loop over rows
 * looks nothing up and calls nothing. The scan's groups are made of the cells that were counted in at its end.
 */
export class Cells {
  readonly #groups: CellGroups
  /** By level, the constant that is its key; undefined where a text is. */
  readonly #constants: readonly (Scalar | undefined)[]
  readonly #fields: readonly CellField[]
  /** By level; a cell is that of the level above × stride + place. */
  strides: number[]
  /** By level, by code the place of the text. */
  places: Int32Array[]
  levels: CellArrays[] = []
  #textOf: ((place: number) => string)[] = []
  /** By level, by place the number of the key; 0 where it was not asked for. */
  readonly #keys: number[][]

  constructor(groups: CellGroups, constants: readonly (Scalar | undefined)[], fields: readonly CellField[]) {
    this.#groups = groups
    this.#constants = constants
    this.#fields = fields
    this.strides = constants.map(() => 1)
    this.places = constants.map(() => nowhere)
    this.levels = this.strides.map(() => this.#arrays(1))
    this.#keys = constants.map(() => [])
  }

  /** Makes ready for a block with these dictionaries, by level. False: there would be too many cells. */
  fits(dictionaries: readonly (Dictionary | undefined)[]): boolean {
    const strides = [...this.strides]
    const places = [...this.places]
    for (const [level, dictionary] of dictionaries.entries()) {
      if (!dictionary) continue
      const common = dictionary.common?.()
      if (!common && dictionary.size > 0) return false
      places[level] = common?.places ?? nowhere
      if (!common) continue
      strides[level] = Math.max(strides[level]!, common.size + 1)
      this.#textOf[level] = common.textOf
    }
    if (strides.some((stride, level) => stride !== this.strides[level]) && !this.#layOut(strides)) return false
    this.places = places
    return true
  }

  #layOut(strides: number[]): boolean {
    const cells = strides.reduce((product, stride) => product * stride, 1)
    if (cells * (4 + 8 * this.#fields.length) > bytesMax) return false
    this.flush()
    this.#giveBack()
    this.strides = strides
    let size = 1
    this.levels = strides.map((stride) => {
      size *= stride
      return this.#arrays(size)
    })
    return true
  }

  #arrays(size: number): CellArrays {
    const arrays: Record<string, CellArrays[string]> = { last: takeArray(Int32Array, size, 0) }
    for (const [index, array] of this.#fields) {
      arrays[`A${index}${array}`] = takeArray(Float64Array, size, this.#none(index))
    }
    return arrays
  }

  /** The arrays of cells that were flushed serve the next scan. */
  #giveBack(): void {
    for (const arrays of this.levels) {
      giveArray(arrays.last!, 0)
      for (const [index, array] of this.#fields) giveArray(arrays[`A${index}${array}`]!, this.#none(index))
    }
  }

  /** The same as flush, at the end of a scan. */
  end(): void {
    this.flush()
    this.#giveBack()
    this.strides = this.strides.map(() => 1)
    this.levels = this.strides.map(() => this.#arrays(1))
  }

  #none(index: number): number {
    return this.#groups.accumulators[index] instanceof Extremes ? Number.NaN : 0
  }

  /** Adds what was counted to the groups, and empties the cells. */
  flush(): void {
    const { isEmpty } = this.#groups
    let above = new Int32Array(1)
    for (const [level, arrays] of this.levels.entries()) {
      const cells = countedCells(arrays.last as Int32Array)
      if (isEmpty) this.#groups.reserve(cells.length)
      const nodes = this.#nodesOf(level, cells, above, isEmpty)
      this.#add(arrays, cells, nodes)
      if (level < this.levels.length - 1) above = placed(cells, nodes, arrays.last!.length)
      arrays.last!.fill(0)
    }
  }

  /** The nodes of the cells of a level that were counted in; `above` are those of the level above it, by cell. */
  #nodesOf(level: number, cells: Int32Array, above: Int32Array, isNew: boolean): Int32Array {
    const stride = this.strides[level]!
    const nodes = new Int32Array(cells.length)
    for (let at = 0; at < cells.length; at++) {
      const cell = cells[at]!
      const parent = above[Math.floor(cell / stride)]!
      const key = this.#keyAt(level, cell % stride)
      nodes[at] = isNew ? this.#groups.newChild(parent, key) : this.#groups.child(parent, key)
    }
    return nodes
  }

  #keyAt(level: number, place: number): number {
    const keys = this.#keys[level]!
    keys[place] ??= this.#groups.groupKey(this.#constants[level] ?? this.#textOf[level]!(place))
    return keys[place]
  }

  #add(arrays: CellArrays, cells: Int32Array, nodes: Int32Array): void {
    for (const [index, accumulator] of this.#groups.accumulators.entries()) {
      const columns: Record<string, Float64Array> = {}
      for (const [of, array] of this.#fields) {
        if (of !== index) continue
        const values = arrays[`A${index}${array}`] as Float64Array
        columns[array] = picked(values, cells)
        values.fill(this.#none(index))
      }
      accumulator.absorb(columns, nodes)
    }
  }
}

/** By cell its node. */
function placed(cells: Int32Array, nodes: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const nodeOf = new Int32Array(length)
  for (let at = 0; at < cells.length; at++) nodeOf[cells[at]!] = nodes[at]!
  return nodeOf
}

function countedCells(last: Int32Array): Int32Array {
  let count = 0
  for (let cell = 0; cell < last.length; cell++) if (last[cell] !== 0) count++
  const cells = new Int32Array(count)
  let next = 0
  for (let cell = 0; cell < last.length; cell++) if (last[cell] !== 0) cells[next++] = cell
  return cells
}

function picked(values: Float64Array, cells: Int32Array): Float64Array {
  const some = new Float64Array(cells.length)
  for (let at = 0; at < cells.length; at++) some[at] = values[cells[at]!]!
  return some
}
