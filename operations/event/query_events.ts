import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'query_events',
  (
    { job, ...request },
    { backgroundQueries, catalog, events }: Needs<'backgroundQueries' | 'catalog' | 'events'>,
    call,
  ) => {
    const { database, table, ...query } = request
    const schema = catalog.table(database, table)
    return job ? backgroundQueries.start('query_events', request, call) : events.query(schema, query, call)
  },
)
