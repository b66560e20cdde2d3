import { join } from 'node:path'
import { open, type RootDatabase, type Transaction } from 'lmdb'
import { assert, Problem, type Steps, withPauses } from '../lib/index.js'
import { failureOf, noRoom, openFailureOf, readFailureOf } from './failure.js'
import { makeFolder, RECORDS, refuseRestoring, usable } from './folder.js'
import { FolderLock } from './folder-lock.js'
import { type Migration, migrate } from './format.js'
import { FreeSpace, freeAddressSpace, freeBytes } from './free-space.js'
import { Group, type WriteTransaction } from './group.js'
import { type KeyRange, Keyspace } from './keyspace.js'
import { Postponed, together } from './postponed.js'
import { ReadAhead } from './read-ahead.js'
import { StorageSnapshot } from './snapshot.js'
import { LATER, type WriteSet } from './write-set.js'

export interface StorageSettings {
  /** Address space that is reserved for the data file at the start, in bytes; a larger file takes more. */
  map_bytes: number
  /** Snapshots that may be open at a time. */
  readers_max: number
  /** Bytes of changes that one commit gathers before further writers wait. */
  group_bytes_max: number
}

export interface StorageOptions {
  /** The data folder; made when missing. */
  path: string
  settings: StorageSettings
  /** Steps that bring older folders to the format of today; by default those of this version. */
  migrations?: readonly Migration[]
  /** Is told once when the storage takes no more writes, and why. */
  onFailure?: (failure: Problem) => void
}

const KEYSPACES_MAX = 64
const CLOSE_MS_MAX = 2_000
/** Postponed keys that go into the B-tree with one commit. */
const PART_LENGTH = 2_000
/** Where the number of the newest commit lies, in the B-tree that every commit changes anyway: that of the keyspaces. */
const COMMIT = 'commit'
/** An option of lmdb-js that its types leave out: how many changes may wait for the next turn of the event loop. */
const BEGINS_AT_ONCE: object = { txnStartThreshold: 1 }
/** Part of lmdb-js that its types leave out. */
interface WithEnvironment {
  env: { info(): { lastTxnId: number } }
}

const dataFileOf = (path: string) => join(path, RECORDS, 'data.mdb')

/** When a write in steps lets others run. */
export interface Pauses {
  /** Time between two pauses, in milliseconds. */
  slice_ms: number
  /** Ends the write at its next pause. */
  signal?: AbortSignal | undefined
}

/**
 * One LMDB environment with durable, atomic writes and explicit snapshots. See DESIGN.md beside this file.
 *
 * `write` runs its function at once, against the state that all earlier writes will leave. Its changes join the group
 * that is open; while one group is being written to disk, the next one gathers. A function that throws leaves nothing.
 */
export class Storage implements AsyncDisposable {
  readonly path: string
  readonly #root: RootDatabase
  readonly #lock: FolderLock
  readonly #groupBytesMax: number
  readonly #space: FreeSpace
  readonly #onFailure: (failure: Problem) => void
  readonly #ahead = new ReadAhead()
  readonly #keyspaces = new Map<string, Keyspace>()
  readonly #postponed = new Map<Keyspace, Postponed>()
  readonly #watchers = new Map<Keyspace, (key: string) => void>()
  /** How many snapshots are open from after each number of commits, the oldest first. */
  readonly #readers = new Map<number, number>()
  #open = new Group()
  #flight: Group | undefined
  /** The change behind the newest group: LMDB may commit it by itself. */
  #behind: Promise<unknown> = Promise.resolve()
  /** The open group while a write in steps fills it, which is not launched before the last step. */
  #filling: Group | undefined
  /** Kept when the write in steps that goes on is done; other writers wait for it. */
  #turn: Promise<void> | undefined
  #scheduled = false
  /** How long the last commit took, in milliseconds. */
  #commitMs = 0
  #failure: Problem | undefined
  #sequence = 0

  private constructor(
    path: string,
    root: RootDatabase,
    lock: FolderLock,
    settings: StorageSettings,
    onFailure: (failure: Problem) => void,
  ) {
    this.path = path
    this.#root = root
    this.#lock = lock
    this.#onFailure = onFailure
    this.#space = new FreeSpace(dataFileOf(path))
    this.#groupBytesMax = settings.group_bytes_max
  }

