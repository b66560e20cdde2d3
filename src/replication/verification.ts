import type { Catalog, Column, TableSchema } from '../catalog/index.js'
import { Problem } from '../lib/index.js'
import type { Json, Mesh } from '../mesh/index.js'
import type { Key, RangeDigest, Replica } from '../tables/index.js'
import { EventComparison } from './event-comparison.js'
import type { SharedEvents } from './event-outbox.js'
import type { PeerStore } from './peers.js'
import { isPlain } from './table-state.js'
import { isDescription, isSameTable, nameOf, type TableName, type TableState } from './wire.js'

const PIECE_ROWS = 1_000
const PIECES_PER_REQUEST_MAX = 200
/** An answer that comes faster lets the next request name twice as many pieces: how long one takes depends on its records. */
const REQUEST_MS = 250
const KEYS_NAMED_MAX = 1_000

export interface VerificationOptions {
  mesh: Mesh
  peers: PeerStore
  catalog: Catalog
  replica: Replica
  events: SharedEvents
  timeoutMs: number
}

export interface Difference {
  key: Key
  state: 'missing here' | 'missing there' | 'different'
}

export interface Comparison {
  node_name: string
  /** Null when the node could not be asked. */
  equal: boolean | null
  records: number | null
  differences: Difference[]
  /** Names of columns that only one of the nodes has, or that are declared differently. */
  columns: string[]
  /** Whether there are more differences than are named. */
  truncated: boolean
  error: string | null
}

/** What a comparison of records, or of events, has found. */
interface Contents {
  equal: boolean
  records: number
  differences: Difference[]
}

/** Compares a table with those of other nodes: hashes of pieces first, keys only where the pieces differ. */
export class Verification {
  readonly #options: VerificationOptions

  constructor(options: VerificationOptions) {
    this.#options = options
  }

