import { type Needs, operation } from '../../src/api/index.js'

export default operation('add_role', ({ role, permission }, { access }: Needs<'access'>, call) =>
  access.roles.add(role, permission, call),
)
