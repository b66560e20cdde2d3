import { DEFAULT_DATABASE, type Needs, operation } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

export default operation(
  'list_tables',
  ({ database }, { catalog, tables }: Needs<'catalog' | 'tables'>, { rights }) => {
    if (rights.knowsDatabase(database) && catalog.current.databases.has(database))
      return { tables: tables.describeDatabase(database, rights.known) }
    if (database === DEFAULT_DATABASE) return { tables: [] }
    throw new Problem('database_not_found', { database })
  },
)
