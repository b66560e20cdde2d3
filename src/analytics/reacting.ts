import { Problem } from '../lib/index.js'
import type { TriggerOutcome } from '../pyql/index.js'
import type { Write } from '../storage/index.js'
import type { Held, HeldPartitions } from './held-partitions.js'
import type { Snapshot } from './partition.js'
import { bitsOf } from './populations.js'
import type { Reactions, ReactRequest } from './protocol.js'
import { scanBlock, unitsOf } from './scan-reader.js'
import { columnOf, type EventTable } from './schema.js'
import { touches, UPKEEP, type Visits } from './visits.js'

/** What triggers have said. */
interface Said {
  readonly outcomes: Reactions['outcomes'][number][]
  readonly log: string[]
  characters: number
}

/** Runs triggers for the people of new events. */
export class Reacting {
  readonly #held: HeldPartitions
  readonly #visits: Visits
  /** Tables with triggers. */
  readonly #watched = new Set<number>()

  constructor(held: HeldPartitions, visits: Visits) {
    this.#held = held
    this.#visits = visits
  }

  /** Inserts into a watched table are noted for triggers. */
  watch(table: number, watched: boolean): void {
    if (watched) this.#watched.add(table)
    else this.#watched.delete(table)
  }

  isWatched(table: number): boolean {
    return this.#watched.has(table)
  }

  /** What triggers say to the people of inserts that they have not seen: once for each insert. */
  async react(request: ReactRequest): Promise<Reactions> {
    const table = this.#held.table(request.table)
    const said: Said = { outcomes: [], log: [], characters: 0 }
    const seen: Reactions['seen'][number][] = []
    const looked = new Set<Held>()
    const before = new Map([...this.#held.all(table)].map(({ arrivals }) => [arrivals, arrivals.next]))
    await this.#visits.each(table, new Int32Array(2), { segments: [] }, async ({ held, snapshot, pause }) => {
      const { partition, arrivals } = held
      const asked = request.people?.map((id) => partition.numberOf(id)).filter((number) => number !== undefined)
      if (asked) {
        if (asked.length === 0) return
        await this.#reactTo(request, table, snapshot, asked, said, pause)
        looked.add(held)
        return
      }
      for (const { key: at, people } of arrivals.oldest(request.arrivalsMax, before.get(arrivals)!)) {
        // The others come again: what is said of them is held when this is stored.
        if (said.characters > request.limits.charactersMax) return
        // Its number, and those of its people, may be another insert's by now: they are given again after a failed write.
        if (!this.#held.isCurrent(held)) throw new Problem('query_cancelled', {})
        await this.#reactTo(request, table, snapshot, people, said, pause)
        seen.push({ environment: held.environment, key: at })
        looked.add(held)
      }
    })
    for (const held of looked) await this.#stored(held)
    return { outcomes: said.outcomes, log: said.log, seen }
  }

  /** Memory is ahead of the disk: no message tells of rows that are on their way to it, and may be lost. */
  async #stored(held: Held): Promise<void> {
    await this.#held.write(held.partition.environment, [])
    if (!this.#held.isCurrent(held)) throw new Problem('query_cancelled', {})
  }

  /** Triggers have seen these inserts. */
  async reacted(seen: Reactions['seen']): Promise<void> {
    for (const [number, environment] of this.#held.environments) {
      const own = seen.filter((one) => one.environment === number)
      if (own.length > 0) await environment.write(own.map(({ key: at }): Write => [at, undefined]))
    }
  }

  async #reactTo(
    { programs, now, limits, messageCharactersMax }: ReactRequest,
    table: EventTable,
    snapshot: Snapshot,
    people: readonly number[],
    said: Said,
    pause: () => Promise<void> | undefined,
  ): Promise<void> {
    const { outcomes, log } = said
    const population = bitsOf(people, snapshot.people)
    for (const { id, program, entry } of programs) {
      const columns = program.columns.map((column) => columnOf(table, column.name))
      const scan = this.#visits.makeScan(program, {
        ...UPKEEP,
        now,
        limits,
        ...(messageCharactersMax && { messageCharactersMax }),
      })
      for (const unit of unitsOf(snapshot)) {
        if (!touches(population, unit.first, unit.people)) continue
        const block = scanBlock(snapshot, unit, columns, this.#visits.scratch)
        for (const outcome of scan.call(block, entry, population)) {
          outcomes.push({ id, outcome })
          said.characters += charactersOf(outcome)
        }
        await pause()
      }
      log.push(...scan.partial().log)
    }
  }
}

function charactersOf({ emitted, returned }: TriggerOutcome): number {
  let characters = 0
  for (const message of [...emitted, returned]) characters += typeof message === 'string' ? message.length : 1
  return characters
}
