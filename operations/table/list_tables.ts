import { DEFAULT_DATABASE, type Needs, operation } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

export default operation(
  'list_tables',
  async ({ database }, { catalog, events, tables }: Needs<'catalog' | 'events' | 'tables'>, { rights }) => {
    if (rights.knowsDatabase(database) && catalog.current.databases.has(database)) {
      const known = tables.describeDatabase(database, rights.known)
      return { tables: await events.counted(known, catalog.table.bind(catalog)) }
    }
    if (database === DEFAULT_DATABASE) return { tables: [] }
    throw new Problem('database_not_found', { database })
  },
)
