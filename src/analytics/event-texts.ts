import { type ColumnValues, isSet, type Scalars } from './codec.js'
import type { Partition, Snapshot } from './partition.js'
import { columnOfUnit, rowsOfUnit, type Scratch, stampsOfUnit, type Unit } from './scan-reader.js'
import { ACTION, ACTION_COLUMN, type EventColumn, type PersonId, type Storage, storageOf } from './schema.js'
import type { Texts } from './texts.js'

/** Where the cells of some rows lie. */
export interface RowSource {
  readonly stamp: Float64Array
  readonly action: Scalars
  readonly cells: (column: EventColumn) => ColumnValues | undefined
}

interface PrintedColumn {
  readonly head: string
  readonly storage: Storage
  readonly texts: Texts
  readonly values: ColumnValues
}

/** Smaller stamps would be taken for seconds. */
const MILLISECONDS_FROM = 4_102_444_800

/**
 * Prints rows as events in JSON, each by itself. Inserted elsewhere they give the same rows; the same row has the same
 * text on every node.
 */
export class EventTexts {
  readonly #partition: Partition
  readonly #source: RowSource
  readonly #columns: readonly PrintedColumn[]

  constructor(partition: Partition, source: RowSource) {
    this.#partition = partition
    this.#source = source
    const columns: PrintedColumn[] = []
    for (const column of byName(partition.schema.columns)) {
      const values = source.cells(column)
      if (!values) continue
      const head = `${JSON.stringify(column.name)}:`
      columns.push({ head, storage: storageOf(column.type), texts: partition.texts(column.id), values })
    }
    this.#columns = columns
  }

  text(person: number, row: number): string {
    const stamp = this.#source.stamp[row]!
    const action = this.#partition.texts(ACTION).textOf(this.#source.action[row]!)
    let values = ''
    for (const column of this.#columns) {
      const cell = cellText(column, row)
      if (cell !== '') values += `${values === '' ? '' : ','}${column.head}${cell}`
    }
    const when = stamp < MILLISECONDS_FROM ? `"${new Date(stamp).toISOString()}"` : stamp
    return `{"person":${idText(this.#partition.idOf(person))},"stamp":${when},"action":${JSON.stringify(action)},"_":{${values}}}`
  }
}

/** The rows of a unit, and by person of it where they begin. */
export function unitTexts(
  snapshot: Snapshot,
  unit: Unit,
  scratch: Scratch,
): { rowStart: Uint32Array; texts: EventTexts } {
  const rows = rowsOfUnit(snapshot, unit)
  const cells = (column: EventColumn) => columnOfUnit(snapshot, unit, rows.plan, column, scratch)
  const source = {
    stamp: stampsOfUnit(snapshot, unit, rows, scratch),
    action: cells(ACTION_COLUMN) as Scalars,
    cells,
  }
  return { rowStart: rows.rowStart, texts: new EventTexts(snapshot.partition, source) }
}

export const idText = (person: PersonId) => (typeof person === 'string' ? JSON.stringify(person) : numberText(person))

function cellText({ storage, texts, values }: PrintedColumn, row: number): string {
  const show = (element: number) =>
    storage === 'text'
      ? JSON.stringify(texts.textOf(element))
      : storage === 'bool'
        ? `${element === 2}`
        : numberText(element)
  if (isSet(values)) {
    const from = values.offsets[row]!
    const to = values.offsets[row + 1]!
    if (from === to) return ''
    let text = ''
    for (let at = from; at < to; at++) text += `${at === from ? '[' : ','}${show(values.values[at]!)}`
    return `${text}]`
  }
  const value = values[row]!
  const isNone = storage === 'number' ? Number.isNaN(value) : value === 0
  return isNone ? '' : show(value)
}

/** JSON has no word for what is too large; a number that reads as it has. */
function numberText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  if (Number.isFinite(value)) return String(value)
  return value > 0 ? '1e999' : '-1e999'
}

const sorted = new WeakMap<readonly EventColumn[], readonly EventColumn[]>()

function byName(columns: readonly EventColumn[]): readonly EventColumn[] {
  let known = sorted.get(columns)
  if (!known) {
    known = [...columns].sort((a, b) => (a.name < b.name ? -1 : 1))
    sorted.set(columns, known)
  }
  return known
}
