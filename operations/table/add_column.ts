import { type Needs, operation } from '../../src/api/index.js'

export default operation('add_column', async (request, { tables }: Needs<'tables'>) => {
  const { database, table, column, ...definition } = request
  await tables.addColumn(database, table, { name: column, ...definition })
  return { message: `attribute '${database}.${table}.${column}' successfully created.` }
})
