const NEWLINE = 0x0a
const RETURN = 0x0d
const QUOTE = 0x22
const COMMA = 0x2c

/** Rows as text: CSV, or one JSON object on each line. */
export type LoadFormat = 'csv' | 'ndjson'

export interface Cut {
  /** The end of the record of this number is enough. */
  recordsMax?: number
  /** Nothing comes behind the block, or a record may not be longer. */
  isLast?: boolean
}

/** Where the last whole record of a block of bytes ends; 0 when there is none. A record ends at a newline. */
export function endOfRecords(
  block: Uint8Array,
  format: LoadFormat,
  { recordsMax = Number.POSITIVE_INFINITY, isLast = false }: Cut = {},
): number {
  let end = 0
  for (let records = 0; end < block.length && records < recordsMax; records++) {
    const next = format === 'csv' ? endOfRecord(block, end, isLast) : endOfLine(block, end, isLast)
    if (next === 0) break
    end = next
  }
  return end
}

/** Where the first whole record ends: the header of a CSV. The end of the block when it is the only one. */
export function endOfFirstRecord(block: Uint8Array): number {
  const isMarked = block[0] === 0xef && block[1] === 0xbb && block[2] === 0xbf
  return endOfRecord(block, isMarked ? 3 : 0, true)
}

/** How many lines a block has. */
export function linesIn(block: Uint8Array): number {
  let lines = 0
  for (let at = block.indexOf(NEWLINE); at !== -1; at = block.indexOf(NEWLINE, at + 1)) lines++
  return lines
}

function endOfLine(block: Uint8Array, start: number, isLast: boolean): number {
  return block.indexOf(NEWLINE, start) + 1 || (isLast ? block.length : 0)
}

/**
 * Where the record of a CSV that begins at `start` ends, in bytes or in codes of characters; 0 when that is not there.
 * A newline between quotes ends none. Quotes stand around a field only: others are the fault of their own line, and so
 * are some behind which the field goes on, or which are never closed.
 */
export function endOfRecord(codes: ArrayLike<number>, start: number, isLast = true): number {
  let isQuoted = false
  let isClosed = false
  let isFieldBegun = false
  let endOfFirstLine = 0
  for (let index = start; index < codes.length; index++) {
    const code = codes[index]
    if (isQuoted) {
      if (code === QUOTE) {
        isQuoted = false
        isClosed = true
      } else if (code === NEWLINE && endOfFirstLine === 0) endOfFirstLine = index + 1
      continue
    }
    if (code === QUOTE && (isClosed || !isFieldBegun)) isQuoted = true
    else if (isClosed && endOfFirstLine > 0 && code !== COMMA && code !== NEWLINE && code !== RETURN)
      return endOfFirstLine
    else if (code === NEWLINE) return index + 1
    isClosed = false
    isFieldBegun = code !== COMMA
  }
  if (!isLast) return 0
  return isQuoted && endOfFirstLine > 0 ? endOfFirstLine : codes.length
}
