import { expect } from 'chai'
import { everything, type JsonText, type View } from '../../../src/lib/index.js'
import { Queries } from '../../../src/tables/index.js'
import { author, read, type Store, withStore } from '../../support/store.js'
import { asker, limits } from './asker.js'

const DOG = { database: 'dev', table: 'dog' }
const some: View = { seesTable: () => true, seesColumn: (_database, _table, column) => column !== 'secret' }

async function search(store: Store, view: View): Promise<unknown> {
  const queries = new Queries(() => store.tables.snapshot(), limits)
  const request = { ...DOG, attribute: 'name', value: 'rex', get_attributes: ['*'] }
  const answer = (await queries.searchByValue(request, { ...asker, view })) as JsonText
  return JSON.parse(answer.text)
}

const remembered = (store: Store) => read(store, (snapshot) => snapshot.table('dev', 'dog')!.find(1)?.shown?.json)

describe('the text that a record was shown as', () => {
  it('is remembered for those who ask for the same again, and not for who does not see everything', () =>
    withStore(async (store) => {
      await store.catalog.createTable({ ...DOG, primaryKey: 'id' })
      await store.tables.transact(author, (batch) =>
        batch.insert('dev', 'dog', [{ id: 1, name: 'rex', secret: 'bone' }]),
      )
      const columns = { __createdtime__: undefined, __updatedtime__: undefined }
      for (let times = 0; times < 3; times++) {
        const [row] = (await search(store, some)) as object[]
        expect({ ...row, ...columns }).to.deep.equal({ id: 1, name: 'rex', ...columns })
        expect(remembered(store), 'for a view of some columns').to.equal(undefined)
      }
      await search(store, everything)
      expect(remembered(store), 'at first').to.equal(undefined)
      const [whole] = (await search(store, everything)) as object[]
      expect(JSON.parse(remembered(store)!), 'then').to.deep.equal(whole)
      expect(await search(store, some), 'and is not shown to others').to.not.have.nested.property('[0].secret')
      expect(await search(store, everything)).to.deep.equal([whole])
    }))
})
