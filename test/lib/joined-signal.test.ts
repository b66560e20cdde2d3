import { getEventListeners } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { JoinedSignal } from '../../src/lib/index.js'

describe('joined signals', () => {
  it('abort with the first of theirs, for its reason', () => {
    const [one, other] = [new AbortController(), new AbortController()]
    using joined = new JoinedSignal(one.signal, other.signal)
    expect(joined.signal.aborted).to.equal(false)
    other.abort('enough')
    one.abort('too late')
    expect(joined.signal.reason).to.equal('enough')
    using late = new JoinedSignal(new AbortController().signal, other.signal)
    expect(late.signal.reason).to.equal('enough')
  })

  it('leave nothing on those that outlive them', () => {
    const { signal } = new AbortController()
    const symbols = Object.getOwnPropertySymbols(signal)
    for (let time = 0; time < 100; time++) {
      using joined = new JoinedSignal(signal, new AbortController().signal)
      expect(joined.signal.aborted).to.equal(false)
    }
    expect(getEventListeners(signal, 'abort')).to.have.length(0)
    const left = Object.getOwnPropertySymbols(signal).filter((symbol) => !symbols.includes(symbol))
    expect(left.map(String)).to.not.include('Symbol(kDependantSignals)')
  })

  it('are how the node joins them: what AbortSignal.any leaves stays for as long as the node runs', () => {
    const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    const users = files.filter((file) => /AbortSignal\.any\(/.test(readFileSync(`src/${file}`, 'utf8')))
    expect(users).to.deep.equal(['client/client.ts']) // It runs in browsers, and the signals are its caller's.
  })
})
