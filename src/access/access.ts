import { randomBytes } from 'node:crypto'
import { everything, Problem, type View } from '../lib/index.js'
import { Passwords } from './passwords.js'
import type { AccessStore, RoleRecord, UserRecord } from './store.js'
import { makeKey, type StoredKey, Tokens } from './tokens.js'
import { type Verified, VerifiedCredentials } from './verified-credentials.js'

/** The settings of sign-in: the group access of schemas/config.json. */
export interface AccessSettings {
  operation_token_ttl_s: number
  refresh_token_ttl_s: number
  basic_cache_ttl_s: number
  basic_cache_entries_max: number
  password_hashes_at_once_max: number
  password_hashes_waiting_max: number
}

export interface AccessOptions {
  store: AccessStore
  settings: AccessSettings
  /** Name of the node or cluster that issues tokens. */
  issuer: string
}

/** Someone who has signed in. */
export interface SignedIn {
  readonly username: string
  readonly superUser: boolean
  readonly view: View
}

interface Needed {
  access: readonly string[]
}

const SUPER_USER = 'super_user'
const GENERATED_PASSWORD_BYTES = 18
/** Verified tokens are remembered at most this long, in milliseconds. */
const TOKEN_CACHE_MS = 300_000
const nothing: View = { seesTable: () => false, seesColumn: () => false }

/** Who is who and who may do what. */
export class Access {
  readonly #options: AccessOptions
  readonly #passwords: Passwords
  readonly #verified: VerifiedCredentials
  readonly #users = new Map<string, UserRecord>()
  readonly #roles = new Map<string, RoleRecord>()
  #tokens!: Tokens

