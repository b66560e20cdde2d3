import { type Needs, operation } from '../../src/api/index.js'

export default operation('search_by_id', (request, { queries }: Needs<'queries'>, call) =>
  queries.searchById(request, call),
)
