import { type Needs, operation } from '../../src/api/index.js'

export default operation('add_role', ({ role, id, permission }, { access }: Needs<'access'>, call) =>
  access.roles.add({ role, id, permission }, call),
)
