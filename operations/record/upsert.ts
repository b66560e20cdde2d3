import { type Needs, operation, requireForConditions } from '../../src/api/index.js'

export default operation('upsert', (request, { writes }: Needs<'writes'>, call) => {
  requireForConditions(call, request.database, request)
  return writes.upsert(request, call)
})
