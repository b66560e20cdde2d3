import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'drop_table',
  async ({ database, table }, { catalog, events, triggers }: Needs<'catalog' | 'events' | 'triggers'>, call) => {
    const answer = call.settle({ message: `successfully deleted table '${database}.${table}'` })
    const schema = await catalog.dropTable(database, table, call)
    await triggers.tableDropped(schema.id)
    if (schema.kind === 'events') await events.dropTable(schema)
    return answer
  },
)
