import type { Dictionary } from '../block.js'
import type { Scalar } from '../program.js'
import { type Accumulator, Extremes } from './accumulators.js'
import { fillRecords, giveArray, takeArray } from './spare-arrays.js'

/** Bytes that the cells of one tally may take; where they would take more, groups are nodes from the start. */
const bytesMax = 1 << 22

/** What is held of a cell: the index of its accumulator, the name of the array there, and whether it only counts rows or people. */
export type CellField = readonly [index: number, array: 'n' | 'sum' | 'rest', isWhole: boolean]

/**
 * The cells of one level as records, so that what is counted together lies together: in whole numbers the last person
 * and what only counts, in doubles the rest, each in the order of the fields.
 */
export interface CellRecords {
  readonly wholes: Int32Array<ArrayBuffer>
  readonly doubles: Float64Array<ArrayBuffer>
}

/** A whole number of a cell counts to 2^31: before so many rows, cells are emptied. */
const rowsMax = 2 ** 31 - 1

type CellAccumulator = Accumulator & { readonly [array in CellField[1]]?: Float64Array }

/** What cells are turned into. */
export interface CellGroups {
  readonly accumulators: readonly CellAccumulator[]
  /** The number of a key. */
  groupKey(key: Scalar): number
  /** Whether no group was made yet: those of cells are new then. */
  readonly isEmpty: boolean
  /** The node of a key below a node. */
  child(parent: number, key: number): number
  /** The first of the nodes of some keys below nodes, all of which are known to be new. */
  newChildren(parents: Int32Array, keys: Int32Array): number
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
  /** Of a record in whole numbers; the last person is the first of them. */
  readonly #size: number
  /** Doubles of a record when nothing was counted. */
  readonly #none: readonly number[]
  /** By level; a cell is that of the level above × stride + place. */
  strides: number[]
  /** By level, by code the place of the text. */
  places: Int32Array[]
  levels: CellRecords[] = []
  #rows = 0
  #textOf: ((place: number) => string)[] = []
  /** By level, by place the number of the key; 0 where it was not asked for. */
  #keys: Int32Array[]

