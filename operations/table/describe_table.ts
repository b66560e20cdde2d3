import { type Needs, operation } from '../../src/api/index.js'

export default operation('describe_table', ({ database, table }, { tables }: Needs<'tables'>, { view }) =>
  tables.describe(database, table, view),
)
