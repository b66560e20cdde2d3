import { allRights, everything, type Rights, type View } from '../lib/index.js'
import type { Directory } from './directory.js'
import { type Grants, grantsOf, noGrants } from './grants.js'
import { UserRights } from './rights.js'
import { owns } from './sharing.js'
import type { ApiKeyScope, DatabaseRecord, ShareLevel, UserRecord } from './store.js'
import type { Structure } from './structure.js'

/** Someone who has signed in. */
export interface SignedIn {
  readonly username: string
  readonly superUser: boolean
  readonly view: View
  readonly rights: Rights
  /** Of the user when its rights were worked out: what is made for the caller ends with the next change of the user. */
  readonly generation: number
  /** When the user was made: what somebody of its name left before is not its own. Milliseconds since 1970. */
  readonly since: number
  /** This user and no other that ever had the name, and which key it came with: whose repeats these are. */
  readonly identity: string
  /** Signed in with a join token. */
  readonly joinOnly: boolean
  /** Signed in with a key for programs: which one, and what it allows. */
  readonly apiKey?: string
  readonly scope?: ApiKeyScope
}

/** Whom verified credentials stand for. */
export interface Verified {
  readonly username: string
  readonly generation?: number
  /** The key that signed the token, if it was one. */
  readonly signedWith?: string
  readonly joinOnly?: boolean
  readonly apiKey?: string
  /** The caller, as it was when `epoch` was the count of changes. */
  caller?: SignedIn | undefined
  epoch?: number
}

/** Turns verified credentials into callers: their rights are worked out once and kept until something changes. */
export class Callers {
  readonly #directory: Directory
  readonly #structure: Structure
  readonly #grants = new Map<string, Grants>()
  #epoch = 0

  constructor(directory: Directory, structure: Structure) {
    this.#directory = directory
    this.#structure = structure
    directory.onChange(() => {
      this.#epoch++
      this.#grants.clear()
    })
  }

  /** The caller; undefined when the user, its key or the signing key is gone, inactive, or changed since the credentials were made. */
  of(verified: Verified): SignedIn | undefined {
    if (verified.epoch !== this.#epoch) {
      verified.caller = this.#callerOf(verified)
      verified.epoch = this.#epoch
    }
    return verified.caller
  }

  /** What a user may do, bound to the databases of a key if there is one. */
  rightsOf(user: UserRecord, scope?: ApiKeyScope): UserRights {
    const only = scope?.databases && new Set(scope.databases)
    const grants = this.grantsOf(user.role)
    return new UserRights({
      grants,
      structure: this.#structure,
      only,
      isEarlier: (database) => this.#isEarlier(user.role, database),
      standing: grants.superUser ? () => 'owner' : (database) => this.#standing(database, user),
    })
  }

  grantsOf(role: string): Grants {
    let grants = this.#grants.get(role)
    if (!grants) {
      const record = this.#directory.roles.get(role)
      grants = record ? grantsOf(record.permission) : noGrants
      this.#grants.set(role, grants)
    }
    return grants
  }

  #callerOf({ username, generation, signedWith, joinOnly = false, apiKey }: Verified): SignedIn | undefined {
    const user = this.#directory.users.get(username)
    if (!user?.active) return undefined
    if (signedWith !== undefined && !this.#directory.keys.has(signedWith)) return undefined
    const key = apiKey === undefined ? undefined : this.#directory.apiKeys.get(apiKey)
    if (apiKey === undefined ? user.generation !== generation : key?.username !== username) return undefined
    const { generation: current, created: since } = user
    const identity = JSON.stringify([username, since, joinOnly, apiKey ?? null])
    const who = {
      username,
      generation: current,
      since,
      identity,
      joinOnly,
      ...(key && { apiKey: key.id, scope: key.scope }),
    }
    if (this.grantsOf(user.role).superUser && key?.scope.databases === undefined)
      return { ...who, superUser: true, view: everything, rights: allRights }
    const rights = this.rightsOf(user, key?.scope)
    return { ...who, superUser: false, view: rights, rights }
  }

  /** Whether a role has named an earlier database of this name, and not this one. */
  #isEarlier(role: string, database: string): boolean {
    const updated = this.#noted(database)?.earlierRoles?.[role]
    return updated !== undefined && updated === this.#directory.roles.get(role)?.updated
  }

  #noted(database: string): DatabaseRecord | undefined {
    const record = this.#directory.databases.get(database)
    return record?.createdAt === this.#structure.database(database)?.createdAt ? record : undefined
  }

  #standing(database: string, { username, created }: UserRecord): 'owner' | ShareLevel | undefined {
    const record = this.#noted(database)
    if (!record) return undefined
    if (owns(record, username, created)) return 'owner'
    return Object.hasOwn(record.shares, username) ? record.shares[username] : undefined
  }
}
