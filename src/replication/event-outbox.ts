import { setTimeout as delay } from 'node:timers/promises'
import type {
  CopyPart,
  CopyPlace,
  DigestText,
  InsertAnswer,
  OutgoingNote,
  PersonDigest,
  Sharing,
} from '../analytics/index.js'
import type { Catalog, TableSchema } from '../catalog/index.js'
import { Turns } from '../lib/index.js'
import type { Log } from '../mesh/index.js'
import type { Storage } from '../storage/index.js'
import type { Tables } from '../tables/index.js'
import { nameOf, type TableName } from './wire.js'

const NOTES_CHARACTERS_MAX = 4 * 1024 * 1024
const RETRY_MS = 1_000

/** What sharing needs of the event tables. */
export interface SharedEvents {
  insert(schema: TableSchema, events: readonly unknown[], options: { origin: string }): Promise<InsertAnswer>
  onInsert(listener: (schema: TableSchema) => void): void
  share(schema: TableSchema, sharing: Sharing): Promise<void>
  outgoing(charactersMax: number): Promise<OutgoingNote[]>
  reacted(notes: readonly { environment: number; key: Uint8Array }[]): Promise<void>
  copy(schema: TableSchema, from: CopyPlace, charactersMax: number): Promise<CopyPart>
  digests(schema: TableSchema, buckets: number, partition?: number): Promise<DigestText[]>
  contents(schema: TableSchema, buckets: number, bucket: number): Promise<PersonDigest[]>
}

export interface EventOutboxOptions {
  nodeName: string
  events: SharedEvents
  catalog: Catalog
  tables: Tables
  storage: Storage
  /** Whether events of other nodes are passed on. */
  republish: boolean
  log: Log
}

/**
 * Carries the events that other nodes are to have into the change log, from where they go the way of all changes. They
 * were noted with their rows, so a stop at any moment loses none; carried twice, they change nothing where they arrive.
 * Works also while clustering is off: the log keeps them within its limits.
 */
export class EventOutbox implements AsyncDisposable {
  readonly #options: EventOutboxOptions
  readonly #stop = new AbortController()
  readonly #shared = new Map<number, Sharing>()
  readonly #turns = new Turns()
  #moving: Promise<void> | undefined
  #again = false

  constructor(options: EventOutboxOptions) {
    this.#options = options
    options.events.onInsert(({ id }) => {
      if ((this.#shared.get(id) ?? 'none') !== 'none') this.#wake()
    })
    this.#wake() // What the last life left.
  }

  /** From the moment that this resolves on, inserts into these tables are kept for others, and into no other ones. */
  async share(published: readonly TableName[]): Promise<void> {
    await this.#turns.take('share', () => this.#share(published))
  }

  async #share(published: readonly TableName[]): Promise<void> {
    const { catalog, events, republish } = this.#options
    const names = new Set(published.map(nameOf))
    for (const { tables } of catalog.current.databases.values()) {
      for (const schema of tables.values()) {
        if (schema.kind !== 'events') continue
        const isPublished = names.has(nameOf({ database: schema.database, table: schema.name }))
        const sharing = isPublished ? (republish ? 'all' : 'own') : 'none'
        if (this.#shared.get(schema.id) === sharing) continue
        await events.share(schema, sharing)
        this.#shared.set(schema.id, sharing)
        this.#wake() // What was inserted meanwhile was no reason to look.
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#moving
  }

  #wake(): void {
    this.#again = true
    this.#moving ??= this.#run().finally(() => {
      this.#moving = undefined
      // Woken between its last look and here.
      if (this.#again && !this.#stop.signal.aborted) this.#wake()
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (this.#again && !signal.aborted) {
      this.#again = false
      try {
        while (!signal.aborted && (await this.#move()));
      } catch (error) {
        this.#again = true
        this.#options.log.warn({ error: String(error) }, 'events for other nodes could not be logged; trying again')
        await delay(RETRY_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** Moves some; answers whether there were any. */
  async #move(): Promise<boolean> {
    const { catalog, events, nodeName, storage, tables } = this.#options
    const notes = await events.outgoing(NOTES_CHARACTERS_MAX)
    if (notes.length === 0) return false
    const schemas = new Map<number, TableSchema>()
    for (const database of catalog.current.databases.values())
      for (const schema of database.tables.values()) schemas.set(schema.id, schema)
    await storage.write((transaction) => {
      for (const { origin, table: tableId, text } of notes) {
        const schema = schemas.get(tableId)
        if (!schema) continue // Dropped meanwhile.
        tables.changes.append(transaction, {
          time: tables.clock.now(),
          origin: origin === '' ? nodeName : origin,
          user: '',
          operation: 'events',
          database: schema.database,
          table: schema.name,
          tableId,
          keys: [],
          records: [text],
        })
      }
    })
    await events.reacted(notes.map(({ environment, key }) => ({ environment, key })))
    return true
  }
}
