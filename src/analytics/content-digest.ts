import { createHash } from 'node:crypto'

const LANES = 4

/** A sum of hashes: what it covers may come in any order and in any number of pieces. */
export class ContentDigest {
  count = 0
  readonly #lanes = new Uint32Array(LANES)

  /** One row, by its text. */
  addText(text: string): void {
    const hash = createHash('sha256').update(text).digest()
    for (let lane = 0; lane < LANES; lane++) this.#lanes[lane]! += hash.readUInt32LE(lane * 4)
    this.count++
  }

  add(other: DigestText): void {
    const bytes = Buffer.from(other.digest, 'hex')
    for (let lane = 0; lane < LANES; lane++) this.#lanes[lane]! += bytes.readUInt32LE(lane * 4)
    this.count += other.count
  }

  toText(): DigestText {
    const bytes = Buffer.alloc(LANES * 4)
    for (let lane = 0; lane < LANES; lane++) bytes.writeUInt32LE(this.#lanes[lane]!, lane * 4)
    return { count: this.count, digest: bytes.toString('hex') }
  }
}

export interface DigestText {
  readonly count: number
  readonly digest: string
}
