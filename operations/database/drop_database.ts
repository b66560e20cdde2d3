import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_database', async ({ database }, { catalog }: Needs<'catalog'>) => {
  await catalog.dropDatabase(database)
  return { message: `successfully deleted '${database}'` }
})
