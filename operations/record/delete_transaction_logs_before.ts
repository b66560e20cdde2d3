import { type Needs, operation } from '../../src/api/index.js'

export default operation('delete_transaction_logs_before', async (request, { tables }: Needs<'tables'>) => {
  const { database, table, timestamp } = request
  const deleted = await tables.deleteLogBefore(database, table, timestamp)
  return { message: `${deleted} changes of ${database}.${table} were deleted`, deleted }
})
