import { type Needs, operation } from '../../src/api/index.js'
import { JsonText } from '../../src/lib/index.js'

export default operation('read_transaction_log', (request, { catalog, tables }: Needs<'catalog' | 'tables'>) => {
  const { database, table, from, to, limit } = request
  const { id: tableId } = catalog.table(database, table)
  return new JsonText(`[${[...tables.changes.texts({ tableId, from, to, limit })].join(',')}]`)
})
