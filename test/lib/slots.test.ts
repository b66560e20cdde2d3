import { expect } from 'chai'
import { Slots } from '../../src/lib/index.js'

describe('slots', () => {
  it('are handed on in the order of those who wait, also by what fails', async () => {
    const slots = new Slots(2)
    const begun: string[] = []
    const ends = new Map<string, { resolve: () => void; reject: (reason: Error) => void }>()
    const work = (name: string) =>
      slots
        .take(async () => {
          begun.push(name)
          await new Promise<void>((resolve, reject) => ends.set(name, { resolve, reject }))
        })
        .catch((error: Error) => error.message)
    const all = ['a', 'b', 'c', 'd'].map(work)
    await new Promise(setImmediate)
    expect(begun).to.deep.equal(['a', 'b'])
    expect([slots.isFull, slots.waiting]).to.deep.equal([true, 2])
    ends.get('b')!.reject(new Error('b failed'))
    await all[1]
    const late = work('e') // comes while c has been handed the slot
    await new Promise(setImmediate)
    expect(begun).to.deep.equal(['a', 'b', 'c'])
    for (const name of ['a', 'c', 'd', 'e']) {
      ends.get(name)!.resolve()
      await new Promise(setImmediate)
    }
    expect(await Promise.all([...all, late])).to.deep.equal([undefined, 'b failed', undefined, undefined, undefined])
    expect(begun).to.deep.equal(['a', 'b', 'c', 'd', 'e'])
    expect([slots.isFull, slots.waiting]).to.deep.equal([false, 0])
  })
})
