import { Problem } from '../lib/index.js'
import type { BinaryEnvironment, Write } from '../storage/index.js'
import type { HeldPartitions } from './held-partitions.js'
import { countBits } from './populations.js'
import type { PopulationInfo } from './protocol.js'

/** The populations of segments, over all partitions of a table. */
export class StoredPopulations {
  readonly #held: HeldPartitions

  constructor(held: HeldPartitions) {
    this.#held = held
  }

  list(tableId: number): PopulationInfo[] {
    const infos: PopulationInfo[] = []
    for (const { populations } of this.#held.all(this.#held.table(tableId))) {
      for (const [name, { bits, header }] of populations.entries()) {
        if (header !== undefined) infos.push({ name, header, people: countBits(bits) })
      }
    }
    return infos
  }

  /** Stores a population of the memory under its lasting name, in place of what was there. */
  async promote(tableId: number, from: string, name: string, header: string): Promise<void> {
    const writes = new Map<BinaryEnvironment, Write[]>()
    for (const { partition, populations } of this.#held.all(this.#held.table(tableId))) {
      const kept = populations.get(from)
      if (!kept) throw new Problem('query_cancelled', {})
      const own = writes.get(partition.environment) ?? []
      own.push(...populations.put(name, { ...kept, header }), ...populations.delete(from))
      writes.set(partition.environment, own)
    }
    await Promise.all([...writes].map(([environment, own]) => this.#held.write(environment, own)))
  }

  async forget(tableId: number, names: readonly string[]): Promise<void> {
    for (const { partition, populations } of this.#held.all(this.#held.table(tableId))) {
      const writes = names.flatMap((name) => populations.delete(name))
      if (writes.length > 0) await this.#held.write(partition.environment, writes)
    }
  }
}
