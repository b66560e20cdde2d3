import type { Catalog } from '../catalog/index.js'
import { encodeValue, type Keyspace, type Storage, type WriteTransaction } from '../storage/index.js'
import type { ChangeLog, LogEntry } from './change-log.js'
import { addEntries, type Keyspaces } from './layout.js'
import { shapeOf, type TableShape } from './shape.js'
import { decodeRecord } from './stored-row.js'

export interface PostponedContext {
  storage: Storage
  catalog: Catalog
  spaces: Keyspaces
  log: ChangeLog
  /** Entries that wait before they are brought into the B-tree. */
  entriesMax: number
}

const INDEXED = 'indexed'

/**
 * Index entries of new records wait in memory and go into the B-tree many at a time: one by one, each would change a
 * page of its own in every commit. The log tells which records they belong to; `indexed` is how far the B-tree is.
 */
export class PostponedEntries {
  readonly #context: PostponedContext
  readonly #meta: Keyspace
  #flushing: Promise<void> | undefined

  constructor(context: PostponedContext) {
    this.#context = context
    this.#meta = context.storage.keyspace('meta')
  }

  /** Whether more entries may be postponed. */
  get hasRoom(): boolean {
    const { storage, spaces, entriesMax } = this.#context
    return storage.postponedCount(spaces.indexes) < 2 * entriesMax
  }

  /** Puts the entries that a process took with it when it ended. Before anything is read or written. */
  async recover(): Promise<void> {
    const { storage, log } = this.#context
    const stored = await storage.write((transaction) => transaction.get(this.#meta, INDEXED))
    let from = stored === undefined ? log.sequence : Number(stored)
    // Before any entry waits: a process that finds nothing here has nothing to put again.
    if (stored === undefined) await storage.write((transaction) => transaction.put(this.#meta, INDEXED, String(from)))
    for (let entries = log.next(from); entries.length > 0; entries = log.next(from)) {
      from = entries.at(-1)!.sequence
      await storage.write((transaction) => {
        for (const entry of entries) this.#putAgain(transaction, entry)
        transaction.put(this.#meta, INDEXED, String(from))
      })
    }
    log.neededAfter = from
  }

  /** Brings the entries into the B-tree when enough of them wait. `failed` hears of an attempt that did not work. */
  flushWhenFull(failed: (error: unknown) => void): void {
    const { storage, spaces, entriesMax } = this.#context
    if (this.#flushing || storage.postponedCount(spaces.indexes) < entriesMax) return
    this.flush().catch(failed)
  }

  /** Brings them in now. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  async #flush(): Promise<void> {
    const { storage, spaces, log } = this.#context
    const reached = log.committed()
    await storage.flushPostponed(spaces.indexes, (transaction) => transaction.put(this.#meta, INDEXED, String(reached)))
    log.neededAfter = reached
  }

  /** The entries of the records of a change, as these are now. */
  #putAgain(transaction: WriteTransaction, { database, table, tableId, keys }: LogEntry): void {
    const { catalog, spaces } = this.#context
    const schema = catalog.draft.table(database, table)
    if (schema?.id !== tableId) return // dropped since
    const shape = shapeOf(schema)
    for (const key of keys) {
      const encodedKey = encodeValue(key)
      const stored = transaction.get(spaces.records, shape.prefix + encodedKey)
      if (stored === undefined) continue
      for (const entry of entriesOf(shape, stored, encodedKey)) transaction.put(spaces.indexes, entry, '')
    }
  }
}

function entriesOf(shape: TableShape, stored: string, encodedKey: string): string[] {
  const row = shape.complete ? shape.complete(stored) : decodeRecord(stored)
  const entries: string[] = []
  for (const { column, prefix } of shape.columns.values()) {
    if (column.indexed && Object.hasOwn(row, column.name)) addEntries(entries, prefix, row[column.name], encodedKey)
  }
  return entries
}
