import { type Needs, operation } from '../../src/api/index.js'

export default operation('drop_role', async ({ id }, { access }: Needs<'access'>, call) => ({
  message: `${await access.roles.drop(id, call)} successfully deleted`,
}))
