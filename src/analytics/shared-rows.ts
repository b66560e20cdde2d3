import type { BinaryEnvironment, Write } from '../storage/index.js'
import { ContentDigest, type DigestText } from './content-digest.js'
import { unitTexts } from './event-texts.js'
import type { HeldPartitions } from './held-partitions.js'
import { Outgoing, type Sharing, sharingOf, sharingWrite } from './outgoing.js'
import type { Partition } from './partition.js'
import type { CopyPart, CopyPlace, OutgoingNote, PersonDigest } from './protocol.js'
import { Scratch, unitsOf } from './scan-reader.js'
import { partitionOf } from './schema.js'
import { pauses } from './visits.js'

/** What other nodes get of a table: its new rows, copies, and hashes to compare. */
export class SharedRows {
  readonly #held: HeldPartitions
  readonly #shared = new Map<number, Sharing>()
  readonly #notes = new Map<BinaryEnvironment, Map<number, Outgoing>>()

  constructor(held: HeldPartitions) {
    this.#held = held
  }

  /** Which inserts are kept for other nodes from now on. */
  async share(tableId: number, sharing: Sharing): Promise<void> {
    if (this.sharing(tableId) === sharing) return
    for (const environment of this.#held.environments.values())
      await environment.write([sharingWrite(tableId, sharing)])
    // Only then: where the disk was full, whoever asks again is to write it.
    this.#shared.set(tableId, sharing)
  }

  /** Which inserts are kept for other nodes. */
  sharing(tableId: number): Sharing {
    let sharing = this.#shared.get(tableId)
    if (sharing === undefined) {
      // A stop may have come between two environments: what one of them says is kept.
      const kept = [...this.#held.environments.values()].map((environment) => sharingOf(environment, tableId))
      sharing = kept.find((one) => one !== 'none') ?? 'none'
      this.#shared.set(tableId, sharing)
    }
    return sharing
  }

  /** What keeps rows, as texts, until they are sent. */
  note(environment: BinaryEnvironment, tableId: number, origin: string, rows: readonly string[]): Write[] {
    return this.#outgoing(environment, tableId).note(origin, rows)
  }

  /** The oldest rows that wait to be sent to other nodes. */
  outgoing(charactersMax: number): OutgoingNote[] {
    const notes: OutgoingNote[] = []
    let characters = 0
    for (const { id: table } of this.#held.tables) {
      for (const [number, environment] of this.#held.environments) {
        for (const note of this.#outgoing(environment, table).oldest()) {
          notes.push({ ...note, table, environment: number })
          characters += note.text.length
          if (characters >= charactersMax) return notes
        }
      }
    }
    return notes
  }

  /** Rows of a partition from a place on, as events. */
  copy(tableId: number, { partition: number, person, row }: CopyPlace, charactersMax: number): CopyPart {
    const { partition } = this.#held.hold(this.#held.table(tableId), number)
    const texts: string[] = []
    let characters = 0
    for (const { person: at, row: place, text } of rowTexts(partition, person)) {
      if (at === person && place < row) continue
      if (characters >= charactersMax)
        return { text: texts.join(','), rows: texts.length, next: { partition: number, person: at, row: place } }
      texts.push(text())
      characters += texts.at(-1)!.length
    }
    return { text: texts.join(','), rows: texts.length }
  }

  /** What the people of a partition have, hashed, by buckets of people that are the same on every node. */
  async digests(tableId: number, number: number, buckets: number): Promise<DigestText[]> {
    const { partition } = this.#held.hold(this.#held.table(tableId), number)
    const digests = Array.from({ length: buckets }, () => new ContentDigest())
    const pause = pauses()
    for (const { person, text } of rowTexts(partition, 0)) {
      digests[partitionOf(partition.idOf(person), buckets)]!.addText(text())
      await pause()
    }
    return digests.map((digest) => digest.toText())
  }

  /** What each person of a bucket has, hashed. */
  async contents(tableId: number, number: number, buckets: number, bucket: number): Promise<PersonDigest[]> {
    const { partition } = this.#held.hold(this.#held.table(tableId), number)
    const digests = new Map<number, ContentDigest>()
    const pause = pauses()
    for (const { person, text } of rowTexts(partition, 0)) {
      if (partitionOf(partition.idOf(person), buckets) !== bucket) continue
      const digest = digests.get(person) ?? new ContentDigest()
      digests.set(person, digest)
      digest.addText(text())
      await pause()
    }
    return [...digests].map(([person, digest]) => ({ person: partition.idOf(person), ...digest.toText() }))
  }

  forget(table: number): void {
    this.#shared.delete(table)
    for (const notes of this.#notes.values()) notes.delete(table)
  }

  #outgoing(environment: BinaryEnvironment, tableId: number): Outgoing {
    const byTable = this.#notes.get(environment) ?? new Map<number, Outgoing>()
    this.#notes.set(environment, byTable)
    const outgoing = byTable.get(tableId) ?? new Outgoing(environment, tableId)
    byTable.set(tableId, outgoing)
    return outgoing
  }
}

/** The rows of a partition as events, people from a number on. */
function* rowTexts(partition: Partition, from: number): Iterable<{ person: number; row: number; text: () => string }> {
  const scratch = new Scratch()
  const snapshot = partition.snapshot()
  try {
    for (const unit of unitsOf(snapshot)) {
      if (unit.first + unit.people <= from) continue
      const { rowStart, texts } = unitTexts(snapshot, unit, scratch)
      for (let person = Math.max(from, unit.first); person < unit.first + unit.people; person++) {
        const start = rowStart[person - unit.first]!
        const end = rowStart[person - unit.first + 1]!
        for (let at = start; at < end; at++) yield { person, row: at - start, text: () => texts.text(person, at) }
      }
    }
  } finally {
    partition.release()
  }
}
