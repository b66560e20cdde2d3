import { expect } from 'chai'
import { basic, withNode } from '../support/node.js'

describe('sign-in', () => {
  it('takes as long for an unknown user as for a wrong password, and answers the same', async () => {
    await withNode(
      async (node) => {
        await node.ok({
          operation: 'register_user',
          username: 'rita',
          email: 'rita@example.com',
          password: 'password of rita',
        })
        const times = { rita: [] as number[], nobody: [] as number[] }
        const answers = new Set<string>()
        for (let n = 0; n < 12; n++)
          for (const username of ['rita', 'nobody'] as const) {
            const started = performance.now()
            const answer = await node.post(
              { operation: `ping${n}` },
              { authorization: basic({ username, password: `guess ${n}` }) },
            )
            times[username].push(performance.now() - started)
            answers.add(`${answer.status} ${JSON.stringify(answer.body)}`)
          }
        expect(answers.size).to.equal(1)
        const median = (all: number[]) => all.sort((a, b) => a - b)[all.length >> 1]!
        expect(median(times.nobody) / median(times.rita)).to.be.within(0.5, 2)
      },
      {
        'access.password_hash_passes': '1',
        'access.sign_in.failures_before_delay': '1000',
        'access.sign_in.failures_before_lock': '1000',
      },
    )
  })
})
