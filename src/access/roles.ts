import { Problem } from '../lib/index.js'
import type { Actor, Directory } from './directory.js'
import { checkPermission } from './permission.js'
import type { RoleRecord } from './store.js'
import type { Structure } from './structure.js'

/** The role that may do everything; made with the node. */
export const SUPER_USER = 'super_user'
/** The role of users who register: it may make databases, which are then theirs. Made with the node. */
export const MEMBER = 'member'

/** A role as callers see it. */
export interface RoleShown {
  role: string
  permission: Record<string, unknown>
  id: string
  __createdtime__: number
  __updatedtime__: number
}

/** Roles: named sets of permissions. */
export class Roles {
  readonly #directory: Directory
  readonly #structure: Structure
  readonly #most: number

  constructor(directory: Directory, structure: Structure, most: number) {
    this.#directory = directory
    this.#structure = structure
    this.#most = most
  }

  /** The built-in roles, for a new node. */
  static builtIn(now: number): RoleRecord[] {
    const dates = { created: now, updated: now }
    return [
      { id: SUPER_USER, role: SUPER_USER, permission: { super_user: true }, ...dates },
      { id: MEMBER, role: MEMBER, permission: { super_user: false, create_database: true }, ...dates },
    ]
  }

  /** Makes a role; its id is its name where none is given. */
  async add(
    { role, id = role, permission }: { role: string; id?: string | undefined; permission: Record<string, unknown> },
    by: Actor,
  ): Promise<RoleShown> {
    const now = Date.now()
    const record: RoleRecord = { id, role, permission, created: now, updated: now }
    await this.#directory.change(by, (put) => {
      by.settle?.(describeRole(record))
      const { roles } = this.#directory
      if (this.#named(role)) throw new Problem('role_exists', { role })
      if (roles.has(id)) throw new Problem('role_exists', { role: id })
      checkPermission(permission, this.#structure)
      if (roles.size >= this.#most)
        throw new Problem('too_many_entries', { what: 'roles', limit: this.#most, setting: 'access.roles_max' })
      put('role', id, record)
      return { operation: 'add_role', target: role, change: { permission } }
    })
    return describeRole(record)
  }

  async alter(
    id: string,
    changes: { role?: string; permission: Record<string, unknown> },
    by: Actor,
  ): Promise<RoleShown> {
    let altered!: RoleRecord
    await this.#directory.change(by, (put) => {
      const known = this.#directory.roles.get(id)
      if (!known) throw new Problem('role_unknown', { role: id })
      const role = changes.role ?? known.role
      const other = this.#named(role)
      if (other && other.id !== id) throw new Problem('role_exists', { role })
      checkPermission(changes.permission, this.#structure)
      if (id === SUPER_USER && changes.permission['super_user'] !== true) throw new Problem('last_super_user', {})
      altered = { ...known, role, permission: changes.permission, updated: Date.now() }
      put('role', id, altered)
      by.settle?.(describeRole(altered))
      return { operation: 'alter_role', target: id, change: { role, permission: changes.permission } }
    })
    return describeRole(altered)
  }

  async drop(id: string, by: Actor): Promise<void> {
    await this.#directory.change(by, (put) => {
      const known = this.#directory.roles.get(id)
      if (!known) throw new Problem('role_not_found', {})
      if ([...this.#directory.users.values()].some(({ role }) => role === id))
        throw new Problem('role_in_use', { role: known.role })
      if (id === SUPER_USER) throw new Problem('last_super_user', {})
      put('role', id, undefined)
      return { operation: 'drop_role', target: id }
    })
  }

  nameOf(id: string): string | undefined {
    return this.#directory.roles.get(id)?.role
  }

  list(): RoleShown[] {
    return [...this.#directory.roles.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).map(describeRole)
  }

  #named(role: string): RoleRecord | undefined {
    for (const record of this.#directory.roles.values()) if (record.role === role) return record
    return undefined
  }
}

export function describeRole({ id, role, permission, created, updated }: RoleRecord): RoleShown {
  return { role, permission, id, __createdtime__: created, __updatedtime__: updated }
}
