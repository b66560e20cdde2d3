import { expect } from 'chai'
import { author, withStore } from '../support/store.js'

describe('a new attribute of a dynamic table', () => {
  it('is known to every snapshot that shows a record with it, also before the writer is answered', () =>
    withStore(async ({ catalog, tables }) => {
      await catalog.createTable({ database: 'dev', table: 'dog', primaryKey: 'id' })
      let ahead = 0
      for (let round = 0; round < 300; round++) {
        let isAnswered = false
        const records = [{ id: round, [`a${round}`]: round }]
        const write = tables
          .transact(author, (batch) => batch.insert('dev', 'dog', records))
          .then(() => {
            isAnswered = true
          })
        while (!isAnswered) {
          {
            using snapshot = tables.snapshot()
            const reader = snapshot.table('dev', 'dog')!
            const row = reader.get(round)
            const isKnown = reader.schema.columns.some(({ name }) => name === `a${round}`)
            expect(isKnown, `${round}: ${JSON.stringify(row)}`).to.equal(row !== undefined)
            if (row) ahead++
          }
          await new Promise((resolve) => setImmediate(resolve))
        }
        await write
      }
      expect(ahead, 'snapshots that have seen a record before its writer was answered').to.be.greaterThan(0)
    }))
})
