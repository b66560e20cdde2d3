import { type Needs, operation } from '../../src/api/index.js'

export default operation('search_by_conditions', (request, { queries }: Needs<'queries'>, call) =>
  queries.searchByConditions(request, call),
)
