import { type Needs, operation } from '../../src/api/index.js'

export default operation('select', (request, { queries }: Needs<'queries'>, call) => queries.select(request, call))
