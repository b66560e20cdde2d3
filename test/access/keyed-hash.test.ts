import { createHmac, randomBytes } from 'node:crypto'
import { expect } from 'chai'
import { KeyedHash } from '../../src/access/keyed-hash.js'

describe('the keyed hash', () => {
  it('is HMAC-SHA-256', () => {
    const key = randomBytes(32)
    const keyed = new KeyedHash(key)
    for (const text of ['', 'Basic YWRtaW46cHc=', 'ümläut', 'x'.repeat(1000), 'y'])
      expect(keyed.of(text)).to.equal(createHmac('sha256', key).update(text).digest('base64'))
  })
})
