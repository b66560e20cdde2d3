import { type Needs, operation } from '../../src/api/index.js'

export default operation('query_events', (request, { eventQueries }: Needs<'eventQueries'>, call) =>
  eventQueries.ask('query_events', request, call),
)
