import { type Needs, operation } from '../../src/api/index.js'

export default operation('alter_role', ({ id, role, permission }, { access }: Needs<'access'>, call) =>
  access.roles.alter(id, { ...(role !== undefined && { role }), permission }, call),
)
