import { assert, Turns } from '../lib/index.js'
import type { Receipt, WriteTransaction } from '../storage/index.js'
import type { AuditLog } from './audit.js'
import type { AccessStore, ApiKeyRecord, DatabaseRecord, Records, RoleRecord, UserRecord } from './store.js'
import type { StoredKey } from './tokens.js'

/** Who makes a change, as the audit log names it. */
export interface Actor extends Partial<Receipt> {
  readonly user: string | undefined
  readonly credentials: { readonly address: string }
  /** Is told the answer before the change is stored, which takes it along. */
  settle?<Answer>(answer: Answer): Answer
}

/** What a change says of itself in the audit log. */
export interface Event {
  operation: string
  target: string
  change?: Record<string, unknown>
}

/** Kinds of records that are kept in memory. */
type Kept = Exclude<keyof Records, 'audit'>

/** Notes that a record is to be stored, or removed when it is undefined. */
export type Put = <Kind extends Kept>(kind: Kind, name: string, record: Records[Kind] | undefined) => void

/** Sees what a change puts ("user/NAME" → its record; undefined where it goes), in the transaction that stores it. */
export type Watcher = (transaction: WriteTransaction, changes: ReadonlyMap<string, unknown>) => void

/**
 * Users, roles, databases' owners, and keys: all in memory, each change stored first. Changes run one at a time, and
 * each is one write with its line in the audit log.
 */
export class Directory {
  readonly users = new Map<string, UserRecord>()
  readonly roles = new Map<string, RoleRecord>()
  readonly databases = new Map<string, DatabaseRecord>()
  readonly apiKeys = new Map<string, ApiKeyRecord>()
  readonly keys = new Map<string, StoredKey>()
  readonly #store: AccessStore
  readonly #audit: AuditLog
  readonly #listeners: (() => void)[] = []
  readonly #watchers: Watcher[] = []
  readonly #turns = new Turns()

  constructor(store: AccessStore, audit: AuditLog) {
    this.#store = store
    this.#audit = audit
    for (const kind of Object.keys(this.#maps) as Kept[])
      for (const { key, value } of store.list(`${kind}/`)) this.#set(kind, key.slice(kind.length + 1), value)
  }

  readonly #maps = {
    user: this.users,
    role: this.roles,
    database: this.databases,
    api_key: this.apiKeys,
    key: this.keys,
  } as const

  /** Calls back after every change, so that what was derived from the records is derived again. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Calls back in the transaction of every change, for what is to be on disk together with it. */
  watch(watcher: Watcher): void {
    this.#watchers.push(watcher)
  }

  /**
   * Runs one change: `decide` sees every earlier change, throws or puts records, and answers the event for the audit
   * log; undefined when nothing is to be told. The change is durable when this resolves.
   */
  change(by: Actor, decide: (put: Put) => Event | undefined): Promise<void> {
    return this.#turns.take('change', () => this.#change(by, decide))
  }

  /**
   * Runs one change inside a transaction of somebody else's: both are there, or neither is. It does not wait its turn, so
   * it touches only what no other change can know of yet. It holds from now on, for transactions that come before the
   * commit: they see what this one has made.
   */
  changeIn(transaction: WriteTransaction, by: Actor, decide: (put: Put) => Event): void {
    const { changes, written, unnote } = this.#decided(by, decide)
    this.#store.writeIn(transaction, written)
    const before = new Map([...changes.keys()].map((key) => [key, this.#get(key)]))
    transaction.onUndo(() => {
      this.apply(before)
      unnote()
    })
    this.apply(changes)
  }

  async #change(by: Actor, decide: (put: Put) => Event | undefined): Promise<void> {
    const { changes, written, unnote } = this.#decided(by, decide)
    const alongside = (transaction: WriteTransaction) => {
      transaction.onUndo(unnote)
      by.alongside?.(transaction)
      for (const watcher of this.#watchers) watcher(transaction, changes)
    }
    if (written.size > 0) await this.#store.write(written, { alongside })
    this.apply(changes)
  }

  #decided(by: Actor, decide: (put: Put) => Event | undefined) {
    const changes = new Map<string, unknown>()
    const event = decide((kind, name, record) => changes.set(`${kind}/${name}`, record))
    assert(!((event as unknown) instanceof Promise), 'a change does not wait')
    const written = new Map(changes)
    const unnote = event ? this.#audit.note(written, by, event) : () => {}
    return { changes, written, unnote }
  }

  /** Takes changes that are stored already. */
  apply(changes: ReadonlyMap<string, unknown>): void {
    for (const [key, value] of changes) this.#set(...placeOf(key), value)
    for (const listener of this.#listeners) listener()
  }

  #get(key: string): unknown {
    const [kind, name] = placeOf(key)
    return this.#maps[kind].get(name)
  }

  #set(kind: Kept, name: string, value: unknown): void {
    const map = this.#maps[kind] as Map<string, unknown> | undefined
    if (value === undefined) map?.delete(name)
    else map?.set(name, value)
  }
}

/** The kind and the name in a key like user/NAME. */
function placeOf(key: string): [Kept, string] {
  const slash = key.indexOf('/')
  return [key.slice(0, slash) as Kept, key.slice(slash + 1)]
}