  /** @throws Problem table_not_found, not_shared, peer_unknown */
  async compare(table: TableName, nodes: readonly string[] | undefined): Promise<Comparison[]> {
    const { catalog, peers } = this.#options
    catalog.table(table.database, table.table)
    const sharing = [...peers.peers.values()]
      .filter(({ subscriptions }) => subscriptions.some((one) => isSameTable(one, table)))
      .map(({ name }) => name)
    const unknown = nodes?.find((node) => !sharing.includes(node))
    if (unknown !== undefined) throw new Problem('not_shared', { node: unknown, ...table })
    return await Promise.all((nodes ?? sharing).map((node) => this.#compareWith(node, table)))
  }

  async #compareWith(node: string, table: TableName): Promise<Comparison> {
    try {
      const schema = this.#options.catalog.table(table.database, table.table)
      const columns = await this.#columnsApart(node, table, schema)
      const { differences, equal, records } = await this.#contents(node, table, schema)
      return {
        node_name: node,
        equal: equal && columns.length === 0,
        records,
        differences: differences.slice(0, KEYS_NAMED_MAX),
        columns,
        truncated: differences.length > KEYS_NAMED_MAX,
        error: null,
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const unknown = { equal: null, records: null, differences: [], columns: [], truncated: false }
      return { node_name: node, ...unknown, error: reason }
    }
  }

  async #columnsApart(node: string, { database, table }: TableName, schema: TableSchema): Promise<string[]> {
    const { mesh, timeoutMs } = this.#options
    const answer: unknown = await mesh.requests.ask(node, 'describe', { tables: [{ database, table }] }, timeoutMs)
    if (!isDescription(answer)) throw new Problem('node_answer_refused', { node })
    const state = answer.tables.find((one) => nameOf(one) === nameOf({ database, table }))
    return state?.schema ? columnsApart(schema, state.schema) : []
  }

  async #contents(node: string, table: TableName, schema: TableSchema): Promise<Contents> {
    if (schema.kind === 'records') return await this.#walk(node, table, schema)
    return await new EventComparison({ ...this.#options, schema, node, table }).compare(KEYS_NAMED_MAX)
  }

  async #walk(node: string, { database, table }: TableName, schema: TableSchema): Promise<Contents> {
    const { replica } = this.#options
    const ask = <Answer>(method: string, more: Record<string, Json>) =>
      this.#ask<Answer>(node, method, { database, table, ...more })
    const theirs = await ask<Key[]>('boundaries', { size: PIECE_ROWS })
    const starts = sorted([...(await replica.boundaries(schema, PIECE_ROWS)), ...theirs])
    const differences: Difference[] = []
    let records = 0
    let equal = true
    let size = 1
    for (let from = 0; from === 0 || from < starts.length; ) {
      const pieces = starts.slice(from, from + size)
      const end = starts[from + size]
      const bounds = { boundaries: pieces, first: from === 0, ...(end === undefined ? {} : { end }) }
      const asked = performance.now()
      const there = await ask<RangeDigest[]>('digests', bounds)
      const took = performance.now() - asked
      const here = await replica.digests(schema, pieces, from === 0, end)
      for (const [place, piece] of here.entries()) {
        records += there[place]!.count
        if (piece.digest === there[place]!.digest) continue
        equal = false
        if (differences.length >= KEYS_NAMED_MAX) continue
        const start = from + place === 0 ? undefined : pieces[place]
        const before = pieces[place + 1] ?? end
        const span = { ...(start === undefined ? {} : { start }), ...(before === undefined ? {} : { before }) }
        const contents = await ask<[Key, string][]>('contents', span)
        differences.push(...compared(await replica.contents(schema, start, before), contents))
      }
      from += size
      size = took < REQUEST_MS ? Math.min(size * 2, PIECES_PER_REQUEST_MAX) : Math.max(1, Math.floor(size / 2))
    }
    return { equal, records, differences }
  }

  async #ask<Answer>(node: string, method: string, body: Json): Promise<Answer> {
    const { mesh, timeoutMs } = this.#options
    const answer = await mesh.requests.ask(node, method, body, timeoutMs)
    if (!Array.isArray(answer)) throw new Problem('node_answer_refused', { node })
    return answer as Answer
  }
}

/** The index of a column is each node's own, and an attribute comes with its first record. */
function columnsApart(here: TableSchema, there: NonNullable<TableState['schema']>): string[] {
  const declared = ({ columns, dynamic }: Pick<TableSchema, 'columns' | 'dynamic'>) =>
    new Map(
      columns.filter((column) => !dynamic || !isPlain(column)).map((column) => [column.name, declarationOf(column)]),
    )
  const [ours, theirs] = [declared(here), declared(there)]
  const names = new Set([...ours.keys(), ...theirs.keys()])
  return [...names].filter((name) => ours.get(name) !== theirs.get(name)).sort()
}

const declarationOf = ({ default: value, isSet, notNull, type, unique }: Column) =>
  JSON.stringify([type, notNull, unique, isSet, value])

function compared(here: readonly [Key, string][], there: readonly [Key, string][]): Difference[] {
  const others = new Map(there)
  const differences: Difference[] = []
  for (const [key, hash] of here) {
    const other = others.get(key)
    others.delete(key)
    if (other === undefined) differences.push({ key, state: 'missing there' })
    else if (other !== hash) differences.push({ key, state: 'different' })
  }
  for (const key of others.keys()) differences.push({ key, state: 'missing here' })
  return differences
}

/** Each once, in the order of the tables: numbers before texts, texts by code point. */
function sorted(keys: readonly Key[]): Key[] {
  const numbers = [...new Set(keys.filter((key) => typeof key === 'number'))].sort((a, b) => a - b)
  const texts = [...new Set(keys.filter((key) => typeof key === 'string'))]
  const bytes = new Map(texts.map((text) => [text, Buffer.from(text)]))
  return [...numbers, ...texts.sort((a, b) => bytes.get(a)!.compare(bytes.get(b)!))]
}
