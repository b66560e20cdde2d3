import { type Needs, operation } from '../../src/api/index.js'

export default operation('update', (request, { writes }: Needs<'writes'>, call) => {
  const { database, table, set } = request
  if (set && !call.caller?.superUser) call.caller?.rights.require(['update'], database, table, Object.keys(set))
  return writes.update(request, call)
})
