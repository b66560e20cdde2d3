import type { Batch, BatchColumn } from './batch.js'
import { type ColumnValues, isSet, type Scalars } from './codec.js'
import type { Part } from './part.js'
import { ACTION } from './schema.js'
import type { Texts } from './texts.js'

/** Some rows of a batch in the codes of a partition, where texts that are new get theirs. */
export function translate(batch: Batch, rows: Uint32Array, textsOf: (column: number) => Texts): Part {
  const stamp = new Float64Array(rows.length)
  for (let row = 0; row < rows.length; row++) stamp[row] = batch.stamp[rows[row]!]!
  return {
    rows: rows.length,
    person: new Uint32Array(0),
    stamp,
    action: codesOf(textsOf(ACTION), batch.actions, batch.action, rows),
    columns: batch.columns.map((column) => ({
      id: column.id,
      storage: column.storage,
      isSet: column.isSet,
      values: cellsOf(column, rows, textsOf),
    })),
  }
}

function cellsOf(column: BatchColumn, rows: Uint32Array, textsOf: (column: number) => Texts): ColumnValues {
  if (!isSet(column.values)) {
    if (column.storage === 'text') return codesOf(textsOf(column.id), column.texts, column.values, rows)
    const values = column.storage === 'bool' ? new Uint8Array(rows.length) : new Float64Array(rows.length)
    for (let row = 0; row < rows.length; row++) values[row] = column.values[rows[row]!]!
    return values
  }
  const { offsets, values } = column.values
  const elements: number[] = []
  const ends = new Uint32Array(rows.length + 1)
  const texts = column.storage === 'text' ? textsOf(column.id) : undefined
  for (let row = 0; row < rows.length; row++) {
    const end = offsets[rows[row]! + 1]!
    for (let at = offsets[rows[row]!]!; at < end; at++) {
      elements.push(texts ? texts.add(column.texts[values[at]!]!) : values[at]!)
    }
    ends[row + 1] = elements.length
  }
  const kept = column.storage === 'number' ? Float64Array.from(elements) : Uint32Array.from(elements)
  return { offsets: ends, values: kept }
}

function codesOf(known: Texts, texts: readonly string[], local: Scalars, rows: Uint32Array): Uint32Array {
  const codeOf = new Uint32Array(texts.length)
  const codes = new Uint32Array(rows.length)
  for (let row = 0; row < rows.length; row++) {
    const code = local[rows[row]!]!
    if (code === 0) continue
    if (codeOf[code] === 0) codeOf[code] = known.add(texts[code]!)
    codes[row] = codeOf[code]!
  }
  return codes
}
