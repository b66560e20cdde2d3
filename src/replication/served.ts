import type { CopyPlace } from '../analytics/index.js'
import type { Catalog } from '../catalog/index.js'
import { type HybridClock, Problem } from '../lib/index.js'
import { type Json, type Mesh, PrintedJson } from '../mesh/index.js'
import { type ChangeLog, isSameTransaction, type Key, type RawEntry, type Replica } from '../tables/index.js'
import type { SharedEvents } from './event-outbox.js'
import { dropTimeOf, type PeerStore } from './peers.js'
import { isTableName, nameOf, PAGE_CHARACTERS_MAX, type TableName, type TableState } from './wire.js'

const SCAN_MAX = 2_000
const SCAN_CHARACTERS_MAX = 8 * 1024 * 1024
const TABLES_MAX = 10_000
const BEHIND_MAX = 10_000
const BEHIND_CHARACTERS_MAX = 32 * 1024 * 1024
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
  republish: boolean
  /** Whether the entry goes out to others at all. */
  ships: (entry: RawEntry) => boolean
}

/** A table that has changes for whoever asks. */
interface Wanted {
  /** Its place in the request. */
  of: number
  name: TableName
  /** The entry behind which they are. */
  place: number
}

/** What of a table another node must know to have the same one. */
export function stateOf(catalog: Catalog, peers: PeerStore, name: TableName): TableState {
  const { database, table } = name
  const schema = catalog.find(database, table)
  const dropped = peers.dropped(name)
  const state: TableState = { database, table }
  if (schema) {
    const { kind, primaryKey, dynamic, columns, foreignKeys, options } = schema
    state.schema = { kind, primaryKey, dynamic, columns, foreignKeys, options }
    if (dropped?.table !== undefined) state.droppedBefore = dropped.table
  } else if (dropped?.table !== undefined) state.dropped = dropped.table
  if (dropped?.columns) {
    const marks = Object.entries(dropped.columns)
    state.droppedColumns = marks.filter(([, { gone }]) => gone).map(([column]) => column)
    state.columnTimes = Object.fromEntries(marks.map(([column, { at }]) => [column, at]))
    const returned = marks.filter(([, { dropped, gone }]) => !gone && dropped !== undefined)
    if (returned.length > 0)
      state.columnDrops = Object.fromEntries(returned.map(([column, mark]) => [column, dropTimeOf(mark)]))
  }
  return state
}

