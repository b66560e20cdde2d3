import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'drop_table',
  async ({ database, table }, { catalog, events, triggers }: Needs<'catalog' | 'events' | 'triggers'>) => {
    const schema = catalog.table(database, table)
    await catalog.dropTable(database, table)
    await triggers.tableDropped(schema.id)
    if (schema.kind === 'events') await events.dropTable(schema)
    return { message: `successfully deleted table '${database}.${table}'` }
  },
)
