import { join } from 'node:path'
import { expect } from 'chai'
import type { Access } from '../../src/access/index.js'
import { openAccess } from '../../src/adapters/index.js'
import { Catalog } from '../../src/catalog/index.js'
import { loadConfig } from '../../src/config/index.js'
import { Disposals } from '../../src/lib/index.js'
import type { Mesh } from '../../src/mesh/index.js'
import { AccessSharing } from '../../src/replication/access-sharing.js'
import { PeerStore } from '../../src/replication/peers.js'
import { Storage } from '../../src/storage/index.js'
import { eventually } from '../support/eventually.js'
import { RememberedLog, withFolder, withMeshes } from '../support/mesh.js'

const config = loadConfig({ flags: ['--access.password_hash_passes=1'] })
const by = { user: 'root', credentials: { address: '' } }
const ann = { username: 'ann', password: 'a-long-password', role: 'member', active: true }

interface Side {
  storage: Storage
  access: Access
}

/** What a node has of access sharing, with a peer. */
async function open(mesh: Mesh, folder: string, peer: Mesh, owned: Disposals): Promise<Side> {
  const storage = owned.use(await Storage.open({ path: join(folder, mesh.nodeName), settings: config.storage }))
  const catalog = Catalog.open(storage, config.catalog, Date.now)
  const access = owned.use(
    await openAccess(storage, catalog, { ...config, node: { ...config.node, name: mesh.nodeName } }, 4),
  )
  await access.users.addFirst('root', 'a-long-password')
  const peers = new PeerStore(storage)
  const publicKey = peer.identity.publicKey
  await storage.write((transaction) =>
    peers.putPeer(transaction, { name: peer.nodeName, publicKey, addedAt: 0, subscriptions: [] }),
  )
  owned.use(new AccessSharing({ access, mesh, peers, log: new RememberedLog() }))
  return { storage, access }
}

async function withSides(test: (a: Side, b: Side) => Promise<void>): Promise<void> {
  await withMeshes(['a', 'b'], async ([a, b]) => {
    await withFolder(async (folder) => {
      await using owned = new Disposals()
      await test(await open(a!, folder, b!, owned), await open(b!, folder, a!, owned))
    })
  })
}

describe('users that nodes share', () => {
  const knows = ({ access }: Side) => access.shared.users.has(ann.username)

  it('are noted as dropped in the transaction that drops them, so that no peer brings them back', () =>
    withSides(async (a) => {
      await a.access.users.add(ann, by)
      await a.access.users.drop(ann.username, by)
      // What a process finds that starts after a kill now.
      expect([...new PeerStore(a.storage).gone.keys()]).to.deep.equal(['user/ann'])
      await a.access.users.add(ann, by)
      expect([...new PeerStore(a.storage).gone.keys()]).to.deep.equal([])
    }))

  it('keep what is changed here while an older change of a peer is on its way', () =>
    withSides(async (a, b) => {
      await a.access.users.add(ann, by)
      await eventually('b knows her', () => knows(b))
      const held = await a.storage.quietly(async () => {
        await b.access.users.alter(ann.username, { role: 'super_user' }, by)
        await new Promise((resolve) => setTimeout(resolve, 500)) // a gets to know of it
        return { altered: a.access.users.alter(ann.username, { active: false }, by) }
      })
      await held.altered
      await eventually('both have the later change', () =>
        [a, b].every(({ access }) => access.shared.users.get(ann.username)?.active === false),
      )
    }))
})
