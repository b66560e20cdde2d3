import { setTimeout as sleep } from 'node:timers/promises'
import { assert, Problem } from '../lib/index.js'
import type { Write } from '../storage/index.js'
import type { FoldSchedule } from './fold-schedule.js'
import type { HeldPartitions } from './held-partitions.js'
import type { Partition } from './partition.js'
import { incomingKey, keyOfPiece, PartitionCopy, type Piece, partitionRanges } from './partition-copy.js'
import { type Moved, placeWrite, readPlaces } from './places.js'
import type { CopyRest, MemoryPopulation } from './protocol.js'

/** Between looks whether a partition that was moved away is still read, in milliseconds. */
const LEAVE_MS = 20

/** Reads partitions out and takes them over, whole: between environments, workers and stores. */
export class Moves {
  readonly #held: HeldPartitions
  readonly #folds: FoldSchedule
  /** Partitions that are being copied, which are not folded meanwhile. */
  readonly #copies = new Map<Partition, PartitionCopy>()
  /** Partitions that were moved away and may still be read. */
  readonly #left = new Set<Partition>()
  /** Partitions that are being taken over: they take no events. */
  readonly #incoming = new Set<string>()

  constructor(held: HeldPartitions, folds: FoldSchedule) {
    this.#held = held
    this.#folds = folds
  }

  /** The partitions that lie elsewhere than where they were made, as they are stored; only one worker knows. */
  readPlaces(): Moved[] {
    const environment = this.#held.environments.get(0)
    return environment ? readPlaces(environment) : []
  }

  /** Partitions lie in other environments from now on. What was asked before goes on with what it has. */
  usePlaces(moved: readonly Moved[]): void {
    for (const place of moved) {
      const held = this.#held.find(place.table, place.partition)
      if (held && held.environment !== place.environment) {
        this.#left.add(held.partition)
        this.#held.release(place.table, place.partition)
      }
      this.#held.places.set(place)
    }
  }

  /** Stores where a partition lies: with this it is moved. */
  async place(moved: Moved): Promise<void> {
    const environment = this.#held.environments.get(0)
    assert(environment !== undefined, 'environment 0 keeps the places')
    await environment.write([placeWrite(moved)])
  }

  /** Begins to read a partition out; it is not folded until the end. */
  async copyStart(tableId: number, number: number): Promise<void> {
    const { partition } = this.#held.hold(this.#held.table(tableId), number)
    assert(!this.#copies.has(partition), 'a partition is copied once at a time')
    this.#copies.set(partition, new PartitionCopy(partition.environment, tableId, number))
    await this.#folds.pause(partition)
  }

  copyNext(tableId: number, number: number): Piece[] {
    return this.#copyOf(tableId, number).next()
  }

  copyRest(tableId: number, number: number): CopyRest {
    const { populations } = this.#held.hold(this.#held.table(tableId), number)
    const memory = [...populations.entries()].flatMap(([name, { bits, header, rightAt }]) =>
      header === undefined ? [{ name, bits, rightAt }] : [],
    )
    return { pieces: this.#copyOf(tableId, number).rest(), memory }
  }

  copyEnd(tableId: number, number: number): void {
    for (const partition of this.#copies.keys()) {
      if (partition.table !== tableId || partition.number !== number) continue
      this.#copies.delete(partition)
      this.#folds.resume(partition)
    }
  }

  /** Removes what an environment holds of a partition that lies elsewhere, when nobody reads it any more. */
  async clear({ table, partition, environment: number }: Moved): Promise<void> {
    const environment = this.#held.environmentOf(number)
    for (const left of this.#left) {
      if (left.table !== table || left.number !== partition || left.environment !== environment) continue
      while (left.isRead) await sleep(LEAVE_MS)
      this.#left.delete(left)
    }
    for (const range of partitionRanges(table, partition)) await environment.removeRange(...range)
  }

  /** A partition that is empty here will be taken over from elsewhere. A stop before it has arrived leaves nothing. */
  async expect({ table: id, partition: number, environment }: Moved): Promise<void> {
    const table = this.#held.table(id)
    const { partition } = this.#held.hold(table, number)
    if (partition.people > 0) throw new Problem('partition_in_use', { partition: number })
    this.#incoming.add(`${id}/${number}`)
    await this.#held.environmentOf(environment).write([[incomingKey(id, number), Buffer.alloc(0)]])
  }

  isIncoming(table: number, partition: number): boolean {
    return this.#incoming.has(`${table}/${partition}`)
  }

  /** Writes a part of a partition; nobody reads it yet. */
  async take({ table, partition, environment }: Moved, pieces: readonly Piece[]): Promise<void> {
    await this.#held
      .environmentOf(environment)
      .write(pieces.map((piece): Write => [keyOfPiece(table, partition, piece), Buffer.from(piece[1])]))
  }

  takeMemory(tableId: number, number: number, memory: readonly MemoryPopulation[]): void {
    const { populations } = this.#held.hold(this.#held.table(tableId), number)
    for (const { name, ...kept } of memory) populations.put(name, { ...kept, header: undefined })
  }

  /** The partition is whole: it is read from what was taken. */
  async arrived({ table, partition, environment }: Moved): Promise<void> {
    await this.#held.environmentOf(environment).write([[incomingKey(table, partition), undefined]])
    this.#incoming.delete(`${table}/${partition}`)
    this.#held.release(table, partition)
  }

  #copyOf(tableId: number, number: number): PartitionCopy {
    const copy = this.#copies.get(this.#held.hold(this.#held.table(tableId), number).partition)
    // A write has failed meanwhile, and the partition was read anew.
    if (!copy) throw new Problem('query_cancelled', {})
    return copy
  }
}
