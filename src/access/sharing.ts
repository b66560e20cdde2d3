import { Problem } from '../lib/index.js'
import type { SignedIn } from './callers.js'
import type { Actor, Directory } from './directory.js'
import type { DatabaseRecord, ShareLevel } from './store.js'
import type { Structure } from './structure.js'

/** Owners of databases, and with whom they share them. */
export class Sharing {
  readonly #directory: Directory
  readonly #structure: Structure

  constructor(directory: Directory, structure: Structure) {
    this.#directory = directory
    this.#structure = structure
  }

  ownerOf(database: string): string | undefined {
    return this.#directory.databases.get(database)?.owner
  }

  /** Notes who made a database; earlier shares of its name are forgotten. */
  claim(database: string, owner: string, by: Actor): Promise<void> {
    return this.#directory.change(by, (put) => {
      put('database', database, { database, owner, shares: {} })
      return { operation: 'own_database', target: database, change: { owner } }
    })
  }

  /** Forgets the owner and the shares of a database that is gone. */
  forget(database: string, by: Actor): Promise<void> {
    return this.#directory.change(by, (put) => {
      if (!this.#directory.databases.has(database)) return undefined
      put('database', database, undefined)
      return { operation: 'forget_database', target: database }
    })
  }

  share(caller: SignedIn, database: string, username: string, level: ShareLevel, by: Actor): Promise<void> {
    return this.#directory.change(by, (put) => {
      const record = this.#ownedBy(caller, database)
      if (!this.#directory.users.has(username)) throw new Problem('user_unknown', { username })
      put('database', database, { ...record, shares: { ...record.shares, [username]: level } })
      return { operation: 'share_database', target: database, change: { username, level } }
    })
  }

  unshare(caller: SignedIn, database: string, username: string, by: Actor): Promise<void> {
    return this.#directory.change(by, (put) => {
      const record = this.#ownedBy(caller, database)
      if (!Object.hasOwn(record.shares, username)) throw new Problem('share_unknown', { database, username })
      const { [username]: _gone, ...shares } = record.shares
      put('database', database, { ...record, shares })
      return { operation: 'unshare_database', target: database, change: { username } }
    })
  }

  /** The record of a database, for its owner or a super user; for others it is as unknown as one that does not exist. */
  #ownedBy(caller: SignedIn, database: string): DatabaseRecord {
    const record = this.#directory.databases.get(database)
    const known = caller.superUser ? this.#structure.hasDatabase(database) : caller.rights.knowsDatabase(database)
    if (!known) throw new Problem('database_unknown', { database })
    if (!caller.superUser && record?.owner !== caller.username) throw new Problem('not_owner', { database })
    return record ?? { database, shares: {} }
  }
}
