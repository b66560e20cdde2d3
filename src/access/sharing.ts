import { Problem } from '../lib/index.js'
import type { WriteTransaction } from '../storage/index.js'
import type { SignedIn } from './callers.js'
import type { Actor, Directory } from './directory.js'
import { type Grants, grantsOf } from './grants.js'
import type { DatabaseRecord, ShareLevel } from './store.js'
import type { Structure } from './structure.js'

/** Whether a database is this user's, and not one's that had the name before. */
export function owns({ owner, ownerSince }: DatabaseRecord, username: string, since: number): boolean {
  return owner === username && ownerSince === since
}

/** Whether a role says something of this very database. */
function names({ tables, structure }: Grants, database: string): boolean {
  return tables.has(database) || (structure !== true && structure.has(database))
}

/** Owners of databases, and with whom they share them. */
export class Sharing {
  readonly #directory: Directory
  readonly #structure: Structure

  constructor(directory: Directory, structure: Structure) {
    this.#directory = directory
    this.#structure = structure
  }

  /** Notes whose a new database is, in the transaction that makes it. */
  claim(
    transaction: WriteTransaction,
    made: { name: string; createdAt: number },
    by: Actor & { caller?: SignedIn },
  ): void {
    const { name: database, createdAt } = made
    const { username: owner, since: ownerSince } = by.caller!
    this.#directory.changeIn(transaction, by, (put) => {
      const earlierRoles = this.#isOwn(by.caller!, database) ? this.#rolesNaming(database) : {}
      put('database', database, { database, createdAt, owner, ownerSince, earlierRoles, shares: {} })
      return { operation: 'own_database', target: database, change: { owner } }
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
    const record = this.#record(database)
    if (!record || !caller.rights.knowsDatabase(database)) throw new Problem('database_not_found', { database })
    if (!caller.superUser && !owns(record, caller.username, caller.since)) throw new Problem('not_owner', { database })
    return record
  }

  /** Whether what the caller makes is its own alone: others make databases for all whom roles let in. */
  #isOwn({ superUser, username }: SignedIn, database: string): boolean {
    const user = this.#directory.users.get(username)
    const role = user && this.#directory.roles.get(user.role)
    const { createDatabase, structure } = grantsOf(role?.permission ?? {})
    return !superUser && createDatabase && structure !== true && !structure.has(database)
  }

  #rolesNaming(database: string): Record<string, number> {
    const roles = [...this.#directory.roles.values()].filter(({ permission }) => names(grantsOf(permission), database))
    return Object.fromEntries(roles.map(({ id, updated }) => [id, updated]))
  }

  /** What is noted of a database that is there. */
  #record(database: string): DatabaseRecord | undefined {
    const found = this.#structure.database(database)
    const record = this.#directory.databases.get(database)
    if (!found || record?.createdAt === found.createdAt) return found && record
    return { database, createdAt: found.createdAt, shares: {} }
  }
}
