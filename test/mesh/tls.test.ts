import { createPublicKey, webcrypto } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect } from 'chai'
import { headers } from 'nats'
import { identityFromKey } from '../../src/mesh/identity.js'
import { loadAuthority, Mesh, type MeshOptions } from '../../src/mesh/index.js'
import { eventually } from '../support/eventually.js'
import { intruderOn, meshOptions, type RememberedLog, withFolder } from '../support/mesh.js'

// The library wants this before it.
await import('reflect-metadata')
const x509 = await import('@peculiar/x509')

const { createAuthority, signNode } = await loadAuthority()

const reaches = (from: Mesh, to: string) =>
  from.requests.hello(to, 500).then(
    () => true,
    () => false,
  )

async function tlsOptions(name: string, folder: string, authority: string): Promise<MeshOptions> {
  return meshOptions(name, folder, { tls: await signNode(authority, name, []), secret: '', host: '0.0.0.0' })
}

async function withTls(run: (folder: string, authority: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const authority = join(folder, 'authority')
    await createAuthority(authority)
    await run(folder, authority)
  })
}

/** Whether a node's log has a text. */
const said = ({ log }: MeshOptions, text: string) => (log as RememberedLog).lines.some((line) => line.includes(text))

/** What the authority has signed for a node, and was good until yesterday. */
async function expired(node: string, authority: string): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keyPem = await readFile(join(authority, 'ca.key'), 'utf8')
  const [signingKey, keys] = await Promise.all([
    webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(keyPem), algorithm, false, ['sign']),
    webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']),
  ])
  const issuer = new x509.X509Certificate(await readFile(join(authority, 'ca.crt'), 'utf8')).subject
  const day = 86_400_000
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: '01',
      subject: `CN=${node}`,
      issuer,
      notBefore: new Date(Date.now() - 2 * day),
      notAfter: new Date(Date.now() - day),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey,
      extensions: [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      ],
    },
    webcrypto,
  )
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { cert: certificate.toString('pem'), key }
}

/** Dials as somebody who does not care whom it reaches; resolves when it is hung up on. */
const knock = (port: number, { cert, key }: { cert: string; key: string }) =>
  new Promise<void>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, cert, key, rejectUnauthorized: false })
    socket.on('error', () => {}).on('close', () => resolve())
    socket.resume().write('CONNECT {}\r\nPING\r\n')
  })

const dial = (mesh: Mesh, to: MeshOptions) => mesh.setRoutes('hub', [{ host: '127.0.0.1', port: to.hub!.clusterPort }])

