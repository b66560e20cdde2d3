import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_column', async ({ database, table, column }, { tables }: Needs<'tables'>, call) => {
  const answer = call.settle({ message: `successfully deleted attribute '${column}'` })
  await tables.beginDropColumn({ database, table }, column, call)
  return answer
})
