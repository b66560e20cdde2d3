import { expect } from 'chai'
import { openHook } from '../../support/hook.js'
import { type TestNode, withNode } from '../../support/node.js'

const TEXT = { headers: { 'content-type': 'text/plain' } }
const day = (number: number) => `2024-03-${String(number).padStart(2, '0')}T09:00:00Z`

/** A library of tools: who lends what, all at one visit in one event. */
const VISITS = [
  {
    person: 'ida',
    stamp: day(1),
    action: 'lend',
    _: {
      fee: 12,
      desk: 'north',
      first: true,
      _: [
        { tool: 'saw', days: 3, marks: ['sharp', 'old'], room: ['cellar', 'yard'] },
        { tool: 'drill', days: 1.5, marks: ['old'], _: [{ room: 'cellar' }, { room: 'attic' }] },
      ],
    },
  },
  { person: 'olu', stamp: 1_709_370_000, event: 'lend', attr: { fee: 4, desk: 'south', tool: 'saw', days: 2 } },
  { id: 7, stamp: 1_709_456_400_000, action: 'lend', _: { fee: 30, desk: 'south', tool: 'lathe', days: 9 } },
  { person: 'ida', stamp: day(9), action: 'lend', _: { fee: 4, desk: 'north', tool: 'drill', days: 2, room: 'attic' } },
]

const SEGMENTS = `@segment below ttl=300s use_cached refresh=300s:
    # down the stairs
    match where room in ['cellar', 'yard']:
        tally

@segment costly ttl=300s:
    match where fee > 20:
        tally
`

const LENT = 'aggregate:\n    count person\n    sum days\n\nmatch where tool is not None:\n    tally(desk, tool)\n'

interface Group {
  g: unknown
  c: unknown[]
  c2?: unknown[]
  _?: Group[]
}

/** A library that was made and filled through the routes of OpenSet. */
async function library({ send }: TestNode): Promise<(path: string, script?: string) => Promise<Group[]>> {
  const columns = [
    ...['tool', 'desk', 'room'].map((name) => ({ name, type: 'text' })),
    ...['fee', 'days'].map((name) => ({ name, type: 'double' })),
    { name: 'first', type: 'bool' },
  ]
  expect((await send('POST', '/v1/table/tools', { columns, 'z-order': ['lend', 'return'] })).status).to.equal(200)
  const marks = await send('PUT', '/v1/table/tools/column/marks?type=text&is_set=true')
  expect(marks.status).to.equal(200)
  const inserted = await send('POST', '/v1/insert/tools', VISITS)
  expect(inserted.body).to.include({ inserted: 4, duplicates: 0 })
  return async (path, script) => {
    const method = script === undefined ? 'GET' : 'POST'
    const { status, body } = await send(method, `/v1/query/tools/${path}`, script, script === undefined ? {} : TEXT)
    expect(status, `${path}: ${JSON.stringify(body)}`).to.equal(200)
    return (body as { _: Group[] })._
  }
}

const below = ([root]: Group[]) => root!._!.map(({ g, c }) => [g, ...c])

