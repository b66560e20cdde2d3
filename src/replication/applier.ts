import type { Log } from '../mesh/index.js'
import type { WriteTransaction } from '../storage/index.js'
import type { Position } from './peers.js'
import type { Receiver } from './receiver.js'
import type { ShippedEntry, TableName } from './wire.js'

/** Entries of one table, in order. */
export interface Delivery {
  table: TableName
  entries: readonly ShippedEntry[]
  /** The entry that must be here already. */
  after?: number | undefined
}

/** Thrown where reading must begin anew from the positions: something is missing, or the peer's log is another one. */
export class Restart extends Error {}

export interface ApplierOptions {
  peer: string
  receiver: Receiver
  log: Log
}

/** Stores what one reading of a peer brings, in its order, and moves the positions with it. */
export class Applier {
  readonly #options: ApplierOptions
  /** What is on its way to disk. */
  #storing: Promise<void> = Promise.resolve()
  /** Whether something was not stored: then nothing behind it may be. */
  #isBroken = false
  /** Told when something was not stored that nobody waits for. */
  onFailure: (error: unknown) => void = () => {}

  constructor(options: ApplierOptions) {
    this.#options = options
  }

  /** Resolves when everything is stored; rejects when the last transaction is not. */
  get stored(): Promise<void> {
    return this.#storing
  }

  /**
   * Applies entries behind the positions, and moves these, in one transaction.
   * @param upTo everything of the tables up to this entry of the peer's log is in these entries, or was before
   * @throws Restart
   */
  async apply(groups: readonly Delivery[], incarnation: string, upTo?: number): Promise<void> {
    await this.#prepare(groups, incarnation, upTo === undefined)
    await this.store((transaction) => {
      for (const { after, entries, table } of groups) {
        const position = this.#positionIn(table, incarnation)
        if (!position) continue
        if (after !== undefined) this.checkPlace(position, after)
        const next = this.#applyTo(transaction, position, table, entries)
        if (upTo !== undefined) {
          next.sequence = Math.max(next.sequence, upTo)
          delete next.since
        }
        if (next.sequence !== position.sequence || next.since !== position.since)
          this.#options.receiver.putPosition(transaction, table, next)
      }
    })
  }

  /** An entry that was never in the stream, or was purged from it, is asked of the peer's log. @throws Restart */
  checkPlace(position: Position | undefined, after: number): void {
    if (position && !position.copy && position.sequence < after) throw new Restart('an entry is missing in the stream')
  }

  /**
   * Runs a transaction while the one before is on its way to disk. What is not stored ends the reading, so that nothing
   * is stored that comes behind it.
   */
  async store(run: (transaction: WriteTransaction) => void): Promise<void> {
    const before = this.#storing
    let ran = false
    const storing = this.#options.receiver.write((transaction) => {
      if (this.#isBroken) throw new Restart('what came before was not stored')
      transaction.onUndo(() => {
        this.#isBroken = true
      })
      run(transaction)
      ran = true
    })
    this.#storing = storing
    storing.catch((error: unknown) => this.onFailure(error))
    await before
    if (!ran) await storing
  }

  /** Does what comes before the transaction: inserts events, and makes known what records bring that is new. */
  async #prepare(groups: readonly Delivery[], incarnation: string, isStream: boolean): Promise<void> {
    const { log, peer, receiver } = this.#options
    for (const { table, entries } of groups) {
      const position = this.#positionIn(table, incarnation)
      if (!position) continue
      const fresh = entries.filter((entry) => entry.sequence > position.sequence)
      const repeated = entries.length - fresh.length
      // Honest where the outbox and the log overlap, as after a restart; else somebody sends old changes again.
      if (isStream && repeated > 0)
        log.info({ peer, ...table, entries: repeated }, 'skipped changes that are here already')
      const events = fresh.filter(({ operation }) => operation === 'events')
      if (events.length > 0) await receiver.insertEvents(table, events)
      else await receiver.prepare(table, fresh)
    }
  }

  /** Applies those entries that are not here yet; answers the position behind them. */
  #applyTo(
    transaction: WriteTransaction,
    position: Position,
    table: TableName,
    entries: readonly ShippedEntry[],
  ): Position {
    const next = { ...position }
    for (const entry of entries) {
      if (entry.sequence <= next.sequence) continue
      next.conflicts += this.#options.receiver.apply(transaction, table, entry, false).conflicts
      next.sequence = entry.sequence
      next.time = entry.time
      next.at = Date.now()
    }
    return next
  }

  /** How far a table is read; undefined where entries of the log do not go on from there. */
  #positionIn(table: TableName, incarnation: string): Position | undefined {
    const position = this.#options.receiver.position(table)
    return position && position.incarnation === incarnation && !position.copy ? position : undefined
  }
}
