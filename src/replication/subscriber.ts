import { setTimeout as delay } from 'node:timers/promises'
import { Problem, untilAborted } from '../lib/index.js'
import type { Arrival, Json, Log, Mesh, Place } from '../mesh/index.js'
import type { WriteTransaction } from '../storage/index.js'
import type { Position } from './peers.js'
import {
  type CopyPage,
  type Description,
  isChanges,
  isCopyPage,
  isDescription,
  nameOf,
  parseShipment,
  type ShippedEntry,
  type TableName,
  type TableState,
  topicOf,
} from './wire.js'

const ASK_MS = 10_000
const RETRY_MS = { first: 250, last: 5_000 }
/** Tables that the peer does not share yet are asked for again after a time that doubles. */
const MISSED_MS = { first: 250, last: 32_000 }
const MISSED_SAID_MS = 2_000
/** Once for all messages that are refused meanwhile the log is asked for what they may have told. */
const REFUSED_MS = 1_000
const ENTRIES_PER_TRANSACTION = 2_000
/** How long the messages of one transaction may be apart. */
const REST_MS = 5_000
const REST_MISSING = 'the rest of a transaction is missing in the stream'

export type Link = 'closed' | 'catching up' | 'open'

/** What the subscriber needs of the node that it belongs to. */
export interface Receiver {
  position(table: TableName): Position | undefined
  /** Runs a transaction of the records' environment. */
  write<T>(run: (transaction: WriteTransaction) => T): Promise<T>
  putPosition(transaction: WriteTransaction, table: TableName, position: Position): void
  /** Applies entries of one table; answers how many conflicts there were. @throws Problem when they cannot be */
  apply(
    transaction: WriteTransaction,
    table: TableName,
    entry: Omit<ShippedEntry, 'sequence'>,
    isCopy: boolean,
  ): { conflicts: number }
  /** Makes known what records bring that is new, before they are applied. */
  prepare(table: TableName, entries: readonly Omit<ShippedEntry, 'sequence'>[]): Promise<void>
  /** Inserts events, before the position behind them is stored: again they change nothing. @throws Problem */
  insertEvents(table: TableName, entries: readonly Omit<ShippedEntry, 'sequence'>[]): Promise<void>
  /** Takes over what the peer tells of a table: new columns, dropped columns, the drop of the table. */
  adopt(state: TableState): Promise<void>
}

export interface SubscriberOptions {
  mesh: Mesh
  /** The node whose changes come here. */
  peer: string
  tables: readonly TableName[]
  receiver: Receiver
  log: Log
}

/** Entries of one table, in order. */
interface Delivery {
  table: TableName
  entries: readonly ShippedEntry[]
  /** The entry that must be here already. */
  after?: number | undefined
}

/** Thrown where reading must begin anew from the positions: something is missing, or the peer's log is another one. */
class Restart extends Error {}

/**
 * Brings the changes of one peer here, exactly once: first what its log has behind our positions (or a full copy), then
 * what its outbox brings. Whatever fails, it begins again from the positions, which are stored with the records.
 */
export class Subscriber implements AsyncDisposable {
  readonly #options: SubscriberOptions
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  readonly #byTopic: ReadonlyMap<string, TableName>
  #link: Link = 'closed'
  #lastError = ''
  #refused = 0
  /** Topics of tables that the peer does not share with us: it stores an agreement later than we do, or was killed before. */
  readonly #unshared = new Set<string>()
  #missedWait = MISSED_MS.first
  #ahead: { name: string; answer: Promise<unknown> } | undefined
  /** What is on its way to disk. */
  #storing: Promise<void> = Promise.resolve()
  /** Whether something of this reading was not stored: then nothing behind it may be. */
  #broken = false
  #broke: (error: unknown) => void = () => {}
  /** The beginning of a transaction of several messages. */
  #held: Delivery[] = []
  #overdue: NodeJS.Timeout | undefined

  constructor(options: SubscriberOptions) {
    this.#options = options
    this.#byTopic = new Map(options.tables.map((table) => [topicOf(table), table]))
    this.#done = this.#run()
  }

