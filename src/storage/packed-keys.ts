import type { DirectBuffer } from './direct-buffer.js'

const CHUNK_BYTES_MIN = 1 << 10
const CHUNK_BYTES_MAX = 1 << 16
/** In front of each key: how long it is. */
const HEAD_BYTES = 2
/** Keys up to this length are written byte by byte: a call out of JavaScript takes longer. */
const SHORT_KEY = 16

interface Chunk {
  bytes: DirectBuffer
  /** Where the next key goes. */
  end: number
}

/** Where somebody is who reads the keys. */
export interface Reader {
  chunk: number
  position: number
}

/**
 * Byte strings in the order in which they came, one behind the other in buffers. A hundred thousand strings that wait
 * for seconds would be copied by several collections of garbage each; buffers are not.
 */
export class PackedKeys {
  readonly #chunks: Chunk[] = []

  append(key: string): void {
    const { length } = key
    const chunk = this.#chunkFor(HEAD_BYTES + length)
    const { bytes, end } = chunk
    bytes[end] = length & 0xff
    bytes[end + 1] = length >> 8
    const start = end + HEAD_BYTES
    if (length > SHORT_KEY) bytes.latin1Write(key, start)
    else for (let i = 0; i < length; i++) bytes[start + i] = key.charCodeAt(i)
    chunk.end = start + length
  }

  /** The keys that the reader has not had yet. */
  next(reader: Reader): string[] {
    const keys: string[] = []
    for (; reader.chunk < this.#chunks.length; reader.chunk++) {
      const { bytes, end } = this.#chunks[reader.chunk]!
      while (reader.position < end) {
        const start = reader.position + HEAD_BYTES
        reader.position = start + (bytes[start - 2]! | (bytes[start - 1]! << 8))
        keys.push(bytes.latin1Slice(start, reader.position))
      }
      if (reader.chunk === this.#chunks.length - 1) break // more may come behind it
      reader.position = 0
    }
    return keys
  }

  #chunkFor(length: number): Chunk {
    const last = this.#chunks.at(-1)
    if (last && last.end + length <= last.bytes.length) return last
    const size = Math.min(CHUNK_BYTES_MAX, last ? 2 * last.bytes.length : CHUNK_BYTES_MIN)
    const chunk = { bytes: Buffer.allocUnsafeSlow(Math.max(size, length)) as DirectBuffer, end: 0 }
    this.#chunks.push(chunk)
    return chunk
  }
}
