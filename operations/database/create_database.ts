import { type Needs, operation } from '../../src/api/index.js'

export default operation('create_database', async ({ database }, needs: Needs<'catalog' | 'access'>, call) => {
  const { catalog, access } = needs
  await catalog.createDatabase(database)
  await access.sharing.claim(database, call.user!, call)
  return { message: `database '${database}' successfully created` }
})
