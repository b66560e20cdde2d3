import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { Problem } from '../lib/index.js'
import { type Identity, seal, sealed } from './identity.js'
import type { Credentials } from './requests.js'
import { isLoopback } from './routes.js'

/** The PEM files of one node. */
export interface TlsPaths {
  certificate: string
  privateKey: string
  certificateAuthority: string
}

/**
 * How nodes prove that they belong to this mesh: with TLS by a certificate of the mesh's own authority that names the
 * node, else by the shared secret (or, for a node alone, by one of its own that fits nobody).
 */
export async function credentialsFor(
  options: { nodeName: string; secret: string; tls: TlsPaths | undefined },
  identity: Identity,
  alone: string,
): Promise<Credentials> {
  const { nodeName, tls } = options
  if (!tls) {
    const secret = options.secret || alone
    const claim = (name: string, publicKey: string) => Buffer.from(`${name}\0${publicKey}`)
    return {
      own: seal(secret, claim(nodeName, identity.publicKey)).toString('base64'),
      accepts: (name, publicKey, proof) => sealed(secret, claim(name, publicKey), Buffer.from(proof, 'base64')),
    }
  }
  const own = await readFile(tls.certificate, 'utf8')
  const authority = new X509Certificate(await readFile(tls.certificateAuthority))
  const accepts = (name: string, publicKey: string, proof: string) => certifies(authority, name, publicKey, proof)
  if (!accepts(nodeName, identity.publicKey, own)) throw new Problem('mesh_certificate_wrong', { node: nodeName })
  return { own, accepts }
}

/** Whether the authority signed a certificate, valid now, that binds this name to this public key. */
function certifies(authority: X509Certificate, name: string, publicKey: string, pem: string): boolean {
  try {
    const certificate = new X509Certificate(pem)
    const now = Date.now()
    return (
      certificate.checkIssued(authority) &&
      certificate.verify(authority.publicKey) &&
      Date.parse(certificate.validFrom) <= now &&
      now <= Date.parse(certificate.validTo) &&
      certificate.subject === `CN=${name}` &&
      certificate.publicKey.export({ type: 'spki', format: 'der' }).toString('base64') === publicKey
    )
  } catch {
    return false
  }
}

/**
 * The name or address under which others dial a node whose certificate this is: the first that it names, if that is not
 * loopback. Hubs tell each other of hubs by it; an address from which one came need not stand in its certificate.
 */
export async function dialedName(certificateFile: string): Promise<string | undefined> {
  const { subjectAltName = '' } = new X509Certificate(await readFile(certificateFile))
  const first = /^(?:DNS|IP Address):([^,\s]+)/.exec(subjectAltName)?.[1]
  return first === undefined || isLoopback(first) ? undefined : first
}

/** The name in the certificate of whoever answers, when our authority signed it; undefined when nobody does. */
export async function certifiedName(
  host: string,
  port: number,
  { certificate, certificateAuthority, privateKey }: TlsPaths,
  withinMs: number,
): Promise<string | undefined> {
  const [ca, cert, key] = await Promise.all(
    [certificateAuthority, certificate, privateKey].map((file) => readFile(file)),
  )
  return await new Promise((resolve) => {
    const socket = connect({ host, port, ca, cert, key, ...(isIP(host) ? {} : { servername: host }) })
    const done = (name?: string) => {
      socket.destroy()
      resolve(name)
    }
    socket.setTimeout(withinMs, done)
    socket.on('error', () => done())
    socket.on('close', () => done())
    socket.on('secureConnect', () => {
      const { CN } = socket.getPeerCertificate().subject
      done(Array.isArray(CN) ? CN[0] : CN)
    })
  })
}
