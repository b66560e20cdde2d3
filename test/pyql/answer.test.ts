import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { Answer, compareScalars, compile, createScan, Histogram, type Scalar } from '../../src/pyql/index.js'
import { oracleColumns, Random, randomPeople, ScriptGenerator } from '../support/pyql-generator.js'
import { blockOf } from '../support/pyql-people.js'

const limits = {
  stepsMax: 1_000_000,
  memoryMax: 1_000_000,
  nodesMax: 100_000,
  charactersMax: 100_000_000,
  depthMax: 64,
  traceMax: 0,
}

/** What is held when all garbage is collected. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

describe('histograms', () => {
  it('may have more values than a call may have arguments', () => {
    const count = 150_000
    const program = compile('return SUM qty\n', { mode: 'histogram', columns: oracleColumns })
    const most = { ...limits, nodesMax: 2 * count }
    const scan = createScan(program, { now: 0, sessionTime: 1000, trace: false, limits: most, bucket: 1 })
    const people = Array.from({ length: count }, (_, qty) => ({
      id: qty,
      rows: [{ stamp: 1, action: 'a', cells: { qty } }],
    }))
    for (let from = 0; from < count; from += 10_000)
      scan.run(blockOf(people.slice(from, from + 10_000), program.columns, from))
    const histogram = new Histogram(1, most)
    histogram.absorb(scan.partial(), 0)
    const [root] = histogram.reply({ name: 'h', each: false, bucket: 1 })._
    expect(root!._).to.have.length(count)
  })
})

describe('answers', () => {
  it('are the same as text and as objects', () => {
    let compared = 0
    for (let seed = 1; seed <= 400; seed++) {
      const random = new Random(seed)
      const program = compile(new ScriptGenerator(random, 'event').script(), { mode: 'event', columns: oracleColumns })
      const answer = new Answer(program.aggregates, 2, limits)
      try {
        for (const segment of [0, 1]) {
          const scan = createScan(program, { now: 0, sessionTime: 1000, trace: false, limits })
          scan.run(blockOf(randomPeople(random, 60), program.columns))
          answer.absorb(scan.partial(), segment)
        }
      } catch {
        continue
      }
      for (const order of ['asc', 'desc'] as const) {
        for (const sort of [undefined, 'key', program.aggregates[0]!.alias]) {
          for (const trim of [undefined, 2]) {
            const options = { order, ...(sort && { sort }), ...(trim && { trim }) }
            expect(answer.json(options).toString(), `seed ${seed}`).to.equal(JSON.stringify(answer.reply(options)))
          }
        }
      }
      compared++
    }
    expect(compared).to.be.above(200)
  })

  /** Sums of values of each kind, above texts with characters of one to four bytes, in answers of one list and of two levels. */
  const kinds: Record<string, (random: Random) => number> = {
    'few values': (random) => random.below(5),
    'values of several digits': (random) => random.below(3_000_000),
    'negative values': (random) => random.below(5_000) - 2_500,
    'values up to the largest of whole ones': (random) => random.below(2 ** 21) * 2 ** 11 * (random.below(2) * 2 - 1),
    'values beyond': (random) => random.below(2 ** 21) * 2 ** 30,
    fractions: (random) => random.below(1_000) / 8,
  }
  for (const [kind, someValue] of Object.entries(kinds)) {
    it(`put many groups in order, ties by key: ${kind}`, () => {
      const random = new Random(7)
      for (const [above, below] of [
        [2, 1],
        [40, 3],
        [3, 700],
        [1_500, 1],
      ] as const) {
        const texts = ['é', '\u{1d4b3}', '\u007f', '"', 'long enough for several words ']
        const keys = [null, ...Array.from({ length: above + below }, (_, at) => `${texts[at % texts.length]}${at}`)]
        const groups = Array.from({ length: above }, (_, at) => ({
          ...{ g: keys[1 + at]!, sum: someValue(random) },
          within: Array.from({ length: below }, (_, own) => ({ g: keys[1 + above + own]!, sum: someValue(random) })),
        }))
        const inner = groups.flatMap(({ within }, at) => within.map((own) => ({ ...own, parent: 1 + at })))
        const nodes = [{ g: null, sum: 0, parent: 0 }, ...groups.map((group) => ({ ...group, parent: 0 })), ...inner]
        const sum = Float64Array.from(nodes, (node) => node.sum)
        const aggregate = { kind: 'sum', alias: 'sum', type: 'double', numeric: true, carried: false } as const
        const answer = new Answer([aggregate], 1, { nodesMax: 10_000, charactersMax: 1_000_000 })
        answer.absorb(
          {
            keys,
            parent: Int32Array.from(nodes, ({ parent }) => parent),
            key: Int32Array.from(nodes, ({ g }) => keys.indexOf(g)),
            columns: [{ n: new Float64Array(nodes.length).fill(1), sum, rest: new Float64Array(nodes.length) }],
            debug: [],
            log: [],
          },
          0,
        )
        for (const order of ['asc', 'desc'] as const) {
          const sign = order === 'asc' ? 1 : -1
          const sorted = <T extends { g: string; sum: number }>(list: readonly T[]) =>
            list.toSorted((a, b) => sign * (a.sum - b.sum) || compareScalars(a.g, b.g))
          const expected = sorted(groups).map((group) => ({
            ...{ g: group.g, c: [group.sum] },
            _: sorted(group.within).map((own) => ({ g: own.g, c: [own.sum] })),
          }))
          expect(answer.reply({ order })._).to.deep.equal(expected)
          expect(answer.json({ order }).toString()).to.equal(JSON.stringify({ _: expected }))
        }
      }
    })
  }

  for (const line of ['val fruit', 'min fruit', 'max fruit', 'var fruits << fruit', 'var fruits << fruit + fruit']) {
    it(`hold so many characters of texts, not more: ${line}`, () => {
      const program = compile(`agg:\n    ${line}\n\nmatch:\n    tally(qty)\n`, {
        ...{ mode: 'event', columns: oracleColumns },
      })
      const few = { ...limits, charactersMax: 10_000 }
      const begin = () => createScan(program, { now: 0, sessionTime: 1000, trace: false, limits: few })
      const block = (groups: number) =>
        blockOf(
          Array.from({ length: 1_000 }, (_, at) => ({
            ...{
              id: at,
              rows: [{ stamp: at, action: 'a', cells: { qty: at % groups, fruit: 'x'.repeat(100 + (at % 7)) } }],
            },
          })),
          program.columns,
        )
      const scan = begin()
      scan.run(block(20))
      const answer = new Answer(program.aggregates, 1, few)
      answer.absorb(scan.partial(), 0)
      expect(answer.reply()._).to.have.length(20)
      expect(() => begin().run(block(1_000))).to.throw('The result has more than 10000 characters.')
    })
  }

  for (const [what, line] of [
    ['groups', 'tally(long[0:100] + person)'],
    ['parts of a text', "tally(long.split('-')[1])"],
    ['lines', 'log(long)'],
  ]) {
    it(`let go of long texts of which they hold a part: ${what}`, () => {
      const program = compile(
        `long = 'x' + person + '-part of a text of ' + person + '-'\nfor i in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]:\n    long += long\n${line}\n`,
        { mode: 'event', columns: oracleColumns },
      )
      const scan = createScan(program, {
        ...{ now: 0, sessionTime: 1000, trace: true },
        limits: { ...limits, memoryMax: 10_000_000, traceMax: 1_000 },
      })
      const people = Array.from({ length: 300 }, (_, id) => ({ id, rows: [{ stamp: 1, action: 'a', cells: {} }] }))
      const before = heapBytes()
      scan.run(blockOf(people, program.columns))
      expect(heapBytes() - before).to.be.below(50_000_000)
      expect(scan.partial().log.length + scan.partial().keys.length).to.be.above(300)
    })
  }

  it('put texts in the order of code points, whatever they hold beside them', () => {
    const inOrder = ['\uffff', '\u{1d4b3}']
    for (const keys of [
      [null, ...inOrder.toReversed()],
      [null, ...inOrder.toReversed(), 3, 'a'],
    ]) {
      const answer = new Answer([], 1, { nodesMax: 10, charactersMax: 1_000 })
      const key = Int32Array.from(keys, (_, at) => at)
      answer.absorb({ keys, parent: new Int32Array(keys.length), key, columns: [], debug: [], log: [] }, 0)
      const texts = answer.reply({ sort: 'key', order: 'asc' })._.map(({ g }) => g)
      expect(texts.filter((text) => inOrder.includes(text as string))).to.deep.equal(inOrder)
      expect(
        JSON.parse(answer.json({ sort: 'key', order: 'asc' }).toString())._.map(({ g }: { g: unknown }) => g),
      ).to.deep.equal(texts)
    }
  })

  it('show each its own keys, though those before them had as many', () => {
    const one = (keys: Scalar[]) => {
      const answer = new Answer([], 1, { nodesMax: 10, charactersMax: 1_000 })
      const key = Int32Array.from(keys, (_, at) => at)
      answer.absorb({ keys, parent: new Int32Array(keys.length), key, columns: [], debug: [], log: [] }, 0)
      const text = answer.json({ sort: 'key', order: 'asc' }).toString()
      expect(text).to.equal(JSON.stringify(answer.reply({ sort: 'key', order: 'asc' })))
      return JSON.parse(text)._.map(({ g }: { g: unknown }) => g)
    }
    expect(one([null, 'b', 'a', 1])).to.deep.equal([1, 'a', 'b'])
    expect(one([null, 'b', 'a', '1'])).to.deep.equal(['1', 'a', 'b'])
    expect(one([null, 1, 'a', 'c'])).to.deep.equal([1, 'a', 'c'])
    expect(one([null, true, 'a', 'c'])).to.deep.equal([true, 'a', 'c'])
    expect(one([null, 'c', 'a', 'd'])).to.deep.equal(['a', 'c', 'd'])
    expect(one([null, 'b', 'a', 1])).to.deep.equal([1, 'a', 'b'])
  })

  it('may get more keys after they were shown', () => {
    const answer = new Answer([], 1, { nodesMax: 10, charactersMax: 1_000 })
    const absorb = (key: string) =>
      answer.absorb(
        { keys: [null, key], parent: new Int32Array(2), key: Int32Array.of(0, 1), columns: [], debug: [], log: [] },
        0,
      )
    absorb('b')
    expect(answer.json({ sort: 'key' }).toString()).to.equal('{"_":[{"g":"b","c":[]}]}')
    absorb('a')
    expect(answer.json({ sort: 'key', order: 'asc' }).toString()).to.equal(
      JSON.stringify({
        _: [
          { g: 'a', c: [] },
          { g: 'b', c: [] },
        ],
      }),
    )
    const other = new Answer([], 1, { nodesMax: 10, charactersMax: 1_000 })
    other.absorb(
      { keys: [null, 'b'], parent: new Int32Array(2), key: Int32Array.of(0, 1), columns: [], debug: [], log: [] },
      0,
    )
    expect(other.json({ sort: 'key' }).toString()).to.equal('{"_":[{"g":"b","c":[]}]}')
  })
})
