import type { BinaryEnvironment, Write } from '../storage/index.js'
import { tableStart } from './keys.js'

/** Behind the keys of all tables: partitions that lie elsewhere than where they were made. */
const PLACES = Buffer.from([0xff, 0xff, 0xff, 0xfe])
export const PLACES_START: Uint8Array = PLACES

/** A partition that was moved. */
export interface Moved {
  readonly table: number
  readonly partition: number
  readonly environment: number
}

/** In which environment each partition lies: partition p in environment p mod E, unless it was moved. */
export class Places {
  readonly #environments: number
  readonly #moved = new Map<number, Map<number, number>>()

  constructor(environments: number) {
    this.#environments = environments
  }

  of(table: number, partition: number): number {
    return this.#moved.get(table)?.get(partition) ?? this.madeIn(partition)
  }

  madeIn(partition: number): number {
    return partition % this.#environments
  }

  set({ table, partition, environment }: Moved): void {
    const moved = this.#moved.get(table) ?? new Map<number, number>()
    this.#moved.set(table, moved.set(partition, environment))
  }

  forget(table: number): void {
    this.#moved.delete(table)
  }
}

export function placeWrite({ table, partition, environment }: Moved): Write {
  return [placeKey(table, partition), Buffer.from([environment])]
}

/** The moved partitions of a table, or of all, as environment 0 keeps them. */
export function readPlaces(environment: BinaryEnvironment, table?: number): Moved[] {
  const [start, end] = placesRange(table)
  return [...environment.range(start, end)].map(({ key, value }) => ({
    table: key.readUInt32BE(PLACES.length),
    partition: key.readUInt16BE(PLACES.length + 4),
    environment: value[0]!,
  }))
}

export function placesRange(table?: number): [Buffer, Buffer] {
  if (table === undefined) return [PLACES, Buffer.from([0xff, 0xff, 0xff, 0xff])]
  return [Buffer.concat([PLACES, tableStart(table)]), Buffer.concat([PLACES, tableStart(table + 1)])]
}

function placeKey(table: number, partition: number): Buffer {
  const number = Buffer.alloc(2)
  number.writeUInt16BE(partition)
  return Buffer.concat([PLACES, tableStart(table), number])
}
