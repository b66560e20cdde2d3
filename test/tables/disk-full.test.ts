import { expect } from 'chai'
import { withSmallDisk } from '../support/small-disk.js'
import { author, expectSound, openStore, rowsOf } from '../support/store.js'

describe('a column that is added when the disk gets full', () => {
  it('is there, as its caller is told, and gets its index when there is space', async function () {
    const mayMount = await withSmallDisk(32, async (disk) => {
      const store = await openStore(disk.folder)
      const { catalog, tables } = store
      await catalog.createTable({ database: 'dev', table: 'item', primaryKey: 'id' })
      await tables.transact(author, (batch) => batch.insert('dev', 'item', [{ id: 1 }, { id: 2 }]))
      const column = () => catalog.table('dev', 'item').columns.find(({ name }) => name === 'colour')!
      // The column is stored, and then nothing is.
      const receipt = {
        alongside: (transaction: { onCommit(run: () => void): void }) => transaction.onCommit(() => disk.fill()),
      }
      const added = await tables.addColumn('dev', 'item', { name: 'colour', default: 'red' }, receipt)
      expect(added.columns.map(({ name }) => name)).to.include('colour')
      expect(column().building).to.equal(true)
      expect(await tables.cleaning.run().catch(({ code }: { code: string }) => code)).to.equal('disk_full')
      disk.free()
      await tables.cleaning.run()
      expect(column()).to.include({ indexed: true }).and.not.have.property('building')
      expectSound(store)
      await store.close()
    })
    if (!mayMount) this.skip()
  })
})

describe('a column that is dropped when the disk gets full', () => {
  it('is gone, as its caller is told, and its values go when there is space', async function () {
    const mayMount = await withSmallDisk(32, async (disk) => {
      const store = await openStore(disk.folder)
      const { catalog, tables } = store
      await catalog.createTable({ database: 'dev', table: 'item', primaryKey: 'id' })
      await tables.transact(author, (batch) => batch.insert('dev', 'item', [{ id: 1, colour: 'red' }]))
      // The drop is stored, and then nothing is.
      const receipt = {
        alongside: (transaction: { onCommit(run: () => void): void }) => transaction.onCommit(() => disk.fill()),
      }
      await tables.dropColumn('dev', 'item', 'colour', receipt)
      expect(catalog.leftovers()).to.have.length(1)
      disk.free()
      await tables.cleaning.run()
      expect(catalog.leftovers()).to.deep.equal([])
      expect(rowsOf(store, { database: 'dev', name: 'item' })[0]).to.not.have.property('colour')
      await store.close()
    })
    if (!mayMount) this.skip()
  })
})
