import type { Codes, ColumnData, CommonTexts, Dictionary, ScanBlock, TableColumn } from '../../src/pyql/index.js'

export type Cell = string | number | boolean | null | readonly (string | number | boolean)[]

/** A row as an oracle sees it: set columns hold arrays, other columns single values; null is None. */
export interface Row {
  readonly stamp: number
  readonly action: string
  readonly cells: Readonly<Record<string, Cell>>
}

export interface Person {
  readonly id: string | number
  /** Ordered. */
  readonly rows: readonly Row[]
}

/** A block of typed arrays made of people, for the columns of a program. Some have places between people. */
export function blockOf(people: readonly Person[], columns: readonly TableColumn[], firstNumber = 0): ScanBlock {
  const count = people.reduce((sum, person) => sum + person.rows.length, 0)
  const hasGaps = count % 3 === 0
  // What stands between people is a row like others, which nobody may look at.
  const rows = people.flatMap((person) => (hasGaps ? [...person.rows, person.rows[0]!] : person.rows))
  const rowStart = new Uint32Array(people.length + 1)
  people.forEach((person, i) => {
    rowStart[i + 1] = rowStart[i]! + person.rows.length + (hasGaps ? 1 : 0)
  })
  return {
    people: people.length,
    rows: rows.length,
    rowStart,
    rowEnd: Uint32Array.from(people, (person, i) => rowStart[i]! + person.rows.length),
    stamp: Float64Array.from(rows, ({ stamp }) => stamp),
    columns: columns.map((column) => dataOf(rows, column)),
    personNumber: Uint32Array.from(people, (_, i) => firstNumber + i),
    personId: (i) => people[i]!.id,
    // Every other block knows the rows of conditions.
    ...(rows.length % 2 === 0 && { remember: remembering(rows.length) }),
    // And every other of those has them by themselves.
    ...(rows.length % 4 === 0 && { pick: picking(rows, people, rowStart, columns) }),
  }
}

/** Rows of conditions by themselves, with places between people. */
function picking(
  rows: readonly Row[],
  people: readonly Person[],
  rowStart: Uint32Array,
  columns: readonly TableColumn[],
): NonNullable<ScanBlock['pick']> {
  return (_slot, _name, bits) => {
    const places = people.map((person, i) => [
      ...person.rows.map((_, at) => rowStart[i]! + at).filter((row) => (bits[row >>> 5]! & (1 << (row & 31))) !== 0),
      0,
    ])
    const starts = places.map((_, i) => places.slice(0, i).reduce((sum, { length }) => sum + length, 0))
    const all = places.flat()
    return {
      from: Uint32Array.from(starts),
      to: Uint32Array.from(starts, (start, i) => start + places[i]!.length - 1),
      rows: Uint32Array.from(all),
      column: (slot) => {
        const column = dataOf(rows, columns[slot]!)
        const values: Codes | Float64Array = 'codes' in column ? column.codes : column.values
        const picked = new (values.constructor as new (length: number) => typeof values)(all.length)
        for (const [at, row] of all.entries()) picked[at] = values[row]!
        return picked
      },
    }
  }
}

/** Finds the rows of conditions, and remembers none. */
export function remembering(rows: number): NonNullable<ScanBlock['remember']> {
  return (_slot, _name, mark) => {
    const bits = new Uint32Array((rows + 31) >>> 5)
    mark(bits, 0, rows)
    return bits
  }
}

function dataOf(rows: readonly Row[], column: TableColumn): ColumnData {
  const cells = rows.map((row): Cell => (column.name === '__action' ? row.action : (row.cells[column.name] ?? null)))
  return column.isSet ? setData(cells, column) : singleData(cells, column)
}

function singleData(cells: readonly Cell[], { type }: TableColumn): ColumnData {
  if (type === 'bool')
    return { kind: 'bool', values: Uint8Array.from(cells, (cell) => (cell === null ? 0 : cell ? 2 : 1)) }
  if (type !== 'text')
    return { kind: 'number', values: Float64Array.from(cells, (cell) => (cell === null ? Number.NaN : Number(cell))) }
  const texts = new Texts(cells.filter((cell) => cell !== null).map(String))
  return { kind: 'text', codes: texts.codes(cells), dictionary: texts }
}

function setData(cells: readonly Cell[], { type }: TableColumn): ColumnData {
  const arrays = cells.map((cell) => (Array.isArray(cell) ? (cell as (string | number | boolean)[]) : []))
  const offsets = new Uint32Array(cells.length + 1)
  arrays.forEach((array, i) => {
    offsets[i + 1] = offsets[i]! + array.length
  })
  const elements = arrays.flat()
  if (type === 'bool')
    return { kind: 'bool_set', offsets, values: Uint8Array.from(elements, (element) => (element ? 2 : 1)) }
  if (type !== 'text') return { kind: 'number_set', offsets, values: Float64Array.from(elements, Number) }
  const texts = new Texts(elements.map(String))
  return { kind: 'text_set', offsets, codes: texts.codes(elements), dictionary: texts }
}

/** All texts of all columns: more than any block has, and in another order. */
const numbering: string[] = ['']

class Texts implements Dictionary {
  readonly #texts: string[]
  readonly #codes: Map<string, number>

  constructor(texts: readonly string[]) {
    this.#texts = [...new Set(texts)]
    this.#codes = new Map(this.#texts.map((text, i) => [text, i + 1]))
  }

  get size(): number {
    return this.#texts.length
  }

  codeOf(text: string): number {
    return this.#codes.get(text) ?? -1
  }

  textOf(code: number): string {
    return this.#texts[code - 1]!
  }

  /** Every other dictionary has no common numbers, so that both ways of a program are gone. */
  common(): CommonTexts | undefined {
    if (this.size % 2 === 0) return undefined
    const places = Int32Array.from(['', ...this.#texts], (text, code) => (code === 0 ? 0 : numberOf(text)))
    return { size: numbering.length - 1, textOf: (place) => numbering[place]!, places }
  }

  codes(cells: readonly Cell[]): Codes {
    const codes = cells.map((cell) => (cell === null ? 0 : this.codeOf(String(cell))))
    return this.size < 256 ? Uint8Array.from(codes) : Uint16Array.from(codes)
  }
}

function numberOf(text: string): number {
  const known = numbering.indexOf(text, 1)
  return known === -1 ? numbering.push(text) - 1 : known
}
