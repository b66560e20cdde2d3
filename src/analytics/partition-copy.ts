import type { BinaryEnvironment } from '../storage/index.js'
import { Kind, key, kindStart } from './keys.js'

/** A part of a partition: the key without table and partition, and its value. */
export type Piece = readonly [key: Uint8Array, value: Uint8Array]

/** Table and partition, in front of each key. */
const PLACE_BYTES = 6
const PIECE_BYTES = 1 << 22
const END = Buffer.from([0])

/** The keys of one partition; what waits for other nodes is not among them. */
export function partitionRanges(table: number, partition: number): [Buffer, Buffer][] {
  const from = (first: number, last: number): [Buffer, Buffer] => [
    kindStart(table, partition, first),
    kindStart(table, partition, last + 1),
  ]
  return [from(Kind.state, Kind.arrival), from(Kind.receipt, Kind.receipt)]
}

/** Stands beside a partition that is being taken over, until it is whole. */
export function incomingKey(table: number, partition: number): Buffer {
  return key(table, partition, Kind.incoming)
}

export function keyOfPiece(table: number, partition: number, [key]: Piece): Buffer {
  return Buffer.concat([kindStart(table, partition, 0).subarray(0, PLACE_BYTES), key])
}

/**
 * Reads a partition out while inserts go on: first what is written once and never changed (texts, people, logs, blocks),
 * in pieces; then, in one turn of the thread, what has come since and all that changes. Nothing may be folded meanwhile.
 * Both together are one moment of the partition: every transaction leaves it whole.
 */
export class PartitionCopy {
  readonly #environment: BinaryEnvironment
  readonly #table: number
  readonly #partition: number
  readonly #sent = new Set<string>()
  #after: Buffer

  constructor(environment: BinaryEnvironment, table: number, partition: number) {
    this.#environment = environment
    this.#table = table
    this.#partition = partition
    this.#after = kindStart(table, partition, Kind.texts)
  }

  /** A few megabytes; nothing when only the rest is left. */
  next(): Piece[] {
    const pieces: Piece[] = []
    let bytes = 0
    for (const { key: at, value } of this.#environment.range(this.#after, this.#start(Kind.block + 1))) {
      pieces.push(this.#piece(at, value))
      this.#sent.add(at.toString('latin1'))
      this.#after = Buffer.concat([at, END])
      bytes += value.length
      if (bytes >= PIECE_BYTES) break
    }
    return pieces
  }

  rest(): Piece[] {
    const pieces: Piece[] = []
    for (const at of this.#environment.keys(this.#start(Kind.texts), this.#start(Kind.block + 1))) {
      if (this.#sent.has(at.toString('latin1'))) continue
      pieces.push(this.#piece(at, this.#environment.get(at)!))
    }
    for (const kind of [Kind.state, Kind.segment, Kind.arrival, Kind.receipt]) {
      const range = this.#environment.range(this.#start(kind), this.#start(kind + 1))
      for (const { key: at, value } of range) pieces.push(this.#piece(at, value))
    }
    return pieces
  }

  #start(kind: number): Buffer {
    return kindStart(this.#table, this.#partition, kind)
  }

  #piece(at: Buffer, value: Buffer): Piece {
    return [Uint8Array.from(at.subarray(PLACE_BYTES)), Uint8Array.from(value)]
  }
}
