import { type Needs, operation } from '../../src/api/index.js'

export default operation('list_roles', (_, { access }: Needs<'access'>) => access.roles.list())
