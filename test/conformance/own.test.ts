import { expect } from 'chai'
import { withNode } from '../support/node.js'
import { CaseRunner } from './cases.js'
import { ownCases } from './own-cases.js'

describe('our own cases of events', () => {
  it('are answered as the rules of the language, the queries and inserts have it', async () => {
    await withNode(async (node) => {
      const runner = new CaseRunner(node, ownCases)
      const differences: string[] = []
      for (const one of ownCases.cases) {
        const difference = await runner.run(one)
        if (difference !== undefined) differences.push(`${one.id} ${one.name}: ${difference}`)
      }
      expect(differences).to.deep.equal([])
    })
  })
})
