import { join } from 'node:path'
import { BinaryEnvironment, type Write } from '../storage/index.js'
import type { HeldPartitions } from './held-partitions.js'
import { environmentFile, isContent, partitionOfKey, tableStart } from './keys.js'
import { Places, readPlaces } from './places.js'

/** Bytes that are taken over from another folder in one transaction. */
const ADOPT_BYTES = 1 << 22
/** The number of the table, in front of each key. */
const TABLE_BYTES = 4

/**
 * Takes the data that the environments of another folder hold of a table, as the data of a table of another number.
 * There may be more or fewer of them than here: each partition goes where it belongs.
 */
export async function adopt(
  held: HeldPartitions,
  folder: string,
  environments: number,
  from: number,
  table: number,
): Promise<void> {
  const places = new Places(environments)
  for (let number = 0; number < environments; number++) {
    await using source = new BinaryEnvironment(join(folder, environmentFile(number)))
    if (number === 0) for (const moved of readPlaces(source, from)) places.set(moved)
    // What lies where no place says was left behind by a move.
    const isPlaced = (partition: number) => places.of(from, partition) === number
    await adoptFrom(held, source, from, table, isPlaced)
  }
}

async function adoptFrom(
  held: HeldPartitions,
  source: BinaryEnvironment,
  from: number,
  table: number,
  isPlaced: (partition: number) => boolean,
): Promise<void> {
  let writes = new Map<BinaryEnvironment, Write[]>()
  let bytes = 0
  const flush = async () => {
    for (const [environment, own] of writes) await environment.write(own)
    writes = new Map()
    bytes = 0
  }
  for (const { key, value } of source.range(tableStart(from), tableStart(from + 1))) {
    const partition = partitionOfKey(key)
    const environment = held.environments.get(held.places.madeIn(partition))
    if (!environment || !isContent(key) || !isPlaced(partition)) continue // another worker's, or nobody's
    const own = writes.get(environment) ?? []
    own.push([Buffer.concat([tableStart(table), key.subarray(TABLE_BYTES)]), Buffer.from(value)])
    writes.set(environment, own)
    bytes += value.length
    if (bytes >= ADOPT_BYTES) await flush()
  }
  await flush()
}
