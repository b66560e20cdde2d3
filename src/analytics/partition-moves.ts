import type { Gate } from './gate.js'
import type { Piece } from './partition-copy.js'
import type { Moved, Places } from './places.js'
import type { CopyRest, Request } from './protocol.js'
import type { EventTable } from './schema.js'
import type { Threads } from './threads.js'

export interface PartitionMovesOptions {
  readonly threads: Threads
  readonly places: Places
  readonly gate: Gate
  /** Finishes an insert that may have been cut off: it knows its events by their environments. */
  readonly finishInsert: () => Promise<void>
}

/** A partition at one moment: what was there, piece by piece, then what came meanwhile. */
interface Copy {
  readonly pieces: AsyncIterable<readonly Piece[]>
  readonly rest: () => Promise<CopyRest>
  readonly end: () => Promise<unknown>
}

/** Partitions that go into another environment, or out of this node and into another one. */
export class PartitionMoves {
  readonly #options: PartitionMovesOptions

  constructor(options: PartitionMovesOptions) {
    this.#options = options
  }

  /**
   * Moves a partition into another environment, while events are inserted and questions asked. What is already there
   * goes over piece by piece; then inserts wait until the rest has followed and the new place is written down, which is
   * one write: a stop before it leaves the partition where it was, and one after it where it is now.
   */
  async move(table: EventTable, partition: number, environment: number): Promise<void> {
    const { threads, places, gate, finishInsert } = this.#options
    const before = { table: table.id, partition, environment: places.of(table.id, partition) }
    if (before.environment === environment) return
    const moved = { ...before, environment }
    const to = threads.of(environment)
    await to.call({ kind: 'clear', place: moved } satisfies Request)
    const copy = await this.#startCopy(table, partition)
    try {
      for await (const piece of copy.pieces)
        await to.call({ kind: 'take', place: moved, pieces: piece } satisfies Request)
      await gate.alone(async () => {
        await finishInsert()
        const { pieces: last, memory } = await copy.rest()
        await to.call({ kind: 'take', place: moved, pieces: last } satisfies Request)
        await threads.of(0).call({ kind: 'place', moved } satisfies Request)
        await this.#use([moved])
        await to.call({ kind: 'take_memory', table: table.id, partition, memory } satisfies Request)
      })
    } finally {
      await copy.end()
    }
    await threads.of(before.environment).call({ kind: 'clear', place: before } satisfies Request)
  }

  /** A partition at one moment, in pieces that `import` takes; inserts go on meanwhile. */
  async *export(table: EventTable, partition: number): AsyncGenerator<readonly Piece[]> {
    const copy = await this.#startCopy(table, partition)
    try {
      yield* copy.pieces
      yield (await copy.rest()).pieces
    } finally {
      await copy.end()
    }
  }

  /**
   * Takes a partition over that was exported elsewhere, from a table with the same numbers of columns. It is empty here
   * before, takes no events meanwhile, and is there when all of it is: a stop before leaves nothing.
   * @throws Problem partition_in_use
   */
  async import(table: EventTable, partition: number, pieces: AsyncIterable<readonly Piece[]>): Promise<void> {
    const { threads, places } = this.#options
    threads.announce(table)
    const place = { table: table.id, partition, environment: places.of(table.id, partition) }
    const channel = threads.of(place.environment)
    await channel.call({ kind: 'expect', place } satisfies Request)
    try {
      for await (const piece of pieces) await channel.call({ kind: 'take', place, pieces: piece } satisfies Request)
    } catch (error) {
      await channel.call({ kind: 'clear', place } satisfies Request)
      throw error
    } finally {
      await channel.call({ kind: 'arrived', place } satisfies Request)
    }
  }

  /** Reads where the partitions are that were moved before. */
  async load(): Promise<void> {
    await this.#use(await this.#options.threads.of(0).call<Moved[]>({ kind: 'places' } satisfies Request))
  }

  async #use(moved: readonly Moved[]): Promise<void> {
    const { threads, places } = this.#options
    for (const place of moved) places.set(place)
    await threads.askAll({ kind: 'use_places', moved })
  }

  async #startCopy(table: EventTable, partition: number): Promise<Copy> {
    const { threads, places } = this.#options
    threads.announce(table)
    const channel = threads.of(places.of(table.id, partition))
    const ask = <T>(kind: 'copy_start' | 'copy_next' | 'copy_rest' | 'copy_end') =>
      channel.call<T>({ kind, table: table.id, partition } satisfies Request)
    await ask('copy_start')
    async function* pieces(): AsyncGenerator<readonly Piece[]> {
      for (;;) {
        const next = await ask<readonly Piece[]>('copy_next')
        if (next.length === 0) return
        yield next
      }
    }
    return { pieces: pieces(), rest: () => ask<CopyRest>('copy_rest'), end: () => ask('copy_end') }
  }
}
