import { newIdentity } from '../mesh/index.js'
import type { Keyspace, Storage, WriteTransaction } from '../storage/index.js'
import type { Made } from './table-maker.js'
import type { Trial } from './trials.js'
import { nameOf, type TableName } from './wire.js'

/** How one table travels between this node and a peer, seen from this node. */
export interface Subscription extends TableName {
  /** Changes made here go to the peer. */
  publish: boolean
  /** Changes made there come here. */
  subscribe: boolean
  /** Hybrid time of the agreement: a table that was dropped before it is another one. Older versions did not keep it. */
  at?: number
  /** The same of the agreement since which changes have come without a pause: columns were other ones before. */
  first?: number
}

/** Another node that this one shares tables with. */
export interface Peer {
  name: string
  /** Its public key, bound to its name when it was added. */
  publicKey: string
  /** Milliseconds since 1970. */
  addedAt: number
  subscriptions: Subscription[]
}

/** How far this node has read a peer's log, for one table. */
export interface Position {
  incarnation: string
  /** Everything of the table up to this entry of the peer's log is here. */
  sequence: number
  /** Hybrid time of the last change that came. */
  time: number
  /** When it came, in milliseconds since 1970. */
  at: number
  /** The catch-up begins with the changes of this time instead of a sequence. */
  since?: number
  /** A full copy is under way or due: the next page, and the sequence to go on from when it is done. */
  copy?: { cursor?: string; sequence?: number; reason: string; rows: number }
  /** The last full copy, so that a person hears of it afterwards too. */
  copied?: { reason: string; rows: number; at: number }
  /** Time of the newest change of the peer's own that came. */
  seen?: number
  /** Changes that were made on two nodes that did not know of each other's: one of the two had to lose. */
  conflicts: number
}

/** A table or columns of it that were dropped on purpose, so that others drop them too instead of bringing them back. */
export interface Dropped {
  table?: number
  columns?: Record<string, ColumnMark>
}

/** The newest that was done to a column that was dropped once: the later of two nodes' words about it holds. */
export interface ColumnMark {
  /** Hybrid time of the drop, or of when it came again. */
  at: number
  gone: boolean
  /** Of one that came again: when it was dropped before. */
  dropped?: number
}

/** For so long an agreement may be taken back with all that was written while it held, in milliseconds. */
const TAKEN_BACK_MS = 3_600_000

/** When a column was dropped last. */
export const dropTimeOf = ({ at, dropped, gone }: ColumnMark): number => (gone ? at : (dropped ?? 0))

/** An agreement that this node makes: noted before others are asked, until it is stored or taken back everywhere. */
export interface Begun {
  /** Those that may have prepared it, or carried it out. */
  nodes: string[]
  /** Tables that were made here for it. */
  made: Made[]
  /** Milliseconds since 1970. */
  since: number
}

/** What was known of a peer at one time. */
export interface Remembered {
  name: string
  peer: Peer | undefined
  positions: readonly [table: string, Position][]
}

export interface Self {
  incarnation: string
  /** The newest entry of the log that the outbox has. */
  published: number
}

/** What this node remembers of its peers, in the environment of the records. */
export class PeerStore {
  readonly #storage: Storage
  readonly #space: Keyspace
  readonly #peers = new Map<string, Peer>()
  readonly #removed = new Set<string>()
  readonly #positions = new Map<string, Position>()
  readonly #dropped = new Map<string, Dropped>()
  readonly #gone = new Map<string, number>()
  readonly #arrived = new Map<string, number>()
  readonly #trials = new Map<string, Trial>()
  readonly #begun = new Map<string, Begun>()
  /** By table and column (empty: the table): when a peer has changed what is being changed here because it says so. */
  readonly #followed = new Map<string, number>()

