import { type Needs, operation, requireForConditions } from '../../src/api/index.js'
import type { TableAction } from '../../src/lib/index.js'

export default operation('transaction', (request, { writes }: Needs<'writes'>, call) => {
  const { database, operations } = request
  for (const step of call.caller?.superUser ? [] : operations) {
    const actions: TableAction[] = step.operation === 'upsert' ? ['insert', 'update'] : [step.operation]
    const attributes = [step.set ?? {}, ...(step.records ?? [])].flatMap(Object.keys)
    call.caller?.rights.require(actions, database, step.table, attributes)
    requireForConditions(call, database, step)
  }
  return writes.transaction(request, call)
})
