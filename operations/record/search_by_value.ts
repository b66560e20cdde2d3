import { type Needs, operation } from '../../src/api/index.js'

export default operation('search_by_value', (request, { queries }: Needs<'queries'>, call) =>
  queries.searchByValue(request, call),
)
