import { Problem } from '../lib/index.js'

/**
 * The tar format (POSIX ustar), as far as backups need it: regular files with short relative names. Sizes beyond 8 GiB
 * are written in base 256, as GNU tar does.
 */
const BLOCK = 512
const NAME_BYTES_MAX = 100
const SIZE_OCTAL_MAX = 0o77777777777

export interface Entry {
  name: string
  size: number
}

/** The header of a file. */
export function headerOf({ name, size }: Entry, modified: number): Buffer {
  const header = Buffer.alloc(BLOCK)
  header.write(name, 0, NAME_BYTES_MAX, 'utf8')
  header.write('0000600\0', 100, 'latin1')
  header.write('0000000\0', 108, 'latin1')
  header.write('0000000\0', 116, 'latin1')
  if (size <= SIZE_OCTAL_MAX) header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  else {
    header[124] = 0x80
    header.writeBigUInt64BE(BigInt(size), 128)
  }
  header.write(
    `${Math.floor(modified / 1000)
      .toString(8)
      .padStart(11, '0')}\0`,
    136,
    'latin1',
  )
  header.write('0', 156, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** What follows a file of that size, up to the next header. */
export function paddingOf(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)
}

/** What follows the last file. */
export const end = Buffer.alloc(2 * BLOCK)

/** Reads a tar: for each file its entry, and its bytes in pieces, which must be read to the end. @throws Problem backup_damaged */
export async function* read(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ entry: Entry; bytes: AsyncIterable<Buffer> }> {
  const reader = new ByteReader(chunks)
  try {
    for (;;) {
      const header = await reader.exactly(BLOCK)
      if (header.every((byte) => byte === 0)) return
      const entry = entryIn(header)
      yield { entry, bytes: reader.pieces(entry.size) }
      await reader.exactly(paddingOf(entry.size).length)
    }
  } finally {
    await reader.close()
  }
}

function entryIn(header: Buffer): Entry {
  const stored = Number.parseInt(header.toString('latin1', 148, 156), 8)
  if (stored !== checksum(header))
    throw new Problem('backup_damaged', { reason: 'it is not a tar file, or a header of it is damaged' })
  const type = header.toString('latin1', 156, 157)
  if (type !== '0' && type !== '\0')
    throw new Problem('backup_damaged', { reason: 'it holds something that is not a regular file' })
  const name = header.toString(
    'utf8',
    0,
    header.indexOf(0) === -1 ? NAME_BYTES_MAX : Math.min(NAME_BYTES_MAX, header.indexOf(0)),
  )
  const size =
    header[124] === 0x80 ? Number(header.readBigUInt64BE(128)) : Number.parseInt(header.toString('latin1', 124, 135), 8)
  if (!Number.isSafeInteger(size) || size < 0)
    throw new Problem('backup_damaged', { reason: `the size of its file '${name}' is no number of bytes` })
  return { name, size }
}

/** The sum of the header's bytes, with blanks in place of the sum itself. */
function checksum(header: Buffer): number {
  let sum = 8 * 0x20
  for (let index = 0; index < BLOCK; index++) if (index < 148 || index >= 156) sum += header[index]!
  return sum
}

class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  async exactly(size: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for await (const part of this.pieces(size)) parts.push(part)
    return Buffer.concat(parts)
  }

  /** Lets go of where the bytes come from. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  async *pieces(size: number): AsyncGenerator<Buffer> {
    for (let left = size; left > 0; ) {
      if (this.#rest.length === 0) await this.#more()
      const piece = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#chunks.next()
    if (done) throw new Problem('backup_damaged', { reason: 'it ends too early' })
    this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  }
}
