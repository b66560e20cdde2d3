import { type Needs, operation } from '../../src/api/index.js'

export default operation('unshare_database', async ({ database, username }, { access }: Needs<'access'>, call) => {
  const answer = call.settle({ message: `Database '${database}' is no longer shared with '${username}'.` })
  await access.sharing.unshare(call.caller!, database, username, call)
  return answer
})
