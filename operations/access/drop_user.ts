import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_user', async ({ username }, { access }: Needs<'access'>, call) => {
  const answer = call.settle({ message: `${username} successfully deleted` })
  await access.users.drop(username, call)
  return answer
})
