import { type Needs, operation } from '../../src/api/index.js'

export default operation(
  'add_column',
  async ({ job: asJob, ...request }, { indexBuilds, tables }: Needs<'indexBuilds' | 'tables'>, call) => {
    const { database, table, column: name, ...rest } = request
    const definition = { name, ...rest }
    if (asJob) return indexBuilds.start({ database, table, definition }, call)
    const answer = call.settle({ message: `attribute '${database}.${table}.${name}' successfully created.` })
    await tables.addColumn(database, table, definition, call)
    return answer
  },
)
