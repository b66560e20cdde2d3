import type { CopyPlace } from '../analytics/index.js'
import type { Catalog, TableSchema } from '../catalog/index.js'
import { type HybridClock, Problem } from '../lib/index.js'
import { type Json, type Mesh, PrintedJson } from '../mesh/index.js'
import type { ChangeLog, Key, RawEntry, Replica } from '../tables/index.js'
import type { SharedEvents } from './event-outbox.js'
import type { PeerStore } from './peers.js'
import { ServedLog, type Wanted } from './served-log.js'
import { stateOf } from './table-state.js'
import { isSameTable, isTableName, PAGE_CHARACTERS_MAX, type TableName } from './wire.js'

const TABLES_MAX = 10_000
const PIECE_ROWS_MIN = 100
const PIECES_MAX = 1_000
const BUCKETS_MAX = 1_024

export interface ServedOptions {
  mesh: Mesh
  peers: PeerStore
  catalog: Catalog
  changes: ChangeLog
  clock: HybridClock
  replica: Replica
  events: SharedEvents
  /** Resolves when inserts into the event tables that are published are kept for others. */
  sharing: () => Promise<void>
  incarnation: string
  /** Whether changes of other nodes are passed on. */
  republish: boolean
  /** Whether the entry goes out to others at all. */
  ships: (entry: RawEntry) => boolean
}

/** Answers what peers ask about the tables that this node publishes to them. */
export class ServedTables {
  readonly #options: ServedOptions
  readonly #log: ServedLog

