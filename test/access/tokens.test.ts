import { expect } from 'chai'
import { makeKey, Tokens } from '../../src/access/tokens.js'
import type { Problem } from '../../src/lib/index.js'

describe('keys that are taken into use', () => {
  it('stay those that came last, when several rotations end at once', async () => {
    const tokens = new Tokens('node')
    const first = await makeKey()
    await tokens.use([first])
    const revoked = await tokens.sign('operation', 'rita', 1, 60)
    const earlier = await Promise.all([1, 2, 3].map(() => makeKey()))
    const last = await makeKey()
    // Of more keys it takes longer.
    await Promise.all([tokens.use([first, ...earlier]), tokens.use([last])])
    const { signedWith } = await tokens.verify(['operation'], await tokens.sign('operation', 'rita', 1, 60))
    expect(signedWith).to.equal(last.id)
    const refusal = await tokens.verify(['operation'], revoked).catch(({ code }: Problem) => code)
    expect(refusal).to.equal('token_invalid')
  })
})
