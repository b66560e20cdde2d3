import { randomBytes, randomInt } from 'node:crypto'
import { Problem } from '../lib/index.js'
import type { Actor, Directory, Put } from './directory.js'
import type { Passwords } from './passwords.js'
import { describeRole, MEMBER, Roles, SUPER_USER } from './roles.js'
import type { UserRecord } from './store.js'

/** A user as callers see it. */
export interface UserShown {
  username: string
  active: boolean
  email?: string
  role: Record<string, unknown>
}

export interface UserWanted {
  username: string
  password: string
  /** Name of the role. */
  role: string
  active: boolean
}

export interface UserChanges {
  password?: string | undefined
  role?: string | undefined
  active?: boolean | undefined
}

interface UserLimits {
  usersMax: number
  passwordLengthMin: number
}

const GENERATED_PASSWORD_BYTES = 18
const GENERATIONS = 2 ** 48 - 1
/** Who makes changes that nobody has asked for by a request. */
const NODE: Actor = { user: 'node', credentials: { address: '' } }

/** The people and programs that may sign in. */
export class Users {
  readonly #directory: Directory
  readonly #passwords: Passwords
  readonly #limits: UserLimits

  constructor(directory: Directory, passwords: Passwords, limits: UserLimits) {
    this.#directory = directory
    this.#passwords = passwords
    this.#limits = limits
  }

