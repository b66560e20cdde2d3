import { exportJWK, generateKeyPair, importJWK, type JWK, errors as joseErrors, jwtVerify, SignJWT } from 'jose'
import { Problem } from '../lib/index.js'

const ALGORITHM = 'EdDSA'
const AUDIENCE = 'trellisdb'
/** Clocks of nodes may differ by this many seconds. */
const CLOCK_TOLERANCE_S = 5

export type TokenUse = 'operation' | 'refresh'

/** What a token says. */
export interface Claims {
  username: string
  /** The user's generation when the token was made; a changed user has a later one. */
  generation: number
  /** When it ends: seconds since 1970. */
  expires: number
}

/** A signing key as it is stored. */
export interface StoredKey {
  id: string
  jwk: JWK
  created: number
}

/** A new Ed25519 key for signing tokens. */
export async function makeKey(): Promise<StoredKey> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true })
  return { id: crypto.randomUUID(), jwk: await exportJWK(privateKey), created: Date.now() }
}

type Key = Awaited<ReturnType<typeof importJWK>>

/** Signs and verifies tokens: JWT with EdDSA, the algorithm pinned, the use of a token part of its type. */
export class Tokens {
  readonly #issuer: string
  readonly #signing: { id: string; key: Key }
  readonly #verifying: ReadonlyMap<string, Key>

  private constructor(issuer: string, signing: { id: string; key: Key }, verifying: ReadonlyMap<string, Key>) {
    this.#issuer = issuer
    this.#signing = signing
    this.#verifying = verifying
  }

  /** `keys`: the newest signs, all verify. */
  static async open(issuer: string, keys: readonly StoredKey[]): Promise<Tokens> {
    const newest = [...keys].sort((a, b) => b.created - a.created)[0]!
    const verifying = new Map<string, Key>()
    for (const { id, jwk } of keys) {
      const { d: _private, ...open } = jwk
      verifying.set(id, await importJWK(open, ALGORITHM))
    }
    return new Tokens(issuer, { id: newest.id, key: await importJWK(newest.jwk, ALGORITHM) }, verifying)
  }

  /** `ttl`: life in seconds. */
  async sign(use: TokenUse, username: string, generation: number, ttl: number): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({ use, gen: generation })
      .setProtectedHeader({ alg: ALGORITHM, kid: this.#signing.id, typ: 'JWT' })
      .setSubject(username)
      .setIssuer(this.#issuer)
      .setAudience(AUDIENCE)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + ttl)
      .setJti(crypto.randomUUID())
      .sign(this.#signing.key)
  }

  /** The claims of a token of this use; throws `token_expired` or `token_invalid`. */
  async verify(use: TokenUse, token: string): Promise<Claims> {
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => this.#keyOf(kid), {
        algorithms: [ALGORITHM],
        issuer: this.#issuer,
        audience: AUDIENCE,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['sub', 'exp', 'nbf', 'use', 'gen'],
      })
      if (payload['use'] !== use) throw new Problem('token_invalid', {})
      return { username: payload.sub!, generation: Number(payload['gen']), expires: payload.exp! }
    } catch (error) {
      if (error instanceof Problem) throw error
      throw new Problem(error instanceof joseErrors.JWTExpired ? 'token_expired' : 'token_invalid', {})
    }
  }

  #keyOf(id: string | undefined): Key {
    const key = id === undefined ? undefined : this.#verifying.get(id)
    if (!key) throw new Problem('token_invalid', {})
    return key
  }
}
