import { type Needs, operation } from '../../src/api/index.js'
import { Problem } from '../../src/lib/index.js'

export default operation('describe_database', ({ database }, { tables }: Needs<'tables'>, { rights }) => {
  if (!rights.knowsDatabase(database)) throw new Problem('database_not_found', { database })
  return Object.fromEntries(tables.describeDatabase(database, rights.known).map((table) => [table.name, table]))
})
