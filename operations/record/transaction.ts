import { type Needs, operation } from '../../src/api/index.js'
import { Problem, type TableAction } from '../../src/lib/index.js'
import type { Step } from '../../src/tables/index.js'

/** A step as requests write it: as the operation of its name by itself. */
type Written = Step & { hash_values?: Step['ids']; database?: string | undefined; schema?: string | undefined }

export default operation('transaction', (request, { writes }: Needs<'writes'>, call) => {
  const { database } = request
  const operations = request.operations.map((step, index) => stepOf(step, database, index))
  for (const step of call.caller?.superUser ? [] : operations) {
    const actions: TableAction[] = step.operation === 'upsert' ? ['insert', 'update'] : [step.operation]
    const attributes = [step.set ?? {}, ...(step.records ?? [])].flatMap(Object.keys)
    call.caller?.rights.require(actions, database, step.table, attributes)
  }
  return writes.transaction({ database, operations }, call)
})

/** @throws Problem invalid_request for another database, or keys that are given twice */
function stepOf({ hash_values, database: own, schema, ...step }: Written, database: string, index: number): Step {
  const refuse = (reason: string) => new Problem('invalid_request', { reason: `operations[${index}]: ${reason}` })
  for (const named of [own, schema])
    if (named !== undefined && named !== database)
      throw refuse(
        `a transaction is about one database, which is '${database}' and not '${named}'; name it beside them`,
      )
  if (hash_values === undefined) return step
  if (step.ids) throw refuse("'hash_values' and 'ids' are two names of one field; give one of them")
  return { ...step, ids: hash_values }
}
