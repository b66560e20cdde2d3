import { expect } from 'chai'
import { everything, Problem } from '../../src/lib/index.js'
import { withStore } from '../support/store.js'

describe('a table that is being dropped', () => {
  it('is described, or is not there, at every moment', () =>
    withStore(async ({ catalog, tables }) => {
      await catalog.createTable({ database: 'dev', table: 'stays', primaryKey: 'id' })
      let gone = 0
      for (let round = 0; round < 300; round++) {
        await catalog.createTable({ database: 'dev', table: 'goes', primaryKey: 'id' })
        let isDropped = false
        const drop = catalog.dropTable('dev', 'goes').then(() => {
          isDropped = true
        })
        while (!isDropped) {
          const names = tables.describeDatabase('dev', everything).map(({ name }) => name)
          expect(names).to.include('stays')
          if (!names.includes('goes')) {
            gone++
            expect(() => tables.describe('dev', 'goes', everything)).to.throw(Problem, /goes/)
          }
          await new Promise((resolve) => setImmediate(resolve))
        }
        await drop
      }
      expect(gone, 'looks that found it gone before its end was answered').to.be.greaterThan(0)
    }))
})
