const NEWLINE = 0x0a
const QUOTE = 0x22

/** Rows as text: CSV, or one JSON object on each line. */
export type LoadFormat = 'csv' | 'ndjson'

/**
 * Where the last whole record of a block of bytes ends, or of the one of number `recordsMax`; 0 when there is none. A
 * record ends at a newline; in CSV one that is not between quotes, which is told by an even number of quotes before it.
 */
export function endOfRecords(block: Uint8Array, format: LoadFormat, recordsMax = Number.POSITIVE_INFINITY): number {
  let end = 0
  let records = 0
  let quoted = false
  for (let index = 0; index < block.length; index++) {
    const byte = block[index]
    if (byte === QUOTE && format === 'csv') quoted = !quoted
    else if (byte === NEWLINE && !quoted) {
      end = index + 1
      if (++records === recordsMax) break
    }
  }
  return end
}

/** Where the first whole record ends: the header of a CSV. The end of the block when it is the only one. */
export function endOfFirstRecord(block: Uint8Array): number {
  let quoted = false
  for (let index = 0; index < block.length; index++) {
    const byte = block[index]
    if (byte === QUOTE) quoted = !quoted
    else if (byte === NEWLINE && !quoted) return index + 1
  }
  return block.length
}

/** How many lines a block has. */
export function linesIn(block: Uint8Array): number {
  let lines = 0
  for (let at = block.indexOf(NEWLINE); at !== -1; at = block.indexOf(NEWLINE, at + 1)) lines++
  return lines
}

/** Where the record of a CSV text that begins at `start` ends. */
export function endOfRecord(text: string, start: number): number {
  let quoted = false
  for (let index = start; index < text.length; index++) {
    const character = text.charCodeAt(index)
    if (character === QUOTE) quoted = !quoted
    else if (character === NEWLINE && !quoted) return index + 1
  }
  return text.length
}