  constructor(options: ServedOptions) {
    const { mesh } = options
    this.#options = options
    this.#log = new ServedLog({ ...options, nodeName: mesh.nodeName })
    mesh.requests.serve('describe', async (body) => this.#describe(body))
    mesh.requests.serve('changes', async (body, from) => this.#changes(body, from))
    mesh.requests.serve('copy', (body, from) => this.#copy(body, from))
    mesh.requests.serve('boundaries', (body, from) => this.#boundaries(body, from))
    mesh.requests.serve('digests', (body, from) => this.#digests(body, from))
    mesh.requests.serve('contents', (body, from) => this.#contents(body, from))
    mesh.requests.serve('event_digests', (body, from) => this.#eventDigests(body, from))
    mesh.requests.serve('event_contents', (body, from) => this.#eventContents(body, from))
    mesh.requests.serve('behind', async (body) => this.#behind(body))
  }

  #describe(body: unknown): Json {
    const { catalog, changes, clock, incarnation, peers } = this.#options
    const { tables } = body as { tables?: unknown }
    if (!isShortList(tables) || !tables.every(isTableName)) throw wrong('names no tables')
    const states = tables.map((name) => stateOf(catalog, peers, name))
    return { incarnation, sequence: changes.committed(), time: clock.now(), tables: states } as unknown as Json
  }

  /** All tables together and whole transactions only, so that these arrive whole. */
  #changes(body: unknown, from: string): PrintedJson {
    const { partly, tables } = (body ?? {}) as { partly?: unknown; tables?: unknown }
    if (!isShortList(tables)) throw wrong('names no tables')
    const gone: number[] = []
    const unshared: number[] = []
    const wanted = new Map<number, Wanted>()
    for (const [of, one] of tables.entries()) {
      if (partly === true && isTableName(one) && !this.#isShared(from, one)) {
        unshared.push(of)
        continue
      }
      const name = this.#allowed(from, one)
      const { id } = this.#schema(name)
      const { place, isGone } = this.#placeOf(id, one as { after?: unknown; since?: unknown })
      if (isGone) gone.push(of)
      else if (!this.#log.isQuiet(id, place)) wanted.set(id, { of, name, place })
    }
    return this.#log.page(wanted, { gone, unshared })
  }

  /** The entry behind which the changes of a table are wanted, and whether the log does not reach back that far. */
  #placeOf(id: number, { after, since }: { after?: unknown; since?: unknown }): { place: number; isGone: boolean } {
    const place = Number.isSafeInteger(after) ? (after as number) : 0
    if (typeof since !== 'number') return { place, isGone: !this.#log.reachesBack(id, place) }
    const before = Math.max(place, this.#options.changes.sequenceBefore(id, since))
    return { place: before, isGone: false }
  }

  async #copy(body: unknown, from: string): Promise<PrintedJson> {
    const { changes, events, incarnation, replica, sharing } = this.#options
    const schema = this.#asked(body, from)
    const { cursor: asked } = body as { cursor?: unknown }
    const cursor = typeof asked === 'string' ? asked : undefined
    const isEvents = schema.kind === 'events'
    // What is inserted from now on comes by the log, behind this sequence.
    if (isEvents) await sharing()
    const sequence = changes.committed()
    if (isEvents) {
      const { next, text } = await events.copy(schema, copyPlaceOf(cursor), PAGE_CHARACTERS_MAX)
      const head = JSON.stringify({ incarnation, sequence, cursor: next && cursorOf(next) }).slice(0, -1)
      return new PrintedJson(`${head},"rows":[],"events":[${text}]}`)
    }
    const page = replica.page(schema, cursor, PAGE_CHARACTERS_MAX)
    const head = JSON.stringify({ incarnation, sequence, cursor: page.cursor }).slice(0, -1)
    return new PrintedJson(`${head},"rows":[${page.rows.join(',')}]}`)
  }

  async #boundaries(body: unknown, from: string): Promise<Json> {
    const { size } = body as { size?: unknown }
    return await this.#options.replica.boundaries(this.#asked(body, from), Math.max(PIECE_ROWS_MIN, Number(size) || 0))
  }

  async #digests(body: unknown, from: string): Promise<Json> {
    const schema = this.#asked(body, from)
    const { boundaries, end, first } = body as { boundaries?: unknown; end?: Key; first?: unknown }
    if (!Array.isArray(boundaries) || boundaries.length > PIECES_MAX) throw wrong('names too many pieces, or none')
    return (await this.#options.replica.digests(schema, boundaries as Key[], first === true, end)) as unknown as Json
  }

  async #contents(body: unknown, from: string): Promise<Json> {
    const schema = this.#asked(body, from)
    const { before, start } = body as { start?: Key; before?: Key }
    return (await this.#options.replica.contents(schema, start, before)) as unknown as Json
  }

  async #eventDigests(body: unknown, from: string): Promise<Json> {
    const schema = this.#asked(body, from)
    const { buckets, partition } = body as { buckets?: unknown; partition?: unknown }
    const { partitions } = schema.options as { partitions: number }
    if (!isCount(buckets, BUCKETS_MAX) || !isCount(partition, partitions - 1))
      throw wrong('names no part of the event table')
    return { partitions, digests: (await this.#options.events.digests(schema, buckets, partition)) as unknown as Json }
  }

  async #eventContents(body: unknown, from: string): Promise<Json> {
    const schema = this.#asked(body, from)
    const { bucket, buckets } = body as { bucket?: unknown; buckets?: unknown }
    if (!isCount(buckets, BUCKETS_MAX) || !isCount(bucket, buckets - 1)) throw wrong('names no part of the event table')
    return (await this.#options.events.contents(schema, buckets, bucket)) as unknown as Json
  }

  /** How far the asker is behind, by the positions that it tells. */
  #behind(body: unknown): Json {
    const { positions } = body as { positions?: { database: string; table: string; sequence: number }[] }
    const known = Array.isArray(positions) ? positions.filter(isTableName).slice(0, TABLES_MAX) : []
    return known.map(({ database, table, sequence }) => {
      const schema = this.#options.catalog.find(database, table)
      return schema ? this.#log.behind(schema.id, sequence) : { entries: 0, seconds: 0 }
    })
  }

  /** The table that a request names, when it is there for who asks. @throws Problem not_shared, table_not_found */
  #asked(body: unknown, from: string): TableSchema {
    return this.#schema(this.#allowed(from, body))
  }

  #allowed(from: string, body: unknown): TableName {
    if (!isTableName(body)) throw wrong('names no table')
    const { database, table } = body
    // Who only looks has no agreement yet; it might make one without asking anybody here.
    const isPreview = (body as { preview?: unknown }).preview === true
    if (!isPreview && !this.#isShared(from, body))
      throw new Problem('not_shared', { node: this.#options.mesh.nodeName, database, table })
    return { database, table }
  }

  #isShared(peer: string, table: TableName): boolean {
    const { subscriptions = [] } = this.#options.peers.peers.get(peer) ?? {}
    return subscriptions.some((one) => isSameTable(one, table))
  }

  #schema({ database, table }: TableName): TableSchema {
    const schema = this.#options.catalog.find(database, table)
    if (!schema) throw new Problem('table_not_found', { database, table })
    return schema
  }
}

function wrong(what: string): Problem {
  return new Problem('invalid_request', { reason: `The request ${what}.` })
}

function isShortList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length <= TABLES_MAX
}

/** Whether a value is a whole number from 0 to the largest. */
function isCount(value: unknown, largest: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= largest
}

function cursorOf({ partition, person, row }: CopyPlace): string {
  return `${partition}.${person}.${row}`
}

function copyPlaceOf(cursor: string | undefined): CopyPlace {
  const [partition, person, row] = (cursor ?? '0.0.0').split('.').map(Number)
  return { partition: partition || 0, person: person || 0, row: row || 0 }
}
