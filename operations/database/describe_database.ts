import { type Needs, operation } from '../../src/api/index.js'

export default operation('describe_database', ({ database }, { tables }: Needs<'tables'>, { view }) =>
  Object.fromEntries(tables.describeDatabase(database, view).map((table) => [table.name, table])),
)
