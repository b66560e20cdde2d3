import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parse } from 'csv-parse/sync'
import { withNode } from '../../support/node.js'

type Row = Record<string, string | number | null>
type Ask = (body: unknown) => Promise<unknown>
interface Results {
  byState: Row[]
  longest: Row
  comedies: Row[]
  early: Row
}

const file = (name: string) => readFileSync(`node_modules/vega-datasets/data/${name}`, 'utf8')

describe('the example with real data', () => {
  it('finds, joins, counts and changes what plain code does', async () => {
    const example = new URL('../../../../examples/flights.mjs', import.meta.url).href
    const { flights } = (await import(example)) as { flights: (ask: Ask) => Promise<Results> }
    const found = await withNode((node) => flights((body) => node.ok(body)))
    const airports = new Map((parse(file('airports.csv'), { columns: true }) as Row[]).map((row) => [row['iata'], row]))
    const all = JSON.parse(file('flights-20k.json')) as Row[]

    const states = new Map<string, number[]>()
    for (const flight of all) {
      const state = airports.get(flight['origin']!)!['state'] as string
      states.set(state, [...(states.get(state) ?? []), flight['delay'] as number])
    }
    const mean = (delays: number[]) => delays.reduce((a, b) => a + b, 0) / delays.length
    const expected = [...states]
      .map(([state, delays]) => ({ 'airports.state': state, flights: delays.length, delay: mean(delays) }))
      .sort((a, b) => b.flights - a.flights)
    expect(found.byState).to.deep.equal(expected.slice(0, 5))

    const late = all.filter((flight) => (flight['delay'] as number) > 60)
    const longest = late.reduce((a, b) => ((b['distance'] as number) > (a['distance'] as number) ? b : a))
    expect(found.longest).to.deep.equal({
      distance: longest['distance'],
      from: airports.get(longest['origin']!)!['city'],
      to: airports.get(longest['destination']!)!['city'],
    })

    const movies = JSON.parse(file('movies.json')) as Row[]
    const good = movies.filter((it) => it['Major Genre'] === 'Comedy' && (it['IMDB Rating'] as number) > 8.2)
    expect(found.comedies.map((it) => it['Title'])).to.have.members(good.map((it) => it['Title']))
    expect(found.comedies.length).to.be.above(3)

    const early = all.filter((flight) => (flight['delay'] as number) < 0).length
    expect(found.early).to.deep.equal({ changed: early, left: 0 })
  })
})
