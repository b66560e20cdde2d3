/** A user as it is stored. */
export interface UserRecord {
  username: string
  /** PHC string; never leaves the node. */
  password: string
  role: string
  active: boolean
  /** Counts changes; credentials verified for an earlier generation are worth nothing. */
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

/** Where access keeps its records, as JSON values: user/NAME, role/ID, key/ID. A write is durable when it resolves, and all or nothing. */
export interface AccessStore {
  list(prefix: string): Iterable<{ key: string; value: unknown }>
  /** `undefined` removes. */
  write(changes: ReadonlyMap<string, unknown>): Promise<void>
}
