import { expect } from 'chai'
import { mergeColumnParts } from '../../src/analytics/column-tree.js'
import { atOnce, firstInOrder, type Problem } from '../../src/lib/index.js'
import { byCount, countNode, jsonOf, type ResultNode, sortByCount } from '../../src/segments/result.js'
import { Random } from '../support/pyql-generator.js'

const VALUES = 12_345
const NO_LIMITS = { valuesMax: Number.POSITIVE_INFINITY, charactersMax: Number.POSITIVE_INFINITY }
/** The most that is done without a pause. */
const STEP = 1_000

/** Texts beside and beyond the surrogates among them: code points have another order than units. */
function nodesOf(seed: number): ResultNode[] {
  const random = new Random(seed)
  return Array.from({ length: VALUES }, (_, at) => {
    const start = ['a', '\u{1f600}', '\uff01', ''][random.below(4)]!
    return countNode(`${start}${at}`, [random.below(5)])
  })
}

describe('results of many groups', () => {
  for (const order of ['asc', 'desc'] as const) {
    for (const most of [undefined, 0, 7, 1_000, VALUES + 1]) {
      it(`come in the order of counts, in steps: ${order}, trim ${most}`, () => {
        const nodes = nodesOf(1)
        const bytes = (node: ResultNode) => Buffer.from(String(node.g))
        const sign = order === 'asc' ? 1 : -1
        const plain = [...nodes].sort(
          (a, b) => sign * (Number(a.c[0]) - Number(b.c[0])) || Buffer.compare(bytes(a), bytes(b)),
        )
        expect(atOnce(firstInOrder(VALUES, (at) => nodes[at]!, byCount(order), most))).deep.equal(plain.slice(0, most))
        expect(sortByCount([...nodes], order)).deep.equal(plain)
      })
    }
  }

  it('are made a few at a time, so that others are served between', () => {
    const nodes = nodesOf(2)
    let made = 0
    const steps = firstInOrder(
      VALUES,
      (at) => {
        made++
        return nodes[at]!
      },
      byCount('desc'),
    )
    let count = 0
    for (let before = 0; !steps.next().done; before = made, count++) expect(made - before).at.most(STEP)
    // Each of the four rounds of joining pauses, too.
    expect(count).at.least(4 * Math.floor(VALUES / STEP))
  })

  it('are written as JSON.stringify writes them, a few at a time', () => {
    const below = (count: number) => nodesOf(3).slice(0, count)
    const results = [
      { _: [] },
      { _: below(1) },
      { _: [countNode('a"b', [1, 2], below(VALUES)), ...below(600), { g: 'e', c: [null], error: { code: 'x' } }] },
      { _: [countNode(1, [1]), countNode(true, [1], [countNode('c', [1], below(3))])], debug: [1, 'é'], log: [] },
      { debug: 'a program' },
      {},
    ]
    for (const result of results) expect(atOnce(jsonOf(result)).text).to.equal(JSON.stringify(result))
    const steps = jsonOf(results[2]!)
    let count = 0
    while (!steps.next().done) count++
    expect(count).at.least(3)
  })

  it('of a column are refused before all are added up', () => {
    const values = Array.from({ length: VALUES }, (_, at) => `v${at}`)
    const part = { people: [9], values, counts: new Uint32Array(VALUES).fill(2) }
    const refused = (limits: Partial<typeof NO_LIMITS>) => {
      const steps = mergeColumnParts([part, part], 1, { ...NO_LIMITS, ...limits })
      for (let count = 0; ; count++) {
        try {
          if (steps.next().done) return undefined
        } catch (error) {
          return [(error as Problem).code, count]
        }
      }
    }
    expect(refused({ valuesMax: VALUES - 1 })).deep.equal(['script_limit', Math.ceil(VALUES / STEP)])
    expect(refused({ valuesMax: 10 })).deep.equal(['script_limit', 1])
    expect(refused({ charactersMax: 100 })).deep.equal(['result_too_large', 1])
    expect(refused({ valuesMax: VALUES })).equal(undefined)
  })

  it('of a column are added up a few at a time', () => {
    const values = Array.from({ length: VALUES }, (_, at) => `v${at}`)
    const part = { people: [9], values, counts: new Uint32Array(VALUES).fill(2) }
    const steps = mergeColumnParts([part, part], 1, NO_LIMITS)
    let count = 0
    let step = steps.next()
    for (; !step.done; step = steps.next()) count++
    expect(count).at.least((3 * VALUES) / STEP - 3)
    expect(step.value.people).deep.equal([18])
    expect(step.value.values).deep.equal(values.map((value) => ({ value, counts: [4] })))
  })
})
