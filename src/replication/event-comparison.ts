import { ContentDigest, type DigestText, type PersonDigest } from '../analytics/index.js'
import type { TableSchema } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import type { Json, Mesh } from '../mesh/index.js'
import type { SharedEvents } from './event-outbox.js'
import type { Difference } from './verification.js'
import type { TableName } from './wire.js'

const BUCKETS = 256

export interface EventComparisonOptions {
  mesh: Mesh
  events: SharedEvents
  node: string
  table: TableName
  /** The table here; undefined when it is only there. */
  schema: TableSchema | undefined
  timeoutMs: number
  /** Asked before there is an agreement. */
  preview?: true
}

/**
 * Compares an event table with that of another node, whatever their partitions: hashes of buckets of people first, then
 * of the people of the buckets that differ.
 */
export class EventComparison {
  readonly #options: EventComparisonOptions

  constructor(options: EventComparisonOptions) {
    this.#options = options
  }

  /** The people whose rows differ, a few more than `most` at the end. */
  async compare(most: number): Promise<{ equal: boolean; records: number; differences: Difference[] }> {
    const differences: Difference[] = []
    let equal = true
    let records = 0
    for await (const { count, here, there } of this.#buckets()) {
      records += count
      if (!here || differences.length >= most) continue
      equal = false
      for (const [person, { digest }] of there) {
        const own = here.get(person)
        if (!own) differences.push({ key: person, state: 'missing here' })
        else if (own.digest !== digest) differences.push({ key: person, state: 'different' })
      }
      for (const person of here.keys())
        if (!there.has(person)) differences.push({ key: person, state: 'missing there' })
    }
    return { equal, records, differences }
  }

  /** What a full copy would bring: rows of people who have others here, and rows of people who have the same. */
  async preview(): Promise<{ rows: number; known: number }> {
    let rows = 0
    let known = 0
    for await (const { count, here, there } of this.#buckets()) {
      if (!here) known += count
      for (const [person, { count, digest }] of there) {
        if (here?.get(person)?.digest === digest) known += count
        else rows += count
      }
    }
    return { rows, known }
  }

  /** Each bucket's rows there; where the nodes differ also its people, here and there. */
  async *#buckets(): AsyncGenerator<{ count: number; here?: People; there: People }> {
    const { events, schema } = this.#options
    const there = await this.#digests()
    const here = schema && (await events.digests(schema, BUCKETS))
    for (const [bucket, digest] of there.entries()) {
      const { count } = digest
      const own = here?.[bucket]
      const isSame = own ? own.digest === digest.toText().digest : count === 0
      if (isSame) yield { count, there: new Map() }
      else {
        const theirs = await this.#ask('event_contents', { buckets: BUCKETS, bucket })
        if (!Array.isArray(theirs)) throw this.#strange()
        const ours = schema ? await events.contents(schema, BUCKETS, bucket) : []
        yield { count, here: peopleOf(ours), there: peopleOf(theirs as unknown as PersonDigest[]) }
      }
    }
  }

  /** One partition of the other node at a time, so that no request takes long. */
  async #digests(): Promise<ContentDigest[]> {
    const all = Array.from({ length: BUCKETS }, () => new ContentDigest())
    for (let partition = 0, partitions = 1; partition < partitions; partition++) {
      const answer = await this.#ask('event_digests', { buckets: BUCKETS, partition })
      const part = answer as { partitions?: unknown; digests?: unknown } | null
      if (!Number.isSafeInteger(part?.partitions) || !Array.isArray(part?.digests)) throw this.#strange()
      partitions = part.partitions as number
      for (const [bucket, digest] of (part.digests as DigestText[]).entries()) all[bucket]?.add(digest)
    }
    return all
  }

  async #ask(method: string, more: Record<string, Json>): Promise<Json> {
    const { mesh, node, preview, table, timeoutMs } = this.#options
    const { database, table: name } = table
    return await mesh.requests.ask(
      node,
      method,
      { database, table: name, ...(preview && { preview }), ...more },
      timeoutMs,
    )
  }

  #strange(): Problem {
    return new Problem('node_answer_refused', { node: this.#options.node })
  }
}

type People = ReadonlyMap<string | number, PersonDigest>

const peopleOf = (contents: readonly PersonDigest[]): People =>
  new Map(contents.map((digest) => [digest.person, digest]))
