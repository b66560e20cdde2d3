import { type Needs, operation } from '../../src/api/index.js'

export default operation('register_user', async (request, { access }: Needs<'access'>, call) => {
  await access.users.register(request, call)
  return { message: 'user created successfully' }
})
