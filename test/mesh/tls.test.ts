import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadAuthority, Mesh, type MeshOptions } from '../../src/mesh/index.js'
import { eventually, meshOptions, withFolder } from '../support/mesh.js'

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
      await eventually('b reaches a', 8_000, () => reaches(second, 'a'))
      first.requests.serve('echo', async (body) => body)
      expect(await second.requests.ask('a', 'echo', 1, 1_000)).to.equal(1)
    })
  }).timeout(20_000)

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
      const thief = await Mesh.start({ ...named, nodeName: 'd' }).then(
        () => 'started',
        (error: { code: string }) => error.code,
      )
      expect(thief).to.equal('mesh_certificate_wrong')
      expect(first.requests.knownKeys()).to.deep.equal([])
    })
  }).timeout(20_000)

  it('cuts off at once, and for good, a node that is no longer pinned', async () => {
    await withTls(async (folder, authority) => {
      const a = await tlsOptions('a', folder, authority)
      const b = await tlsOptions('b', folder, authority)
      await using first = await Mesh.start(a)
      await using second = await Mesh.start(b)
      await dial(second, a)
      await eventually('b reaches a', 8_000, () => reaches(second, 'a'))
      await first.pin([first.identity.publicKey])
      const hub = JSON.parse(await readFile(join(a.folder, 'hub.conf'), 'utf8'))
      expect(hub.cluster.tls.pinned_certs).to.have.length(1)
      await eventually('b is cut off', 1_000, async () => !(await reaches(second, 'a')))
      await new Promise((resolve) => setTimeout(resolve, 1_500)) // Its hub dials again and again.
      expect(await reaches(second, 'a')).to.equal(false)
      await first.pin([])
      await eventually('b is let in again', 8_000, () => reaches(second, 'a'))
    })
  }).timeout(20_000)

  it('cuts off an edge node too, by its leaf', async () => {
    await withTls(async (folder, authority) => {
      const a = await tlsOptions('a', folder, authority)
      const edge: MeshOptions = { ...(await tlsOptions('edge', folder, authority)), hub: undefined }
      await using first = await Mesh.start(a)
      await using second = await Mesh.start(edge)
      await second.setRoutes('leaf', [{ host: '127.0.0.1', port: a.hub!.leafnodePort }])
      await eventually('the edge reaches a', 8_000, () => reaches(second, 'a'))
      await first.pin([first.identity.publicKey])
      await eventually('the edge is cut off', 1_000, async () => !(await reaches(second, 'a')))
      await new Promise((resolve) => setTimeout(resolve, 2_500)) // Its leaf dials every second.
      expect(await reaches(second, 'a')).to.equal(false)
      await eventually('a is joined with itself', 5_000, () => first.requests.flush().then(() => true))
      await first.pin([first.identity.publicKey, second.identity.publicKey])
      await eventually('the edge is let in again', 8_000, () => reaches(second, 'a'))
    })
  }).timeout(30_000)
})
