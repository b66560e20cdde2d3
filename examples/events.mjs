// Events on a node: a small shop, and real flights with the airport of origin as the person.
// Start a node (npm start), then: node examples/events.mjs http://127.0.0.1:9925 admin PASSWORD [HOOK-HOST HOOK-PORT]
// The same scripts from the command line: trellis query examples/shop/funnel.pyql --table visits --database shop
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const script = (name) => readFileSync(new URL(name, import.meta.url), 'utf8')

/** A funnel, a histogram, segments, and, when there is a hook to call, a trigger. `ask` sends one operation. */
export async function shop(ask, hook) {
  const database = 'shop'
  const table = 'visits'
  const columns = [
    { name: 'product', type: 'text' },
    { name: 'price', type: 'double' },
    { name: 'tags', type: 'text', is_set: true },
  ]
  await ask({ operation: 'create_table', database, table, kind: 'events', columns, z_order: ['view', 'basket', 'buy'] })
  const trigger = 'left_behind'
  if (hook) {
    await ask({ operation: 'create_trigger', database, table, trigger, script: script('shop/left-behind.pyql') })
    await ask({ operation: 'subscribe_trigger', database, table, trigger, subscriber: 'mailer', ...hook })
  }
  await ask({ operation: 'insert_events', database, table, events: shopEvents() })
  const query = (operation, name, more = {}) =>
    ask({ operation, database, table, script: script(`shop/${name}.pyql`), ...more })
  return {
    funnel: await query('query_events', 'funnel'),
    spent: await query('query_histogram', 'spent', { name: 'spent', bucket: 20, order: 'asc' }),
    segments: await query('query_segments', 'segments'),
    wanted: await ask({
      operation: 'query_column',
      database,
      table,
      column: 'product',
      segments: ['*', 'only_looked'],
    }),
    person: await ask({ operation: 'query_person', database, table, sid: 'visitor 3' }),
  }
}

const products = [
  { product: 'green tea', price: 8.5, tags: ['tea', 'green'] },
  { product: 'black tea', price: 6, tags: ['tea', 'black'] },
  { product: 'kettle', price: 45, tags: ['kitchen', 'steel'] },
  { product: 'cup', price: 12, tags: ['kitchen'] },
]

/** Thirty visitors of a shop in a week: everyone looks, most fill a basket, some buy. */
export function shopEvents() {
  return Array.from({ length: 30 }, (_, visitor) => {
    const person = `visitor ${visitor}`
    const start = Date.UTC(2026, 10, 1 + (visitor % 7), 8 + (visitor % 10))
    const { product, price, tags } = products[visitor % products.length]
    const actions = ['view', 'basket', 'buy'].slice(0, 1 + (visitor % 3))
    return actions.map((action, step) => {
      const stamp = new Date(start + step * (1 + (visitor % 5)) * 40 * 3_600_000).toISOString()
      return { person, stamp, action, _: { product, tags, ...(action === 'buy' && { price }) } }
    })
  }).flat()
}

/** 20,000 flights of 2001, of the package vega-datasets. */
export async function airports(ask) {
  const database = 'travel_events'
  const table = 'departures'
  const columns = [
    { name: 'destination', type: 'text' },
    { name: 'delay', type: 'int' },
    { name: 'distance', type: 'int' },
  ]
  await ask({ operation: 'create_table', database, table, kind: 'events', columns })
  const events = flightEvents()
  for (let from = 0; from < events.length; from += 5000) {
    await ask({ operation: 'insert_events', database, table, events: events.slice(from, from + 5000) })
  }
  const query = (operation, name, more = {}) =>
    ask({ operation, database, table, script: script(`airports/${name}.pyql`), ...more })
  return {
    busiest: await query('query_events', 'reach', { trim: 10 }),
    delays: await query('query_histogram', 'delays', { name: 'average delay', bucket: 5, order: 'asc' }),
    hours: await query('query_events', 'hours', { sort: 'key', order: 'asc' }),
    destinations: await ask({ operation: 'query_column', database, table, column: 'destination', trim: 5 }),
  }
}

export function flightEvents() {
  return JSON.parse(script('../node_modules/vega-datasets/data/flights-20k.json')).map(
    ({ date, origin, destination, delay, distance }) => ({
      ...{ person: origin, stamp: `${date.replaceAll('/', '-').replace(' ', 'T')}:00Z`, action: 'departure' },
      _: { destination, delay, distance },
    }),
  )
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = 'http://127.0.0.1:9925', username = 'admin', password = '', host, port] = process.argv.slice(2)
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const ask = async (body) => {
    const headers = { 'content-type': 'application/json', authorization }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    const answer = await response.json()
    if (!response.ok) throw new Error(`${body.operation}: ${answer.error}`)
    return answer
  }
  console.log(JSON.stringify(await shop(ask, host && { host, port: Number(port) }), null, 1))
  console.log(JSON.stringify(await airports(ask), null, 1))
}
