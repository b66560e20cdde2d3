import { type Needs, operation } from '../../src/api/index.js'

export default operation('create_table', async (request, { catalog, events }: Needs<'catalog' | 'events'>) => {
  const { database, table, primary_key, columns, foreign_keys, kind, z_order, partitions, fold_case } = request
  await catalog.createTable({
    database,
    table,
    kind,
    ...(primary_key !== undefined && { primaryKey: primary_key }),
    ...(columns && { columns }),
    ...(foreign_keys && { foreignKeys: foreign_keys }),
    ...(kind === 'events' && { options: { z_order, partitions: partitions ?? events.partitions, fold_case } }),
  })
  return { message: `table '${database}.${table}' successfully created.` }
})
