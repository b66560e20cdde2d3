import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_table', async ({ database, table }, { catalog }: Needs<'catalog'>) => {
  await catalog.dropTable(database, table)
  return { message: `successfully deleted table '${database}.${table}'` }
})