/** Answers what peers ask about the tables that this node publishes to them. */
export function serveTables(options: ServedOptions): void {
  const { catalog, changes, clock, events, incarnation, mesh, peers, replica, republish, sharing, ships } = options

  const allowed = (from: string, body: unknown): TableName => {
    if (!isTableName(body)) throw new Problem('invalid_request', { reason: 'The request names no table.' })
    // Who only looks has no agreement yet; it might make one without asking anybody here.
    if ((body as { preview?: unknown }).preview === true) return { database: body.database, table: body.table }
    const subscription = peers.peers
      .get(from)
      ?.subscriptions.find(({ database, table }) => database === body.database && table === body.table)
    if (!subscription) {
      throw new Problem('not_shared', { node: mesh.nodeName, database: body.database, table: body.table })
    }
    return { database: body.database, table: body.table }
  }
  const isShared = (from: string, body: unknown): boolean => {
    const subscriptions = peers.peers.get(from)?.subscriptions ?? []
    return !isTableName(body) || subscriptions.some((one) => nameOf(one) === nameOf(body))
  }
  const schemaOf = ({ database, table }: TableName) => {
    const schema = catalog.find(database, table)
    if (!schema) throw new Problem('table_not_found', { database, table })
    return schema
  }

  mesh.requests.serve('describe', async (body) => {
    const { tables } = body as { tables?: unknown }
    if (!Array.isArray(tables) || tables.length > TABLES_MAX || !tables.every(isTableName)) {
      throw new Problem('invalid_request', { reason: 'The request names no tables.' })
    }
    const states = tables.map((name) => stateOf(catalog, peers, name))
    return { incarnation, sequence: changes.committed(), time: clock.now(), tables: states } as unknown as Json
  })

  // All tables together and whole transactions only, so that these arrive whole.
  mesh.requests.serve('changes', async (body, from) => {
    const { partly, tables } = (body ?? {}) as { partly?: unknown; tables?: unknown }
    if (!Array.isArray(tables) || tables.length > TABLES_MAX) {
      throw new Problem('invalid_request', { reason: 'The request names no tables.' })
    }
    const gone: number[] = []
    const unshared: number[] = []
    const wanted = new Map<number, Wanted>()
    for (const [of, one] of tables.entries()) {
      if (partly === true && !isShared(from, one)) {
        unshared.push(of)
        continue
      }
      const name = allowed(from, one)
      const { after, since } = one as { after?: number; since?: number }
      const { id } = schemaOf(name)
      let place = Number.isSafeInteger(after) ? after! : 0
      if (typeof since === 'number') place = Math.max(place, changes.sequenceBefore(id, since))
      const isGone = changes.removedUpTo(id, republish ? undefined : mesh.nodeName) > place && since === undefined
      if (isGone) gone.push(of)
      else if (!isQuiet(id, place)) wanted.set(id, { of, name, place })
    }
    return pageOf(wanted, gone, unshared)
  })

  /** Whether a table has nothing behind a place, told by its newest entry instead of a walk through all others. */
  function isQuiet(tableId: number, place: number): boolean {
    if (republish) return false // Changes of other nodes do not come in the order of their times.
    const newest = changes.read({ tableId, limit: 1, reverse: true }).next().value
    return !newest || newest.sequence <= place
  }

  function pageOf(wanted: ReadonlyMap<number, Wanted>, gone: number[], unshared: number[]): PrintedJson {
    const names = new Set<TableName>()
    const entries: string[] = []
    let upTo = changes.committed()
    let more = false
    let shown = 0
    let scanned = 0
    let characters = 0
    let last: RawEntry | undefined
    const from = Math.min(...[...wanted.values()].map(({ place }) => place))
    for (const entry of wanted.size > 0 ? changes.walk(from) : []) {
      const isFull = scanned >= SCAN_MAX || characters > SCAN_CHARACTERS_MAX || shown > PAGE_CHARACTERS_MAX
      if (isFull && last && !isSameTransaction(last, entry)) {
        upTo = last.sequence
        more = true
        break
      }
      scanned++
      characters += entry.json.length
      last = entry
      const table = wanted.get(entry.tableId)
      if (!table || table.place >= entry.sequence || !ships(entry)) continue
      entries.push(`{"of":${table.of},"sequence":${entry.sequence},${entry.json.slice(1)}`)
      shown += entry.json.length
      names.add(table.name)
    }
    const states = [...names].map((name) => stateOf(catalog, peers, name))
    const rest = JSON.stringify({ incarnation, upTo, more, gone, unshared, states })
    return new PrintedJson(`${rest.slice(0, -1)},"entries":[${entries.join(',')}]}`)
  }

  mesh.requests.serve('copy', async (body, from) => {
    const schema = schemaOf(allowed(from, body))
    const { cursor: asked } = body as { cursor?: unknown }
    const cursor = typeof asked === 'string' ? asked : undefined
    // What is inserted from now on comes by the log, behind this sequence.
    if (schema.kind === 'events') await sharing()
    const sequence = changes.committed()
    if (schema.kind === 'events') {
      const { next, text } = await events.copy(schema, placeOf(cursor), PAGE_CHARACTERS_MAX)
      const head = JSON.stringify({ incarnation, sequence, cursor: next && cursorOf(next) }).slice(0, -1)
      return new PrintedJson(`${head},"rows":[],"events":[${text}]}`)
    }
    const page = replica.page(schema, cursor, PAGE_CHARACTERS_MAX)
    const head = JSON.stringify({ incarnation, sequence, cursor: page.cursor }).slice(0, -1)
    return new PrintedJson(`${head},"rows":[${page.rows.join(',')}]}`)
  })

  mesh.requests.serve('boundaries', async (body, from) => {
    const { size } = body as { size?: unknown }
    return replica.boundaries(schemaOf(allowed(from, body)), Math.max(PIECE_ROWS_MIN, Number(size) || 0))
  })

  mesh.requests.serve('digests', async (body, from) => {
    const schema = schemaOf(allowed(from, body))
    const { boundaries, end, first } = body as { boundaries?: unknown; end?: Key; first?: unknown }
    if (!Array.isArray(boundaries) || boundaries.length > PIECES_MAX) {
      throw new Problem('invalid_request', { reason: 'The request names too many pieces, or none.' })
    }
    return replica.digests(schema, boundaries as Key[], first === true, end) as unknown as Json
  })

  mesh.requests.serve('contents', async (body, from) => {
    const schema = schemaOf(allowed(from, body))
    const { before, start } = body as { start?: Key; before?: Key }
    return replica.contents(schema, start, before) as unknown as Json
  })

  mesh.requests.serve('event_digests', async (body, from) => {
    const schema = schemaOf(allowed(from, body))
    const { buckets, partition } = body as { buckets?: unknown; partition?: unknown }
    const { partitions } = schema.options as { partitions: number }
    const right = isCount(buckets, BUCKETS_MAX) && isCount(partition, partitions - 1)
    if (!right) throw new Problem('invalid_request', { reason: 'The request names no part of the event table.' })
    return { partitions, digests: (await events.digests(schema, buckets, partition)) as unknown as Json }
  })

  mesh.requests.serve('event_contents', async (body, from) => {
    const schema = schemaOf(allowed(from, body))
    const { bucket, buckets } = body as { bucket?: unknown; buckets?: unknown }
    const right = isCount(buckets, BUCKETS_MAX) && isCount(bucket, buckets - 1)
    if (!right) throw new Problem('invalid_request', { reason: 'The request names no part of the event table.' })
    return (await events.contents(schema, buckets, bucket)) as unknown as Json
  })

  // How far the asker is behind, by the positions that it tells.
  mesh.requests.serve('behind', async (body) => {
    const { positions } = body as { positions?: { database: string; table: string; sequence: number }[] }
    const known = Array.isArray(positions) ? positions.filter(isTableName).slice(0, TABLES_MAX) : []
    return known.map(({ database, table, sequence }) => {
      const schema = catalog.find(database, table)
      return schema ? behind(schema.id, sequence) : { entries: 0, seconds: 0 }
    })
  })

  function behind(tableId: number, sequence: number): Json {
    if (isQuiet(tableId, sequence)) return { entries: 0, seconds: 0 }
    let entries = 0
    let oldest: number | undefined
    let seen = 0
    let characters = 0
    for (const entry of changes.walk(sequence)) {
      if (seen++ === BEHIND_MAX || characters > BEHIND_CHARACTERS_MAX) break
      characters += entry.json.length
      if (entry.tableId !== tableId || !ships(entry)) continue
      entries++
      oldest ??= entry.time
    }
    return { entries, seconds: oldest === undefined ? 0 : Math.max(0, Math.round((Date.now() - oldest) / 10) / 100) }
  }
}

const isCount = (value: unknown, most: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most

const cursorOf = ({ partition, person, row }: CopyPlace) => `${partition}.${person}.${row}`

function placeOf(cursor: string | undefined): CopyPlace {
  const [partition, person, row] = (cursor ?? '0.0.0').split('.').map(Number)
  return { partition: partition || 0, person: person || 0, row: row || 0 }
}
