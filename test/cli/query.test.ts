import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type TestNode, withNode } from '../support/node.js'
import { asAdmin, trellis } from '../support/trellis.js'

const columns = [
  { name: 'product', type: 'text' },
  { name: 'price', type: 'double' },
]
const events = [
  ['anna', 'view', 'kettle', null],
  ['anna', 'buy', 'kettle', 45.5],
  ['ben', 'buy', 'teapot', 30],
].map(([person, action, product, price], i) => ({ person, action, stamp: 1_700_000_000 + i, _: { product, price } }))

describe('trellis query', () => {
  async function ask(node: TestNode, script: string, ...words: string[]) {
    const file = join(node.folder, 'spent.pyql')
    writeFileSync(file, script)
    const { code, out, err } = await trellis(['query', file, '--table', 'visits', ...words], {
      environment: asAdmin(node),
    })
    return { code, lines: out.trimEnd().split('\n'), error: err }
  }

  it('shows groups as a table, histograms as bars, segments with their people, mistakes with a caret', () =>
    withNode(async (node) => {
      await node.ok({ operation: 'create_table', table: 'visits', kind: 'events', columns })
      await node.ok({ operation: 'insert_events', table: 'visits', events })
      const groups = await ask(node, 'agg:\n    people\n    sum price\nmatch:\n    tally(action, product)\n')
      expect(groups.lines).to.deep.equal([
        'group     people  price',
        '────────  ──────  ─────',
        'buy            2   75.5',
        '  kettle       1   45.5',
        '  teapot       1     30',
        'view           1      0',
        '  kettle       1      0',
      ])
      const histogram = await ask(node, 'return SUM price\n', 'bucket=25')
      expect(histogram.lines.slice(0, 3)).to.deep.equal(['group  people', '─────  ──────', 'spent       2'])
      expect(histogram.lines.at(-1)).to.match(/^25 │█+ 2$/)
      const segments = await ask(node, "@segment buyers ttl=1h\n    match where action == 'buy':\n        tally\n")
      expect(segments.lines.at(-1)).to.equal('buyers       2')
      const job = await ask(node, 'match:\n    tally(product)\n', 'job=true')
      expect(job.lines[0]).to.match(/^Starting job with id /)
      const twice = await ask(node, 'match:\n    tally(product)\n', 'table=others')
      expect([twice.code, twice.error.split('\n')[0]]).to.deep.equal([
        2,
        "trellis: 'table' is given twice: the file is the script, and --table its table.",
      ])
      const mistake = await ask(node, 'match:\n    tally(produkt)\n')
      expect(mistake.code).to.not.equal(0)
      expect(mistake.error)
        .to.contain('line 2, column 11')
        .and.contain('^^^^^^^')
        .and.contain("Did you mean 'product'?")
    }))
})
