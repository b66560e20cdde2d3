import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'query_column',
  (request, { catalog, events, jobs }: Needs<'catalog' | 'events' | 'jobs'>, call) => {
    const { database, table, job, ...query } = request
    const schema = catalog.table(database, table)
    const run = (as: Parameters<typeof events.queryColumn>[2]) => events.queryColumn(schema, query, as)
    return job ? events.inBackground(jobs, 'query_column', schema, call, run) : run(call)
  },
)
