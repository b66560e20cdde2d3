import { type Needs, operation } from '../../src/api/index.js'

export default operation('query_histogram', (request, { eventQueries }: Needs<'eventQueries'>, call) =>
  eventQueries.ask('query_histogram', request, call),
)
