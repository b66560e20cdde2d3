import { expect } from 'chai'
import { basic, withNode } from '../support/node.js'
import { fuzz, makeTables } from './fuzz.js'

/** Two users whose names the bodies do not know. */
const FUZZER = { username: 'fuzzer', password: 'a-password-of-fuzzing' }
const MEMBER = { username: 'fuzzing member', password: 'a-password-of-fuzzing' }

/** What every object inherits, as it was before anything hostile came. */
const inherited = () =>
  [Object.prototype, Array.prototype, Function.prototype].map((prototype) =>
    JSON.stringify(Reflect.ownKeys(prototype).map(String).sort()),
  )

describe('generated bodies over all contracts', () => {
  it('are answered 2xx or 4xx, leave Object.prototype alone, and the node goes on', async () => {
    const before = inherited()
    await withNode(async (node) => {
      await node.ok({ operation: 'add_user', ...FUZZER, role: 'super_user' })
      await node.ok({ operation: 'add_user', ...MEMBER, role: 'member' })
      await makeTables(node)
      const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_120)
      const authorizations = [basic(FUZZER), basic(FUZZER), basic(MEMBER)]
      const report = await fuzz({
        url: node.url,
        authorizations,
        seed,
        bodies: 20_000,
        bodiesLeast: 2_000,
        timeMs: 12_000,
      })
      if (process.env['FUZZ_SHOW']) console.error(report)
      expect(report.faults, `seed ${seed}`).to.deep.equal([])
      expect(report.statuses.get(200) ?? 0, 'some bodies are right').to.be.greaterThan(100)
      // The admin may be gone by now: that is what a super user may do.
      const after = await node.post({ operation: 'user_info' }, { authorization: basic(FUZZER) })
      expect(after.status).to.equal(200)
    })
    expect(inherited()).to.deep.equal(before)
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined)
  })
})
