/**
 * Keys of an event environment, 15 bytes: table, partition, kind, and two numbers of the kind. A partition is thereby
 * one range of keys, that can be copied, moved and dropped by itself. Segments end in their name instead, and
 * receipts in theirs; what waits for other nodes has no partition (0).
 */
export const Kind = {
  state: 0,
  texts: 1,
  people: 2,
  log: 3,
  block: 4,
  segment: 5,
  arrival: 6,
  outgoing: 7,
  sharing: 8,
  incoming: 9,
  receipt: 10,
} as const
export type Kind = (typeof Kind)[keyof typeof Kind]

const PREFIX = 7

export function key(table: number, partition: number, kind: Kind, major = 0, minor = 0): Buffer {
  const bytes = Buffer.allocUnsafe(15)
  prefix(bytes, table, partition, kind)
  bytes.writeUInt32BE(major, 7)
  bytes.writeUInt32BE(minor, 11)
  return bytes
}

export function segmentKey(table: number, partition: number, name: string): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX + Buffer.byteLength(name))
  prefix(bytes, table, partition, Kind.segment)
  bytes.write(name, PREFIX)
  return bytes
}

/** The first key of a kind; the range of a kind ends before the first key of the next. */
export function kindStart(table: number, partition: number, kind: number): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX)
  prefix(bytes, table, partition, kind)
  return bytes
}

/** All keys of a table lie from `tableStart(id)` up to `tableStart(id + 1)`. */
export function tableStart(table: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(table, 0)
  return bytes
}

export function majorOf(bytes: Uint8Array): number {
  return read32(bytes, 7)
}

export function minorOf(bytes: Uint8Array): number {
  return read32(bytes, 11)
}

export function tableOf(bytes: Uint8Array): number {
  return read32(bytes, 0)
}

/** The file of an environment. */
export function environmentFile(number: number): string {
  return `${number}.mdb`
}

export function partitionOfKey(bytes: Uint8Array): number {
  return (bytes[4]! << 8) | bytes[5]!
}

/** Whether a key holds what a table is, and not what is still to be told to triggers and other nodes. */
export function isContent(bytes: Uint8Array): boolean {
  return bytes[6]! < Kind.arrival
}

/** What follows the prefix: the name of a segment. */
export function nameOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + PREFIX, bytes.length - PREFIX).toString()
}

function prefix(bytes: Buffer, table: number, partition: number, kind: number): void {
  bytes.writeUInt32BE(table, 0)
  bytes.writeUInt16BE(partition, 4)
  bytes[6] = kind
}

function read32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
