import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { Problem } from '../lib/index.js'

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
  /** Hashes computed at the same time. */
  atOnceMax: number
  /** Hashes that may wait for their turn. */
  waitingMax: number
}

/** scrypt's HMAC pads short keys with zeros, so that a password with zeros behind it would be the same one. */
const NUL = '\0'

/** Hashes and verifies passwords with scrypt, a few at a time, as PHC strings ($scrypt$ln=15,r=8,p=3$salt$hash). */
export class Passwords {
  readonly #limits: PasswordLimits
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limits: PasswordLimits) {
    this.#limits = limits
  }

  async hash(password: string): Promise<string> {
    if (password.includes(NUL)) throw new Problem('invalid_request', { reason: 'A password cannot hold U+0000.' })
    const { passes } = this.#limits
    const salt = randomBytes(SALT_BYTES)
    const hash = await this.#derive(password, salt, HASH_BYTES, { N: 2 ** COST_LOG2, r: BLOCK_SIZE, p: passes })
    return `$scrypt$ln=${COST_LOG2},r=${BLOCK_SIZE},p=${passes}$${unpadded(salt)}$${unpadded(hash)}`
  }

  /** Whether the password belongs to the PHC string; without one it takes the same time and answers false. */
  async verify(password: string, phc: string | undefined): Promise<boolean> {
    const [, ln, r, p, salt, expected] =
      (phc === undefined ? undefined : PHC.exec(phc)) ?? PHC.exec(nobody(this.#limits.passes))!
    const wanted = Buffer.from(expected!, 'base64')
    const options = { N: 2 ** Number(ln), r: Number(r), p: Number(p) }
    const hash = await this.#derive(password, Buffer.from(salt!, 'base64'), wanted.length, options)
    return timingSafeEqual(hash, wanted) && phc !== undefined && !password.includes(NUL)
  }

  /** Whether a hash was made with other costs than those of today. */
  isOutdated(phc: string): boolean {
    const [, ln, r, p] = PHC.exec(phc) ?? []
    return Number(ln) !== COST_LOG2 || Number(r) !== BLOCK_SIZE || Number(p) !== this.#limits.passes
  }

  async #derive(password: string, salt: Buffer, length: number, options: ScryptOptions): Promise<Buffer> {
    await this.#turn()
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        const memory = { ...options, maxmem: 256 * options.N! * options.r! }
        scrypt(password.normalize('NFKC'), salt, length, memory, (error, hash) =>
          error ? reject(error) : resolve(hash),
        )
      })
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= this.#limits.atOnceMax) {
      if (this.#waiting.length >= this.#limits.waitingMax)
        throw new Problem('too_many_requests', {
          reason: 'Too many sign-ins at once; try again in a few seconds or use a token.',
        })
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#running++
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

/** What the password of an unknown user is compared with, so that the answer takes as long. */
function nobody(passes: number): string {
  return `$scrypt$ln=${COST_LOG2},r=${BLOCK_SIZE},p=${passes}$${unpadded(Buffer.alloc(SALT_BYTES))}$${unpadded(Buffer.alloc(HASH_BYTES))}`
}
