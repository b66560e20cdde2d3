import { Problem } from '../lib/index.js'
import { type ApiKeys, isApiKey } from './api-keys.js'
import type { Callers, SignedIn } from './callers.js'
import type { Directory } from './directory.js'
import type { Passwords } from './passwords.js'
import type { UserRecord } from './store.js'
import type { Throttle } from './throttle.js'
import type { Tokens } from './tokens.js'
import { VerifiedCredentials } from './verified-credentials.js'

/** What a request shows to be known by. */
export interface Shown {
  authorization: string | undefined
  address: string
  /** What it came on: the same again on the same one is known sooner. */
  connection?: object
}

export interface SignInOptions {
  directory: Directory
  callers: Callers
  passwords: Passwords
  tokens: Tokens
  apiKeys: ApiKeys
  throttle: Throttle
  settings: { basic_cache_ttl_s: number; basic_cache_entries_max: number }
}

/** Verified tokens are remembered at most this long, in milliseconds. */
const TOKEN_CACHE_MS = 300_000

/** Finds out who sends a request, by Basic, Bearer (token or key for programs), or pyql's Token. */
export class SignIn {
  readonly #options: SignInOptions
  readonly #verified: VerifiedCredentials
  /** Verifications under way: requests with the same credentials share one. */
  readonly #running = new Map<string, Promise<SignedIn>>()

  constructor(options: SignInOptions) {
    this.#options = options
    this.#verified = new VerifiedCredentials(options.settings.basic_cache_entries_max)
  }

  /** The caller behind an Authorization value; undefined when there is none; throws when it is wrong. */
  authenticate(shown: Shown): SignedIn | undefined | Promise<SignedIn | undefined> {
    const { authorization, connection } = shown
    if (authorization === undefined) return undefined
    const known = this.#verified.get(authorization, connection)
    const caller = known && this.#options.callers.of(known)
    if (!caller) return this.#verifyOnce(authorization, shown.address)
    if (known.apiKey !== undefined) this.#options.apiKeys.used(known.apiKey)
    return caller
  }

  /** The active user of this name and password; undefined when they are wrong; throws when it is inactive, which only the right password may learn. */
  async withPassword(username: string, password: string, address: string): Promise<UserRecord | undefined> {
    const { directory, passwords, throttle } = this.#options
    const user = await throttle.attempt(
      username,
      address,
      async () => {
        const known = directory.users.get(username)
        if (!(await passwords.verify(password, known?.password))) return undefined
        // While it was verified the password may have become another one, which this one must not stand for.
        const now = directory.users.get(username)
        return now?.password === known?.password ? now : undefined
      },
      () =>
        directory.change({ user: username, credentials: { address } }, () => ({
          operation: 'sign_in_locked',
          target: username,
        })),
    )
    if (user?.active === false) throw new Problem('user_inactive', {})
    // What keeps the new hash from being made or stored, as a full disk does, keeps nobody out.
    if (user && passwords.isOutdated(user.password)) await this.#hashAnew(user, password, address).catch(() => {})
    return user
  }

  /** Only at sign-in is the password known, so that is when its hash is brought to the costs of today. */
  async #hashAnew({ username, password: before }: UserRecord, password: string, address: string): Promise<void> {
    const { directory, passwords } = this.#options
    const hash = await passwords.hash(password)
    await directory.change({ user: username, credentials: { address } }, (put) => {
      const user = directory.users.get(username)
      if (user?.password !== before) return undefined
      put('user', username, { ...user, password: hash })
      return { operation: 'hash_password', target: username }
    })
  }

  #verifyOnce(authorization: string, address: string): Promise<SignedIn> {
    const name = this.#verified.hash(`${address}\0${authorization}`)
    let running = this.#running.get(name)
    if (!running) {
      running = this.#verify(authorization, address).finally(() => this.#running.delete(name))
      this.#running.set(name, running)
    }
    return running
  }

  async #verify(authorization: string, address: string): Promise<SignedIn> {
    const [, scheme, value] = /^(\w+) +(\S+)\s*$/.exec(authorization) ?? []
    switch (scheme?.toLowerCase()) {
      case 'basic':
        return this.#verifyBasic(authorization, value!, address)
      case 'bearer':
      case 'token':
        return isApiKey(value!) ? this.#verifyApiKey(authorization, value!) : this.#verifyToken(authorization, value!)
      default:
        throw new Problem('credentials_missing', {})
    }
  }

  async #verifyBasic(authorization: string, value: string, address: string): Promise<SignedIn> {
    const decoded = Buffer.from(value, 'base64')
      .toString('utf8')
      .replace(/\r?\n$/, '')
    const colon = decoded.indexOf(':')
    if (colon === -1) throw new Problem('credentials_wrong', {})
    const user = await this.withPassword(decoded.slice(0, colon), decoded.slice(colon + 1), address)
    if (!user) throw new Problem('credentials_wrong', {})
    const { username, generation } = user
    return this.#remember(authorization, { username, generation }, this.#options.settings.basic_cache_ttl_s * 1000)
  }

  async #verifyToken(authorization: string, value: string): Promise<SignedIn> {
    const { username, generation, signedWith, use, expires } = await this.#options.tokens.verify(
      ['operation', 'service', 'join'],
      value,
    )
    const life = Math.min(expires * 1000 - Date.now(), TOKEN_CACHE_MS)
    return this.#remember(authorization, { username, generation, signedWith, joinOnly: use === 'join' }, life)
  }

  #verifyApiKey(authorization: string, value: string): SignedIn {
    const { id, username, expires = Number.POSITIVE_INFINITY } = this.#options.apiKeys.verify(value)
    const life = Math.min(expires - Date.now(), TOKEN_CACHE_MS)
    return this.#remember(authorization, { username, apiKey: id }, life)
  }

  /** `life`: milliseconds. */
  #remember(authorization: string, verified: Parameters<Callers['of']>[0], life: number): SignedIn {
    const caller = this.#options.callers.of(verified)
    if (!caller) throw new Problem(verified.apiKey === undefined ? 'token_invalid' : 'api_key_invalid', {})
    this.#verified.add(authorization, verified, Date.now() + life)
    return caller
  }
}
