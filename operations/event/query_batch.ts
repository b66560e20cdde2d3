import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'query_batch',
  (
    { job, ...request },
    { backgroundQueries, catalog, events }: Needs<'backgroundQueries' | 'catalog' | 'events'>,
    call,
  ) => {
    const { database, table, ...query } = request
    const schema = catalog.table(database, table)
    return job ? backgroundQueries.start('query_batch', request, call) : events.queryBatch(schema, query, call)
  },
)
