import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'delete_transaction_logs_before',
  ({ database, table, timestamp }, { catalog, jobs, tables }: Needs<'catalog' | 'jobs' | 'tables'>, call) => {
    catalog.table(database, table)
    return jobs.start({
      type: 'delete_transaction_logs_before',
      user: call.user!,
      idempotency: call.idempotency,
      run: async ({ progress, signal }) => {
        const onRemoved = (changes: number) => {
          progress.rows += changes
        }
        const deleted = await tables.deleteLogBefore(database, table, timestamp, { signal, onRemoved })
        return `${deleted} changes of ${database}.${table} were deleted`
      },
    })
  },
)
