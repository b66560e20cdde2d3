import { type Needs, operation } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

export default operation(
  'describe_database',
  async ({ database }, { catalog, events, tables }: Needs<'catalog' | 'events' | 'tables'>, { rights }) => {
    if (!rights.knowsDatabase(database)) throw new Problem('database_not_found', { database })
    const known = await events.counted(tables.describeDatabase(database, rights.known), catalog.table.bind(catalog))
    return Object.fromEntries(known.map((table) => [table.name, table]))
  },
)
