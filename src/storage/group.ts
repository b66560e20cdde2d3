import { SettledLater } from '../lib/index.js'
import type { KeyRange, Keyspace } from './keyspace.js'
import { WriteSet } from './write-set.js'

/** What a function given to `Storage.write` may do. It reads its own changes and those of the writes before it. */
export interface WriteTransaction {
  get(space: Keyspace, key: string): string | undefined
  /** Keys of a range in order. The answer is whole: changes made afterwards do not move it. */
  keys(space: Keyspace, range: KeyRange): string[]
  put(space: Keyspace, key: string, value: string): void
  /**
   * Puts a key that is not there, without a value, in memory only; `flushPostponed` brings it into the B-tree later.
   * Everybody reads it as if it were there; after a crash, whoever postponed it has to put it again from what was stored
   * with it.
   */
  postpone(space: Keyspace, key: string): void
  remove(space: Keyspace, key: string): void
  /** Calls back when the transaction is on disk, before its caller is answered. */
  onCommit(callback: () => void): void
  /** Takes back a change of memory that was made ahead of the commit, if the commit never comes; latest first. */
  onUndo(callback: () => void): void
}

/** Writes that reach the disk together. */
export class Group extends SettledLater {
  readonly changes = new WriteSet()
  readonly commits: (() => void)[] = []
  readonly undos: (() => void)[] = []
  /** What its writers write with; made for the first of them. */
  transaction: WriteTransaction | undefined
  /** Number of LMDB's newest transaction when this one began. */
  began = 0
  writers = 0
  /** When its first change was made, and when it went on its way, in milliseconds of `performance.now()`. */
  opened = 0
  launched = 0

  undo(from = 0): void {
    while (this.undos.length > from) this.undos.pop()!()
  }

  /**
   * Lets go of all that it was given. lmdb-js chains what it is called with: a link of which an old one is garbage of
   * long ago stays, with all that it leads to, until the next full collection, and is copied twice until then.
   */
  forget(): void {
    this.changes.clear()
    this.commits.length = 0
    this.undos.length = 0
    this.transaction = undefined
  }
}
