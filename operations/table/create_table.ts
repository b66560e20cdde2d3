import { type Needs, operation } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

const OF_EVENTS = ['z_order', 'partitions', 'fold_case'] as const

export default operation('create_table', async (request, needs: Needs<'catalog' | 'access' | 'events'>, call) => {
  const { catalog, access, events } = needs
  const foreign = request.kind === 'events' ? undefined : OF_EVENTS.find((name) => request[name] !== undefined)
  if (foreign) throw new Problem('invalid_request', { reason: `${foreign} is of event tables: add "kind": "events".` })
  const { database, table, primary_key, columns, foreign_keys, kind, z_order, partitions, fold_case } = request
  const keepEqual = request.keep_equal
  const answer = call.settle({ message: `table '${database}.${table}' successfully created.` })
  const definition = {
    database,
    table,
    kind,
    keepEqual,
    ...(primary_key !== undefined && { primaryKey: primary_key }),
    ...(columns && { columns }),
    ...(foreign_keys && { foreignKeys: foreign_keys }),
    ...(kind === 'events' && { options: { z_order, partitions: partitions ?? events.partitions, fold_case } }),
  }
  // The database may have become another's since the caller was let in.
  const allowed = {
    alongside(transaction: Parameters<typeof call.alongside>[0]) {
      call.rights.requireStructure(database)
      call.alongside(transaction)
    },
  }
  await catalog.createTable(definition, allowed, (transaction, made) => access.sharing.claim(transaction, made, call))
  return answer
})
