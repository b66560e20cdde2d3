import { expect } from 'chai'
import { openHook } from '../../support/hook.js'
import { withNode } from '../../support/node.js'

type Ask = (request: object) => Promise<unknown>
interface Node {
  g: string | number
  c: number[]
  c2?: number[]
  _?: Node[]
}
interface Example {
  shop(ask: Ask, hook: object): Promise<Record<'funnel' | 'spent' | 'segments' | 'wanted', { _: Node[] }>>
  shopEvents(): {
    person: string
    stamp: string
    action: string
    _: { product: string; price?: number; tags: string[] }
  }[]
  airports(ask: Ask): Promise<Record<'busiest' | 'delays' | 'hours' | 'destinations', { _: Node[] }>>
  flightEvents(): { person: string; stamp: string; _: { destination: string; delay: number; distance: number } }[]
}

const example = (await import(new URL('../../../../examples/events.mjs', import.meta.url).href)) as Example
const byPerson = <T extends { person: string }>(events: readonly T[]) =>
  events.reduce(
    (people, event) => people.set(event.person, [...(people.get(event.person) ?? []), event]),
    new Map<string, T[]>(),
  )

describe('the examples of events', () => {
  it('ask a shop what plain code confirms, and call the web-hook', async () => {
    await using hook = await openHook()
    await withNode(
      async ({ ok }) => {
        const answers = await example.shop(ok, { host: '127.0.0.1', port: hook.port })
        const people = [...byPerson(example.shopEvents()).values()]
        const day = 86_400_000
        const soon = (events: { stamp: string }[], at: number) =>
          Date.parse(events[at]!.stamp) - Date.parse(events[0]!.stamp) <= 7 * day
        const bought = people.filter((events) => events.length === 3)
        const inTime = bought.filter((events) => soon(events, 2))
        const filled = people.filter((events) => events.length > 1 && soon(events, 1))
        expect(answers.funnel._.map(({ g, c }) => [g, c[0]])).to.deep.equal([
          ['1 viewed', people.length],
          ['2 into the basket', filled.length],
          ['3 bought', inTime.length],
        ])
        const spent = answers.spent._[0]!
        expect(spent.c).to.deep.equal([bought.length])
        expect(spent._!.reduce((sum, { c }) => sum + c[0]!, 0)).to.equal(bought.length)
        const tea = (events: { _: { tags: string[] } }[]) => events.some(({ _ }) => _.tags.includes('tea'))
        const segments = Object.fromEntries(answers.segments._.map(({ g, c }) => [g, c[0]]))
        expect(segments).to.deep.equal({
          buyers: bought.length,
          tea_drinkers: people.filter(tea).length,
          tea_buyers: bought.filter(tea).length,
          only_looked: people.filter((events) => tea(events) && events.length < 3).length,
        })
        expect(answers.wanted._[0]!.c2).to.deep.equal([segments.only_looked])
        await hook.until(bought.length)
        expect(hook.taken.map(({ message }) => message)).to.have.members(
          bought.map((events) => events[0]!).map(({ person, _ }) => `${person} bought ${_.product}`),
        )
      },
      { 'webhooks.allow': '127.0.0.1' },
    )
  })

  it('ask flights what plain code confirms', () =>
    withNode(async ({ ok }) => {
      const answers = await example.airports(ok)
      const events = example.flightEvents()
      const distinct = [...new Map(events.map((event) => [JSON.stringify(event), event])).values()]
      const byAirport = byPerson(distinct)
      const [busiest] = [...byAirport].sort(([, a], [, b]) => b.length - a.length)
      const [name, flights] = busiest!
      const mean = flights.reduce((sum, { _ }) => sum + _.delay, 0) / flights.length
      expect(answers.busiest._).to.have.length(10)
      expect(answers.busiest._[0]!.g).to.equal(name)
      expect(answers.busiest._[0]!.c[0]).to.equal(flights.length)
      expect(answers.busiest._[0]!.c[1]).to.be.closeTo(mean, 1e-9)
      expect(answers.busiest._[0]!.c[2]).to.equal(Math.max(...flights.map(({ _ }) => _.distance)))
      expect(answers.delays._[0]!.c[0]).to.equal([...byAirport.values()].filter(({ length }) => length >= 50).length)
      const late = distinct.filter(({ stamp, _ }) => _.delay > 30 && new Date(stamp).getUTCHours() === 17)
      expect(answers.hours._.find(({ g }) => g === 17)!.c[0]).to.equal(late.length)
      const airports = (to: string) =>
        new Set(events.filter(({ _ }) => _.destination === to).map(({ person }) => person)).size
      for (const { g, c } of answers.destinations._[0]!._!) expect(c[0]).to.equal(airports(String(g)))
    }))
})
