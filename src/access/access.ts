import { allRights, everything, Problem, type Rights, type View } from '../lib/index.js'
import type { Receipt } from '../storage/index.js'
import { ApiKeys } from './api-keys.js'
import { AuditLog } from './audit.js'
import { type Asking, authorize, type Needed } from './authorize.js'
import { Callers, type SignedIn } from './callers.js'
import { type Actor, Directory, type Event, type Watcher } from './directory.js'
import { type Explained, explain, type Question } from './explain.js'
import { Passwords } from './passwords.js'
import { forbidden } from './rights.js'
import { Roles } from './roles.js'
import { Sharing } from './sharing.js'
import { type Shown, SignIn } from './sign-in.js'
import type { AccessStore, RoleRecord, SharedAccess, UserRecord } from './store.js'
import type { Structure } from './structure.js'
import { Throttle } from './throttle.js'
import { lifeOf, makeKey, publicHalf, Tokens } from './tokens.js'
import { Users } from './users.js'

/** The settings of access: the group access of schemas/config.json. */
export interface AccessSettings {
  operation_token_ttl_s: number
  refresh_token_ttl_s: number
  user_token_ttl_s: number
  join_token_ttl_s: number
  service_token_ttl_s: number
  basic_cache_ttl_s: number
  basic_cache_entries_max: number
  password_hash_passes: number
  password_hashes_at_once_max: number
  password_hashes_waiting_max: number
  password_length_min: number
  users_max: number
  roles_max: number
  api_keys_per_user_max: number
  audit_entries_max: number
  signing_keys_max: number
  sign_in: {
    failures_before_delay: number
    failures_before_lock: number
    lock_s: number
    address_failures_before_delay: number
    entries_max: number
  }
}

export interface AccessOptions {
  store: AccessStore
  structure: Structure
  settings: AccessSettings
  /** Name of the node or cluster that issues tokens. */
  issuer: string
  /** How dear password hashes are (see PasswordLimits): told in tests only. */
  passwordCostLog2?: number | undefined
}

/** What a caller is, as far as tokens are made for it. */
interface Issuing {
  caller: SignedIn | undefined
  refusal?: unknown
  credentials: { authorization: string | undefined; address: string }
}

/** An earlier key that still verifies, and until when, in milliseconds since 1970. */
interface Previous {
  id: string
  ends: number
}

/** How often the last uses of keys are stored, in milliseconds. */
const STORE_USES_MS = 60_000
/** The kinds of tokens: each has a setting for its life. */
const TOKENS = ['operation', 'refresh', 'user', 'join', 'service'] as const

/** Who is who and who may do what. */
export class Access implements AsyncDisposable {
  readonly users: Users
  readonly roles: Roles
  readonly sharing: Sharing
  readonly apiKeys: ApiKeys
  readonly audit: AuditLog
  readonly #settings: AccessSettings
  readonly #directory: Directory
  readonly #callers: Callers
  readonly #tokens: Tokens
  readonly #signIn: SignIn
  readonly #timer: NodeJS.Timeout

  private constructor({ store, structure, settings, issuer, passwordCostLog2 }: AccessOptions) {
    this.#settings = settings
    this.audit = new AuditLog(store, settings.audit_entries_max)
    const directory = new Directory(store, this.audit)
    const passwords = new Passwords({
      passes: settings.password_hash_passes,
      atOnceMax: settings.password_hashes_at_once_max,
      waitingMax: settings.password_hashes_waiting_max,
      costLog2: passwordCostLog2,
    })
    const callers = new Callers(directory, structure)
    const throttle = new Throttle(settings.sign_in)
    this.#directory = directory
    this.#callers = callers
    this.#tokens = new Tokens(issuer)
    this.users = new Users(directory, passwords, {
      usersMax: settings.users_max,
      passwordLengthMin: settings.password_length_min,
    })
    this.roles = new Roles(directory, structure, settings.roles_max)
    this.sharing = new Sharing(directory, structure)
    this.apiKeys = new ApiKeys(directory, settings.api_keys_per_user_max)
    const { apiKeys } = this
    this.#signIn = new SignIn({ directory, callers, passwords, tokens: this.#tokens, apiKeys, throttle, settings })
    this.#timer = setInterval(() => void this.apiKeys.storeUses().catch(() => {}), STORE_USES_MS).unref()
  }