  /** Makes the first super user, and the built-in roles, when there is no user yet. An empty password is made up. */
  async addFirst(
    username: string,
    password: string,
  ): Promise<{ username: string; password: string; generated: boolean } | undefined> {
    if (this.#directory.users.size > 0) return undefined
    checkName(username)
    const generated = password === ''
    const chosen = generated ? this.#newPassword() : password
    const hash = await this.#passwords.hash(chosen)
    await this.#directory.change(NODE, (put) => {
      const now = Date.now()
      for (const role of Roles.builtIn(now)) put('role', role.id, role)
      put('user', username, record({ username, role: SUPER_USER, active: true, password: hash }, now))
      return { operation: 'add_user', target: username, change: { role: SUPER_USER, active: true } }
    })
    return { username, password: chosen, generated }
  }

  async add({ username, password, role, active }: UserWanted, by: Actor): Promise<void> {
    this.#checkNew(username)
    this.#checkPassword(password)
    this.#roleNamed(role)
    const hash = await this.#passwords.hash(password)
    await this.#directory.change(by, (put) => {
      this.#checkNew(username)
      const { id } = this.#roleNamed(role) // of now: names may have changed hands
      put('user', username, record({ username, role: id, active, password: hash }, Date.now()))
      return { operation: 'add_user', target: username, change: { role, active } }
    })
  }

  /** pyql's way: with an email address, as an ordinary user who owns the databases it makes, or as an administrator. */
  async register(
    { username, email, password, type }: { username: string; email: string; password: string; type: 'user' | 'admin' },
    by: Actor,
  ): Promise<void> {
    this.#checkUnregistered(username, email)
    const role = type === 'admin' ? SUPER_USER : MEMBER
    const hash = await this.#passwords.hash(password)
    await this.#directory.change(by, (put) => {
      this.#checkUnregistered(username, email)
      const user = record({ username, role, active: true, password: hash }, Date.now())
      put('user', username, { ...user, email })
      return { operation: 'register_user', target: username, change: { role, email } }
    })
  }

  /** Changes a user; what was signed or verified for it before is worth nothing from now on. */
  async alter(username: string, { password, role, active }: UserChanges, by: Actor): Promise<void> {
    if (password === undefined && role === undefined && active === undefined)
      throw new Problem('invalid_request', {
        reason: 'nothing to update, must supply active, role or password to update',
      })
    if (!this.#directory.users.has(username)) throw new Problem('user_unknown', { username })
    if (password !== undefined) this.#checkPassword(password)
    const hash = password === undefined ? undefined : await this.#passwords.hash(password)
    await this.#directory.change(by, (put) => {
      const known = this.#directory.users.get(username)
      if (!known) throw new Problem('user_unknown', { username })
      const altered: UserRecord = {
        ...known,
        ...(hash !== undefined && { password: hash }),
        ...(role !== undefined && { role: this.#roleNamed(role).id }),
        ...(active !== undefined && { active }),
        generation: randomInt(GENERATIONS),
        updated: Date.now(),
      }
      this.#keepASuperUser(known, altered)
      put('user', username, altered)
      return {
        operation: 'alter_user',
        target: username,
        change: {
          ...(hash !== undefined && { password: 'changed' }),
          ...(role !== undefined && { role }),
          ...(active !== undefined && { active }),
        },
      }
    })
  }

  /** The super user who has been there longest; undefined while there is nobody. */
  eldest(): string | undefined {
    const rulers = [...this.#directory.users.values()].filter((user) => this.#rules(user))
    return rulers.sort((a, b) => a.created - b.created)[0]?.username
  }

  /** Gives a user a new password, which is answered. @throws Problem user_unknown */
  async reset(username: string): Promise<string> {
    const password = this.#newPassword()
    await this.alter(username, { password }, NODE)
    return password
  }

  /** Whether this is the password of a user who is there. */
  async isPassword(username: string, password: string): Promise<boolean> {
    return await this.#passwords.verify(password, this.#directory.users.get(username)?.password)
  }

  /** Removes a user with its keys and shares: another one of the same name inherits nothing. */
  async drop(username: string, by: Actor): Promise<void> {
    await this.#directory.change(by, (put) => {
      const known = this.#directory.users.get(username)
      if (!known) throw new Problem('user_unknown', { username })
      this.#keepASuperUser(known, undefined)
      put('user', username, undefined)
      for (const key of this.#directory.apiKeys.values())
        if (key.username === username) put('api_key', key.id, undefined)
      this.#forgetShares(username, put)
      return { operation: 'drop_user', target: username }
    })
  }

  describe(username: string): UserShown {
    const user = this.#directory.users.get(username)
    if (!user) throw new Problem('user_unknown', { username })
    const role = this.#directory.roles.get(user.role)
    return {
      username,
      active: user.active,
      ...(user.email !== undefined && { email: user.email }),
      role: role ? { ...describeRole(role) } : {},
    }
  }

  list(): UserShown[] {
    return [...this.#directory.users.keys()].sort().map((username) => this.describe(username))
  }

  #checkNew(username: string): void {
    checkName(username)
    const { users } = this.#directory
    if (users.has(username)) throw new Problem('user_exists', { username })
    const { usersMax } = this.#limits
    if (users.size >= usersMax)
      throw new Problem('too_many_entries', { what: 'users', limit: usersMax, setting: 'access.users_max' })
  }

  #checkUnregistered(username: string, email: string): void {
    const same = email.toLowerCase()
    for (const user of this.#directory.users.values())
      if (user.username === username || user.email?.toLowerCase() === same) throw new Problem('account_exists', {})
    this.#checkNew(username)
  }

  #checkPassword(password: string): void {
    const { passwordLengthMin: least } = this.#limits
    if (password.trim() === '') throw new Problem('invalid_request', { reason: 'password cannot be an empty string' })
    if (password.length < least)
      throw new Problem('invalid_request', {
        reason: `'password' must have at least ${least} characters (setting access.password_length_min)`,
      })
  }

  #roleNamed(role: string): { id: string } {
    const { roles } = this.#directory
    for (const record of roles.values()) if (record.role === role) return record
    throw new Problem('role_unknown', { role })
  }

  /** Someone must be able to let others in again. */
  #keepASuperUser(before: UserRecord, after: UserRecord | undefined): void {
    if (!this.#rules(before) || (after && this.#rules(after))) return
    for (const user of this.#directory.users.values())
      if (user.username !== before.username && this.#rules(user)) return
    throw new Problem('last_super_user', {})
  }

  #newPassword(): string {
    return randomBytes(Math.max(GENERATED_PASSWORD_BYTES, this.#limits.passwordLengthMin)).toString('base64url')
  }

  #rules({ active, role }: UserRecord): boolean {
    return active && this.#directory.roles.get(role)?.permission['super_user'] === true
  }

  #forgetShares(username: string, put: Put): void {
    for (const record of this.#directory.databases.values()) {
      if (record.owner !== username && !Object.hasOwn(record.shares, username)) continue
      const { [username]: _gone, ...shares } = record.shares
      const { owner, ownerSince, ...rest } = record
      const remaining = owner !== username && owner !== undefined && { owner, ownerSince }
      put('database', record.database, { ...rest, shares, ...remaining })
    }
  }
}

function record(user: Pick<UserRecord, 'username' | 'password' | 'role' | 'active'>, now: number): UserRecord {
  return { ...user, generation: randomInt(GENERATIONS), created: now, updated: now }
}

/** Where Basic credentials have a colon the password begins (RFC 7617): nobody could sign in. */
function checkName(username: string): void {
  if (username.includes(':'))
    throw new Problem('invalid_request', { reason: "'username' cannot hold a colon: Basic credentials end it there" })
}
