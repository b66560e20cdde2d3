import { exportJWK, generateKeyPair, importJWK, type JWK, errors as joseErrors, jwtVerify, SignJWT } from 'jose'
import { Problem } from '../lib/index.js'

const ALGORITHM = 'EdDSA'
const AUDIENCE = 'trellisdb'
/** Clocks of nodes may differ by this many seconds. */
const CLOCK_TOLERANCE_S = 5

/** operation and service: any operation; join: joining only; refresh: new operation tokens only. */
export type TokenUse = 'operation' | 'refresh' | 'join' | 'service'

/** What a token says. */
export interface Claims {
  username: string
  /** The user's generation when the token was made; a changed user has another one. */
  generation: number
  /** Id of the key that signed it. */
  signedWith: string
  use: TokenUse
  /** When it ends: seconds since 1970. */
  expires: number
}

/** A signing key as it is stored. */
export interface StoredKey {
  id: string
  jwk: JWK
  created: number
  /** When a replaced key ends, because the last token that it signed has: milliseconds since 1970. */
  ends?: number
}

/** A new Ed25519 key for signing tokens. */
export async function makeKey(): Promise<StoredKey> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true })
  return { id: crypto.randomUUID(), jwk: await exportJWK(privateKey), created: Date.now() }
}

/** The half of a key that may be shown. */
export function publicHalf({ id, jwk }: StoredKey): JWK {
  const { d: _private, ...open } = jwk
  return { ...open, kid: id, alg: ALGORITHM, use: 'sig' }
}

type Key = Awaited<ReturnType<typeof importJWK>>

/** Signs and verifies tokens: JWT with EdDSA, the algorithm pinned, the use of a token part of its claims. */
export class Tokens {
  readonly #issuer: string
  #signing: { id: string; key: Key } | undefined
  #verifying: ReadonlyMap<string, { key: Key; ends: number }> = new Map()
  /** Kept when the newest keys are in use. */
  #using: Promise<void> = Promise.resolve()

  constructor(issuer: string) {
    this.#issuer = issuer
  }

  /** Takes keys into use: the one that does not end signs, all verify until they end. Who calls last has the last word. */
  use(keys: Iterable<StoredKey>): Promise<void> {
    const ofNow = [...keys]
    this.#using = this.#using.catch(() => {}).then(() => this.#use(ofNow))
    return this.#using
  }

  async #use(keys: readonly StoredKey[]): Promise<void> {
    const verifying = new Map<string, { key: Key; ends: number }>()
    let newest: StoredKey | undefined
    for (const stored of keys) {
      const { d: _private, ...open } = stored.jwk
      const key = this.#verifying.get(stored.id)?.key ?? (await importJWK(open, ALGORITHM))
      verifying.set(stored.id, { key, ends: stored.ends ?? Number.POSITIVE_INFINITY })
      if (stored.ends === undefined && (!newest || stored.created > newest.created)) newest = stored
    }
    this.#signing = newest && { id: newest.id, key: await importJWK(newest.jwk, ALGORITHM) }
    this.#verifying = verifying
  }

  /** `ttl`: life in seconds. */
  async sign(use: TokenUse, username: string, generation: number, ttl: number): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({ use, gen: generation })
      .setProtectedHeader({ alg: ALGORITHM, kid: this.#signing!.id, typ: 'JWT' })
      .setSubject(username)
      .setIssuer(this.#issuer)
      .setAudience(AUDIENCE)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + ttl)
      .setJti(crypto.randomUUID())
      .sign(this.#signing!.key)
  }

  /** The claims of a token of one of these uses; throws `token_expired` or `token_invalid`. */
  async verify(uses: readonly TokenUse[], token: string): Promise<Claims> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, ({ kid }) => this.#keyOf(kid), {
        algorithms: [ALGORITHM],
        issuer: this.#issuer,
        audience: AUDIENCE,
        typ: 'JWT',
        clockTolerance: CLOCK_TOLERANCE_S,
        currentDate: new Date(Date.now()),
        requiredClaims: ['sub', 'exp', 'nbf', 'iat', 'use', 'gen'],
      })
      const use = payload['use'] as TokenUse
      if (!uses.includes(use)) throw new Problem('token_invalid', {})
      const { sub: username, gen: generation, exp: expires } = payload as { sub: string; gen: number; exp: number }
      // The tolerance is for tokens of a clock that is ahead: what was asked to end does end.
      if (expires * 1000 <= Date.now()) throw new Problem('token_expired', {})
      return { username, generation, signedWith: protectedHeader.kid!, use, expires }
    } catch (error) {
      if (error instanceof Problem) throw error
      throw new Problem(error instanceof joseErrors.JWTExpired ? 'token_expired' : 'token_invalid', {})
    }
  }

  #keyOf(id: string | undefined): Key {
    const found = id === undefined ? undefined : this.#verifying.get(id)
    if (!found || found.ends <= Date.now()) throw new Problem('token_invalid', {})
    return found.key
  }
}

const UNIT_S: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** A life in seconds as HarperDB's callers write it: a number of them, or text with a unit (`10m`). */
export function lifeOf(expiresIn: number | string): number {
  const [, amount, unit] = /^(\d+)\s*([a-z]+)$/.exec(String(expiresIn)) ?? []
  return unit === undefined ? Number(expiresIn) : Math.ceil(Number(amount) * UNIT_S[unit]!)
}
