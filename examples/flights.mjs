// Real data on a node: airports, flights between them, and movies, loaded, joined, counted, searched and changed.
// Start a node (npm start), then: node examples/flights.mjs http://127.0.0.1:9925 admin PASSWORD
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { parse } from 'csv-parse/sync'

const data = (name) => readFileSync(new URL(`../node_modules/vega-datasets/data/${name}`, import.meta.url), 'utf8')
const csv = (name) => parse(data(name), { columns: true })
const database = 'travel'

/** Loads the data and asks of it; `ask` sends one operation and gives its answer. */
export async function flights(ask) {
  await load(ask)
  return {
    byState: await delaysByState(ask),
    longest: await longestLateFlight(ask),
    comedies: await goodComedies(ask),
    early: await forgiveEarly(ask),
  }
}

async function load(ask) {
  await ask({
    operation: 'create_table',
    database,
    table: 'airports',
    primary_key: 'iata',
    columns: [
      ...['iata', 'name', 'city', 'state', 'country'].map((name) => ({ name, type: 'text' })),
      ...['latitude', 'longitude'].map((name) => ({ name, type: 'double' })),
    ],
  })
  const ends = [
    { column: 'origin', table: 'airports', references: 'iata' },
    { column: 'destination', table: 'airports', references: 'iata' },
  ]
  const id = { name: 'id', type: 'int', auto_increment: true }
  const text = (name) => ({ name, type: 'text' })
  const int = (name) => ({ name, type: 'int' })
  await ask({
    operation: 'create_table',
    database,
    table: 'flights',
    primary_key: 'id',
    columns: [id, text('date'), int('delay'), int('distance'), text('origin'), text('destination')],
    foreign_keys: ends,
  })
  await ask({
    operation: 'create_table',
    database,
    table: 'routes',
    primary_key: 'id',
    columns: [id, text('origin'), text('destination'), int('count')],
    foreign_keys: ends,
  })
  await ask({ operation: 'create_table', database, table: 'movies', primary_key: 'id' })
  await insert(ask, 'airports', csv('airports.csv'))
  await insert(ask, 'flights', JSON.parse(data('flights-20k.json')))
  await insert(ask, 'routes', csv('flights-airport.csv'))
  await insert(ask, 'movies', JSON.parse(data('movies.json')))
}

async function insert(ask, table, records) {
  for (let start = 0; start < records.length; start += 5000)
    await ask({ operation: 'insert', database, table, records: records.slice(start, start + 5000), atomic: true })
}

/** A join and a group: from which states do flights leave, and how late? */
async function delaysByState(ask) {
  const { data } = await ask({
    operation: 'select',
    database,
    table: 'flights',
    select: ['airports.state', { count: '*', as: 'flights' }, { avg: 'delay', as: 'delay' }],
    join: 'origin',
    groupby: 'airports.state',
    having: [['flights', '>=', 100]],
    orderby: ['flights desc', 'airports.state'],
    limit: 5,
  })
  return data
}

/** The same table joined twice: the longest flight that was more than an hour late. */
async function longestLateFlight(ask) {
  const { data } = await ask({
    operation: 'select',
    database,
    table: 'flights',
    select: ['distance', { column: 'from.city', as: 'from' }, { column: 'to.city', as: 'to' }],
    join: {
      from: { table: 'airports', on: { 'flights.origin': 'from.iata' } },
      to: { table: 'airports', on: { 'flights.destination': 'to.iata' } },
    },
    where: [['delay', '>', 60]],
    orderby: ['distance desc', 'flights.id'],
    limit: 1,
  })
  return data[0]
}

/** A search over attributes that came with the records, in the way of HarperDB. */
function goodComedies(ask) {
  return ask({
    operation: 'search_by_conditions',
    database,
    table: 'movies',
    get_attributes: ['Title', 'IMDB Rating'],
    conditions: [
      { attribute: 'Major Genre', value: 'Comedy' },
      { attribute: 'IMDB Rating', comparator: 'greater_than', value: 8.2 },
    ],
    sort: { attribute: 'IMDB Rating', descending: true, next: { attribute: 'Title' } },
  })
}

/** An update with a condition: who left early was not late. */
async function forgiveEarly(ask) {
  const where = [['delay', '<', 0]]
  const { update_hashes } = await ask({ operation: 'update', database, table: 'flights', set: { delay: 0 }, where })
  const left = await ask({ operation: 'select', database, table: 'flights', select: [{ count: '*' }], where })
  return { changed: update_hashes.length, left: left.data[0]['count(*)'] }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url = 'http://127.0.0.1:9925', username = 'admin', password = ''] = process.argv.slice(2)
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const ask = async (body) => {
    const headers = { 'content-type': 'application/json', authorization }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    const answer = await response.json()
    if (!response.ok) throw new Error(`${body.operation}: ${answer.error}`)
    return answer
  }
  console.log(JSON.stringify(await flights(ask), null, 2))
}
