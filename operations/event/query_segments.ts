import { type Needs, operation } from '../../src/api/index.js'

export default operation('query_segments', (request, { eventQueries }: Needs<'eventQueries'>, call) =>
  eventQueries.ask('query_segments', request, call),
)
