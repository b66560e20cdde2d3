import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'query_histogram',
  (request, { catalog, events, jobs }: Needs<'catalog' | 'events' | 'jobs'>, call) => {
    const { database, table, job, ...query } = request
    const schema = catalog.table(database, table)
    const run = (as: Parameters<typeof events.queryHistogram>[2]) => events.queryHistogram(schema, query, as)
    return job ? events.inBackground(jobs, 'query_histogram', schema, call, run) : run(call)
  },
)
