import { type Needs, operation } from '../../src/api/index.js'

export default operation('share_database', async ({ database, username, level }, { access }: Needs<'access'>, call) => {
  await access.sharing.share(call.caller!, database, username, level, call)
  return { message: `Database '${database}' is shared with '${username}' (${level}).` }
})
