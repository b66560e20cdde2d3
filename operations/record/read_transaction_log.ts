import { type Needs, operation } from '../../src/api/index.js'

export default operation('read_transaction_log', (request, { catalog, tables }: Needs<'catalog' | 'tables'>) => {
  const { database, table, from, to, limit } = request
  const { id: tableId } = catalog.table(database, table)
  return [...tables.changes.read({ tableId, from, to, limit })].map((entry) => ({
    operation: entry.operation,
    user_name: entry.user,
    timestamp: entry.time,
    hash_values: entry.keys,
    records: entry.records,
    sequence: entry.sequence,
  }))
})
