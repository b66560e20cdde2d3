import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'query_events',
  (request, { catalog, events, jobs }: Needs<'catalog' | 'events' | 'jobs'>, call) => {
    const { database, table, job, ...query } = request
    const schema = catalog.table(database, table)
    const run = (as: Parameters<typeof events.query>[2]) => events.query(schema, query, as)
    return job ? events.inBackground(jobs, 'query_events', schema, call, run) : run(call)
  },
)
