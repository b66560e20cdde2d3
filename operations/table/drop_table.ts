import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'drop_table',
  async ({ database, table }, { catalog, events }: Needs<'catalog' | 'events'>) => {
    const schema = catalog.table(database, table)
    await catalog.dropTable(database, table)
    if (schema.kind === 'events') await events.dropTable(schema)
    return { message: `successfully deleted table '${database}.${table}'` }
  },
)