  /**
   * Opens the folder, and makes or migrates it when needed.
   * @throws Problem data_folder_in_use, data_folder_newer, data_folder_unusable, address_space_short
   */
  static async open({ path, settings, migrations, onFailure = () => {} }: StorageOptions): Promise<Storage> {
    const free = freeAddressSpace()
    // lmdb-js ends the process where it cannot reserve them.
    if (free < settings.map_bytes) throw new Problem('address_space_short', { wanted: settings.map_bytes, free })
    makeFolder(path)
    refuseRestoring(path)
    const silent = await FolderLock.listen(path)
    const lock = usable(path, () => FolderLock.take(path, silent))
    try {
      const root = open({
        path: join(path, RECORDS),
        maxDbs: KEYSPACES_MAX,
        mapSize: settings.map_bytes,
        maxReaders: settings.readers_max,
        compression: false,
        overlappingSync: true,
        // else a commit has a second promise that nobody can see, and its rejection ends the process
        eventTurnBatching: false,
        ...BEGINS_AT_ONCE,
      })
      const storage = new Storage(path, root, lock, settings, onFailure)
      storage.#sequence = (root.get(COMMIT) as number | undefined) ?? 0
      await migrate(storage, migrations)
      return storage
    } catch (error) {
      lock[Symbol.dispose]()
      throw openFailureOf(error, path)
    }
  }

