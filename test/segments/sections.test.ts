import { expect } from 'chai'
import type { Problem } from '../../src/lib/index.js'
import { readDuration, readSections } from '../../src/segments/sections.js'

describe('sections', () => {
  it('have a type, a name, flags and a script that keeps its lines', () => {
    const text =
      '# a remark\n@segment one ttl=5m use_cached:\n    match:\n        tally\n\n@use one, *\n@column price bucket=50 # steps\n'
    const [one, use, column] = readSections(text)
    expect(one).to.deep.include({ type: 'segment', name: 'one', line: 2 })
    expect([...one!.flags]).to.deep.equal([
      ['ttl', '5m'],
      ['use_cached', 'true'],
    ])
    expect(one!.script).to.equal('\n\nmatch:\n    tally\n\n')
    expect(use!.words).to.deep.equal(['one,', '*'])
    expect([...column!.flags]).to.deep.equal([['bucket', '50']])
  })

  it('say what is wrong with them, and in which line', () => {
    const reasonOf = (text: string) => {
      try {
        readSections(text)
        return 'nothing'
      } catch (problem) {
        return (problem as Problem).message
      }
    }
    expect(reasonOf('match:\n    tally\n')).to.match(/^Line 1: no @segment/)
    expect(reasonOf('\nx = 1\n@segment a\n')).to.match(/^Line 2: a script begins with a section/)
    expect(reasonOf('@segment a\n@chart b\n')).to.match(/^Line 2: '@chart' is no section/)
    expect(reasonOf('@column\n')).to.match(/^Line 1: @column needs a name/)
    expect(reasonOf(`@segment ${'x'.repeat(251)}\n`)).to.match(/at most 250 characters/)
    expect(reasonOf('@segment *\n')).to.match(/everyone/)
  })

  it('take times in seconds, or with a unit', () => {
    expect(['90', '90s', '2m', '3h', '1d', 'forever'].map((text) => readDuration(text, 1))).to.deep.equal([
      90_000,
      90_000,
      120_000,
      10_800_000,
      86_400_000,
      undefined,
    ])
    expect(() => readDuration('5w', 1)).to.throw(/is no time/)
  })
})
