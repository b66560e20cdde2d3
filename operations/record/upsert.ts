import { type Needs, operation } from '../../src/api/index.js'

export default operation('upsert', (request, { writes }: Needs<'writes'>, call) => writes.upsert(request, call))
