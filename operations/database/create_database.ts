import { type Needs, operation } from '../../src/api/index.js'

export default operation('create_database', async ({ database }, needs: Needs<'catalog' | 'access'>, call) => {
  const { catalog, access } = needs
  const answer = call.settle({ message: `database '${database}' successfully created` })
  await catalog.createDatabase(database, call, (transaction, made) => access.sharing.claim(transaction, made, call))
  return answer
})
