import { Problem } from '../lib/index.js'
import { type Batch, Fate, type Outcome } from './batch.js'
import { EventReader, type Rejection } from './event-reader.js'
import type { InsertAnswer, Intent, Sent, StoreSettings } from './protocol.js'
import type { EventTable } from './schema.js'

/** Where checked rows go: to the owner of an environment, be it this worker or another one. */
export interface Owners {
  readonly environments: number
  environmentOf(table: number, partition: number): number
  insert(table: number, environment: number, batch: Batch, given?: Given): Promise<Outcome>
  check(table: number, environment: number, batch: Batch, receipt?: string): Promise<number[]>
  intend(intent: Intent): Promise<void>
}

/** What comes with an insert, if anything. */
export interface Given {
  /** The node where the events were inserted first, when they come from another one. */
  readonly origin?: string | undefined
  /** Names an insert that may be sent again. */
  readonly receipt?: string | undefined
}

/** Reads a body of events, sends the rows to their owners and says what became of each event. */
export class Inserter {
  readonly #owners: Owners
  readonly #settings: StoreSettings

  constructor(owners: Owners, settings: StoreSettings) {
    this.#owners = owners
    this.#settings = settings
  }

  async insert(table: EventTable, sent: Sent, given: Given = {}): Promise<InsertAnswer> {
    const { count, reading } = this.#read(table, sent)
    const outcomes = await this.#send(table, reading.batches, given)
    return this.#answer(count, reading.rejected, reading.warnings, outcomes)
  }

  /**
   * All events or none. What is about to be done is written down first, so that a stop half way is made good at the next
   * start: an event that is inserted again changes nothing. Whoever called takes the note back.
   */
  async insertAtomically(table: EventTable, sent: Sent, receipt?: string): Promise<InsertAnswer> {
    const { count, reading } = this.#read(table, sent)
    const tooMany = await Promise.all(
      reading.batches.map((batch, environment) =>
        batch ? this.#owners.check(table.id, environment, batch, receipt) : [],
      ),
    )
    const rejected = [...reading.rejected, ...tooMany.flat().map((index) => this.#tooMany(index))]
    if (rejected.length > 0) {
      rejected.sort((a, b) => a.index - b.index)
      throw new Problem('events_rejected', { count: rejected.length }, { rejected, inserted: 0 })
    }
    await this.#owners.intend({ table: table.id, batches: reading.batches, receipt })
    const outcomes = await this.#send(table, reading.batches, { receipt }).catch((error: unknown) => {
      // Some of it may be there, and the rest will be: what refuses a part does not refuse the whole.
      if (!(error instanceof Problem) || error.code !== 'disk_full') throw error
      throw new Problem('outcome_unknown', { reason: 'the disk is full; what is missing follows when there is space' })
    })
    return this.#answer(count, [], reading.warnings, outcomes)
  }

  async #send(table: EventTable, batches: readonly (Batch | undefined)[], given: Given): Promise<Outcome[]> {
    return Promise.all(
      batches.flatMap((batch, environment) =>
        batch ? [this.#owners.insert(table.id, environment, batch, given)] : [],
      ),
    )
  }

  #read(table: EventTable, { body, lines, only }: Sent) {
    const rejected: Rejection[] = []
    const events = typeof body === 'string' ? (lines ? readLines(body, rejected) : readArray(body)) : body
    const { environments } = this.#owners
    const ownerOf = (partition: number) => this.#owners.environmentOf(table.id, partition)
    const reader = new EventReader(table, environments, ownerOf, this.#settings.limits, only)
    const reading = reader.read(events)
    // A line that is no JSON stands as undefined among the events: it is told of once, with its own reason.
    const broken = new Set(rejected.map(({ index }) => index))
    const others = reading.rejected.filter(({ index }) => !broken.has(index))
    return { count: events.length, reading: { ...reading, rejected: [...rejected, ...others] } }
  }

  #answer(
    count: number,
    rejected: Rejection[],
    warnings: readonly string[],
    outcomes: readonly Outcome[],
  ): InsertAnswer {
    let duplicates = 0
    const all = [...rejected]
    for (const { events, fates } of outcomes) {
      for (let at = 0; at < events.length; at++) {
        if (fates[at] === Fate.duplicate) duplicates++
        else if (fates[at] === Fate.tooManyRows) all.push(this.#tooMany(events[at]!))
      }
    }
    all.sort((a, b) => a.index - b.index)
    return { inserted: count - duplicates - all.length, duplicates, rejected: all, warnings }
  }

  #tooMany(index: number): Rejection {
    return { index, reason: `the person would have more than ${this.#settings.rowsPerPersonMax} rows` }
  }
}

function readArray(text: string): unknown[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Problem('body_not_json', { reason: `The body is not valid JSON: ${(error as Error).message}` })
  }
  if (!Array.isArray(value)) throw new Problem('invalid_request', { reason: 'The body is an array of events.' })
  return value
}

function readLines(text: string, rejected: Rejection[]): unknown[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as unknown
    } catch (error) {
      rejected.push({ index, reason: `the line is not valid JSON: ${(error as Error).message}` })
      return undefined
    }
  })
}
