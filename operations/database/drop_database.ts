import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_database', async ({ database }, { catalog, events }: Needs<'catalog' | 'events'>) => {
  const tables = [...catalog.database(database).tables.values()]
  await catalog.dropDatabase(database)
  for (const schema of tables) if (schema.kind === 'events') await events.dropTable(schema)
  return { message: `successfully deleted '${database}'` }
})
