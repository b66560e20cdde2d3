import { type BinaryLike, randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Problem, Slots } from '../lib/index.js'

/**
 * scrypt's cost: N = 2^15 and r = 8 take 32 MiB a hash; p passes of it make the time. 3 passes equal N = 2^17 in one
 * (OWASP's password storage advice) at a quarter of the memory.
 */
const COST_LOG2 = 15
const BLOCK_SIZE = 8
const SALT_BYTES = 16
const HASH_BYTES = 32
const PHC = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

export interface PasswordLimits {
  /** scrypt's p. */
  passes: number
  /** scrypt's N as a power of two: less than ours in tests only, which sign in thousands of times. */
  costLog2?: number | undefined
  /** Hashes computed at the same time. */
  atOnceMax: number
  /** Hashes that may wait for their turn. */
  waitingMax: number
}

const scryptOf = promisify<BinaryLike, BinaryLike, number, ScryptOptions, Buffer>(scrypt)

/** scrypt's HMAC pads short keys with zeros, so that a password with zeros behind it would be the same one. */
const NUL = '\0'

/** Hashes and verifies passwords with scrypt, a few at a time, as PHC strings ($scrypt$ln=15,r=8,p=3$salt$hash). */
export class Passwords {
  readonly #limits: PasswordLimits
  readonly #costLog2: number
  readonly #slots: Slots

  constructor(limits: PasswordLimits) {
    this.#limits = limits
    this.#slots = new Slots(limits.atOnceMax)
    this.#costLog2 = limits.costLog2 ?? COST_LOG2
  }

  async hash(password: string): Promise<string> {
    if (password.includes(NUL)) throw new Problem('invalid_request', { reason: 'A password cannot hold U+0000.' })
    const salt = randomBytes(SALT_BYTES)
    const options = { N: 2 ** this.#costLog2, r: BLOCK_SIZE, p: this.#limits.passes }
    return this.#phc(salt, await this.#derive(password, salt, HASH_BYTES, options))
  }

  /** Whether the password belongs to the PHC string; without one it takes the same time and answers false. */
  async verify(password: string, phc: string | undefined): Promise<boolean> {
    const [, ln, r, p, salt, expected] = (phc === undefined ? undefined : PHC.exec(phc)) ?? PHC.exec(this.#nobody())!
    const wanted = Buffer.from(expected!, 'base64')
    const options = { N: 2 ** Number(ln), r: Number(r), p: Number(p) }
    const hash = await this.#derive(password, Buffer.from(salt!, 'base64'), wanted.length, options)
    return timingSafeEqual(hash, wanted) && phc !== undefined && !password.includes(NUL)
  }

  /** Whether a hash was made with other costs than those of today. */
  isOutdated(phc: string): boolean {
    const [, ln, r, p] = PHC.exec(phc) ?? []
    return Number(ln) !== this.#costLog2 || Number(r) !== BLOCK_SIZE || Number(p) !== this.#limits.passes
  }

  /** What the password of an unknown user is compared with, so that the answer takes as long. */
  #nobody(): string {
    return this.#phc(Buffer.alloc(SALT_BYTES), Buffer.alloc(HASH_BYTES))
  }

  #phc(salt: Buffer, hash: Buffer): string {
    return `$scrypt$ln=${this.#costLog2},r=${BLOCK_SIZE},p=${this.#limits.passes}$${unpadded(salt)}$${unpadded(hash)}`
  }

  /** @throws Problem too_many_requests */
  async #derive(password: string, salt: Buffer, length: number, options: ScryptOptions): Promise<Buffer> {
    if (this.#slots.isFull && this.#slots.waiting >= this.#limits.waitingMax) {
      const reason = 'Too many sign-ins at once; try again in a few seconds or use a token.'
      throw new Problem('too_many_requests', { reason }, { retry_after_s: 1 })
    }
    const memory = { ...options, maxmem: 256 * options.N! * options.r! }
    return await this.#slots.take(() => scryptOf(password.normalize('NFKC'), salt, length, memory))
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
