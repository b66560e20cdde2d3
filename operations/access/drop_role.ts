import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_role', async ({ id }, { access }: Needs<'access'>, call) => {
  const answer = call.settle({ message: `${access.roles.nameOf(id)} successfully deleted` })
  await access.roles.drop(id, call)
  return answer
})
