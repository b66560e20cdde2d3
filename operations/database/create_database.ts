import { type Needs, operation } from '../../src/api/index.js'

export default operation('create_database', async ({ database }, { catalog }: Needs<'catalog'>) => {
  await catalog.createDatabase(database)
  return { message: `database '${database}' successfully created` }
})
