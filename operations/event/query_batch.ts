import { type Needs, operation } from '../../src/api/index.js'

export default operation('query_batch', (request, { eventQueries }: Needs<'eventQueries'>, call) =>
  eventQueries.ask('query_batch', request, call),
)