  constructor(storage: Storage) {
    this.#storage = storage
    this.#space = storage.keyspace('mesh')
    for (const [name, text] of this.#all('peer ')) this.#peers.set(name, JSON.parse(text) as Peer)
    for (const [name] of this.#all('removed ')) this.#removed.add(name)
    for (const [name, text] of this.#all('position ')) this.#positions.set(name, JSON.parse(text) as Position)
    for (const [name, text] of this.#all('gone ')) this.#gone.set(name, Number(text))
    for (const [name, text] of this.#all('arrived ')) this.#arrived.set(name, Number(text))
    for (const [name, text] of this.#all('trial ')) this.#trials.set(name, JSON.parse(text) as Trial)
    for (const [id, text] of this.#all('begun ')) this.#begun.set(id, JSON.parse(text) as Begun)
    for (const [name, text] of this.#all('dropped ')) this.#dropped.set(name, droppedOf(text))
  }

  get peers(): ReadonlyMap<string, Peer> {
    return this.#peers
  }

  /** What holds with each peer, and what held before an agreement that may still be taken back. */
  *agreements(): Generator<Peer> {
    yield* this.#peers.values()
    for (const { at, before } of this.#trials.values())
      if (before?.peer && Date.now() - at < TAKEN_BACK_MS) yield before.peer
  }

  /** The tables of which changes go to any peer, or will again if an agreement is taken back. */
  published(): TableName[] {
    const names = new Map<string, TableName>()
    for (const { subscriptions } of this.agreements()) {
      for (const { database, publish, table } of subscriptions) {
        if (publish) names.set(nameOf({ database, table }), { database, table })
      }
    }
    return [...names.values()]
  }

  /** Nodes that were removed and not added again. */
  get removed(): ReadonlySet<string> {
    return this.#removed
  }

  /** Users ("user/NAME") and roles ("role/ID") that were dropped, and when: milliseconds since 1970. */
  get gone(): ReadonlyMap<string, number> {
    return this.#gone
  }

  putGone(transaction: WriteTransaction, name: string, time: number | undefined): void {
    this.#put(transaction, 'gone ', this.#gone, name, time)
  }

  /** This node's private key, kept with the data so that a restored backup is still known by it; made when missing. */
  static async identity(storage: Storage): Promise<string> {
    const space = storage.keyspace('mesh')
    return await storage.write((transaction) => {
      const kept = transaction.get(space, 'identity')
      if (kept !== undefined) return kept
      const made = newIdentity()
      transaction.put(space, 'identity', made)
      return made
    })
  }

  position(peer: string, table: TableName): Position | undefined {
    return this.#positions.get(`${peer}\0${nameOf(table)}`)
  }

  /** By peer: the time of the newest of its own changes of a table that came; undefined when none did. */
  seen(table: TableName): Record<string, number> | undefined {
    let seen: Record<string, number> | undefined
    for (const name of this.#peers.keys()) {
      const time = this.position(name, table)?.seen
      if (time !== undefined) (seen ??= {})[name] = time
    }
    return seen
  }

  /** The entry of our log up to which a peer has everything, as far as is known. */
  arrived(peer: string): number | undefined {
    return this.#arrived.get(peer)
  }

  noteArrived(peer: string, sequence: number): void {
    this.#arrived.set(peer, sequence)
  }

  /** Where a new peer begins: stored, so that somebody is told also when it stays away from then on. */
  putArrived(transaction: WriteTransaction, peer: string, sequence: number): void {
    this.#put(transaction, 'arrived ', this.#arrived, peer, sequence)
  }

  /** Stores what was noted: a little too old after a start is no harm. */
  saveArrived(transaction: WriteTransaction): void {
    for (const [name, sequence] of this.#arrived)
      if (this.#peers.has(name)) transaction.put(this.#space, bytes(`arrived ${name}`), String(sequence))
  }

  /**
   * Changes a column, or with an empty name the table, because a peer tells of it: what is remembered of that has the
   * time of the peer's change.
   */
  async follow(table: TableName, column: string, at: number, change: () => Promise<unknown>): Promise<void> {
    const name = `${nameOf(table)}\0${column}`
    this.#followed.set(name, at)
    try {
      await change()
    } finally {
      this.#followed.delete(name)
    }
  }

  /** The time of a change of a column, or of the table, that is being followed. */
  followed(table: TableName, column: string): number | undefined {
    return this.#followed.get(`${nameOf(table)}\0${column}`)
  }

  /** All tables of which something was dropped on purpose. */
  *allDropped(): Generator<[TableName, Dropped]> {
    for (const [name, dropped] of this.#dropped) {
      const [database, table] = name.split('\0') as [string, string]
      yield [{ database, table }, dropped]
    }
  }

  /** By node: the last agreement that it has asked for and that was carried out here, should it take it back. */
  get trials(): ReadonlyMap<string, Trial> {
    return this.#trials
  }

  putTrial(transaction: WriteTransaction, node: string, trial: Trial | undefined): void {
    this.#put(transaction, 'trial ', this.#trials, node, trial && { ...trial })
  }

  /** By its id: agreements of which a part may be stored elsewhere and not here. */
  get begun(): ReadonlyMap<string, Begun> {
    return this.#begun
  }

  putBegun(transaction: WriteTransaction, id: string, begun: Begun | undefined): void {
    this.#put(transaction, 'begun ', this.#begun, id, begun)
  }

  dropped(table: TableName): Dropped | undefined {
    return this.#dropped.get(nameOf(table))
  }

  self(): Self | undefined {
    using snapshot = this.#storage.snapshot()
    const text = snapshot.get(this.#space, 'self')
    return text === undefined ? undefined : (JSON.parse(text) as Self)
  }

  putSelf(transaction: WriteTransaction, self: Self): void {
    transaction.put(this.#space, 'self', JSON.stringify(self))
  }

  putPosition(transaction: WriteTransaction, peer: string, table: TableName, position: Position | undefined): void {
    this.#put(transaction, 'position ', this.#positions, `${peer}\0${nameOf(table)}`, position)
  }

  putDropped(transaction: WriteTransaction, table: TableName, dropped: Dropped | undefined): void {
    this.#put(transaction, 'dropped ', this.#dropped, nameOf(table), dropped)
  }

  /** Stores a peer; the positions of tables that are no longer subscribed go. */
  putPeer(transaction: WriteTransaction, peer: Peer): void {
    this.#put(transaction, 'peer ', this.#peers, peer.name, peer)
    transaction.remove(this.#space, bytes(`removed ${peer.name}`))
    transaction.onCommit(() => this.#removed.delete(peer.name))
    const wanted = new Set(peer.subscriptions.filter(({ subscribe }) => subscribe).map(nameOf))
    this.#dropPositions(transaction, peer.name, (table) => !wanted.has(table))
  }

  /** All that is known of a peer, to be put back as it was. */
  remembered(name: string): Remembered {
    const positions: [string, Position][] = []
    for (const [key, position] of this.#positions)
      if (key.startsWith(`${name}\0`)) positions.push([key.slice(name.length + 1), position])
    return { name, peer: this.#peers.get(name), positions }
  }

  restore(transaction: WriteTransaction, { name, peer, positions }: Remembered): void {
    this.#put(transaction, 'peer ', this.#peers, name, peer)
    this.#dropPositions(transaction, name, () => true)
    for (const [table, position] of positions)
      this.#put(transaction, 'position ', this.#positions, `${name}\0${table}`, position)
  }

  /** Forgets a peer and, when it was removed here, remembers that it is not welcome. */
  removePeer(transaction: WriteTransaction, name: string, unwelcome: boolean): void {
    this.#put(transaction, 'peer ', this.#peers, name, undefined)
    if (unwelcome) {
      transaction.put(this.#space, bytes(`removed ${name}`), '')
      transaction.onCommit(() => this.#removed.add(name))
    }
    this.#dropPositions(transaction, name, () => true)
    this.#put(transaction, 'arrived ', this.#arrived, name, undefined)
    this.#put(transaction, 'trial ', this.#trials, name, undefined)
  }

  #dropPositions(transaction: WriteTransaction, peer: string, goes: (table: string) => boolean): void {
    for (const key of this.#positions.keys()) {
      if (!key.startsWith(`${peer}\0`) || !goes(key.slice(peer.length + 1))) continue
      this.#put(transaction, 'position ', this.#positions, key, undefined)
    }
  }

  #put<Value>(
    transaction: WriteTransaction,
    kind: string,
    kept: Map<string, Value>,
    name: string,
    value: Value | undefined,
  ): void {
    const key = bytes(kind + name)
    const before = kept.get(name)
    if (value === undefined) {
      kept.delete(name)
      transaction.remove(this.#space, key)
    } else {
      kept.set(name, value)
      transaction.put(this.#space, key, JSON.stringify(value))
    }
    transaction.onUndo(() => {
      if (before === undefined) kept.delete(name)
      else kept.set(name, before)
    })
  }

  #all(kind: string): [string, string][] {
    using snapshot = this.#storage.snapshot()
    const range = { start: kind, end: `${kind}\xff` }
    return [...snapshot.entries(this.#space, range)].map(([key, text]) => [textOf(key).slice(kind.length), text])
  }
}

/** Older versions kept no times of dropped columns: whatever has one is later. */
function droppedOf(text: string): Dropped {
  const { columns, ...rest } = JSON.parse(text) as Omit<Dropped, 'columns'> & {
    columns?: string[] | Dropped['columns']
  }
  if (!Array.isArray(columns)) return { ...rest, ...(columns && { columns }) }
  return { ...rest, columns: Object.fromEntries(columns.map((name) => [name, { at: 0, gone: true }])) }
}

/** Keys of a keyspace are byte strings. */
const bytes = (text: string) => Buffer.from(text, 'utf8').toString('latin1')
const textOf = (key: string) => Buffer.from(key, 'latin1').toString('utf8')