  private constructor(options: AccessOptions) {
    const { settings } = options
    this.#options = options
    this.#passwords = new Passwords({
      atOnceMax: settings.password_hashes_at_once_max,
      waitingMax: settings.password_hashes_waiting_max,
    })
    this.#verified = new VerifiedCredentials(settings.basic_cache_entries_max)
  }

  static async open(options: AccessOptions): Promise<Access> {
    const access = new Access(options)
    await access.#load()
    return access
  }

  async #load(): Promise<void> {
    const { store, issuer } = this.#options
    for (const { value } of store.list('user/')) this.#users.set((value as UserRecord).username, value as UserRecord)
    for (const { value } of store.list('role/')) this.#roles.set((value as RoleRecord).id, value as RoleRecord)
    const keys = [...store.list('key/')].map(({ value }) => value as StoredKey)
    if (keys.length === 0) {
      const key = await makeKey()
      await store.write(new Map([[`key/${key.id}`, key]]))
      keys.push(key)
    }
    this.#tokens = await Tokens.open(issuer, keys)
  }

  /**
   * Makes the first super user when there is no user yet; answers its credentials, with `generated` true when the
   * password was made up and must be shown once.
   */
  async addFirstUser(
    username: string,
    password: string,
  ): Promise<{ username: string; password: string; generated: boolean } | undefined> {
    if (this.#users.size > 0) return undefined
    const generated = password === ''
    const chosen = generated ? randomBytes(GENERATED_PASSWORD_BYTES).toString('base64url') : password
    const now = Date.now()
    const role: RoleRecord = {
      id: SUPER_USER,
      role: SUPER_USER,
      permission: { super_user: true },
      created: now,
      updated: now,
    }
    const hash = await this.#passwords.hash(chosen)
    const user: UserRecord = {
      username,
      password: hash,
      role: SUPER_USER,
      active: true,
      generation: 1,
      created: now,
      updated: now,
    }
    await this.#options.store.write(
      new Map<string, unknown>([
        [`role/${role.id}`, role],
        [`user/${username}`, user],
      ]),
    )
    this.#roles.set(role.id, role)
    this.#users.set(username, user)
    return { username, password: chosen, generated }
  }

  /** The caller behind an Authorization value; undefined when there is none; throws when it is wrong. */
  authenticate({
    authorization,
  }: {
    authorization: string | undefined
  }): SignedIn | undefined | Promise<SignedIn | undefined> {
    if (authorization === undefined) return undefined
    const known = this.#verified.get(authorization)
    const caller = known && this.#callerOf(known)
    return caller ?? this.#verify(authorization)
  }

  /** Throws unless the caller may run an operation that needs this access. */
  authorize(caller: SignedIn | undefined, { access }: Needed, _request: Record<string, unknown>): void {
    if (access[0] === 'public' || caller?.superUser) return
    if (!caller) throw new Problem('credentials_missing', {})
    if (access.length === 1 && access[0] === 'user') return
    throw new Problem('forbidden', {}, { unauthorized_access: [], invalid_schema_items: [] })
  }

  /** The user with its role, as clients may see it. */
  describeUser(username: string): { username: string; active: boolean; role: Record<string, unknown> } {
    const user = this.#users.get(username)
    if (!user) throw new Problem('credentials_wrong', {})
    return { username, active: user.active, role: describeRole(this.#roles.get(user.role)) }
  }

  /** A pair of tokens for a user name and password, or for the caller when both are left out. */
  async createTokens(
    { caller, refusal }: { caller: SignedIn | undefined; refusal?: unknown },
    credentials: { username?: string; password?: string },
  ): Promise<{ operation_token: string; refresh_token: string }> {
    if (!caller && refusal !== undefined && credentials.username === undefined) throw refusal
    const user = await this.#userFor(caller, credentials)
    const { operation_token_ttl_s, refresh_token_ttl_s } = this.#options.settings
    return {
      operation_token: await this.#tokens.sign('operation', user.username, user.generation, operation_token_ttl_s),
      refresh_token: await this.#tokens.sign('refresh', user.username, user.generation, refresh_token_ttl_s),
    }
  }

  /** A new operation token for a refresh token, given by itself or as Bearer credentials. */
  async refresh(
    refreshToken: string | undefined,
    { authorization }: { authorization: string | undefined },
  ): Promise<{ operation_token: string }> {
    const token = refreshToken ?? /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) throw new Problem('invalid_request', { reason: "'refresh_token' is required" })
    const { username, generation } = await this.#tokens.verify('refresh', token)
    const user = this.#activeUser({ username, generation })
    if (!user) throw new Problem('token_invalid', {})
    return {
      operation_token: await this.#tokens.sign(
        'operation',
        username,
        generation,
        this.#options.settings.operation_token_ttl_s,
      ),
    }
  }

  async #userFor(
    caller: SignedIn | undefined,
    { username, password }: { username?: string; password?: string },
  ): Promise<UserRecord> {
    if (username === undefined && password === undefined) {
      if (!caller) throw new Problem('credentials_missing', {})
      return this.#users.get(caller.username)!
    }
    const user = await this.#withPassword(username ?? '', password ?? '')
    if (!user) throw new Problem('invalid_credentials', {})
    return user
  }

  async #verify(authorization: string): Promise<SignedIn> {
    const [, scheme, value] = /^(\w+) +(\S+)\s*$/.exec(authorization) ?? []
    switch (scheme?.toLowerCase()) {
      case 'basic':
        return this.#verifyBasic(authorization, value!)
      case 'bearer':
      case 'token':
        return this.#verifyToken(authorization, value!)
      default:
        throw new Problem('credentials_missing', {})
    }
  }

  async #verifyBasic(authorization: string, value: string): Promise<SignedIn> {
    const decoded = Buffer.from(value, 'base64')
      .toString('utf8')
      .replace(/\r?\n$/, '')
    const colon = decoded.indexOf(':')
    const user = colon === -1 ? undefined : await this.#withPassword(decoded.slice(0, colon), decoded.slice(colon + 1))
    const caller = user && this.#callerOf(user)
    if (!caller) throw new Problem('credentials_wrong', {})
    this.#verified.add(authorization, user, Date.now() + this.#options.settings.basic_cache_ttl_s * 1000)
    return caller
  }

  async #verifyToken(authorization: string, value: string): Promise<SignedIn> {
    const claims = await this.#tokens.verify('operation', value)
    const caller = this.#callerOf(claims)
    if (!caller) throw new Problem('token_invalid', {})
    this.#verified.add(authorization, claims, Math.min(claims.expires * 1000, Date.now() + TOKEN_CACHE_MS))
    return caller
  }

  /** The active user of this name and password; throws when it is inactive, which only the right password may learn. */
  async #withPassword(username: string, password: string): Promise<UserRecord | undefined> {
    const user = this.#users.get(username)
    if (!(await this.#passwords.verify(password, user?.password))) return undefined
    if (!user!.active) throw new Problem('user_inactive', {})
    return user
  }

  #activeUser({ username, generation }: Verified): UserRecord | undefined {
    const user = this.#users.get(username)
    return user?.active && user.generation === generation ? user : undefined
  }

  #callerOf(verified: Verified): SignedIn | undefined {
    const user = this.#activeUser(verified)
    if (!user) return undefined
    const superUser = this.#roles.get(user.role)?.permission['super_user'] === true
    return { username: user.username, superUser, view: superUser ? everything : nothing }
  }
}

function describeRole(role: RoleRecord | undefined): Record<string, unknown> {
  if (!role) return {}
  return {
    role: role.role,
    permission: role.permission,
    id: role.id,
    __createdtime__: role.created,
    __updatedtime__: role.updated,
  }
}
