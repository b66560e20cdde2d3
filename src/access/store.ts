import type { Receipt, WriteTransaction } from '../storage/index.js'
import type { StoredKey } from './tokens.js'

/** A user as it is stored. */
export interface UserRecord {
  username: string
  /** PHC string; never leaves the node. */
  password: string
  role: string
  active: boolean
  email?: string
  /** A random number, new with every change: what was signed or verified for an earlier one is worth nothing. */
  generation: number
  created: number
  updated: number
}

/** A role as it is stored; the permission is HarperDB's permission JSON. */
export interface RoleRecord {
  id: string
  role: string
  permission: Record<string, unknown>
  created: number
  updated: number
}

/** Users by name and roles by id. */
export interface SharedAccess {
  users: ReadonlyMap<string, UserRecord>
  roles: ReadonlyMap<string, RoleRecord>
}

/** Whose a database is, and whom it is shared with. */
export interface DatabaseRecord {
  database: string
  /** When the database was made: what was noted for an earlier one of its name is void. */
  createdAt: number
  owner?: string
  /** When the owner was made: a later user of the name owns nothing. Milliseconds since 1970. */
  ownerSince?: number
  /** Roles that named the database before it was its maker's, with the time of their last change: they meant another one. */
  earlierRoles?: Record<string, number>
  shares: Record<string, ShareLevel>
}

export type ShareLevel = 'read' | 'write'

/** A key for programs as it is stored: the key itself only as a hash. */
export interface ApiKeyRecord {
  id: string
  name: string
  username: string
  /** SHA-256 of the whole key, in base64url. A key has 256 random bits, so a slow hash would add nothing. */
  hash: string
  scope: ApiKeyScope
  created: number
  /** Milliseconds since 1970; absent: never. */
  expires?: number
  lastUsed?: number
}

/** What a key may do of all that its user may; absent: no limit of that kind. */
export interface ApiKeyScope {
  operations?: readonly string[]
  databases?: readonly string[]
  readOnly?: boolean
}

/** A line of the audit log. */
export interface AuditRecord {
  /** Milliseconds since 1970. */
  time: number
  user: string
  address: string
  operation: string
  /** The user, role, key, database or setting that was changed. */
  target: string
  /** What was changed of it, without secrets. */
  change?: Record<string, unknown>
}

/** What each prefix of the store holds. */
export interface Records {
  user: UserRecord
  role: RoleRecord
  database: DatabaseRecord
  api_key: ApiKeyRecord
  key: StoredKey
  audit: AuditRecord
}

export interface ListOptions {
  /** Keys from this one on. */
  from?: string
  /** Keys before this one. */
  until?: string
  reverse?: boolean
  limit?: number
}

/** Where access keeps its records, as JSON values under keys like user/NAME. A write is durable when it resolves, and all or nothing. */
export interface AccessStore {
  list(prefix: string, options?: ListOptions): Iterable<{ key: string; value: unknown }>
  /** `undefined` removes. The receipt goes into the same transaction. */
  write(changes: ReadonlyMap<string, unknown>, receipt?: Partial<Receipt>): Promise<void>
  /** The same inside a transaction of somebody else's. */
  writeIn(transaction: WriteTransaction, changes: ReadonlyMap<string, unknown>): void
}
