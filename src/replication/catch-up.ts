import { Problem } from '../lib/index.js'
import type { Json, Log } from '../mesh/index.js'
import { type Applier, Restart } from './applier.js'
import type { PeerAsker } from './peer-asker.js'
import type { Position } from './peers.js'
import type { Entry, Receiver } from './receiver.js'
import {
  type Changes,
  type CopyPage,
  isChanges,
  isCopyPage,
  nameOf,
  type ShippedEntry,
  type TableName,
} from './wire.js'

export interface CatchUpOptions {
  peer: string
  tables: readonly TableName[]
  receiver: Receiver
  asker: PeerAsker
  log: Log
  signal: AbortSignal
  /** Whether the peer does not share the table with us. */
  isUnshared: (table: TableName) => boolean
  /** Told of a table that the peer does not share with us. */
  miss: (table: TableName) => void
  /** What is thrown where an answer has a wrong shape. */
  strange: () => Problem
}

/** Brings tables to a peer's present: by its log, or by full copy where that does not reach back. */
export class CatchUp {
  readonly #options: CatchUpOptions
  readonly #names: ReadonlySet<string>

  constructor(options: CatchUpOptions) {
    this.#options = options
    this.#names = new Set(options.tables.map(nameOf))
  }

  /** @throws Restart, and Problem where the peer cannot be asked */
  async run(applier: Applier, incarnation: string): Promise<void> {
    do {
      for (const table of this.#options.tables) await this.#copy(applier, table, incarnation)
    } while (!(await this.#readLog(applier, incarnation)))
    await applier.stored
  }

  /** Copies a table when that is due. */
  async #copy(applier: Applier, table: TableName, incarnation: string): Promise<void> {
    const { isUnshared, miss, receiver, signal } = this.#options
    let position = receiver.position(table)
    if (position && position.incarnation !== incarnation) {
      const reason = position.incarnation === '' ? 'asked for' : 'the peer was restored from a backup or made anew'
      const copy = position.incarnation === '' ? position.copy : { reason, rows: 0 }
      await this.#move(table, { ...position, incarnation, sequence: 0, ...(copy ? { copy } : {}) })
      position = receiver.position(table)
    }
    while (position?.copy && !isUnshared(table)) {
      signal.throwIfAborted()
      try {
        await this.#copyPage(applier, table, position, incarnation)
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'not_shared') throw error
        miss(table)
      }
      position = receiver.position(table)
    }
  }

  async #copyPage(applier: Applier, table: TableName, position: Position, incarnation: string): Promise<void> {
    const { asker, peer, receiver, strange } = this.#options
    const { cursor, sequence, reason, rows } = position.copy!
    const asked = { database: table.database, table: table.table }
    const page = await asker.ask('copy', { ...asked, ...(cursor === undefined ? {} : { cursor }) })
    if (!isCopyPage(page)) throw strange()
    if (page.incarnation !== incarnation) throw new Restart()
    if (page.cursor !== undefined) asker.askAhead('copy', { ...asked, cursor: page.cursor })
    // Changes made while the copy runs come afterwards, from the log, beginning where the first page was read.
    const goOn = sequence ?? page.sequence
    const { events = [] } = page
    if (events.length > 0) await receiver.insertEvents(table, [eventsOf(peer, events)])
    else await receiver.prepare(table, [...changesOf(page)])
    const copiedRows = rows + page.rows.length + events.length
    await applier.store((transaction) => {
      // Another agreement may have ended the copy, or begun a new one, while this page was on its way.
      if (receiver.position(table) !== position) throw new Restart('the place in a table is another one')
      let conflicts = position.conflicts
      for (const entry of changesOf(page)) conflicts += receiver.apply(transaction, table, entry, true).conflicts
      const next = { ...position, conflicts, at: Date.now() }
      delete next.copy
      if (page.cursor === undefined) {
        const copied = { reason, rows: copiedRows, at: Date.now() }
        receiver.putPosition(transaction, table, { ...next, sequence: goOn, copied })
      } else {
        const copy = { cursor: page.cursor, sequence: goOn, reason, rows: copiedRows }
        receiver.putPosition(transaction, table, { ...next, copy })
      }
    })
  }

  /** Reads the log of the peer behind all positions. False when it does not reach back: a table must be copied first. */
  async #readLog(applier: Applier, incarnation: string): Promise<boolean> {
    const { asker, isUnshared, receiver, signal, strange, tables: all } = this.#options
    for (;;) {
      signal.throwIfAborted()
      const tables = all.filter((table) => isInLog(receiver.position(table)) && !isUnshared(table))
      if (tables.length === 0) return true
      const answer = await asker.ask('changes', asked(tables, receiver))
      if (!isChanges(answer, tables.length)) throw strange()
      if (answer.incarnation !== incarnation) throw new Restart()
      await this.#heed(answer, tables)
      const { entries, gone, more, upTo } = answer
      if (more && gone.length === 0) asker.askAhead('changes', asked(tables, receiver, upTo))
      const byTable: ShippedEntry[][] = tables.map(() => [])
      for (const entry of entries) byTable[entry.of]!.push(entry)
      const groups = tables.map((table, of) => ({ table, entries: byTable[of]! }))
      await applier.apply(
        groups.filter(({ table }) => !isUnshared(table)),
        incarnation,
        upTo,
      )
      if (gone.length > 0) return false
      if (!more) return true
    }
  }

  /** Does what an answer says of tables beside their entries. */
  async #heed({ gone, states, unshared = [] }: Changes, tables: readonly TableName[]): Promise<void> {
    const { miss, receiver } = this.#options
    for (const state of states) if (this.#names.has(nameOf(state))) await receiver.adopt(state)
    for (const of of unshared) miss(tables[of]!)
    for (const of of gone) {
      const position = receiver.position(tables[of]!)
      const copy = { reason: 'it was away for longer than the log of the peer keeps', rows: 0 }
      if (position) await this.#move(tables[of]!, { ...position, copy })
    }
  }

  async #move(table: TableName, position: Position): Promise<void> {
    const { log, peer, receiver } = this.#options
    if (position.copy) log.info({ peer, ...table, reason: position.copy.reason }, 'a full copy begins')
    await receiver.write((transaction) => receiver.putPosition(transaction, table, position))
  }
}

/** Whether a table is read from the log, and not copied. */
function isInLog(position: Position | undefined): boolean {
  return position !== undefined && !position.copy
}

/** What is asked of the log: tables from their positions on, or from where an answer ends. */
function asked(tables: readonly TableName[], receiver: Receiver, upTo?: number): Json {
  const places = tables.map(({ database, table }) => {
    const { sequence, since } = receiver.position({ database, table })!
    if (upTo !== undefined) return { database, table, after: Math.max(sequence, upTo) }
    return { database, table, after: sequence, ...(since === undefined ? {} : { since }) }
  })
  return { tables: places, partly: true }
}

function eventsOf(origin: string, records: Record<string, unknown>[]): Entry {
  return { time: 0, origin, user: '', operation: 'events', keys: [], records }
}

/** Rows with the same version were written by one operation: they are applied, and logged, as one. */
function* changesOf(page: CopyPage): Generator<Entry> {
  let open: Entry | undefined
  for (const { key, record, version } of page.rows) {
    const operation = record === undefined ? 'delete' : 'upsert'
    const fits = open?.time === version.time && open.origin === version.origin && open.operation === operation
    if (!fits) {
      if (open) yield open
      open = { ...version, user: '', operation, keys: [], records: [] }
    }
    open!.keys.push(key)
    if (record) open!.records.push(record)
  }
  if (open) yield open
}
