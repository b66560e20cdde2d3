import { type Needs, operation } from '../../src/api/index.js'

export default operation('add_user', async (request, { access }: Needs<'access'>, call) => {
  const answer = call.settle({ message: `${request.username} successfully added` })
  await access.users.add(request, call)
  return answer
})
