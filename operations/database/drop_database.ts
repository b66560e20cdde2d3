import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'drop_database',
  async ({ database }, needs: Needs<'catalog' | 'events' | 'triggers'>, call) => {
    const { catalog, events, triggers } = needs
    const answer = call.settle({ message: `successfully deleted '${database}'` })
    const tables = await catalog.dropDatabase(database, call)
    for (const schema of tables) {
      await triggers.tableDropped(schema.id)
      if (schema.kind === 'events') await events.dropTable(schema)
    }
    return answer
  },
)
