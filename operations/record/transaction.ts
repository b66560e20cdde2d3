import { type Needs, operation, requireForConditions } from '../../src/api/index.js'
import type { TableAction } from '../../src/lib/index.js'

export default operation('transaction', (request, { writes }: Needs<'writes'>, call) => {
  const { database, operations } = request
  for (const step of call.caller?.superUser ? [] : operations) {
    const actions: TableAction[] = step.operation === 'upsert' ? ['insert', 'update'] : [step.operation]
    const attributes = [step.set ?? {}, ...(step.records ?? [])].flatMap(Object.keys)
    // A step that names another database is refused behind this, with what is wrong: not as one without rights.
    const named = step.database ?? step.schema ?? database
    call.caller?.rights.require(actions, named, step.table, attributes)
    requireForConditions(call, named, step)
  }
  return writes.transaction(request, call)
})
