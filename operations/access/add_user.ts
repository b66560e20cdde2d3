import { type Needs, operation } from '../../src/api/index.js'

export default operation('add_user', async (request, { access }: Needs<'access'>, call) => {
  await access.users.add(request, call)
  return { message: `${request.username} successfully added` }
})
