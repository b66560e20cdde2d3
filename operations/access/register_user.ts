import { type Needs, operation } from '../../src/api/index.js'

export default operation('register_user', async (request, { access }: Needs<'access'>, call) => {
  const answer = call.settle({ message: 'user created successfully' })
  await access.users.register(request, call)
  return answer
})
