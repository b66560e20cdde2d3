import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'query_segments',
  (request, { catalog, events, jobs }: Needs<'catalog' | 'events' | 'jobs'>, call) => {
    const { database, table, job, ...query } = request
    const schema = catalog.table(database, table)
    const run = (as: Parameters<typeof events.querySegments>[2]) => events.querySegments(schema, query, as)
    return job ? events.inBackground(jobs, 'query_segments', schema, call, run) : run(call)
  },
)
