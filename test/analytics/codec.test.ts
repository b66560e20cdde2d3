import { expect } from 'chai'
import { type BlockStats, mayHold, statsOf } from '../../src/analytics/block-stats.js'
import { type ColumnValues, decode, encode, isSet } from '../../src/analytics/codec.js'
import { Chance } from './plain-store.js'

function roundTrip(values: ColumnValues, from: number, to: number): ColumnValues | undefined {
  const bytes = encode(values, from, to)
  return bytes && decode(bytes)
}

describe('columns as bytes', () => {
  it('come back exactly, in the narrowest form', () => {
    const columns: [ColumnValues, number][] = [
      [Uint32Array.of(1, 2, 255), 3],
      [Uint32Array.of(1, 0, 256), 6],
      [Uint32Array.of(70_000, 0, 1), 12],
      [Float64Array.of(-127, Number.NaN, 127), 3],
      [Float64Array.of(-128, Number.NaN, 5), 6],
      [Float64Array.of(2 ** 31 - 1, Number.NaN, -(2 ** 31) + 1), 12],
      [Float64Array.of(-(2 ** 31), 1, 2), 24],
      [Float64Array.of(0.5, Number.NaN, -0), 24],
      [Float64Array.of(-0, 1, 2), 24],
      [Float64Array.of(Number.MAX_SAFE_INTEGER, 5e-324, -1e308), 24],
    ]
    for (const [values, width] of columns) {
      const bytes = encode(values, 0, 3)!
      expect(bytes.length).to.equal(8 + Math.ceil(width / 8) * 8)
      expect([...(decode(bytes) as Float64Array)]).to.deep.equal([...(values as Float64Array)])
    }
    expect(encode(new Uint32Array(5), 0, 5)).to.equal(undefined)
    expect(encode(new Float64Array(5).fill(Number.NaN), 0, 5)).to.equal(undefined)
  })

  it('keep sets of any part of their rows', () => {
    const chance = new Chance(1)
    for (let round = 0; round < 200; round++) {
      const sets = Array.from({ length: 1 + chance.below(40) }, () =>
        Array.from({ length: chance.below(chance.in(10) ? 300 : 4) }, () => chance.below(chance.in(3) ? 100_000 : 200)),
      )
      const offsets = Uint32Array.from([
        0,
        ...sets.map(
          (
            (sum) => (set) =>
              (sum += set.length)
          )(0),
        ),
      ])
      const elements = sets.flat()
      const values = { offsets, values: chance.in(2) ? Float64Array.from(elements) : Uint32Array.from(elements) }
      const from = chance.below(sets.length)
      const back = roundTrip(values, from, sets.length)
      const shown =
        back && isSet(back)
          ? sets.slice(from).map((_, at) => [...back.values.subarray(back.offsets[at]!, back.offsets[at + 1]!)])
          : sets.slice(from).map(() => [])
      expect(shown).to.deep.equal(sets.slice(from))
    }
  })
})

describe('what blocks hold', () => {
  it('is never less than what they hold', () => {
    const chance = new Chance(2)
    for (let round = 0; round < 300; round++) {
      const most = chance.of([3, 200, 9_000])
      const numbers = chance.in(2)
      const elements = Array.from({ length: chance.below(50) }, () =>
        numbers ? chance.below(most) / 4 - 3 : chance.below(most),
      )
      const values = numbers ? Float64Array.from(elements) : Uint32Array.from(elements)
      const held = statsOf(values, 0, elements.length)
      const stats: BlockStats = held ? (JSON.parse(JSON.stringify({ 7: held })) as BlockStats) : {}
      for (const element of elements) if (numbers || element > 0) expect(mayHold(stats, 7, element)).to.equal(true)
      expect(mayHold(stats, 8, 1)).to.equal(false)
      if (!numbers && most <= 200) {
        for (let code = 1; code < most; code++) expect(mayHold(stats, 7, code)).to.equal(elements.includes(code))
        expect(mayHold(stats, 7, -1)).to.equal(false)
      }
    }
  })
})
