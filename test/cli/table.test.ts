import { expect } from 'chai'
import { bytes, table } from '../../src/cli/table.js'
import { bars } from '../../src/cli/tree.js'

describe('the tables of the command line', () => {
  it('align text on the left, numbers on the right, wide characters by their width', () => {
    const lines = table(
      [
        { name: 'Ada', n: 1 },
        { name: '日本', n: 1000 },
        { n: 20, more: true },
      ],
      { cut: false },
    ).split('\n')
    expect(lines).to.deep.equal([
      'name     n  more',
      '────  ────  ────',
      'Ada      1',
      '日本  1000',
      '        20  true',
    ])
  })

  it('are of any length', () => {
    const rows = Array.from({ length: 200_000 }, (_, n) => ({ n }))
    expect(table(rows, { cut: false }).split('\n').length).to.equal(rows.length + 2)
    expect(
      bars(
        rows.map(({ n }) => ({ g: n, c: [1] })),
        80,
      ).split('\n').length,
    ).to.equal(rows.length)
  })

  it('show what could move the cursor as text', () => {
    expect(table([{ a: 'x\u001b[2Jy\nz' }], { cut: false })).to.contain('x\\u001b[2Jy\\u000az')
  })

  it('cut long cells for a screen only', () => {
    const long = 'x'.repeat(100)
    expect(table([{ a: long }], { cut: true })).to.contain(`${'x'.repeat(59)}…`)
    expect(table([{ a: long }], { cut: false })).to.contain(long)
  })

  it('show sizes and times by the names of their fields', () => {
    expect(table([{ size_bytes: 98_304_000, __createdtime__: 0x18f00000000 }], { cut: false }))
      .to.contain('98.3 MB')
      .and.contain('2024-')
    expect(bytes(999)).to.equal('999 B')
  })
})
