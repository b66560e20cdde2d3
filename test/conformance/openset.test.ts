import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { withNode } from '../support/node.js'
import { type CaseFile, CaseRunner } from './cases.js'

/** Recorded from the original; not part of this repository. */
const FILE = '../shared/conformance/openset.json'

describe('the cases recorded from OpenSet', () => {
  it('pass, or are known bugs of the original or listed deviations', async function () {
    if (!existsSync(FILE)) this.skip()
    const file = JSON.parse(readFileSync(FILE, 'utf8')) as CaseFile
    const deviations = JSON.parse(readFileSync('test/conformance/deviations.json', 'utf8')) as Record<string, string>
    await withNode(async (node) => {
      const runner = new CaseRunner(node, file)
      for (const one of file.cases) {
        const difference = await runner.run(one)
        if (!one.known_bug && deviations[one.id] === undefined)
          expect(difference, `${one.id} ${one.name}`).to.equal(undefined)
      }
    })
  })
})
