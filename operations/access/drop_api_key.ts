import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_api_key', async ({ id }, { access }: Needs<'access'>, call) => {
  const caller = call.caller!
  const answer = call.settle({ message: `Key ${id} has ended.` })
  await access.apiKeys.drop(id, caller.superUser ? undefined : caller.username, call)
  return answer
})
