import { expect } from 'chai'
import { compile } from '../../src/pyql/index.js'
import { oracleColumns } from '../support/pyql-generator.js'

const needs = (head: string, condition = 'fruit == "apple"') =>
  compile(`${head}match where ${condition}:\n    tally(color)\n`, { mode: 'event', columns: oracleColumns }).needs.map(
    ({ values }) => values,
  )

describe('what a block must hold', () => {
  it('is what the conditions of all that does something ask for', () => {
    for (const head of [
      '',
      'n = 0\n',
      'start = event_time - 7 days\n',
      'x = [1, 2]\nx = tags\n',
      'x = SUM price where qty > 2\n',
      'if qty == 1:\n    exit\n',
      'match where qty == 1:\n    x = get_year(event_time)\n',
    ])
      expect(needs(head), head).to.deep.equal([['apple']])
    expect(needs('', 'qty > 2 and fruit in ["apple", "pear"]')).to.deep.equal([['apple', 'pear']])
    expect(needs('match where fruit == "pear":\n    debug(qty)\n')).to.deep.equal([['pear'], ['apple']])
  })

  it('is anything where the rest of a script may fail or be heard of: no person is spared that', () => {
    for (const head of [
      'y = qty\ny["a"]["a"] += None\n',
      'x = set(1, [2])\n',
      'x = {[1]: 2}\n',
      'x = tags + [[1]]\n',
      'x = box[0]["a"]\nbox = 0\n',
      'if {[1]: 2}:\n    exit\n',
      'match where x[0]["a"]:\n    x = 1\n',
      'match:\n    match:\n        x = 1\n',
      'for x in tags:\n    n = 1\n',
      'debug(qty)\n',
    ])
      expect(needs(head), head).to.deep.equal([])
    for (const condition of ['y[0]["a"] == 1 and fruit == "apple"', 'fruit == "apple" and y[0]["a"] == 1'])
      expect(needs('y = qty\n', condition), condition).to.deep.equal([])
  })
})