  /** The keyspace of that name, made when missing. */
  keyspace(name: string): Keyspace {
    let space = this.#keyspaces.get(name)
    if (!space) {
      space = new Keyspace(this.#root, name)
      this.#keyspaces.set(name, space)
    }
    return space
  }

  /** Number of the newest commit that is on disk. */
  get sequence(): number {
    return this.#sequence
  }

  /** Why writes are refused, while they are. */
  get failure(): Problem | undefined {
    return this.#failure
  }

  /** @throws Problem storage_unreadable */
  snapshot(): StorageSnapshot {
    const transaction = this.#beginReading()
    // LMDB shows a commit a moment before it is on disk; what is kept in memory must show it to the same snapshots.
    const isCertain = !this.#flight && !this.#failure
    const sequence = isCertain ? this.#sequence : ((this.#root.get(COMMIT, { transaction }) as number | undefined) ?? 0)
    const readers = this.#readers.get(sequence)
    if (readers === undefined) this.#release()
    this.#readers.set(sequence, (readers ?? 0) + 1)
    const closed = () => {
      const left = this.#readers.get(sequence)! - 1
      this.#readers.set(sequence, left)
      // The newest moment stays in the map: the next snapshot is most likely of it too.
      if (left === 0 && sequence !== this.#sequence) this.#release()
    }
    return new StorageSnapshot(transaction, sequence, this.#postponed, this.#ahead, closed)
  }

  #beginReading(): Transaction {
    try {
      return this.#root.useReadTransaction()
    } catch (error) {
      throw readFailureOf(error)
    }
  }

  /** Whether reads wait for the disk, so that what is about to be read should be fetched before. */
  get isSlowToRead(): boolean {
    return this.#ahead.isOn && !this.#failure
  }

  /** Bytes that the data file may grow by, about. */
  freeBytes(): number {
    return freeBytes(dataFileOf(this.path))
  }

  /** Brings the pages of keys into memory while this thread does something else. */
  fetch(space: Keyspace, keys: readonly string[], signal?: AbortSignal): Promise<void> {
    return this.#ahead.fetch(space, keys, signal)
  }

  /** How many keys of the keyspace wait in memory. */
  postponedCount(space: Keyspace): number {
    return this.#postponed.get(space)?.size ?? 0
  }

  /**
   * Brings the postponed keys of the commits so far into the B-tree, in the order of the keys, so that neighbours share
   * pages, and a part after the other: one commit of all would keep other writers waiting. With the last part `also` may
   * store how far that is.
   */
  async flushPostponed(space: Keyspace, also: (transaction: WriteTransaction) => void): Promise<void> {
    const postponed = this.#postponed.get(space)
    postponed?.freeze()
    for (const keys of postponed?.parts(PART_LENGTH) ?? [])
      await this.write(() => this.#settle(space, postponed!, keys))
    await this.write((transaction) => {
      also(transaction)
      transaction.onCommit(() => postponed?.landed(this.#sequence))
    })
    this.#release()
  }

  /** Puts the keys that are not going; readers see no difference. */
  #settle(space: Keyspace, postponed: Postponed, keys: readonly string[]): void {
    const changes = this.#open.changes
    const mayGo = changes.mayRemove(space) || this.#flight?.changes.mayRemove(space)
    for (const key of postponed.waitingOf(keys)) {
      const change = mayGo ? (changes.find(space, key) ?? this.#flight?.changes.find(space, key)) : undefined
      const isGoing = change !== undefined && change.value === undefined
      if (!isGoing) changes.set(space, key, '')
    }
  }

  #release(): void {
    let oldest = this.#sequence
    for (const [sequence, readers] of this.#readers) {
      if (readers > 0) {
        oldest = sequence
        break
      }
      if (sequence !== this.#sequence) this.#readers.delete(sequence)
    }
    for (const postponed of this.#postponed.values()) postponed.release(oldest)
  }

  /** Does something short while nobody writes: what was accepted before is on disk, what comes later waits. */
  async quietly<T>(run: () => Promise<T>): Promise<T> {
    const leave = await this.#takeTurn()
    try {
      await this.#land()
      await this.#behind.catch(() => {})
      return await run()
    } finally {
      leave()
    }
  }

  /** Lets go of what processes have pinned that were killed while they read. */
  forgetDeadReaders(): void {
    this.#root.readerCheck()
  }

  /** Calls back with every key of the keyspace that a write is about to change, before any reader can see the change. */
  watch(space: Keyspace, changing: (key: string) => void): void {
    this.#watchers.set(space, changing)
  }

  /** Whether a write of a key of [start, end) is under way. May say so without need when very much is being written. */
  isChangingWithin(space: Keyspace, start: string, end: string): boolean {
    return (
      this.#open.changes.mayHaveBetween(space, start, end) ||
      (this.#flight?.changes.mayHaveBetween(space, start, end) ?? false)
    )
  }

  /** Whether a write of this key is under way: what readers see of it is about to change. */
  isChanging(space: Keyspace, key: string): boolean {
    return this.#open.changes.has(space, key) || (this.#flight?.changes.has(space, key) ?? false)
  }

  /**
   * Runs the function in a transaction; resolves with its result when the changes are on disk.
   * The function must not wait. It may run again in no case; if it throws, nothing of it stays. What it throws may be
   * because of what others have written, so it is told when that is on disk.
   * @throws Problem disk_full, storage_unavailable: nothing was stored; outcome_unknown
   */
  async write<T>(run: (transaction: WriteTransaction) => T): Promise<T> {
    while (this.#turn || this.#open.changes.size > this.#groupBytesMax) {
      if (this.#turn ?? this.#flight) await (this.#turn ?? this.#flight!.done.catch(() => {}))
      else this.#launch()
    }
    if (this.#failure) throw this.#failure
    const group = this.#open
    try {
      return this.#run(group, run)
    } finally {
      await this.#stored(group)
    }
  }

  /**
   * The same for work that takes long: it pauses between its steps. Readers go on meanwhile and see nothing of it;
   * other writers wait, so that what it has read stays as it is.
   * @throws Problem disk_full, storage_unavailable, and the reason of the signal: nothing was stored; outcome_unknown
   */
  async writeInSteps<T>(run: (transaction: WriteTransaction) => Steps<T>, pauses: Pauses): Promise<T> {
    const leave = await this.#takeTurn()
    let group: Group | undefined
    try {
      group = await this.#emptyGroup()
      this.#filling = group
      return await this.#runInSteps(group, run, pauses)
    } finally {
      this.#filling = undefined
      leave()
      if (group) await this.#stored(group)
    }
  }

  async #takeTurn(): Promise<() => void> {
    while (this.#turn) await this.#turn
    let leave: () => void
    this.#turn = new Promise((resolve) => {
      leave = () => {
        this.#turn = undefined
        resolve()
      }
    })
    return leave!
  }

  /** A group of one's own: those who have written before are not made to wait for what takes long. */
  async #emptyGroup(): Promise<Group> {
    while (this.#open.changes.count > 0) {
      if (this.#flight) await this.#flight.done.catch(() => {})
      else this.#launch()
    }
    if (this.#failure) throw this.#failure
    return this.#open
  }

  /** Kept when the changes of a group are on disk, and what was read by it. */
  #stored(group: Group): Promise<void> | undefined {
    if (group.changes.count === 0) return this.#flight?.done // perhaps something was read that is not on disk
    if (group.writers++ === 0) group.opened = performance.now()
    this.#schedule()
    return group.done
  }

  #run<T>(group: Group, run: (transaction: WriteTransaction) => T): T {
    const rollback = this.#rollbackOf(group)
    try {
      const result = run(this.#transaction(group))
      assert(!(result instanceof Promise), 'a transaction does not wait')
      return result
    } catch (error) {
      rollback()
      throw error
    }
  }

  async #runInSteps<T>(group: Group, run: (transaction: WriteTransaction) => Steps<T>, pauses: Pauses): Promise<T> {
    const rollback = this.#rollbackOf(group)
    const check = () => {
      pauses.signal?.throwIfAborted()
      assert(this.#open === group, 'the group before has not failed')
    }
    try {
      return await withPauses(run(this.#transaction(group)), pauses.slice_ms, check)
    } catch (error) {
      if (this.#open !== group) await group.done // it has, and this one with it
      rollback()
      throw error
    }
  }

  /** Takes back what is added to a group from now on. */
  #rollbackOf(group: Group): () => void {
    const mark = group.changes.mark()
    const undos = group.undos.length
    const commits = group.commits.length
    return () => {
      group.changes.rollback(mark)
      group.commits.length = commits
      group.undo(undos)
    }
  }

  #transaction(group: Group): WriteTransaction {
    const { changes } = group
    group.transaction ??= {
      get: (space, key) => {
        const found = changes.find(space, key) ?? this.#flight?.changes.find(space, key)
        return found ? found.value : this.#ahead.read(space, key, undefined)
      },
      keys: (space, range) => this.#keysNow(changes, space, range),
      put: (space, key, value) => this.#change(changes, space, key, value),
      postpone: (space, key) => this.#change(changes, space, key, this.#isKnown(changes, space, key) ? '' : LATER),
      remove: (space, key) => this.#change(changes, space, key, undefined),
      onCommit: (callback) => group.commits.push(callback),
      onUndo: (callback) => group.undos.push(callback),
    }
    return group.transaction
  }

  #change(changes: WriteSet, space: Keyspace, key: string, value: string | undefined): void {
    changes.set(space, key, value)
    this.#watchers.get(space)?.(key)
  }

  /** Whether a key that comes was postponed before, and has gone since. */
  #isKnown(changes: WriteSet, space: Keyspace, key: string): boolean {
    const postponed = this.#postponed.get(space)
    return postponed !== undefined && (changes.mayRemove(space) || postponed.hasRemoved) && postponed.has(key)
  }

  /** The keys of a range as they will be after the groups that are under way. */
  #keysNow(changes: WriteSet, space: Keyspace, { start, end, reverse, limit }: KeyRange): string[] {
    const flight = this.#flight?.changes
    const added = [...changes.keysBetween(space, start, end), ...(flight?.keysBetween(space, start, end) ?? [])]
    const touched = new Set(added)
    const most = limit === undefined ? {} : { limit: limit + touched.size }
    const tree = space.keys({ start, end, reverse: reverse ?? false, ...most })
    const beside = this.#postponed.get(space)?.between(start, end, reverse)
    const all = beside === undefined ? tree : together(tree, beside, { reverse: reverse ?? false, ...most })
    const keys = [...all].filter((key) => !touched.has(key))
    for (const key of touched) {
      const found = changes.find(space, key) ?? flight?.find(space, key)
      if (found?.value !== undefined) keys.push(key)
    }
    if (touched.size > 0) keys.sort()
    if (touched.size > 0 && reverse) keys.reverse()
    return limit === undefined ? keys : keys.slice(0, limit)
  }

  /**
   * Sends the open group on its way as soon as no further writer has joined it in a turn of the event loop, so that
   * those whose requests have arrived together share one flush; but it waits no longer than a commit takes. So where the
   * disk is slow all writers share one commit, and where it is fast one half works while the other half is written.
   */
  #schedule(): void {
    if (this.#flight) return
    if (this.#hasWaited()) this.#launch()
    else if (!this.#scheduled) {
      this.#scheduled = true
      this.#gather()
    }
  }

  #gather(): void {
    const { writers } = this.#open
    setImmediate(() => {
      if (!this.#flight && this.#open.writers > writers && !this.#hasWaited()) return this.#gather()
      this.#scheduled = false
      if (!this.#flight) this.#launch()
    })
  }

  #hasWaited(): boolean {
    return performance.now() - this.#open.opened > this.#commitMs
  }

  #launch(): void {
    const group = this.#open
    if (group.changes.count === 0 || group === this.#filling) return
    this.#open = new Group()
    this.#flight = group
    group.began = this.#lastTransaction()
    group.launched = performance.now()
    const number = this.#sequence + 1
    group.changes.forEach((space, key, value) => {
      if (value === LATER) this.#postponedOf(space).add(key, number)
      else if (value === undefined) this.#postponed.get(space)?.remove(key, number)
    })
    const committed = this.#space.isShortFor(group.changes.size) ? Promise.reject(noRoom) : this.#commit(group, number)
    committed.then(
      () => this.#landed(group),
      (error: unknown) => this.#crashed(group, error),
    )
  }

  #commit(group: Group, number: number): Promise<unknown> {
    const committed = this.#root.batch(() => {
      this.#root.put(COMMIT, number)
      group.changes.forEachToWrite((space, key, value) => space.write(key, value))
    })
    // A change behind the batch makes lmdb-js begin at once.
    this.#behind = this.#root.put(COMMIT, number)
    return committed
  }

  #landed(group: Group): void {
    this.#flight = undefined
    this.#commitMs = performance.now() - group.launched
    this.#sequence++
    if (this.#open.changes.count > 0) this.#schedule()
    for (const callback of group.commits) callback()
    group.forget()
    group.resolve()
  }

  /** The group behind has read what is now lost, so it fails too; memory goes back to what is on disk. */
  async #crashed(group: Group, error: unknown): Promise<void> {
    const isVisible = this.#lastTransaction() !== group.began
    const { problem, lasting } = await failureOf(error, { file: dataFileOf(this.path), isVisible })
    if (lasting) {
      this.#failure = lasting
      this.#onFailure(lasting)
    }
    if (!isVisible) this.#unpostpone(group)
    const behind = this.#open
    behind.undo()
    group.undo()
    group.forget()
    this.#open = new Group()
    this.#flight = undefined
    group.reject(problem)
    behind.reject(lasting ?? problem) // LMDB has never heard of it
  }

  #unpostpone({ changes }: Group): void {
    const number = this.#sequence + 1
    changes.forEach((space, key, value) => {
      if (value === LATER) this.#postponed.get(space)?.remove(key, number)
      else if (value === undefined) this.#postponed.get(space)?.restore(key, number)
    })
  }

  #postponedOf(space: Keyspace): Postponed {
    let postponed = this.#postponed.get(space)
    if (!postponed) this.#postponed.set(space, (postponed = new Postponed()))
    return postponed
  }

  /** Number of the newest commit that readers can see. */
  #lastTransaction(): number {
    return (this.#root as RootDatabase & WithEnvironment).env.info().lastTxnId
  }

  /** Waits until every write that was accepted is on disk. */
  async #drain(): Promise<void> {
    while (this.#turn ?? this.#underWay()) {
      await this.#turn
      await this.#land()
    }
  }

  /** Waits until no group is under way. */
  async #land(): Promise<void> {
    for (let group = this.#underWay(); group; group = this.#underWay()) await group.done.catch(() => {})
  }

  #underWay(): Group | undefined {
    return this.#flight ?? (this.#open.changes.count > 0 ? this.#open : undefined)
  }

  /** lmdb-js waits for ever when the last commit has failed; there is nothing to wait for then. */
  async #close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS_MAX)
    })
    await Promise.race([this.#root.close(), late])
    clearTimeout(timer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#drain()
    this.#ahead.end()
    await this.#close()
    this.#lock[Symbol.dispose]()
  }
}