  static async open(options: AccessOptions): Promise<Access> {
    const access = new Access(options)
    const { keys } = access.#directory
    if (keys.size === 0) {
      const key = await makeKey()
      await access.#directory.change({ user: 'node', credentials: { address: '' } }, (put) => {
        put('key', key.id, key)
        return { operation: 'rotate_keys', target: key.id }
      })
    }
    await access.#tokens.use(keys.values())
    return access
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.apiKeys.storeUses().catch(() => {}) // on a full disk the node stops without them
  }

  /** Users and roles as they are stored, for nodes that keep them alike. */
  get shared(): SharedAccess {
    const { roles, users } = this.#directory
    return { roles, users }
  }

  /** Calls back after every change of users, roles and keys. */
  onChange(listener: () => void): void {
    this.#directory.onChange(listener)
  }

  /** Calls back in the transaction of every change. */
  watch(watcher: Watcher): void {
    this.#directory.watch(watcher)
  }

  /**
   * Takes over users ("user/NAME") and roles ("role/ID") of another node; undefined drops one. The last super user stays.
   * `choose` sees every change that was made here before. The receipt is stored with what is taken.
   */
  async adopt(
    node: string,
    choose: (shared: SharedAccess) => ReadonlyMap<string, UserRecord | RoleRecord | undefined>,
    receipt?: Partial<Receipt>,
  ): Promise<void> {
    await this.#directory.change({ ...receipt, user: `node ${node}`, credentials: { address: node } }, (put) => {
      const changes = choose(this.shared)
      if (changes.size === 0) return undefined
      const { roles, users } = this.#directory
      const after = new Map<string, unknown>([
        ...[...roles].map(([id, role]) => [`role/${id}`, role] as const),
        ...[...users].map(([name, user]) => [`user/${name}`, user] as const),
        ...changes,
      ])
      const rules = (user: UserRecord) =>
        user.active && (after.get(`role/${user.role}`) as RoleRecord | undefined)?.permission['super_user'] === true
      const left = [...after].some(([name, user]) => name.startsWith('user/') && user && rules(user as UserRecord))
      if (!left) return undefined
      for (const [name, record] of changes) {
        const kind = name.startsWith('role/') ? 'role' : 'user'
        put(kind, name.slice(kind.length + 1), record as never)
      }
      return { operation: 'replicate_access', target: node, change: { names: [...changes.keys()] } }
    })
  }

  /** The caller behind an Authorization value; undefined when there is none; throws when it is wrong. */
  authenticate(shown: Shown): SignedIn | undefined | Promise<SignedIn | undefined> {
    return this.#signIn.authenticate(shown)
  }

  /** Throws unless the caller may run a request of this contract. */
  authorize(caller: Asking | undefined, contract: Needed, request: Record<string, unknown>): void {
    authorize(caller, contract, request)
  }

  /**
   * What a user may read and do now, bound to some databases if a key for programs asked: for work that goes on without
   * its request. @throws Problem user_unknown, user_inactive
   */
  rightsOf(username: string, databases?: readonly string[]): { view: View; rights: Rights } {
    const user = this.#userNamed(username)
    if (!user.active) throw new Problem('user_inactive', {})
    if (databases === undefined && this.#callers.grantsOf(user.role).superUser)
      return { view: everything, rights: allRights }
    const rights = this.#callers.rightsOf(user, databases && { databases })
    return { view: rights, rights }
  }

  /** When a user was made; undefined when there is none. */
  since(username: string): number | undefined {
    return this.#directory.users.get(username)?.created
  }

  /**
   * The user that was made at a time, as it is now: for work that goes on without its request. `apiKey`: the key for
   * programs that the request came with; what it allows was asked then and cannot change.
   * @throws Problem user_unknown, user_inactive, api_key_invalid
   */
  userSince(username: string, since: number, apiKey?: string): Asking {
    const user = this.#userNamed(username)
    if (user.created !== since) throw new Problem('user_unknown', { username })
    if (!user.active) throw new Problem('user_inactive', {})
    if (apiKey !== undefined) this.apiKeys.check(apiKey)
    const { superUser } = this.#callers.grantsOf(user.role)
    return { superUser, rights: superUser ? allRights : this.#callers.rightsOf(user) }
  }

  /** Why a user may or may not run an operation. */
  explain(username: string, question: Question): Explained[] {
    return explain(this.#callers, this.#userNamed(username), question)
  }

  /** The user that a request means: a named one only for super users, unless it is the caller itself. */
  userMeant(caller: SignedIn, named: string | undefined): string {
    if (caller.superUser) return named ?? caller.username
    if (named !== undefined && named !== caller.username)
      throw forbidden(["Naming another user is restricted to 'super_user' roles"], [])
    return caller.username
  }

  /** A key for programs must not make itself a token or key that may do more, or lives longer, than itself. */
  refuseKeys(caller: SignedIn): void {
    if (caller.scope) throw forbidden(['Tokens and keys cannot be made with a key for programs'], [])
  }

  /** Adds a line to the audit log for a change that access does not make itself. */
  note(by: Actor, event: Event): Promise<void> {
    return this.#directory.change(by, () => event)
  }

  /** A pair of tokens for a user name and password, or for the caller when both are left out. */
  async createTokens(
    issuing: Issuing,
    credentials: { username?: string; password?: string; expires_in?: number | string },
  ): Promise<{ operation_token: string; refresh_token: string }> {
    const { caller, refusal } = issuing
    if (!caller && refusal !== undefined && credentials.username === undefined) throw refusal
    const { username, generation } = await this.#userFor(issuing, credentials)
    const { operation_token_ttl_s, refresh_token_ttl_s } = this.#settings
    const life = Math.min(lifeOf(credentials.expires_in ?? operation_token_ttl_s), operation_token_ttl_s)
    return {
      operation_token: await this.#tokens.sign('operation', username, generation, life),
      refresh_token: await this.#tokens.sign('refresh', username, generation, refresh_token_ttl_s),
    }
  }

  /** A token of the caller: for operations, for joining only, or for a program that stays; `expires` in milliseconds. */
  async createToken(
    caller: SignedIn,
    type: 'user' | 'join' | 'service',
    ttl: number | undefined,
  ): Promise<{ token: string; expires: number }> {
    this.refuseKeys(caller)
    if (type === 'service' && !caller.superUser)
      throw forbidden(["Service tokens are restricted to 'super_user' roles"], [])
    const { username, generation } = caller
    const most = this.#settings[`${type}_token_ttl_s`]
    const life = Math.min(ttl ?? most, most)
    const use = type === 'user' ? 'operation' : type
    const token = await this.#tokens.sign(use, username, generation, life)
    return { token, expires: Date.now() + life * 1000 }
  }

  /** A new operation token for a refresh token, given by itself or as Bearer credentials. */
  async refresh(
    refreshToken: string | undefined,
    { authorization }: { authorization: string | undefined },
  ): Promise<{ operation_token: string }> {
    const token = refreshToken ?? /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) throw new Problem('invalid_request', { reason: "'refresh_token' is required" })
    const claims = await this.#tokens.verify(['refresh'], token)
    const { username, generation } = claims
    // The same check that an operation token has to pass.
    if (!this.#callers.of(claims)) throw new Problem('token_invalid', {})
    const ttl = this.#settings.operation_token_ttl_s
    return { operation_token: await this.#tokens.sign('operation', username, generation, ttl) }
  }

  /** Signs with a new key. The old ones verify until the last token that they signed ends; with `revoke` they end now. */
  async rotateKeys(revoke: boolean, by: Actor): Promise<{ message: string; key_id: string; previous: Previous[] }> {
    const key = await makeKey()
    const now = Date.now()
    const longest = Math.max(...TOKENS.map((type) => this.#settings[`${type}_token_ttl_s`])) * 1000
    const most = this.#settings.signing_keys_max
    let previous: Previous[] = []
    const answerOf = () => ({
      message: `Tokens are signed with a new key${revoke ? '; all earlier ones have ended' : ''}.`,
      key_id: key.id,
      previous,
    })
    await this.#directory.change(by, (put) => {
      const { keys } = this.#directory
      if (!revoke && [...keys.values()].filter(({ ends = Number.POSITIVE_INFINITY }) => ends > now).length >= most)
        throw new Problem('too_many_entries', {
          what: 'signing keys',
          limit: most,
          setting: 'access.signing_keys_max; rotate_keys with revoke ends the earlier ones',
        })
      previous = []
      for (const old of keys.values()) {
        if (revoke || (old.ends ?? now + 1) <= now) put('key', old.id, undefined)
        else {
          const ends = old.ends ?? now + longest
          if (old.ends === undefined) put('key', old.id, { ...old, ends })
          previous.push({ id: old.id, ends })
        }
      }
      put('key', key.id, key)
      by.settle?.(answerOf())
      return { operation: 'rotate_keys', target: key.id, change: { revoke } }
    })
    await this.#tokens.use(this.#directory.keys.values())
    return answerOf()
  }

  /** The public halves of the signing keys, as JSON Web Keys: who has them can verify tokens, not make them. */
  publicKeys(): Record<string, unknown>[] {
    return [...this.#directory.keys.values()]
      .sort((a, b) => b.created - a.created)
      .map((key) => ({ ...publicHalf(key) }))
  }

  async #userFor(
    { caller, credentials: { address } }: Issuing,
    { username, password }: { username?: string; password?: string },
  ): Promise<Pick<UserRecord, 'username' | 'generation'>> {
    if (username === undefined && password === undefined) {
      if (!caller) throw new Problem('credentials_missing', {})
      this.refuseKeys(caller)
      return caller
    }
    const user = await this.#signIn.withPassword(username ?? '', password ?? '', address)
    if (!user) throw new Problem('invalid_credentials', {})
    return user
  }

  #userNamed(username: string): UserRecord {
    const user = this.#directory.users.get(username)
    if (!user) throw new Problem('user_unknown', { username })
    return user
  }
}
