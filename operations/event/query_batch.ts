import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'query_batch',
  (request, { catalog, events, jobs }: Needs<'catalog' | 'events' | 'jobs'>, call) => {
    const { database, table, job, ...query } = request
    const schema = catalog.table(database, table)
    const run = (as: Parameters<typeof events.queryBatch>[2]) => events.queryBatch(schema, query, as)
    return job ? events.inBackground(jobs, 'query_batch', schema, call, run) : run(call)
  },
)