  get link(): Link {
    return this.#link
  }

  /** Why the last attempt failed, or what does not come; empty when all is well. */
  get lastError(): string {
    const [table] = this.#options.tables.filter((table) => this.#unshared.has(topicOf(table)))
    if (this.#lastError !== '' || !table) return this.#lastError
    return new Problem('not_shared', { node: this.#options.peer, database: table.database, table: table.table }).message
  }

  /** Messages of the peer's outbox that were not what they claimed to be. */
  get refused(): number {
    return this.#refused
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    let wait = RETRY_MS.first
    while (!signal.aborted) {
      try {
        await this.#read(() => {
          wait = RETRY_MS.first
        })
      } catch (error) {
        if (!(error instanceof Restart)) this.#failed(error)
      }
      this.#link = 'closed'
      await delay(wait, undefined, { signal }).catch(() => {})
      wait = Math.min(wait * 2, RETRY_MS.last)
    }
    this.#hold([])
    await this.#storing.catch(() => {})
  }

  #failed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    if (this.#stop.signal.aborted) return
    const { log, peer } = this.#options
    if (text !== this.#lastError) log.warn({ peer, error: text }, 'cannot read a peer; trying again')
    if (!(error instanceof Problem)) log.debug({ peer, error: String((error as Error).stack) }, 'cannot read a peer')
    this.#lastError = text
  }

  async #read(began: () => void): Promise<void> {
    const { mesh, peer, tables } = this.#options
    const { signal } = this.#stop
    await this.#storing.catch(() => {})
    this.#storing = Promise.resolve() // what failed before is read again, and does not end this reading too
    this.#hold([])
    this.#broken = false
    this.#broke = () => {}
    this.#unshared.clear()
    // The end of the stream now: whatever the tables and the log say in a moment is behind nothing that comes later.
    const state = await untilAborted(signal, mesh.outbox.state(peer)).catch(async (error: unknown) => {
      await this.#describe() // Says it better, where the peer is not in reach.
      throw error
    })
    const description = await this.#describe()
    this.#link = 'catching up'
    const from: Place = { created: state.created, sequence: state.lastSequence + 1 }
    await this.#catchUp(description.incarnation)
    const inner = new AbortController()
    const restart = (error: unknown) => {
      if (!inner.signal.aborted) this.#failed(error)
      inner.abort()
    }
    this.#broke = restart
    let again: NodeJS.Timeout | undefined
    let refused: NodeJS.Timeout | undefined
    const askAgain = () => {
      if (this.#unshared.size === 0) this.#missedWait = MISSED_MS.first
      else again ??= setTimeout(() => inner.abort(), this.#missedWait)
    }
    askAgain()
    const following = mesh.outbox.follow(peer, {
      from,
      topics: tables.length > 64 ? [] : tables.map(topicOf),
      keyOf: () => mesh.requests.keyOf(peer),
      gap: async () => {
        this.#link = 'catching up'
        try {
          await this.#catchUp((await this.#describe()).incarnation)
          askAgain()
        } catch (error) {
          restart(error)
          throw error
        }
      },
      take: async (arrivals) => {
        try {
          await this.#take(arrivals, description.incarnation)
        } catch (error) {
          restart(error)
          throw error
        }
      },
      refused: (reason) => {
        this.#refuse(reason)
        // Perhaps it was a right one, as where a large message was sent in two tries: the log has what it told.
        refused ??= setTimeout(() => inner.abort(), REFUSED_MS)
      },
      reachable: (yes) => {
        this.#link = yes ? 'open' : 'closed'
        if (!yes) return
        this.#lastError = ''
        began()
      },
      signal: AbortSignal.any([signal, inner.signal]),
    })
    try {
      await following
    } finally {
      clearTimeout(again)
      clearTimeout(refused)
      if (again) this.#missedWait = Math.min(this.#missedWait * 2, MISSED_MS.last)
    }
  }

  async #describe(): Promise<Description> {
    const { tables, receiver } = this.#options
    const answer = await this.#ask('describe', {
      tables: tables.map(({ database, table }) => ({ database, table })),
    })
    if (!isDescription(answer)) throw this.#strange()
    const wanted = new Set(tables.map(nameOf))
    for (const state of answer.tables) if (wanted.has(nameOf(state))) await receiver.adopt(state)
    return answer
  }

  /** Brings every table to the peer's present, by full copy where its log does not reach back. */
  async #catchUp(incarnation: string): Promise<void> {
    this.#hold([])
    do {
      for (const table of this.#options.tables) await this.#copy(table, incarnation)
    } while (!(await this.#readLog(incarnation)))
    await this.#storing
  }

  /** Copies a table when that is due. */
  async #copy(table: TableName, incarnation: string): Promise<void> {
    const { receiver } = this.#options
    let position = receiver.position(table)
    if (position && position.incarnation !== incarnation) {
      const reason = position.incarnation === '' ? 'asked for' : 'the peer was restored from a backup or made anew'
      const copy = position.incarnation === '' ? position.copy : { reason, rows: 0 }
      await this.#move(table, { ...position, incarnation, sequence: 0, ...(copy ? { copy } : {}) })
      position = receiver.position(table)
    }
    while (position?.copy && !this.#unshared.has(topicOf(table))) {
      this.#stop.signal.throwIfAborted()
      try {
        await this.#copyPage(table, position, incarnation)
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'not_shared') throw error
        this.#miss(table)
      }
      position = receiver.position(table)
    }
  }

  /** The others go on: a peer that was killed while it agreed may lack one of many, and somebody has to agree again. */
  #miss(table: TableName): void {
    const { log, peer } = this.#options
    this.#unshared.add(topicOf(table))
    // Said once for all the times that it is asked for, and not while the peer may still be storing the agreement.
    if (this.#missedWait === MISSED_SAID_MS)
      log.warn({ peer, ...table }, 'a peer does not share a table with us that we share with it: add it again')
  }

  /** Reads the log of the peer behind all positions. False when it does not reach back: a table must be copied first. */
  async #readLog(incarnation: string): Promise<boolean> {
    const { receiver, tables: all } = this.#options
    for (;;) {
      this.#stop.signal.throwIfAborted()
      const isRead = (table: TableName) => receiver.position(table) && !receiver.position(table)!.copy
      const tables = all.filter((table) => isRead(table) && !this.#unshared.has(topicOf(table)))
      if (tables.length === 0) return true
      const answer = await this.#ask('changes', {
        tables: tables.map((table) => placeOf(table, receiver)),
        partly: true,
      })
      if (!isChanges(answer, tables.length)) throw this.#strange()
      if (answer.incarnation !== incarnation) throw new Restart()
      for (const state of answer.states) if (this.#byTopic.has(topicOf(state))) await receiver.adopt(state)
      for (const of of answer.unshared ?? []) this.#miss(tables[of]!)
      for (const of of answer.gone) {
        const position = receiver.position(tables[of]!)
        const copy = { reason: 'it was away for longer than the log of the peer keeps', rows: 0 }
        if (position) await this.#move(tables[of]!, { ...position, copy })
      }
      const { more, upTo } = answer
      if (more && answer.gone.length === 0)
        this.#askAhead('changes', { tables: tables.map((table) => placeOf(table, receiver, upTo)), partly: true })
      const entries: ShippedEntry[][] = tables.map(() => [])
      for (const entry of answer.entries) entries[entry.of]!.push(entry)
      await this.#apply(
        tables
          .map((table, of) => ({ table, entries: entries[of]! }))
          .filter(({ table }) => !this.#unshared.has(topicOf(table))),
        incarnation,
        upTo,
      )
      if (answer.gone.length > 0) return false
      if (!more) return true
    }
  }

  async #copyPage(table: TableName, position: Position, incarnation: string): Promise<void> {
    const { peer, receiver } = this.#options
    const { cursor, sequence, reason, rows } = position.copy!
    const { database, table: name } = table
    const asked = { database, table: name, ...(cursor === undefined ? {} : { cursor }) }
    const page = await this.#ask('copy', asked)
    if (!isCopyPage(page)) throw this.#strange()
    if (page.incarnation !== incarnation) throw new Restart()
    if (page.cursor !== undefined) this.#askAhead('copy', { database, table: name, cursor: page.cursor })
    // Changes made while the copy runs come afterwards, from the log, beginning where the first page was read.
    const goOn = sequence ?? page.sequence
    const { events = [] } = page
    if (events.length > 0) await receiver.insertEvents(table, [eventsOf(peer, events)])
    else await receiver.prepare(table, [...changesOf(page)])
    const copiedRows = rows + page.rows.length + events.length
    await this.#store((transaction) => {
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

  async #take(arrivals: readonly Arrival[], incarnation: string): Promise<void> {
    const { receiver } = this.#options
    let open = [...this.#held]
    let whole: Delivery[] = []
    let count = 0
    const flush = async () => {
      if (whole.length > 0) await this.#apply(whole, incarnation)
      whole = []
      count = 0
    }
    for (const { bytes, topic } of arrivals) {
      const table = this.#byTopic.get(topic)
      if (!table || this.#unshared.has(topic)) continue
      const shipment = parseShipment(bytes)
      if (!shipment) {
        this.#refuse('not a shipment')
        continue
      }
      const { after, entries } = shipment
      if (shipment.incarnation !== incarnation) throw new Restart('another incarnation')
      if (shipment.state) {
        await flush()
        if (after !== undefined) this.#checkPlace(receiver.position(table), after)
        if (nameOf(shipment.state) === nameOf(table)) await receiver.adopt(shipment.state)
        continue
      }
      this.#checkRest(open.at(-1)?.entries.at(-1), entries[0])
      const end = entries.findLastIndex((entry) => !this.#isOpen(entry)) + 1
      if (end > 0) {
        whole.push(...open, { table, entries: entries.slice(0, end), after })
        open = []
      }
      if (end < entries.length) open.push({ table, entries: entries.slice(end), after: end > 0 ? undefined : after })
      for (const { keys, records } of entries) count += Math.max(keys.length, records.length)
      if (count >= ENTRIES_PER_TRANSACTION) await flush()
    }
    this.#hold(open)
    await flush()
  }

  /** Whether more of the entry's transaction is to come that concerns us. */
  #isOpen({ rest }: ShippedEntry): boolean {
    return rest?.some((topic) => this.#byTopic.has(topic) && !this.#unshared.has(topic)) === true
  }

  /** What follows the beginning of a transaction is its rest, or that was never in the stream. */
  #checkRest(last: ShippedEntry | undefined, next: ShippedEntry | undefined): void {
    if (last && (next?.time !== last.time || next.origin !== last.origin)) throw new Restart(REST_MISSING)
  }

  /** Keeps what belongs to a transaction that has not arrived whole; where the rest does not come, the log is asked. */
  #hold(open: Delivery[]): void {
    const isNew = open[0] !== this.#held[0]
    this.#held = open
    if (!isNew) return
    clearTimeout(this.#overdue)
    if (open.length === 0) return
    this.#overdue = setTimeout(() => this.#broke(new Restart(REST_MISSING)), REST_MS).unref()
  }

  /** An entry that was never in the stream, or was purged from it, is asked of the peer's log. */
  #checkPlace(position: Position | undefined, after: number): void {
    if (position && !position.copy && position.sequence < after) throw new Restart('an entry is missing in the stream')
  }

  /** Applies entries behind the positions, and moves these, in one transaction. */
  async #apply(groups: readonly Delivery[], incarnation: string, upTo?: number): Promise<void> {
    const { receiver } = this.#options
    for (const { table, entries } of groups) {
      const position = receiver.position(table)
      if (!position || position.incarnation !== incarnation || position.copy) continue
      const fresh = entries.filter((entry) => entry.sequence > position.sequence)
      if (upTo === undefined && fresh.length < entries.length) this.#repeated(table, entries.length - fresh.length)
      const events = fresh.filter(({ operation }) => operation === 'events')
      if (events.length > 0) await receiver.insertEvents(table, events)
      else await receiver.prepare(table, fresh)
    }
    await this.#store((transaction) => {
      for (const { after, entries, table } of groups) {
        const position = receiver.position(table)
        if (!position || position.incarnation !== incarnation || position.copy) continue
        if (after !== undefined) this.#checkPlace(position, after)
        const next = { ...position }
        for (const entry of entries) {
          if (entry.sequence <= next.sequence) continue
          next.conflicts += receiver.apply(transaction, table, entry, false).conflicts
          next.sequence = entry.sequence
          next.time = entry.time
          next.at = Date.now()
        }
        if (upTo !== undefined) {
          next.sequence = Math.max(next.sequence, upTo)
          delete next.since
        }
        if (next.sequence !== position.sequence || next.since !== position.since) {
          receiver.putPosition(transaction, table, next)
        }
      }
    })
  }

  /** Honest where the outbox and the log overlap, as after a restart; else somebody sends old changes again. */
  #repeated(table: TableName, entries: number): void {
    const { log, peer } = this.#options
    log.info({ peer, ...table, entries }, 'skipped changes that are here already')
  }

  /**
   * Runs a transaction while the one before is on its way to disk. What is not stored ends the reading, so that nothing
   * is stored that comes behind it.
   */
  async #store(run: (transaction: WriteTransaction) => void): Promise<void> {
    const before = this.#storing
    let ran = false
    const storing = this.#options.receiver.write((transaction) => {
      if (this.#broken) throw new Restart('what came before was not stored')
      transaction.onUndo(() => {
        this.#broken = true
      })
      run(transaction)
      ran = true
    })
    this.#storing = storing
    storing.catch((error: unknown) => this.#broke(error))
    await before
    if (!ran) await storing
  }

  async #move(table: TableName, position: Position): Promise<void> {
    const { log, peer, receiver } = this.#options
    if (position.copy) log.info({ peer, ...table, reason: position.copy.reason }, 'a full copy begins')
    await receiver.write((transaction) => receiver.putPosition(transaction, table, position))
  }

  async #ask(method: string, body: Json): Promise<unknown> {
    const name = `${method} ${JSON.stringify(body)}`
    const ahead = this.#ahead
    this.#ahead = undefined
    // Whoever ends the subscriber does not wait for a peer that does not answer.
    const isAsked = ahead?.name === name
    return await untilAborted(this.#stop.signal, isAsked ? ahead.answer : this.#request(method, body))
  }

  /** Asks for the next page while this one is being stored. */
  #askAhead(method: string, body: Json): void {
    const answer = this.#request(method, body)
    answer.catch(() => {}) // Whoever takes it hears of it.
    this.#ahead = { name: `${method} ${JSON.stringify(body)}`, answer }
  }

  #request(method: string, body: Json): Promise<unknown> {
    return this.#options.mesh.requests.ask(this.#options.peer, method, body, ASK_MS)
  }

  #strange(): Problem {
    this.#refuse('an answer of a wrong shape')
    return new Problem('node_answer_refused', { node: this.#options.peer })
  }

  #refuse(reason: string): void {
    this.#refused++
    this.#options.log.warn({ peer: this.#options.peer, reason }, 'refused a message between nodes')
  }
}

/** What is asked of the log for a table: from its position on, or from where an answer ends. */
function placeOf({ database, table }: TableName, receiver: Receiver, upTo?: number): Json {
  const { sequence, since } = receiver.position({ database, table })!
  if (upTo !== undefined) return { database, table, after: Math.max(sequence, upTo) }
  return { database, table, after: sequence, ...(since === undefined ? {} : { since }) }
}

const eventsOf = (origin: string, records: Record<string, unknown>[]): Omit<ShippedEntry, 'sequence'> => ({
  time: 0,
  origin,
  user: '',
  operation: 'events',
  keys: [],
  records,
})

/** Rows with the same version were written by one operation: they are applied, and logged, as one. */
function* changesOf(page: CopyPage): Generator<Omit<ShippedEntry, 'sequence'>> {
  let open: Omit<ShippedEntry, 'sequence'> | undefined
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
