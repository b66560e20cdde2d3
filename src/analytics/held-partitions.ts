import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { assert, Problem } from '../lib/index.js'
import { BinaryEnvironment, type Write } from '../storage/index.js'
import { ColumnCache } from './column-cache.js'
import { Folding } from './folding.js'
import { environmentFile } from './keys.js'
import { Partition, type Readers } from './partition.js'
import { Places } from './places.js'
import { Populations } from './populations.js'
import type { WorkerStart } from './protocol.js'
import { Arrivals } from './reactions.js'
import { Receipts } from './receipts.js'
import type { EventTable } from './schema.js'
import { Numberings } from './texts.js'
import { WriteQueue } from './write-queue.js'

/** A partition with all that belongs to it. */
export interface Held {
  readonly environment: number
  readonly partition: Partition
  readonly populations: Populations
  readonly folding: Folding
  readonly arrivals: Arrivals
  readonly receipts: Receipts
}

/** The environments of one worker, and the partitions in them that it has in memory. */
export class HeldPartitions implements AsyncDisposable {
  readonly places: Places
  /** By number. */
  readonly environments: ReadonlyMap<number, BinaryEnvironment>
  readonly #tables = new Map<number, EventTable>()
  readonly #held = new Map<number, Map<number, Held>>()
  readonly #cache: ColumnCache
  readonly #queues: ReadonlyMap<BinaryEnvironment, WriteQueue>
  /** By table and partition; they outlive what is in memory of it. */
  readonly #readers = new Map<number, Map<number, Readers>>()
  /** By table. */
  readonly #numberings = new Map<number, Numberings>()

  /** @param onFailure is told when an environment takes no more writes */
  constructor({ environments, folder, settings, worker, workers }: WorkerStart, onFailure: (failure: Problem) => void) {
    this.#cache = new ColumnCache(settings.cacheBytesMax)
    this.places = new Places(environments)
    mkdirSync(folder, { recursive: true })
    const own = new Map<number, BinaryEnvironment>()
    for (let number = worker; number < environments; number += workers)
      own.set(number, new BinaryEnvironment(join(folder, environmentFile(number)), onFailure))
    this.environments = own
    this.#queues = new Map(
      [...own.values()].map((environment) => {
        return [environment, new WriteQueue(environment, () => this.#forgetAll(environment))]
      }),
    )
  }

  /** Takes a table's schema; requests that follow see it. */
  useTable(table: EventTable): void {
    const known = this.#tables.get(table.id)
    if (known && known.version >= table.version) return
    this.#tables.set(table.id, table)
    for (const { partition } of this.#held.get(table.id)?.values() ?? []) partition.useSchema(table)
  }

  /** @throws Problem query_cancelled */
  table(id: number): EventTable {
    const table = this.#tables.get(id)
    // Schemas come before requests for them: only one that was dropped meanwhile is missing.
    if (!table) throw new Problem('query_cancelled', {})
    return table
  }

  knows(table: number): boolean {
    return this.#tables.has(table)
  }

  get tables(): Iterable<EventTable> {
    return this.#tables.values()
  }

  owns(environment: number): boolean {
    return this.environments.has(environment)
  }

  environmentOf(number: number): BinaryEnvironment {
    const environment = this.environments.get(number)
    assert(environment !== undefined, 'an environment is asked of the worker that owns it')
    return environment
  }

  /** A partition that is here. */
  hold(table: EventTable, number: number): Held {
    let partitions = this.#held.get(table.id)
    if (!partitions) {
      partitions = new Map()
      this.#held.set(table.id, partitions)
    }
    let held = partitions.get(number)
    if (!held) {
      const place = this.places.of(table.id, number)
      const environment = this.environments.get(place)
      // A question that was on its way while the partition was moved to another worker.
      if (!environment) throw new Problem('query_cancelled', {})
      const numberings = this.#numberingsOf(table.id)
      const readers = this.#readersOf(table.id, number)
      const partition = new Partition(environment, table, number, this.#cache, numberings, readers)
      const arrivals = new Arrivals(environment, table.id, number)
      const folding = new Folding(partition, (writes) => this.write(environment, writes))
      const receipts = new Receipts(environment, table.id, number)
      const populations = new Populations(partition)
      held = { environment: place, partition, populations, folding, arrivals, receipts }
      partitions.set(number, held)
    }
    return held
  }

  /** The partitions of a table that are here. */
  *all(table: EventTable): Iterable<Held> {
    for (let number = 0; number < table.partitions; number++) {
      if (this.owns(this.places.of(table.id, number))) yield this.hold(table, number)
    }
  }

  /** All partitions that are in memory. */
  *loaded(): Iterable<Held> {
    for (const partitions of this.#held.values()) yield* partitions.values()
  }

  /** What is in memory of a partition, to be read anew when it is wanted again. */
  release(table: number, partition: number): void {
    this.#held.get(table)?.delete(partition)
  }

  /** A partition that is in memory. */
  find(table: number, partition: number): Held | undefined {
    return this.#held.get(table)?.get(partition)
  }

  /** Forgets a table; its data stays. */
  forget(table: number): void {
    this.#held.delete(table)
    this.#readers.delete(table)
    this.#numberings.delete(table)
    this.#tables.delete(table)
    this.places.forget(table)
  }

  /**
   * Writes what partitions have done in memory; without writes it waits until all before is stored. When it fails, the
   * partitions of the environment are read again: what is in memory is ahead of what is stored.
   * @throws Problem of BinaryEnvironment.write
   */
  async write(environment: BinaryEnvironment, writes: readonly Write[]): Promise<void> {
    await this.#queues.get(environment)!.write(writes)
  }

  /** Whether it is still what the partition is in memory. */
  isCurrent(held: Held): boolean {
    return this.find(held.partition.table, held.partition.number) === held
  }

  #forgetAll(environment: BinaryEnvironment): void {
    for (const partitions of this.#held.values()) {
      for (const [number, { folding, partition }] of partitions) {
        if (partition.environment !== environment) continue
        folding.abandon()
        partitions.delete(number)
      }
    }
  }

  /** Bytes of decoded columns in memory. */
  get cacheBytes(): number {
    return this.#cache.bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const environment of this.environments.values()) await environment[Symbol.asyncDispose]()
  }

  #readersOf(table: number, partition: number): Readers {
    let readers = this.#readers.get(table)
    if (!readers) this.#readers.set(table, (readers = new Map()))
    let own = readers.get(partition)
    if (!own) readers.set(partition, (own = { count: 0 }))
    return own
  }

  #numberingsOf(table: number): Numberings {
    let numberings = this.#numberings.get(table)
    if (!numberings) {
      numberings = new Numberings()
      this.#numberings.set(table, numberings)
    }
    return numberings
  }
}