  constructor(groups: CellGroups, constants: readonly (Scalar | undefined)[], fields: readonly CellField[]) {
    this.#groups = groups
    this.#constants = constants
    this.#fields = fields
    this.#size = 1 + fields.filter(([, , isWhole]) => isWhole).length
    this.#none = fields
      .filter(([, , isWhole]) => !isWhole)
      .map(([index]) => (groups.accumulators[index] instanceof Extremes ? Number.NaN : 0))
    this.strides = constants.map(() => 1)
    this.places = constants.map(() => nowhere)
    this.levels = this.strides.map(() => this.#records(1))
    this.#keys = this.strides.map((stride) => new Int32Array(stride))
  }

  /** Makes ready for a block of so many rows. */
  begin(rows: number): void {
    this.#rows += rows
    if (this.#rows <= rowsMax) return
    this.flush()
    this.#rows = rows
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
    if (cells * (4 * this.#size + 8 * this.#none.length) > bytesMax) return false
    this.flush()
    this.#giveBack()
    this.strides = strides
    this.#keys = this.#keys.map((keys, level) => atLeast(keys, strides[level]!))
    let cellsOfLevel = 1
    this.levels = strides.map((stride) => {
      cellsOfLevel *= stride
      return this.#records(cellsOfLevel)
    })
    return true
  }

  #records(cells: number): CellRecords {
    return {
      wholes: takeArray(Int32Array, cells * this.#size, [0]),
      doubles: takeArray(Float64Array, cells * this.#none.length, this.#none),
    }
  }

  /** The arrays of cells that were flushed serve the next scan. */
  #giveBack(): void {
    for (const { wholes, doubles } of this.levels) {
      giveArray(wholes, [0])
      giveArray(doubles, this.#none)
    }
  }

  /** The same as flush, at the end of a scan. */
  end(): void {
    this.flush()
    this.#giveBack()
    this.strides = this.strides.map(() => 1)
    this.levels = this.strides.map(() => this.#records(1))
  }

  /** Adds what was counted to the groups, and empties the cells. */
  flush(): void {
    const { isEmpty } = this.#groups
    let above = new Int32Array(1)
    for (const [level, records] of this.levels.entries()) {
      const cells = countedCells(records.wholes, this.#size)
      const nodes = this.#nodesOf(level, cells, above, isEmpty)
      this.#add(records, cells, nodes, isEmpty)
      if (level < this.levels.length - 1) above = placed(cells, nodes, records.wholes.length / this.#size)
      records.wholes.fill(0)
      fillRecords(records.doubles, this.#none)
    }
  }

  /** The nodes of the cells of a level that were counted in; `above` are those of the level above it, by cell. */
  #nodesOf(level: number, cells: Int32Array, above: Int32Array, isNew: boolean): Int32Array {
    const stride = this.strides[level]!
    const known = this.#keys[level]!
    const parents = room.parents.first(cells.length)
    const keys = room.keys.first(cells.length)
    // Cells are in order: those below one cell lie between two multiples of the stride.
    let parent = 0
    let first = 0
    for (let at = 0; at < cells.length; at++) {
      const cell = cells[at]!
      if (cell - first >= stride) {
        parent = Math.floor(cell / stride)
        first = parent * stride
      }
      parents[at] = above[parent]!
      keys[at] = known[cell - first]! || this.#keyAt(level, cell - first)
    }
    if (!isNew) return parents.map((node, at) => this.#groups.child(node, keys[at]!))
    const node = this.#groups.newChildren(parents, keys)
    for (let at = 0; at < parents.length; at++) parents[at] = node + at
    return parents
  }

  #keyAt(level: number, place: number): number {
    const key = this.#groups.groupKey(this.#constants[level] ?? this.#textOf[level]!(place))
    this.#keys[level]![place] = key
    return key
  }

  /** Counts the cells in for their nodes; those that are new are neighbours, and hold nothing yet. */
  #add({ wholes, doubles }: CellRecords, cells: Int32Array, nodes: Int32Array, areNew: boolean): void {
    const { accumulators } = this.#groups
    const columns = accumulators.map((): Record<string, Float64Array> => ({}))
    let whole = 1
    let double = 0
    for (const [index, array, isWhole] of this.#fields) {
      const into = areNew
        ? accumulators[index]![array]!.subarray(nodes[0], nodes[0]! + cells.length)
        : new Float64Array(cells.length)
      if (isWhole) pick(wholes, cells, this.#size, whole++, into)
      else pick(doubles, cells, this.#none.length, double++, into)
      columns[index]![array] = into
    }
    if (areNew) return
    for (const [index, accumulator] of accumulators.entries()) accumulator.absorb(columns[index]!, nodes)
  }
}

/** By cell its node. */
function placed(cells: Int32Array, nodes: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const nodeOf = new Int32Array(length)
  for (let at = 0; at < cells.length; at++) nodeOf[cells[at]!] = nodes[at]!
  return nodeOf
}

function atLeast(array: Int32Array, length: number): Int32Array {
  if (array.length >= length) return array
  const longer = new Int32Array(length)
  longer.set(array)
  return longer
}

/** Room for as many numbers as were ever asked for, for one level at a time: V8 collects garbage by what arrays take. */
class Room {
  #numbers = new Int32Array(0)

  first(length: number): Int32Array {
    if (this.#numbers.length < length) this.#numbers = new Int32Array(length)
    return this.#numbers.subarray(0, length)
  }
}

const room = { cells: new Room(), parents: new Room(), keys: new Room() }

/** The cells that a person was noted in, in order. There is no branch that the processor would guess wrong. */
function countedCells(wholes: Int32Array, size: number): Int32Array {
  // For all cells: those that were counted in need not be counted first.
  const cells = room.cells.first(wholes.length / size)
  let next = 0
  for (let at = 0, cell = 0; at < wholes.length; at += size, cell++) {
    cells[next] = cell
    next += (wholes[at]! | -wholes[at]!) >>> 31
  }
  return cells.subarray(0, next)
}

function pick(values: Int32Array | Float64Array, cells: Int32Array, size: number, field: number, into: Float64Array) {
  for (let at = 0; at < cells.length; at++) into[at] = values[cells[at]! * size + field]!
}
