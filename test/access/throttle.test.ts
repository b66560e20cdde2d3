import { expect } from 'chai'
import { Throttle } from '../../src/access/throttle.js'
import type { Problem } from '../../src/lib/index.js'

const SETTINGS = {
  failures_before_delay: 5,
  failures_before_lock: 10,
  lock_s: 900,
  address_failures_before_delay: 50,
  entries_max: 1000,
}

/** A throttle on a clock that the test moves. */
function setUp() {
  let now = 1_000_000
  let locks = 0
  const throttle = new Throttle(SETTINGS, () => now)
  const attempt = (username: string, right: boolean, address = '10.0.0.1') =>
    throttle.attempt(
      username,
      address,
      async () => (right ? username : undefined),
      async () => {
        locks++
      },
    )
  const wait = async (username: string, address?: string): Promise<number> => {
    try {
      await attempt(username, false, address)
      return 0
    } catch (error) {
      return (error as Problem<'too_many_sign_ins'>).facts.seconds as number
    }
  }
  return { attempt, wait, locks: () => locks, pass: (seconds: number) => (now += seconds * 1000) }
}

describe('the throttle of sign-in', () => {
  it('lets five failures pass, then makes each attempt wait twice as long, then locks for 15 minutes, then forgets', async () => {
    const { attempt, wait, locks, pass } = setUp()
    for (let failure = 0; failure < 5; failure++) expect(await wait('rita')).to.equal(0)
    for (const delay of [1, 2, 4, 8, 16]) {
      expect(await wait('rita')).to.equal(delay)
      pass(delay)
      expect(await wait('rita')).to.equal(0)
    }
    expect(locks()).to.equal(1)
    expect(await wait('rita')).to.equal(900)
    expect(await attempt('rita', true).catch((error: Problem) => error.code)).to.equal('too_many_sign_ins')
    pass(901)
    expect(await attempt('rita', true)).to.equal('rita')
    expect(await wait('rita')).to.equal(0)
  })

  it('counts each user and each address by itself', async () => {
    const { wait } = setUp()
    for (let failure = 0; failure < 5; failure++) await wait('rita')
    expect(await wait('rita')).to.equal(1)
    expect(await wait('otto')).to.equal(0)
    expect(await wait('rita', '10.0.0.2')).to.equal(0)
  })

  it('starts from nothing after a success', async () => {
    const { attempt, wait } = setUp()
    for (let failure = 0; failure < 4; failure++) await wait('rita')
    await attempt('rita', true)
    for (let failure = 0; failure < 5; failure++) expect(await wait('rita')).to.equal(0)
  })

  it('slows one address that tries many names, but not users who have signed in from there before', async () => {
    const { attempt, wait } = setUp()
    await attempt('rita', true)
    for (let user = 0; user < 50; user++) expect(await wait(`user${user}`)).to.equal(0)
    expect(await wait('another')).to.equal(1)
    expect(await wait('another', '10.0.0.2')).to.equal(0)
    expect(await attempt('rita', true)).to.equal('rita')
  })

  it('lets no more attempts run at once than may fail', async () => {
    const { attempt } = setUp()
    const tries = await Promise.allSettled(Array.from({ length: 100 }, () => attempt('rita', false)))
    expect(tries.filter(({ status }) => status === 'fulfilled')).to.have.length(SETTINGS.failures_before_lock)
    for (const result of tries)
      if (result.status === 'rejected') expect((result.reason as Problem).code).to.equal('too_many_sign_ins')
  })

  it('remembers a bounded number of names', async () => {
    const { wait } = setUp()
    for (let user = 0; user < 5000; user++) await wait(`user${user}`, `10.${user}`)
    expect(await wait('user0', '10.0')).to.equal(0)
  })
})
