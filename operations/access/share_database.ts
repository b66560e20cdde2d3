import { type Needs, operation } from '../../src/api/index.js'

export default operation('share_database', async ({ database, username, level }, { access }: Needs<'access'>, call) => {
  const answer = call.settle({ message: `Database '${database}' is shared with '${username}' (${level}).` })
  await access.sharing.share(call.caller!, database, username, level, call)
  return answer
})
