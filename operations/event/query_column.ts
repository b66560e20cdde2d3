import { type Needs, operation } from '../../src/api/index.js'

export default operation('query_column', (request, { catalog, events }: Needs<'catalog' | 'events'>, call) => {
  const { database, table, ...query } = request
  return events.queryColumn(catalog.table(database, table), query, call)
})
