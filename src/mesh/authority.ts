// The only place that loads the certificate library, so that a node does not pay for what only the command line needs.
import 'reflect-metadata'
import { createPublicKey, randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { Problem } from '../lib/index.js'
import type { TlsPaths } from './credentials.js'
import { readIfThere, writePrivate } from './files.js'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const AUTHORITY_YEARS = 20
const NODE_YEARS = 2
const HOSTS_MAX = 32

/**
 * Makes a certificate authority for one mesh: `ca.crt` and `ca.key` in the folder.
 * @throws Problem authority_exists when the folder has one: making it anew would cut off every node
 */
export async function createAuthority(folder: string): Promise<{ certificate: string; privateKey: string }> {
  const files = authorityFiles(folder)
  if ((await readIfThere(files.privateKey)) !== undefined) throw new Problem('authority_exists', { folder })
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial(),
      name: `CN=TrellisDB mesh ${randomBytes(4).toString('hex')}`,
      ...validFor(AUTHORITY_YEARS),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  await writePrivate(files.privateKey, await privatePem(keys.privateKey))
  await writePrivate(files.certificate, `${certificate.toString('pem')}\n`)
  return files
}

/**
 * Signs a certificate for one node and writes what has to be copied to it into `folder/NODE`.
 * @param hosts names and addresses under which other nodes dial it, besides loopback
 * @throws Problem authority_missing
 */
export async function signNode(folder: string, node: string, hosts: readonly string[]): Promise<TlsPaths> {
  const from = authorityFiles(folder)
  const [authorityPem, keyPem] = await Promise.all([readIfThere(from.certificate), readIfThere(from.privateKey)])
  if (!authorityPem || !keyPem) throw new Problem('authority_missing', { folder })
  if (hosts.length > HOSTS_MAX) throw new Problem('too_many_hosts', { most: HOSTS_MAX })
  const authority = new x509.X509Certificate(authorityPem)
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(keyPem),
    ALGORITHM,
    false,
    ['sign'],
  )
  const files = {
    certificate: join(folder, node, 'node.crt'),
    privateKey: join(folder, node, 'node.key'),
    certificateAuthority: join(folder, node, 'ca.crt'),
  }
  const keys = await keysOf(await readIfThere(files.privateKey))
  // The first is what the node is dialed by.
  const names = [...new Set([...hosts, 'localhost', '127.0.0.1', '::1', node])]
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial(),
      subject: `CN=${node}`,
      issuer: authority.subject,
      ...validFor(NODE_YEARS),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
        ),
        await x509.AuthorityKeyIdentifierExtension.create(authority, false, webcrypto),
      ],
    },
    webcrypto,
  )
  await writePrivate(files.privateKey, await privatePem(keys.privateKey))
  await writePrivate(files.certificate, `${certificate.toString('pem')}\n`)
  await writePrivate(files.certificateAuthority, authorityPem)
  return files
}

/** Others know a node by its key: a certificate that is signed again is for the same one. */
async function keysOf(pem: string | undefined): Promise<webcrypto.CryptoKeyPair> {
  const { subtle } = webcrypto
  if (pem === undefined) return await subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const publicBytes = createPublicKey(pem).export({ type: 'spki', format: 'der' })
  return {
    privateKey: await subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(pem), ALGORITHM, true, ['sign']),
    publicKey: await subtle.importKey('spki', publicBytes, ALGORITHM, true, ['verify']),
  }
}

const authorityFiles = (folder: string) => ({ certificate: join(folder, 'ca.crt'), privateKey: join(folder, 'ca.key') })

/** A positive random number of 16 bytes. */
const serial = () => `01${randomBytes(15).toString('hex')}`

function validFor(years: number): { notBefore: Date; notAfter: Date } {
  // An hour earlier than now, so that a node whose clock is behind takes it.
  const notBefore = new Date(Date.now() - 3_600_000)
  const notAfter = new Date(notBefore)
  notAfter.setFullYear(notAfter.getFullYear() + years)
  return { notBefore, notAfter }
}

const privatePem = async (key: webcrypto.CryptoKey) =>
  `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
