import { type Needs, operation } from '../../src/api/index.js'

export default operation('list_tables', ({ database }, { tables }: Needs<'tables'>, { view }) => ({
  tables: tables.describeDatabase(database, view),
}))