describe('the routes of OpenSet', () => {
  it('make, describe and change a table', () =>
    withNode(async (node) => {
      await library(node)
      expect((await node.send('PUT', '/v1/table/tools/column/visits:int')).status).to.equal(200)
      const described = (await node.send('GET', '/v1/table/tools')).body as { table: string; columns: object[] }
      expect(described.table).to.equal('tools')
      expect(described.columns).to.deep.include({ name: 'marks', type: 'text', is_set: true })
      expect(described.columns).to.deep.include({ name: 'visits', type: 'int' })
      expect((await node.send('DELETE', '/v1/table/tools/column/visits')).status).to.equal(200)
      expect(JSON.stringify((await node.send('GET', '/v1/table/tools')).body)).to.not.include('visits')
      expect((await node.send('PUT', '/v1/table/tools/column/odd?type=blob')).status).to.equal(400)
      expect((await node.send('GET', '/ping', undefined, { authorization: null })).body).to.include({ pong: true })
    }))

  it('ask scripts, sort, trim and fill them in', () =>
    withNode(async (node) => {
      const ask = await library(node)
      const south = {
        g: 'south',
        c: [2, 11],
        _: [
          { g: 'lathe', c: [1, 9] },
          { g: 'saw', c: [1, 2] },
        ],
      }
      const [first] = await ask('event', LENT)
      expect(first).to.deep.equal(south)
      expect(await ask('events', LENT)).to.have.length(2)
      expect((await ask('event?sort=days&order=asc', LENT)).map(({ g }) => g)).to.deep.equal(['north', 'south'])
      const [trimmed, ...others] = await ask('event?trim=1', LENT)
      expect([trimmed, others]).to.deep.equal([{ ...south, _: [south._[0]] }, []])
      const wanted = 'match where tool == {{tool}} and days > {{least}} and {{one}} == 1 and {{yes}}:\n    tally("x")\n'
      const filled = await ask('event?str_tool=saw&dbl_least=1.5&int_one=1&bool_yes=true', wanted)
      expect(filled).to.deep.equal([{ g: 'x', c: [2] }])
      const shown = await node.send('POST', '/v1/query/tools/event?debug=true', LENT, TEXT)
      expect(JSON.stringify(shown.body)).to.include('function scan')
      expect((await node.send('POST', '/v1/query/tools/event', 'tally(', TEXT)).status).to.equal(400)
      // What curl says of a body when nobody tells it the type.
      const form = { headers: { 'content-type': 'application/x-www-form-urlencoded' } }
      const untyped = await node.send('POST', '/v1/query/tools/event', LENT, form)
      expect((untyped.body as { _: Group[] })._).to.have.length(2)
      expect((await node.send('POST', '/', '{"operation":"ping"}', form)).status).to.equal(200)
      expect((await node.send('POST', '/', 'operation=ping', form)).status).to.equal(400)
    }))

  it('keep segments, and answer for several of them', () =>
    withNode(async (node) => {
      const ask = await library(node)
      const kept = [
        { g: 'below', c: [1] },
        { g: 'costly', c: [1] },
      ]
      expect(await ask('segment', SEGMENTS)).to.deep.equal(kept)
      expect(await ask('counts', SEGMENTS)).to.deep.equal(kept)
      const answer = await ask('event?segments=below,costly,*', 'tally("all")\n')
      expect(answer).to.deep.equal([{ g: 'all', c: [1], c2: [1], c3: [3] }])
    }))

  it('list the values of a column, by every filter', () =>
    withNode(async (node) => {
      const ask = await library(node)
      await ask('segment', SEGMENTS)
      const values = async (query: string) => below(await ask(`column/${query}`)).sort()
      expect(await values('tool')).to.deep.equal([
        ['drill', 1],
        ['lathe', 1],
        ['saw', 2],
      ])
      expect(await values('tool?sub=a')).to.deep.equal([
        ['lathe', 1],
        ['saw', 2],
      ])
      expect(await values('tool?rx=.*l.*')).to.deep.equal([
        ['drill', 1],
        ['lathe', 1],
      ])
      expect(await values('tool?eq=saw')).to.deep.equal([['saw', 2]])
      expect(await values('marks')).to.deep.equal([
        ['old', 1],
        ['sharp', 1],
      ])
      expect(await values('days?gt=2')).to.deep.equal([
        [3, 1],
        [9, 1],
      ])
      expect(await values('days?gte=2&lt=9')).to.deep.equal([
        [2, 2],
        [3, 1],
      ])
      expect(await values('days?lte=2')).to.deep.equal([
        [1.5, 1],
        [2, 2],
      ])
      expect(await values('days?between=2&and=9')).to.deep.equal([
        [2, 2],
        [3, 1],
      ])
      expect(await values('days?bucket=2')).to.deep.equal([
        [0, 1],
        [2, 2],
        [8, 1],
      ])
      // A bucket of which the filter takes but some values.
      expect(await values('days?bucket=4&gt=2')).to.deep.equal([
        [0, 1],
        [8, 1],
      ])
      expect(below(await ask('column/tool?trim=1'))).to.deep.equal([['saw', 2]])
      expect(below(await ask('column/tool?segments=costly'))).to.deep.include(['lathe', 1])
      expect((await node.send('GET', '/v1/query/tools/column/tool?rx=(')).status).to.equal(400)
    }))

  it('give a person by text or number, in a form that is no news when it is inserted', () =>
    withNode(async ({ send }) => {
      await library({ send } as TestNode)
      const ida = (await send('GET', '/v1/query/tools/person?sid=ida')).body as { rows: object[] }
      expect(ida.rows).to.have.length(2)
      const again = ida.rows.map((row) => ({ person: 'ida', ...row }))
      expect((await send('POST', '/v1/insert/tools', again)).body).to.include({ inserted: 0, duplicates: 2 })
      expect(((await send('GET', '/v1/query/tools/person?id=7')).body as { rows: object[] }).rows).to.have.length(1)
    }))

  it('count people in a histogram, with what is empty filled in', () =>
    withNode(async (node) => {
      const ask = await library(node)
      const spent = 'return SUM fee\n'
      expect(below(await ask('histogram/spent', spent))).to.deep.equal([
        [30, 1],
        [16, 1],
        [4, 1],
      ])
      expect(below(await ask('histogram/spent?bucket=10', spent))).to.deep.equal([
        [30, 1],
        [20, 0],
        [10, 1],
        [0, 1],
      ])
      // What is above the most is counted there.
      const clipped = await ask('histogram/spent?bucket=10&min=-10&max=10&order=asc', spent)
      expect(below(clipped)).to.deep.equal([
        [-10, 0],
        [0, 1],
        [10, 2],
      ])
    }))

  it('answer a batch in the order in which it is written', () =>
    withNode(async (node) => {
      const ask = await library(node)
      const batch = `${SEGMENTS}
@use below,costly

@column tool

@column days bucket=5

@histogram worth bucket=10

    return SUM fee

@histogram weeks

    return int(to_days(last_event - first_event) / 7)

@histogram by_desk foreach=desk bucket=20 min=0 max=40

    return SUM fee where desk=each_value # of this desk alone
`
      const answer = await ask('batch', batch)
      expect(answer.map(({ g, c, c2 }) => [g, c, c2])).to.deep.equal([
        ['below', [1], undefined],
        ['costly', [1], undefined],
        ...['tool', 'days', 'worth', 'weeks', 'by_desk'].map((name) => [name, [1], [1]]),
      ])
      const [, , tool, days, worth, weeks, byDesk] = answer
      const both = (group: Group) => group._!.map(({ g, c, c2 }) => [g, c[0], c2![0]])
      expect(both(tool!).sort()).to.deep.equal([
        ['drill', 1, 0],
        ['lathe', 0, 1],
        ['saw', 1, 0],
      ])
      expect(both(days!).sort()).to.deep.equal([
        [0, 1, 0],
        [5, 0, 1],
      ])
      expect(both(worth!)).to.deep.equal([
        [30, 0, 1],
        [20, 0, 0],
        [10, 1, 0],
      ])
      expect(both(weeks!)).to.deep.equal([
        [1, 1, 0],
        [0, 0, 1],
      ])
      const desks = byDesk!._!.map((desk) => [desk.g, both(desk)])
      expect(desks).to.deep.equal([
        [
          'north',
          [
            [40, 0, 0],
            [20, 0, 0],
            [0, 1, 1],
          ],
        ],
        [
          'south',
          [
            [40, 0, 0],
            [20, 0, 1],
            [0, 1, 0],
          ],
        ],
      ])
    }))

  it('make triggers on both paths, and call who subscribes', async () => {
    await using hook = await openHook()
    await withNode(
      async (node) => {
        await library(node)
        const script = 'def on_insert:\n    match where tool == "anvil":\n        return desk\n'
        const paths = ['/v1/table/tools/revent/heavy', '/v1/revent/tools/trigger/anvils']
        for (const path of paths) {
          expect((await node.send('POST', path, script, TEXT)).status, path).to.equal(200)
          expect(JSON.stringify((await node.send('GET', path)).body)).to.include('on_insert')
        }
        const subscribed = `${paths[1]}/sub/smith?host=127.0.0.1&port=${hook.port}&path=/told`
        expect((await node.send('GET', subscribed)).status).to.equal(200)
        await node.send('POST', '/v1/insert/tools', [
          { person: 'kai', stamp: day(20), action: 'lend', _: { tool: 'anvil', desk: 'east' } },
        ])
        await hook.until(1)
        expect(hook.taken.map(({ message }) => message)).to.deep.equal(['east'])
        for (const path of paths) expect((await node.send('DELETE', path)).status, path).to.equal(200)
        expect((await node.send('GET', paths[0]!)).status).to.equal(404)
      },
      { 'webhooks.allow': '127.0.0.1' },
    )
  })
})
