import { expect } from 'chai'
import { aggregateNames, bars, tree } from '../../src/cli/tree.js'

describe('the answers of queries on a screen', () => {
  it('show groups as one aligned table, by the names of the aggregates', () => {
    const script =
      'agg:\n    # who\n    people\n    sum price as spent # euros\n\n    count page with action\n\nmatch:\n    tally(page)\n'
    expect(aggregateNames(script)).to.deep.equal(['people', 'spent', 'page'])
    const nodes = [
      { g: 'tea', c: [12, 3.5, 1], _: [{ g: 'green', c: [2, 1, 1] }] },
      { g: true, c: [1, 100, 20] },
    ]
    expect(tree(nodes, aggregateNames(script), { cut: false }).split('\n')).to.deep.equal([
      'group    people  spent  page',
      '───────  ──────  ─────  ────',
      'tea          12    3.5     1',
      '  green       2      1     1',
      'true          1    100    20',
    ])
  })

  it('name the counts of further segments', () => {
    expect(tree([{ g: 'a', c: [2], c2: [1] }], ['person'], { cut: false }).split('\n')[0]).to.equal(
      'group  person  person 2',
    )
    expect(tree([], [], { cut: false })).to.equal('Nothing found.')
  })

  it('show histograms as bars', () => {
    const nodes = [
      { g: 100, c: [8] },
      { g: 50, c: [3] },
      { g: 0, c: [0] },
    ]
    expect(bars(nodes, 24).split('\n')).to.deep.equal(['100 │████████████████ 8', ' 50 │██████ 3', '  0 │ 0'])
  })
})
