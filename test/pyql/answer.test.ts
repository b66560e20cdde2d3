import { expect } from 'chai'
import { Answer, compile, createScan, Histogram, type Scalar } from '../../src/pyql/index.js'
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

  it('put many groups of whole counts in order, ties by key', () => {
    const answer = new Answer([{ kind: 'count', alias: 'person', type: 'int', numeric: true, carried: false }], 1, {
      nodesMax: 10_000,
      charactersMax: 1_000_000,
    })
    const size = 2_000
    const keys = [null, ...Array.from({ length: size }, (_, at) => (at % 3 === 0 ? at : `text ${at}`))]
    answer.absorb(
      {
        keys,
        parent: new Int32Array(size + 1),
        key: Int32Array.from(keys, (_, at) => at),
        columns: [{ n: Float64Array.from(keys, (_, at) => (at * 7919) % 50) }],
        debug: [],
        log: [],
      },
      0,
    )
    for (const order of ['asc', 'desc'] as const)
      expect(answer.json({ order }).toString()).to.equal(JSON.stringify(answer.reply({ order })))
  })

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
