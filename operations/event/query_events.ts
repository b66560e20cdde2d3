import { type Needs, operation } from '../../src/api/index.js'

export default operation('query_events', (request, { catalog, events }: Needs<'catalog' | 'events'>, call) => {
  const { database, table, ...query } = request
  return events.query(catalog.table(database, table), query, call)
})
