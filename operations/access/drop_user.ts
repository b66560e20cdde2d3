import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_user', async ({ username }, { access }: Needs<'access'>, call) => {
  await access.users.drop(username, call)
  return { message: `${username} successfully deleted` }
})
