import type { FileHandle } from 'node:fs/promises'
import { endOfRecords, type LoadFormat, linesIn, Problem } from '../../lib/index.js'

/** Where reading goes on: bytes of the file or number of the stored part, and the line there. */
export interface SourcePosition {
  offset: number
  line: number
}

/** A run of whole records. */
export interface Block {
  text: string
  /** Line of its first record, counted from 1. */
  line: number
  bytes: number
  next: SourcePosition
}

/** Reads an input block by block, from anywhere that a block has ended. */
export interface Source {
  read(position: SourcePosition): Promise<Block | undefined>
}

/** Bytes that are read and written in one step: a few milliseconds of work. */
export const BLOCK_BYTES = 65_536
/** Records of one block: as many as one transaction should write. */
const RECORDS_MAX = 5000
/** Longest record: of what is longer the first line is refused. */
export const RECORD_BYTES_MAX = 10_485_760

const utf8 = new TextDecoder('utf-8', { fatal: true })

export function decode(bytes: Uint8Array, line: number): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new Problem('input_invalid', { reason: `The input is not UTF-8 near line ${line}.` })
  }
}

/** Cuts a whole input into blocks. */
export function* blocksOf(input: Buffer, format: LoadFormat): Generator<Buffer> {
  for (let start = 0; start < input.length; ) {
    const end = endOfBlock(input.subarray(start), format, true)
    yield input.subarray(start, start + end)
    start += end
  }
}

/** A source in a file. */
export function fileSource(file: FileHandle, format: LoadFormat): Source {
  return {
    async read({ offset, line }) {
      for (let size = BLOCK_BYTES; ; size *= 4) {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size, offset)
        if (bytesRead === 0) return undefined
        const end = endOfBlock(buffer.subarray(0, bytesRead), format, bytesRead < size)
        if (end === 0) continue
        const bytes = buffer.subarray(0, end)
        return {
          text: decode(bytes, line),
          line,
          bytes: end,
          next: { offset: offset + end, line: line + linesIn(bytes) },
        }
      }
    },
  }
}

/** A source in parts that are stored with a job; each part is a block. */
export function partSource(part: (index: number) => string, parts: number): Source {
  return {
    async read({ offset, line }) {
      if (offset >= parts) return undefined
      const text = part(offset)
      const bytes = Buffer.from(text)
      return { text, line, bytes: bytes.length, next: { offset: offset + 1, line: line + linesIn(bytes) } }
    },
  }
}

/** Where a block ends within what was read: 0 when more must be read. `last`: nothing comes behind. */
function endOfBlock(bytes: Buffer, format: LoadFormat, last: boolean): number {
  for (let size = Math.min(BLOCK_BYTES, bytes.length); ; size = Math.min(size * 4, bytes.length)) {
    const block = bytes.subarray(0, size)
    const isTooLong = size >= RECORD_BYTES_MAX
    const isLast = isTooLong || (last && size === bytes.length)
    const end = endOfRecords(block, format, { recordsMax: isTooLong ? 1 : RECORDS_MAX, isLast })
    if (end > 0) return end
    if (size === bytes.length) return 0
  }
}
