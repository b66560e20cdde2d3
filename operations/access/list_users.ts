import { type Needs, operation } from '../../src/api/index.js'

export default operation('list_users', (_, { access }: Needs<'access'>) => access.users.list())
