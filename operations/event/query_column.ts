import { type Needs, operation } from '../../src/api/index.js'

export default operation('query_column', (request, { eventQueries }: Needs<'eventQueries'>, call) =>
  eventQueries.ask('query_column', request, call),
)
