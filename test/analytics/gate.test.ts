import { expect } from 'chai'
import { Gate } from '../../src/analytics/gate.js'
import type { Problem } from '../../src/lib/index.js'

describe('the gate of inserts', () => {
  it('says of one more than it lets in when to try again', async () => {
    const gate = new Gate(1)
    let end = () => {}
    const first = gate.insert(() => new Promise<void>((resolve) => (end = resolve)))
    const refused = await gate.insert(async () => {}).catch((error: Problem) => error)
    expect(refused).to.include({ code: 'too_many_requests' })
    expect((refused as Problem).toJSON()).to.include({ retry_after_s: 1 })
    end()
    await first
    await gate.insert(async () => {})
  })
})
