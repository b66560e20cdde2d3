import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { matches } from '../support/matches.js'
import { withNode } from '../support/node.js'

/** The code blocks of a guide: what they are, and their JSON. */
function blocks(path: string): { kind: string; json: unknown }[] {
  const found = readFileSync(path, 'utf8').matchAll(/^```json (\w+)\n([\s\S]*?)^```$/gm)
  return [...found].map(([, kind, text]) => ({ kind: kind!, json: JSON.parse(text!) as unknown }))
}

describe('the guide of select', () => {
  it('shows requests with the answers that they get', () =>
    withNode(async (node) => {
      const all = blocks('docs/guides/select.md')
      for (const { kind, json } of all)
        if (kind === 'given') for (const given of json as unknown[]) await node.ok(given)
      const requests = all.filter(({ kind }) => kind === 'request')
      expect(requests.length).to.be.above(8)
      for (const request of requests) {
        const { kind, json } = all[all.indexOf(request) + 1]!
        expect(kind).to.equal('answer')
        const answer = await node.ok(request.json)
        if (!matches(answer, json)) expect(answer, JSON.stringify(request.json)).to.deep.equal(json)
      }
    }))
})
