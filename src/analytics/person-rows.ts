import { Problem } from '../lib/index.js'
import { blockOf } from './block-entry.js'
import { type ColumnValues, isSet, type Scalars } from './codec.js'
import type { Partition, Snapshot } from './partition.js'
import type { StoreSettings } from './protocol.js'
import { columnOfUnit, rowsOfUnit, type Scratch, stampsOfUnit, type Unit } from './scan-reader.js'
import { ACTION_COLUMN, type EventColumn, type PersonId, storageOf } from './schema.js'

export type CellValue = string | number | boolean | (string | number | boolean)[]

/** One row of a person with the values that it has, in the order of the table's columns. */
export interface PersonRow {
  readonly stamp: number
  readonly action: string
  readonly values: Record<string, CellValue>
}

/** The rows of one person in order. Columns that are not asked for are not read. */
export function rowsOfPerson(
  partition: Partition,
  person: PersonId,
  columns: readonly EventColumn[],
  scratch: Scratch,
  { resultCharactersMax }: Pick<StoreSettings, 'resultCharactersMax'>,
): PersonRow[] | undefined {
  const number = partition.numberOf(person)
  if (number === undefined) return undefined
  const snapshot = partition.snapshot()
  try {
    return rowsOfNumber(snapshot, number, columns, scratch, resultCharactersMax)
  } finally {
    partition.release()
  }
}

function rowsOfNumber(
  snapshot: Snapshot,
  number: number,
  columns: readonly EventColumn[],
  scratch: Scratch,
  charactersMax: number,
): PersonRow[] {
  const block = blockOf(snapshot.blocks, number)
  const unit: Unit = block ? { first: block.first, people: block.people, block } : { first: number, people: 1, block }
  const merged = rowsOfUnit(snapshot, unit)
  const { rowStart, plan } = merged
  const stamp = stampsOfUnit(snapshot, unit, merged, scratch)
  const from = rowStart[number - unit.first]!
  const to = rowStart[number - unit.first + 1]!
  const actions = columnOfUnit(snapshot, unit, plan, ACTION_COLUMN, scratch) as Scalars
  const texts = snapshot.partition.texts(ACTION_COLUMN.id)
  const rows: PersonRow[] = []
  for (let row = from; row < to; row++) {
    rows.push({ stamp: stamp[row]!, action: texts.textOf(actions[row]!), values: {} })
  }
  let characters = 0
  for (const column of columns) {
    const values = columnOfUnit(snapshot, unit, plan, column, scratch)
    if (values) characters += fill(rows, snapshot.partition, column, values, from)
    if (characters > charactersMax)
      throw new Problem('result_too_large', { limit: charactersMax, advice: 'ask a script about this person instead' })
  }
  return rows
}

/** Puts the values of a column into the rows; how many characters they have. */
function fill(
  rows: PersonRow[],
  partition: Partition,
  column: EventColumn,
  values: ColumnValues,
  from: number,
): number {
  const texts = partition.texts(column.id)
  const storage = storageOf(column.type)
  const show = (element: number) =>
    storage === 'text' ? texts.textOf(element) : storage === 'bool' ? element === 2 : element
  let characters = 0
  for (let at = 0; at < rows.length; at++) {
    const row = from + at
    if (isSet(values)) {
      const elements = [...values.values.subarray(values.offsets[row]!, values.offsets[row + 1]!)]
      if (elements.length > 0) rows[at]!.values[column.name] = elements.map(show)
      for (const element of elements) characters += lengthOf(show(element))
      continue
    }
    const value = values[row]!
    const isNone = storage === 'number' ? Number.isNaN(value) : value === 0
    if (isNone) continue
    const shown = show(value)
    rows[at]!.values[column.name] = shown
    characters += lengthOf(shown)
  }
  return characters
}

function lengthOf(value: string | number | boolean): number {
  return typeof value === 'string' ? value.length : 8
}
