import { expect } from 'chai'
import { crashTrial } from './trial.js'

/** The quick form; `npm run test:crash` is the long one. */
describe('a node that is killed under its callers', () => {
  it('has done what it acknowledged, and nothing by half', async () => {
    const { failures, counts, kinds } = await crashTrial({ seed: 1, callers: 8, lives: 3, lifeMsMax: 1_000 })
    expect(failures).to.deep.equal([])
    expect(counts.kills).to.be.at.least(3)
    expect(counts.unknown, 'changes under way at a kill').to.be.above(0)
    expect(kinds).to.include.keys('insert', 'transfer', 'insert_events')
  })
})
