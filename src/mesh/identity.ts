import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { join } from 'node:path'
import { readIfThere, writePrivate } from './files.js'

/** Who this node is to others: everything it sends is signed with its own key. */
export interface Identity {
  /** Base64 of the public key (SubjectPublicKeyInfo, DER). */
  publicKey: string
  sign(bytes: Uint8Array): Buffer
}

const identityOf = (privateKey: KeyObject): Identity => ({
  publicKey: createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64'),
  sign: (bytes) => sign(digestFor(privateKey), bytes, privateKey),
})

/** Ed25519 hashes by itself; keys on curves need SHA-256 named. */
const digestFor = (key: KeyObject) => (key.asymmetricKeyType === 'ed25519' ? null : 'sha256')

/** The identity of a node whose private key (PEM) is its certificate's. */
export const identityFromKey = (pem: string): Identity => identityOf(createPrivateKey(pem))

/** A new private key (PEM). */
export const newIdentity = () =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** A secret that never leaves this node, for its own clients of its own servers. */
export async function localSecret(folder: string): Promise<string> {
  const path = join(folder, 'local.secret')
  const kept = await readIfThere(path)
  if (kept) return kept.trim()
  const secret = randomBytes(32).toString('hex')
  await writePrivate(path, `${secret}\n`)
  return secret
}

/** A password for one purpose, from which neither the secret nor the other passwords can be found. */
export const derive = (secret: string, purpose: string) => createHmac('sha256', secret).update(purpose).digest('hex')

/** Checks signatures of one peer; the key is parsed once. */
export class PeerKey {
  readonly text: string
  readonly #key: KeyObject
  readonly #digest: 'sha256' | null

  /** @param publicKey base64 of the DER form; throws when it is none */
  constructor(publicKey: string) {
    this.text = publicKey
    this.#key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), type: 'spki', format: 'der' })
    this.#digest = digestFor(this.#key)
  }

  verifies(bytes: Uint8Array, signature: Uint8Array): boolean {
    return verify(this.#digest, bytes, this.#key, signature)
  }
}

/** SHA-256 of a public key, as nats-server's pinned_certs names it. */
export const fingerprint = (publicKey: string) =>
  createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex')

/** A proof that the sender knows the secret. */
export const seal = (secret: string, bytes: Uint8Array) => createHmac('sha256', secret).update(bytes).digest()

export function sealed(secret: string, bytes: Uint8Array, proof: Uint8Array): boolean {
  const right = seal(secret, bytes)
  return right.length === proof.length && timingSafeEqual(right, proof)
}
