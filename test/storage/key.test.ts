import { expect } from 'chai'
import fc from 'fast-check'
import {
  afterPrefix,
  decodeId,
  decodeValue,
  encodeId,
  encodeTextPrefix,
  encodeValue,
  endOfValue,
} from '../../src/storage/index.js'
import { compareValues } from '../../src/tables/select/value.js'

const anyText = fc.string({
  unit: fc.oneof(fc.constantFrom('\0', '\x01', '\x02', 'a', 'é', '\u{1F600}', '\uffff', '\ud800'), fc.string()),
  maxLength: 6,
})
const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true })
const anyValue = fc.oneof(fc.constant(null), fc.boolean(), anyNumber, anyText)

describe('the keys', () => {
  it('sort as the values do', () => {
    fc.assert(
      fc.property(anyValue, anyValue, (a, b) => {
        const [x, y] = [encodeValue(a), encodeValue(b)]
        expect(Math.sign(compareValues(a, b))).to.equal(x < y ? -1 : x > y ? 1 : 0)
      }),
      { numRuns: 5000 },
    )
  })

  it('keep that order with something behind them', () => {
    fc.assert(
      fc.property(anyValue, anyValue, anyText, anyText, (a, b, c, d) => {
        fc.pre(compareValues(a, b) !== 0)
        const [x, y] = [encodeValue(a) + encodeValue(c), encodeValue(b) + encodeValue(d)]
        expect(x < y).to.equal(compareValues(a, b) < 0)
      }),
      { numRuns: 5000 },
    )
  })

  it('give back numbers and text', () => {
    fc.assert(
      fc.property(fc.oneof(anyNumber, fc.string({ unit: 'binary' })), anyText, (value, behind) => {
        const key = encodeId(7) + encodeValue(value) + encodeValue(behind)
        expect(decodeValue(key, 4)).to.equal(value === 0 ? 0 : value)
        expect(endOfValue(key, 4)).to.equal(4 + encodeValue(value).length)
      }),
    )
  })

  it('of text with a beginning begin with the beginning', () => {
    fc.assert(
      fc.property(anyText, anyText, (beginning, rest) => {
        fc.pre(!/[\ud800-\udbff]$/.test(beginning) || !/^[\udc00-\udfff]/.test(rest))
        expect(encodeValue(beginning + rest).startsWith(encodeTextPrefix(beginning, 768))).to.equal(true)
      }),
    )
  })

  it('are bytes, and so are numbers of tables', () => {
    fc.assert(fc.property(anyValue, (value) => /^[\0-\xff]*$/.test(encodeValue(value))))
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (id) => decodeId(encodeId(id)) === id))
    expect(afterPrefix('ab\xff\xff')).to.equal('ac')
  })
})
