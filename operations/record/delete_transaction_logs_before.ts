import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'delete_transaction_logs_before',
  ({ database, table, timestamp }, { catalog, deletions }: Needs<'catalog' | 'deletions'>, call) => {
    catalog.table(database, table)
    return deletions.startLog({ database, table, before: timestamp }, call)
  },
)
