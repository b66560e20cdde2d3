import { type Needs, operation, requireForConditions } from '../../src/api/index.js'

export default operation('update', (request, { writes }: Needs<'writes'>, call) => {
  const { database, table, set } = request
  if (set && !call.caller?.superUser) call.caller?.rights.require(['update'], database, table, Object.keys(set))
  requireForConditions(call, database, request)
  return writes.update(request, call)
})
