import { expect } from 'chai'
import { problems } from '../../src/generated/problems.js'
import { Disposals, didYouMean, HybridClock, merged, momentIn, nearest, Problem } from '../../src/lib/index.js'

describe('the hybrid clock', () => {
  it('is strictly increasing while the wall clock stands, and exact in a double', () => {
    const clock = new HybridClock(() => 1_795_000_000_000)
    let last = 0
    for (let count = 0; count < 10_000; count++) {
      const now = clock.now()
      expect(now).to.be.greaterThan(last)
      last = now
    }
    expect(last).to.be.below(1_795_000_000_000 + 10)
  })

  it('is later than what it has observed, also when the wall clock is behind', () => {
    const clock = new HybridClock(() => 1000)
    clock.observe(5000.3)
    expect(clock.now()).to.be.greaterThan(5000.3)
  })

  it('follows the wall clock when that runs ahead', () => {
    let wall = 1000
    const clock = new HybridClock(() => wall)
    clock.now()
    wall = 9000
    expect(clock.now()).to.equal(9000)
  })
})

describe('the nearest name', () => {
  it('is the one with the fewest edits, when near enough', () => {
    expect(nearest('inser', ['insert', 'update', 'upsert'])).to.equal('insert')
    expect(nearest('pign', ['pin_it', 'ping']), 'two letters that changed places are one edit').to.equal('ping')
    expect(nearest('xyzzy', ['insert', 'update'])).to.equal(undefined)
    expect(didYouMean('updat', ['update'])).to.equal(" Did you mean 'update'?")
  })
})

describe('a moment', () => {
  it('is told with any offset, and refused when it is none', () => {
    const noon = Date.UTC(2026, 0, 31, 12)
    for (const text of ['2026-01-31T12:00:00Z', '2026-01-31T13:00:00.000+0100', '2026-01-31T06:30:00-05:30'])
      expect(momentIn('date', text), text).to.equal(noon)
    expect(momentIn('date', '2026-01-31')).to.equal(Date.UTC(2026, 0, 31))
    for (const text of ['', 'yesterday', '12', '2026-13-45', '2026-02-29', '2026-04-31T00:00:00Z', '1769860800000'])
      expect(() => momentIn('date', text), text)
        .to.throw()
        .with.property('code', 'invalid_request')
  })
})

describe('a problem', () => {
  it('is told as problem details with its facts, and error for clients of HarperDB', () => {
    const body = new Problem('body_too_large', { limit: 7 }).toJSON()
    expect(body).to.include({ status: 413, code: 'body_too_large', limit: 7 })
    expect(body['error']).to.equal(body['detail'])
    expect(body['detail']).to.include('7 bytes')
  })

  it('has no fact that takes the place of a member of all problems', () => {
    for (const [code, { detail }] of Object.entries(problems))
      expect(detail, code).not.to.match(/\{(type|title|status|code|detail|error|retry)\}/)
  })
})

describe('disposals', () => {
  it('run in reverse order, all of them, and tell the failure', async () => {
    const done: number[] = []
    const disposals = new Disposals()
    disposals.defer(() => void done.push(1))
    disposals.defer(() => {
      throw new Error('broken')
    })
    disposals.defer(() => void done.push(3))
    let failure: unknown
    await disposals[Symbol.asyncDispose]().catch((error: unknown) => {
      failure = error
    })
    expect(done).to.deep.equal([3, 1])
    expect(String(failure)).to.include('broken')
  })

  it('hand over what they own', async () => {
    const done: number[] = []
    const first = new Disposals()
    first.defer(() => void done.push(1))
    const second = first.move()
    await first[Symbol.asyncDispose]()
    expect(done).to.deep.equal([])
    await second[Symbol.asyncDispose]()
    expect(done).to.deep.equal([1])
  })
})

describe('two objects merged', () => {
  it('have the members that spreading them gives, in the same order, also those named like a prototype', () => {
    const texts = ['{}', '{"a":1,"b":2}', '{"b":3,"c":4}', '{"__proto__":{"x":1},"b":5}', '{"__proto__":null}']
    for (const a of texts) {
      for (const b of texts) {
        const both = merged(JSON.parse(a), JSON.parse(b))
        expect(JSON.stringify(both)).to.equal(JSON.stringify({ ...JSON.parse(a), ...JSON.parse(b) }))
        expect(Object.getPrototypeOf(both)).to.equal(Object.prototype)
      }
    }
  })
})

describe('a time without an offset', () => {
  it('is UTC wherever the node runs', () => {
    const { TZ } = process.env
    process.env['TZ'] = 'America/New_York'
    try {
      const noon = Date.UTC(2026, 0, 31, 12)
      for (const text of [
        '2026-01-31T12:00',
        '2026-01-31 12:00:00',
        '2026-01-31t12:00:00.000',
        '2026-01-31T07:00:00-05:00',
      ])
        expect(momentIn('date', text), text).to.equal(noon)
      expect(momentIn('date', '2026-01-31')).to.equal(noon - 12 * 3_600_000)
    } finally {
      if (TZ === undefined) delete process.env['TZ']
      else process.env['TZ'] = TZ
    }
  })
})
