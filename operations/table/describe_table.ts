import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'describe_table',
  async ({ database, table }, { catalog, events, tables }: Needs<'catalog' | 'events' | 'tables'>, { rights }) => {
    const description = tables.describe(database, table, rights.known)
    const [counted] = await events.counted([description], catalog.table.bind(catalog))
    return counted!
  },
)
