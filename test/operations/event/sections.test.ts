import { expect } from 'chai'
import { type TestNode, withNode } from '../../support/node.js'

type Body = Record<string, unknown>

/** Ten people; the first buys once, the second twice, and so on, each time for 5 more. */
const EVENTS = Array.from({ length: 10 }, (_, at) => at + 1).flatMap((number) =>
  Array.from({ length: number }, (_, at) => ({
    person: `p${number}`,
    stamp: 1_700_000_000 + at * 60,
    action: 'buy',
    _: { page: number % 2 === 0 ? 'even' : 'odd', price: (at + 1) * 5 },
  })),
)

async function shop(node: TestNode): Promise<void> {
  const columns = [
    { name: 'page', type: 'text' },
    { name: 'price', type: 'int' },
  ]
  await node.ok({ operation: 'create_table', table: 'shop', kind: 'events', columns })
  await node.ok({ operation: 'insert_events', table: 'shop', events: EVENTS })
}

const answerTo = async (node: TestNode, operation: string, more: Body) =>
  (await node.post({ operation, table: 'shop', ...more })).body as Body
const rootsOf = async (node: TestNode, script: string) => (await answerTo(node, 'query_batch', { script }))._ as Body[]
const countsOf = async (node: TestNode, script: string) =>
  ((await answerTo(node, 'query_segments', { script }))._ as { g: string; c: number[] }[]).map(({ g, c }) => [g, c[0]])

describe('scripts of sections', () => {
  it('take every parameter that the question alone would take', () =>
    withNode(async (node) => {
      await shop(node)
      const few = '@segment few ttl=1h\n    match where price == 45:\n        tally\n\n'
      const asked = 'return COUNT price where price > {{least}} and page == {{which}}'
      const flags = 'segments=few,* int_least=10 str_which=odd session_time=30000 order=asc'
      const [, histogram] = await rootsOf(node, `${few}@histogram h ${flags}\n    ${asked}\n`)
      const alone = {
        name: 'h',
        script: `${asked}\n`,
        segments: 'few,*',
        int_least: 10,
        str_which: 'odd',
        order: 'asc',
      }
      expect(histogram).to.deep.equal(((await answerTo(node, 'query_histogram', alone))._ as Body[])[0])
      const sessions = '@histogram h session_time=30000 trim=1\n    return session_count\n'
      expect(await rootsOf(node, sessions)).to.deep.equal([{ g: 'h', c: [10], _: [{ g: 10, c: [1] }] }])
      const [column] = await rootsOf(node, '@column page segments=few,*\n')
      expect(column).to.deep.include({ g: 'page', c: [2], c2: [10] })
    }))

  it('refuse flags that are none, or that have no such value', () =>
    withNode(async (node) => {
      await shop(node)
      const reason = async (script: string) => {
        const answer = await answerTo(node, 'query_batch', { script })
        const [root] = (answer._ ?? [{ error: answer }]) as { error?: Body }[]
        return root!.error?.detail
      }
      expect(await reason('@column price order=up\n')).to.match(/'order' is asc or desc, not 'up'/)
      expect(await reason('@histogram h bucket=Infinity\n    return 1\n')).to.match(/a number above 0/)
      expect(await reason('@column price int_x=5\n')).to.match(/has no flag 'int_x'/)
      expect(await reason('@column price\n\n    return 1\n')).to.match(/^Line 3: @column has no script/)
      expect(await reason('@segment a use_cached=perhaps\n    tally\n')).to.match(/'use_cached' is true or false/)
      expect(await reason('@segment a,b\n    tally\n')).to.match(/commas stand between names/)
    }))

  it('say line and column as they were sent, whenever the mistake is found', () =>
    withNode(async (node) => {
      await shop(node)
      for (const ttl of ['', ' ttl=1h']) {
        const found = { line: 5, column: 5, picture: '  for y in x:\n  ^' }
        const late = `@segment a${ttl}\n\n\n    x = 5\n    for y in x:\n        tally\n`
        expect(await answerTo(node, 'query_segments', { script: late })).to.include({ code: 'script_failed', ...found })
        expect(((await rootsOf(node, late))[0] as { error: Body }).error).to.include(found)
      }
      const early = '@segment a\n\n    match where prise > 1:\n        tally\n'
      expect(await answerTo(node, 'query_segments', { script: early })).to.include({ line: 3, column: 17 })
    }))

  it('may define a name again by what it meant before', () =>
    withNode(async (node) => {
      await shop(node)
      const script = `@segment a
    match where price >= 40:
        tally
@segment b
    match where price >= 50:
        tally
@segment a
    difference(a, b)
@segment a ttl=1h
    population(a)
`
      expect(await countsOf(node, script)).to.deep.equal([
        ['a', 3],
        ['a', 2],
        ['a', 2],
        ['b', 1],
      ])
      const unknown = await answerTo(node, 'query_segments', { script: '@segment c\n    population(c)\n' })
      expect(unknown).to.include({ code: 'segment_unknown', segment: 'c' })
    }))

  it('keep to all filters of a column at once', () =>
    withNode(async (node) => {
      await shop(node)
      const script =
        '@column price between=10 and=40 gte=20 lt=35 order=asc\n@column price between=10 and=20 gte=5 lt=50\n'
      const groups = (await rootsOf(node, script)).map(({ _ }) => (_ as { g: number }[]).map(({ g }) => g))
      expect(groups).to.deep.equal([
        [30, 25, 20],
        [10, 15],
      ])
    }))

  it('take only texts, numbers and truth as parameters', () =>
    withNode(async (node) => {
      await shop(node)
      for (const value of [null, ['a'], { a: 1 }]) {
        const body = await answerTo(node, 'query_events', { script: 'tally({{x}})\n', str_x: value })
        expect(body, JSON.stringify(value)).to.include({ code: 'script_invalid' })
      }
    }))
})
