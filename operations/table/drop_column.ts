import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_column', async ({ database, table, column }, { tables }: Needs<'tables'>) => {
  await tables.dropColumn(database, table, column)
  return { message: `successfully deleted attribute '${column}'` }
})
