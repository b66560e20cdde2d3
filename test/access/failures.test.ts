import { join } from 'node:path'
import { expect } from 'chai'
import { Access, DurableAccessStore } from '../../src/access/index.js'
import { Catalog } from '../../src/catalog/index.js'
import { loadConfig } from '../../src/config/index.js'
import { Disposals, type Problem } from '../../src/lib/index.js'
import { Storage } from '../../src/storage/index.js'
import { basic } from '../support/node.js'
import { type SmallDisk, withSmallDisk } from '../support/small-disk.js'

const by = { user: 'root', credentials: { address: '' } }
const root = { username: 'root', password: 'a-long-password' }
const codeOf = (told: Promise<unknown>) => told.catch(({ code }: Problem) => code)

async function open(disk: SmallDisk, owned: Disposals, over: object = {}): Promise<Access> {
  const config = loadConfig()
  const storage = owned.use(await Storage.open({ path: join(disk.folder, 'data'), settings: config.storage }))
  const catalog = Catalog.open(storage, config.catalog, Date.now)
  const structure = {
    database: (name: string) => catalog.draft.databases.get(name),
    table: (...names: [string, string]) => catalog.find(...names),
  }
  const settings = { ...config.access, password_hash_passes: 1, ...over }
  const store = new DurableAccessStore(storage)
  const access = owned.use(await Access.open({ store, structure, settings, issuer: 'node' }))
  await access.users.addFirst(root.username, root.password)
  return access
}

/** Runs a test with users on a disk that can be filled. */
async function withAccess(
  context: Mocha.Context,
  test: (access: Access, disk: SmallDisk) => Promise<void>,
  over: object = {},
): Promise<void> {
  const mayMount = await withSmallDisk(32, async (disk) => {
    await using owned = new Disposals()
    await test(await open(disk, owned, over), disk)
  })
  if (!mayMount) context.skip()
}

describe('users and keys, when the disk is full', () => {
  it('may sign in, also those whose passwords are to be hashed anew', async function () {
    const mayMount = await withSmallDisk(32, async (disk) => {
      await using before = new Disposals()
      await open(disk, before)
      await before[Symbol.asyncDispose]()
      await using owned = new Disposals()
      const access = await open(disk, owned, { password_hash_passes: 2 })
      disk.fill()
      const caller = await access.authenticate({ authorization: basic(root), address: '127.0.0.1' })
      expect(caller?.username).to.equal(root.username)
    })
    if (!mayMount) this.skip()
  })

  it('remember when keys were used until that is stored', function () {
    return withAccess(this, async (access, disk) => {
      const { id, key } = await access.apiKeys.add({ name: 'till', username: 'root', readOnly: true }, by)
      const lastUse = () => access.apiKeys.list(undefined).find((one) => one.id === id)?.last_used
      await access.authenticate({ authorization: `Bearer ${key}`, address: '127.0.0.1' })
      const used = lastUse()
      disk.fill()
      expect(await codeOf(access.apiKeys.storeUses())).to.equal('disk_full')
      expect(lastUse()).to.equal(used).and.to.be.a('number')
      await access[Symbol.asyncDispose]() // a node stops also then
    })
  })

  it('keep no more lines of the audit log than they should, when some could not be stored', function () {
    const entries = { audit_entries_max: 3 }
    const test = async (access: Access, disk: SmallDisk) => {
      const add = (role: string) => access.roles.add({ role, permission: { super_user: false } }, by)
      for (const role of ['a', 'b', 'c']) await add(role)
      disk.fill()
      for (const role of ['d', 'e', 'f']) expect(await codeOf(add(role))).to.equal('disk_full')
      disk.free()
      for (const role of ['g', 'h']) await add(role)
      const lines = access.audit.read({ limit: 100, order: 'asc' }).map(({ target }) => target)
      expect(lines).to.deep.equal(['c', 'g', 'h'])
    }
    return withAccess(this, test, entries)
  })
})

describe('a new user', () => {
  it('has the role that has the name when it is made, not the one that had it when it was asked for', function () {
    return withAccess(this, async (access) => {
      const permission = { super_user: false }
      for (const role of ['reader', 'other']) await access.roles.add({ role, permission }, by)
      const added = access.users.add({ username: 'ann', password: 'a-long-password', role: 'reader', active: true }, by)
      await access.roles.alter('reader', { role: 'writer', permission }, by)
      await access.roles.alter('other', { role: 'reader', permission }, by)
      await added
      expect(access.users.describe('ann').role).to.include({ role: 'reader' })
    })
  })
})