describe('mutual TLS between nodes', () => {
  it('joins nodes whose certificates the authority signed', async () => {
    await withTls(async (folder, authority) => {
      const a = await tlsOptions('a', folder, authority)
      const b = await tlsOptions('b', folder, authority)
      await using first = await Mesh.start(a)
      await using second = await Mesh.start(b)
      expect((await dial(first, a).catch((error: { code: string }) => error)) as unknown).to.have.property(
        'code',
        'route_to_self',
      )
      await dial(second, a)
      await eventually('b reaches a', () => reaches(second, 'a'))
      first.requests.serve('echo', async (body) => body)
      expect(await second.requests.ask('a', 'echo', 1, 20_000)).to.equal(1)
    })
  })

  it('tells others of a node by the first host of its certificate, and by none where that is loopback', async () => {
    await withTls(async (folder, authority) => {
      const a = await tlsOptions('a', folder, authority)
      const b = await tlsOptions('b', folder, authority)
      await signNode(authority, 'b', ['b.example.com', '192.0.2.2'])
      await using first = await Mesh.start(a)
      await using second = await Mesh.start(b)
      const told = async ({ folder: own }: MeshOptions) => {
        const { cluster, leafnodes } = JSON.parse(await readFile(join(own, 'hub.conf'), 'utf8'))
        return [cluster.advertise, leafnodes.advertise]
      }
      expect(await told(a)).to.deep.equal([undefined, undefined])
      const { clusterPort, leafnodePort } = b.hub!
      expect(await told(b)).to.deep.equal([`b.example.com:${clusterPort}`, `b.example.com:${leafnodePort}`])
      expect([first.connected, second.connected]).to.deep.equal([true, true])
    })
  })

  it('knows a node again whose certificate was signed anew', async () => {
    await withTls(async (folder, authority) => {
      const a = await tlsOptions('a', folder, authority)
      const b = await tlsOptions('b', folder, authority)
      await using first = await Mesh.start(a)
      {
        await using second = await Mesh.start(b)
        await dial(second, a)
        await eventually('b reaches a', () => reaches(second, 'a'))
      }
      const before = await readFile(b.tls!.certificate, 'utf8')
      await signNode(authority, 'b', [])
      expect(await readFile(b.tls!.certificate, 'utf8')).to.not.equal(before)
      await using again = await Mesh.start(b)
      await eventually('b reaches a again', () => reaches(again, 'a'))
      await eventually('a reaches b again', () => reaches(first, 'b'))
    })
  })

  it('keeps out a node of another authority, and one that uses the name of another', async () => {
    await withTls(async (folder, authority) => {
      const a = await tlsOptions('a', folder, authority)
      const elsewhere = join(folder, 'elsewhere')
      await createAuthority(elsewhere)
      const stranger = await tlsOptions('b', folder, elsewhere)
      const named = await tlsOptions('c', folder, authority)
      await using first = await Mesh.start(a)
      await using second = await Mesh.start(stranger)
      await dial(second, a)
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      expect(await reaches(second, 'a')).to.equal(false)
      const [cert, key] = await Promise.all(
        [stranger.tls!.certificate, stranger.tls!.privateKey].map((file) => readFile(file, 'utf8')),
      )
      await knock(a.hub!.clusterPort, { cert: cert!, key: key! })
      await eventually('it is told', () => said(a, 'certificate signed by unknown authority'))
      const thief = await Mesh.start({ ...named, nodeName: 'd' }).then(
        () => 'started',
        (error: { code: string }) => error.code,
      )
      expect(thief).to.equal('mesh_certificate_wrong')
      expect(first.requests.knownKeys()).to.deep.equal([])
    })
  })

  it('keeps out a certificate that has expired, at every door, and says so', async () => {
    await withTls(async (folder, authority) => {
      const a = await tlsOptions('a', folder, authority)
      const b = await tlsOptions('b', folder, authority)
      const old = await expired('old', authority)
      await using first = await Mesh.start(a)
      await using second = await Mesh.start(b)
      await knock(a.hub!.clusterPort, old)
      await eventually('it is told', () => said(a, 'certificate has expired'))
      // A member that has passed the doors shows it as the proof of another name.
      await dial(second, a)
      await eventually('b reaches a', () => reaches(second, 'a'))
      const intruder = await intruderOn(b.folder, b.tls!.certificateAuthority)
      const key = createPublicKey(old.key).export({ type: 'spki', format: 'der' }).toString('base64')
      const hello = { id: '1', from: 'old', to: 'a', method: 'hello', session: '', count: 1, body: null }
      const bytes = Buffer.from(JSON.stringify({ ...hello, key, proof: old.cert }))
      const header = headers()
      header.set('Trellis-Signature', identityFromKey(old.key).sign(bytes).toString('base64'))
      intruder.publish('rpc.a.hello', bytes, { headers: header, reply: 'nobody' })
      await eventually('it is refused', () => said(a, '"reason":"a wrong proof"'))
      expect(first.requests.keyOf('old')).to.equal(undefined)
      await intruder.close()
    })
  })

  it('cuts off at once, and for good, a node that is no longer pinned', async () => {
    await withTls(async (folder, authority) => {
      const a = await tlsOptions('a', folder, authority)
      const b = await tlsOptions('b', folder, authority)
      await using first = await Mesh.start(a)
      await using second = await Mesh.start(b)
      await dial(second, a)
      await eventually('b reaches a', () => reaches(second, 'a'))
      await first.pin([first.identity.publicKey])
      const hub = JSON.parse(await readFile(join(a.folder, 'hub.conf'), 'utf8'))
      expect(hub.cluster.tls.pinned_certs).to.have.length(1)
      await eventually('b is cut off', async () => !(await reaches(second, 'a')))
      await new Promise((resolve) => setTimeout(resolve, 1_500)) // Its hub dials again and again.
      expect(await reaches(second, 'a')).to.equal(false)
      await eventually('it is told', () => said(a, 'certificate not pinned'))
      await first.pin([])
      await eventually('b is let in again', () => reaches(second, 'a'))
    })
  })

  it('cuts off an edge node too, by its leaf', async () => {
    await withTls(async (folder, authority) => {
      const a = await tlsOptions('a', folder, authority)
      const edge: MeshOptions = { ...(await tlsOptions('edge', folder, authority)), hub: undefined }
      await using first = await Mesh.start(a)
      await using second = await Mesh.start(edge)
      await second.setRoutes('leaf', [{ host: '127.0.0.1', port: a.hub!.leafnodePort }])
      await eventually('the edge reaches a', () => reaches(second, 'a'))
      await first.pin([first.identity.publicKey])
      await eventually('the edge is cut off', async () => !(await reaches(second, 'a')))
      await new Promise((resolve) => setTimeout(resolve, 2_500)) // Its leaf dials every second.
      expect(await reaches(second, 'a')).to.equal(false)
      await eventually('a is joined with itself', () => first.requests.reachesServer(1_000))
      await first.pin([first.identity.publicKey, second.identity.publicKey])
      await eventually('the edge is let in again', () => reaches(second, 'a'))
    })
  })
})
